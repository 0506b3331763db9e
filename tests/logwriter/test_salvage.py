"""Saving a damaged journal's rows: all that are whole, none that is not, and each lost one counted."""

import os
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from logwriter import journal as jf
from logwriter import journalfile
from logwriter.decode import Block
from logwriter.journalfile import Image, load
from logwriter.mapped import Layout, create
from logwriter.rundir import WriterId
from logwriter.salvage import Salvage, rebuild, salvage

BOOT = "00000000-0000-4000-8000-000000000000"
FIRST = 1_000
ROWS = 20_000
NAMES = [("a", "b"), ("c",), ("d", "e", "f")]


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing writes meanwhile, so nothing needs to settle."""
    monkeypatch.setattr(journalfile, "_SETTLE_SECONDS", 0)


@pytest.fixture(scope="module")
def journal_bytes(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A journal of many blocks: three layouts, the last defined late; all rows but the last synced."""
    size = 1 << 20
    path = tmp_path_factory.mktemp("salvage") / "journal.wal"
    journal = create(path, size, 1)
    slots, rows_offset, rows_bytes = jf.geometry(size)
    shape = (size, jf.SLOTS_OFFSET, slots, rows_offset, rows_bytes)
    journal.begin(jf.Header(3, 2, FIRST, *shape, 10**18, BOOT, "box"))
    layouts = [Layout(names) for names in NAMES]
    for number in range(ROWS):
        layout = layouts[2 if number > 3 * ROWS // 4 and number % 2 else number % 7 == 0]
        if not layout.slot:
            record = jf.encode_layout(layout.names)
            done = journal.commit(record, jf.LAYOUT_SLOT, defines=1)
            assert done is not None
            layout.slot = done[1]
        values = [float(number)] * len(layout.names)
        assert journal.commit(layout.pack(number + 1, number, 0, *values), layout.slot)
        if number == ROWS - 100:
            journal.write_sync()
    return path.read_bytes()


def image_of(path: Path, data: bytes | bytearray) -> Image:
    """The journal as a reader copies it."""
    path.write_bytes(data)
    image = load(path)
    assert image is not None
    return image


def check(saved: Salvage) -> int:
    """Each row is what was logged under its number, and no row is outside of ``kept``."""
    kept = sum(end - start for start, end in saved.kept)
    rows = sum(len(block.seq) for block in saved.blocks)
    assert rows == kept
    assert all(before[1] < after[0] for before, after in pairwise(saved.kept))
    for block in saved.blocks:
        check_block(block)
        inside = np.zeros(len(block.seq), dtype=bool)
        for start, end in saved.kept:
            inside |= (block.seq >= start) & (block.seq < end)
        assert inside.all()
    return kept


def check_block(block: Block) -> None:
    """Steps and values tell the row's number."""
    assert block.names in NAMES
    assert np.array_equal(block.step, block.seq - FIRST)
    assert (block.values == (block.seq - FIRST)[:, None]).all()


def test_every_flipped_block_costs_its_own_rows_only(tmp_path: Path, journal_bytes: bytes) -> None:
    """Rows in front of a damaged block and behind it are kept; kept and lost rows are all rows."""
    path = tmp_path / "journal-000000001000.wal"
    _, start, _ = jf.geometry(len(journal_bytes))
    covered = np.flatnonzero(np.frombuffer(journal_bytes[start:], np.uint8))[-1]
    for place in range(start + 5_000, start + int(covered) - 10_000, jf.BLOCK_BYTES):
        data = bytearray(journal_bytes)
        data[place] ^= 0xFF
        saved = salvage(image_of(path, data), same_boot=True)
        assert saved.committed == (FIRST, FIRST + ROWS)
        assert ROWS - 2_200 < check(saved) < ROWS, (
            "a block holds at most 2,048 of the smallest rows"
        )


def test_a_damaged_slot_costs_the_rows_behind_it(tmp_path: Path, journal_bytes: bytes) -> None:
    """Rows lie where the slots in front of them say: behind a bad block of slots nothing is found."""
    data = bytearray(journal_bytes)
    data[jf.SLOTS_OFFSET + 30_000] ^= 0xFF
    saved = salvage(image_of(tmp_path / "journal-000000001000.wal", data), same_boot=True)
    assert check(saved) == 0
    assert abs(saved.committed[1] - FIRST - ROWS) <= 1


def test_a_damaged_layout_record_costs_the_rows_behind_it(
    tmp_path: Path, journal_bytes: bytes
) -> None:
    """How wide its rows are is not known; those in front of its block are kept."""
    data = bytearray(journal_bytes)
    data[data.rindex(b'["d"')] ^= 0xFF
    saved = salvage(image_of(tmp_path / "journal-000000001000.wal", data), same_boot=True)
    assert saved.committed == (FIRST, FIRST + ROWS)
    assert 3 * ROWS // 4 - 2_200 < check(saved) <= 3 * ROWS // 4 + 2


def test_a_stray_slot_behind_the_last_row_stands_for_no_row(
    tmp_path: Path, journal_bytes: bytes
) -> None:
    """Where no row was ever written, none was lost."""
    data = bytearray(journal_bytes)
    data[jf.SLOTS_OFFSET + 2 * (ROWS + 500)] = 1
    saved = salvage(image_of(tmp_path / "journal-000000001000.wal", data), same_boot=True)
    assert saved.committed == (FIRST, FIRST + ROWS)
    assert check(saved) == ROWS


def test_a_cut_journal_keeps_what_is_left(tmp_path: Path, journal_bytes: bytes) -> None:
    """The slots say how many rows there were; those in whole blocks are kept."""
    saved = salvage(
        image_of(tmp_path / "journal-000000001000.wal", journal_bytes[: len(journal_bytes) // 2]),
        same_boot=True,
    )
    assert saved.committed == (FIRST, FIRST + ROWS)
    assert 5_000 < check(saved) < ROWS


@pytest.mark.parametrize("seed", range(5))
def test_random_damage_never_passes_for_rows(
    tmp_path: Path, journal_bytes: bytes, seed: int
) -> None:
    """Many flips at once, anywhere under the sync point: what is kept is right."""
    random = np.random.default_rng(seed)
    data = bytearray(journal_bytes)
    _, start, _ = jf.geometry(len(journal_bytes))
    for place in random.integers(start, start + ROWS * 30, 4):
        data[place] ^= int(random.integers(1, 256))
    for same_boot in (True, False):
        saved = salvage(image_of(tmp_path / "journal-000000001000.wal", data), same_boot=same_boot)
        assert 0 < check(saved) < ROWS
        assert saved.committed == (FIRST, FIRST + ROWS)


def test_a_header_is_made_anew_where_a_sync_point_agrees(
    tmp_path: Path, journal_bytes: bytes
) -> None:
    """Geometry, first row and writer as they were; a clock that makes sense is kept."""
    path = tmp_path / "journal-000000001000.wal"
    whole = image_of(path, journal_bytes)
    data = bytearray(journal_bytes)
    data[120] ^= 0xFF
    path.write_bytes(data)
    os.utime(path, ns=(10**18 + 10**12, 10**18 + 10**12))
    image, vouched = rebuild(path, FIRST, WriterId(3, 2), 10**18)
    assert vouched
    assert image.header.clock_origin == whole.header.clock_origin
    assert check(salvage(image, same_boot=True)) == ROWS
    path.write_bytes(bytes(len(data)))
    assert not rebuild(path, FIRST, WriterId(3, 2), 0)[1]
    path.write_bytes(bytes(data[:200_000]))
    assert not rebuild(path, FIRST, WriterId(3, 2), 0)[1], "another size, another geometry"
