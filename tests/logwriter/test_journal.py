"""The journal's format: every byte of it is either covered, unused, or named when it changes."""

import dataclasses
import os
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from logwriter import journal as jf
from logwriter import journalfile
from logwriter.errors import DamagedError, NewerFormatError
from logwriter.journalfile import JournalRows, judge, load, read_journal
from logwriter.mapped import Journal, Layout, create

BOOT = "00000000-0000-4000-8000-000000000000"
OTHER_BOOT = "11111111-0000-4000-8000-000000000000"
SIZE = 14_336
Flat = list[tuple[int, str, int, int, float]]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing writes meanwhile, so nothing needs to settle."""
    monkeypatch.setattr(journalfile, "_SETTLE_SECONDS", 0)


def begin(path: Path, first_seq: int = 0) -> Journal:
    """A small journal, open for rows."""
    journal = create(path, SIZE, 1)
    slots, rows_offset, rows_bytes = jf.geometry(SIZE)
    journal.begin(
        jf.Header(
            3,
            2,
            first_seq,
            SIZE,
            jf.SLOTS_OFFSET,
            slots,
            rows_offset,
            rows_bytes,
            10**18,
            BOOT,
            "box",
        )
    )
    return journal


def define(journal: Journal, *names: str) -> Layout:
    """A layout with its record in the journal."""
    layout = Layout(names)
    done = journal.commit(jf.encode_layout(names), jf.LAYOUT_SLOT, defines=1)
    assert done is not None
    layout.slot = done[1]
    return layout


def fill(journal: Journal, rows: int, *, sync_at: tuple[int, ...] = ()) -> Flat:
    """Rows of two layouts in turn, and what a reader should see of them."""
    wide, narrow = define(journal, "train/loss", "lr"), define(journal, "val/loss")
    flat: Flat = []
    for number in range(rows):
        layout = narrow if number % 3 == 2 else wide
        values = [number + 0.5 * k for k in range(len(layout.names))]
        row = layout.pack(1000 * (number + 1), 10 * number, number // 4, *values)
        assert journal.commit(row, layout.slot)
        flat += [
            (journal.first_seq + number, name, 10 * number, number // 4, value)
            for name, value in zip(layout.names, values, strict=True)
        ]
        if number + 1 in sync_at:
            journal.write_sync()
    return flat


def flatten(contents: JournalRows) -> Flat:
    """The rows as a list of values, in log order."""
    values = [
        (int(seq), name, int(step), int(epoch), float(value))
        for block in contents.blocks
        for seq, step, epoch, row in zip(
            block.seq, block.step, block.epoch, block.values, strict=True
        )
        for name, value in zip(block.names, row, strict=True)
    ]
    order = {name: k for k, name in enumerate(("train/loss", "lr", "val/loss"))}
    return sorted(values, key=lambda value: (value[0], order.get(value[1], 9)))


def salvage(path: Path, *, same_boot: bool = True) -> JournalRows | None:
    """What `verify` sees of a journal; ``None`` where even the header is gone."""
    try:
        image = load(path)
    except DamagedError:
        return None
    return None if image is None else judge(image, same_boot=same_boot)


def test_rows_come_back_as_they_were_written(tmp_path: Path) -> None:
    """Values, steps, epochs, sequence numbers and times of mixed layouts survive the round trip."""
    path = tmp_path / "journal-000000000100.wal"
    journal = begin(path, first_seq=100)
    flat = fill(journal, 30)
    contents = read_journal(path, BOOT)
    assert contents is not None
    assert flatten(contents) == flat
    assert contents.rows == 30
    times = np.sort(np.concatenate([block.time for block in contents.blocks]))
    assert times.tolist() == [(10**18 + 1000 * (k + 1)) // 1000 for k in range(30)]


def test_a_spare_that_was_never_begun_holds_nothing(tmp_path: Path) -> None:
    """Allocated, zeroed, without a header: no journal yet, and no error."""
    create(tmp_path / "journal-next-1.spare", SIZE, 1)
    assert read_journal(tmp_path / "journal-next-1.spare", BOOT) is None


def test_a_journal_takes_rows_until_its_room_is_used_up(tmp_path: Path) -> None:
    """The smallest rows fill the row region before the slots run out."""
    journal = begin(tmp_path / "journal-000000000000.wal")
    layout = define(journal, "x")
    count = 0
    while journal.commit(layout.pack(1, 0, 0, 1.0), layout.slot):
        count += 1
    assert journal.header is not None
    assert count == (journal.header.rows_bytes - 32) // 32
    assert journal.slots_used <= journal.header.slots


def test_a_closed_journal_takes_no_row(tmp_path: Path) -> None:
    """Closing is final, and keeps the count."""
    journal = begin(tmp_path / "journal-000000000000.wal")
    fill(journal, 5)
    journal.close()
    assert not journal.commit(b"12345678", 1)
    assert journal.rows == 5


def test_every_byte_prefix_is_named_and_yields_a_prefix_of_the_rows(tmp_path: Path) -> None:
    """A journal cut off anywhere is an error, and what can be saved are its first rows, unchanged."""
    path = tmp_path / "journal-000000000000.wal"
    flat = fill(begin(path), 30, sync_at=(10, 25))
    data = path.read_bytes()
    cut = tmp_path / "journal-000000000001.wal"
    cut.write_bytes(data)
    saved = set()
    for length in range(len(data) - 1, 0, -1):
        with cut.open("r+b") as file:
            file.truncate(length)
        contents = salvage(cut)
        if contents is not None:
            assert contents.damage is not None, length
            found = flatten(contents)
            assert found == flat[: len(found)], length
            saved.add(contents.rows)
    assert saved == {0, *range(25, 31)}, "checksums cover 64 KiB at a time: here, all synced rows"


@pytest.mark.parametrize("synced", [30, 12])
def test_every_flipped_byte_is_harmless_or_named(tmp_path: Path, synced: int) -> None:
    """A flip under the newest sync point is named, and only rows in front of it are kept.

    Behind it no checksum exists: there a flip may change rows from its own row on, but no other.
    """
    path = tmp_path / "journal-000000000000.wal"
    journal = begin(path)
    flat = fill(journal, 30, sync_at=(5, synced))
    vouched = [value for value in flat if value[0] < synced]
    named = 0
    for place in _flip_each(path):
        contents = salvage(path)
        found = [] if contents is None else flatten(contents)
        if contents is None or contents.damage is not None:
            named += 1
            assert found[: len(vouched)] == vouched[: len(found)], place
        elif _is_unsynced(place, journal, synced):
            assert found[: len(vouched)] == vouched, place
        else:
            assert found == flat, place
    assert named > 500


@pytest.mark.parametrize("synced", [30, 12])
def test_after_a_power_cut_a_flipped_byte_never_passes_for_verified(
    tmp_path: Path, synced: int
) -> None:
    """Under another boot, rows called verified are right, whatever byte was flipped."""
    path = tmp_path / "journal-000000000000.wal"
    flat = fill(begin(path), 30, sync_at=(5, synced))
    fallen_back = 0
    for place in _flip_each(path):
        contents = salvage(path, same_boot=False)
        if contents is not None:
            verified = [value for value in flatten(contents) if value[0] < contents.verified]
            assert verified == flat[: len(verified)], place
            assert contents.verified in {5, synced} or contents.damage, place
            assert contents.rows == contents.verified + contents.unverified, place
            fallen_back += contents.verified == 5
    assert fallen_back > 100


def _flip_each(path: Path) -> Iterator[int]:
    """Each place in the file, its byte flipped while the place is looked at."""
    data = path.read_bytes()
    with path.open("r+b", buffering=0) as file:
        for place, byte in enumerate(data):
            os.pwrite(file.fileno(), bytes([byte ^ 0xFF]), place)
            yield place
            os.pwrite(file.fileno(), bytes([byte]), place)


def _is_unsynced(place: int, journal: Journal, synced: int) -> bool:
    """Whether the byte belongs to rows, or slots, that no sync point vouches for."""
    assert journal.header is not None
    slots = range(jf.SLOTS_OFFSET + 2 * (synced + 2), jf.SLOTS_OFFSET + 2 * journal.slots_used)
    rows = range(journal.header.rows_offset + (synced * 36), journal.offset)
    return synced < journal.rows and (place in slots or place in rows)


def test_a_header_of_a_newer_format_says_so(tmp_path: Path) -> None:
    """The next step is named, and the file is left alone."""
    path = tmp_path / "journal-000000000000.wal"
    fill(begin(path), 3)
    data = bytearray(path.read_bytes())
    prefix = jf.MAGIC + (jf.JOURNAL_FORMAT + 1).to_bytes(4, "little")
    data[:16] = prefix + zlib.crc32(prefix).to_bytes(4, "little")
    path.write_bytes(data)
    with pytest.raises(NewerFormatError, match="Install a newer everystep"):
        read_journal(path, BOOT)
    assert path.read_bytes() == bytes(data)


def test_after_a_power_cut_rows_behind_the_last_sync_point_are_unverified(tmp_path: Path) -> None:
    """Under another boot id, synced rows are verified and the others are counted as unverified."""
    path = tmp_path / "journal-000000000000.wal"
    flat = fill(begin(path), 30, sync_at=(18,))
    contents = read_journal(path, OTHER_BOOT)
    assert contents is not None
    assert (contents.rows, contents.verified, contents.unverified) == (30, 18, 12)
    assert flatten(contents) == flat


def test_after_a_power_cut_sectors_that_never_reached_the_disk_end_the_log(tmp_path: Path) -> None:
    """Rows behind the first sector of zeros are not taken for rows; verified ones stay."""
    path = tmp_path / "journal-000000000000.wal"
    journal = begin(path)
    flat = fill(journal, 36, sync_at=(10,))
    assert journal.header is not None
    data = bytearray(path.read_bytes())
    hole = journal.header.rows_offset + 1024
    data[hole : hole + 512] = bytes(512)
    path.write_bytes(data)
    contents = read_journal(path, OTHER_BOOT)
    assert contents is not None
    assert 10 <= contents.rows < 36
    assert flatten(contents) == flat[: len(flatten(contents))]


def test_after_a_power_cut_the_older_sync_point_stands_in_for_a_newer_one(tmp_path: Path) -> None:
    """A sync point may reach the disk without its rows; the one before it was synced in full."""
    path = tmp_path / "journal-000000000000.wal"
    journal = begin(path)
    fill(journal, 30, sync_at=(20, 30))
    assert journal.header is not None
    data = bytearray(path.read_bytes())
    data[journal.offset - 64 : journal.offset] = bytes(64)
    path.write_bytes(data)
    contents = read_journal(path, OTHER_BOOT)
    assert contents is not None
    assert contents.verified == 20
    with pytest.raises(DamagedError, match="do not match their checksum"):
        read_journal(path, BOOT)


def test_a_sync_point_written_during_a_copy_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The copy's sync points are older than its slots, so they speak of nothing that it lacks."""
    path = tmp_path / "journal-000000000000.wal"
    journal = begin(path)
    flat = fill(journal, 10, sync_at=(10,))
    layout = define(journal, "late")

    def write_meanwhile(_seconds: float) -> None:
        journal.commit(layout.pack(1, 0, 0, 1.0), layout.slot)
        journal.write_sync()

    monkeypatch.setattr(time, "sleep", write_meanwhile)
    contents = read_journal(path, BOOT)
    assert contents is not None
    assert (contents.rows, contents.verified) == (10, 10)
    assert flatten(contents) == flat
    later = read_journal(path, BOOT)
    assert later is not None
    assert (later.rows, later.verified) == (11, 11)


def test_zeros_in_place_of_a_layout_record_are_damage(tmp_path: Path) -> None:
    """No text has the checksum of zeros: it is no record."""
    path = tmp_path / "journal-000000000000.wal"
    journal = begin(path)
    fill(journal, 3)
    assert journal.header is not None
    data = bytearray(path.read_bytes())
    start = journal.header.rows_offset
    data[start : start + 32] = bytes(32)
    path.write_bytes(data)
    with pytest.raises(DamagedError, match="layout record at byte 0"):
        read_journal(path, BOOT)


def test_a_slot_that_was_emptied_is_named(tmp_path: Path) -> None:
    """Under the same boot a hole in the slots cannot be the end of the log."""
    path = tmp_path / "journal-000000000000.wal"
    fill(begin(path), 30)
    data = bytearray(path.read_bytes())
    data[jf.SLOTS_OFFSET + 20 : jf.SLOTS_OFFSET + 22] = bytes(2)
    path.write_bytes(data)
    with pytest.raises(DamagedError, match="slot 10 is empty but 21 later ones are not"):
        read_journal(path, BOOT)


@pytest.mark.parametrize("names", [("a",), ("x",) * 3, ("損失", "🙂/b\n", 'q"uote'), ("n" * 1000,)])
def test_layout_records_round_trip(names: tuple[str, ...]) -> None:
    """Names in any script; the record is whole words and no shorter than a row."""
    record = jf.encode_layout(names)
    assert jf.decode_layout(record, 0, "here") == (names, len(record))
    assert len(record) % 8 == 0
    assert len(record) >= 32


def test_headers_round_trip() -> None:
    """All fields, and an over-long host name is cut."""
    header = jf.Header(1, 2, 3, 4, 5, 6, 7, 8, -9, BOOT, "h" * 99)
    assert jf.decode_header(jf.encode_header(header), "here") == dataclasses.replace(
        header, host="h" * 64
    )
