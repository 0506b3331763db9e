"""Checking and repairing: every fault is named, and what can be saved is saved."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from damage import die, faults, flip

from logwriter import Run, read
from logwriter import journal as jf
from logwriter.errors import DamagedError, NotARunError, WriterLockedError
from logwriter.repair import repair
from logwriter.verify import verify


def test_a_sound_run_is_good(run_path: Path) -> None:
    """Finished, alive, or dead without a word."""
    with Run(run_path) as run:
        run.log({"a": 1})
        (check,) = verify(run_path)
        assert (check.live, check.rows, check.faults) == (True, 1, [])
    (check,) = verify(run_path)
    assert (check.live, check.rows, check.faults) == (False, 1, [])
    die(run_path.with_name("dead"), 100)
    assert not faults(run_path.with_name("dead"))


def test_repair_seals_what_a_dead_process_left(run_path: Path) -> None:
    """The same rows, before and after; a second repair finds nothing to do."""
    folder = die(run_path, 10_000)
    before = read(run_path).rows()
    assert list(folder.glob("*.wal"))
    (report,) = repair(run_path)
    assert (report.rows, report.lost_rows, report.lost_values, report.moved) == (10_000, 0, 0, [])
    assert not list(folder.glob("*.wal")) + list(folder.glob("*.spare"))
    assert read(run_path).rows().equals(before)
    assert repair(run_path)[0].actions == []
    assert not faults(run_path)


def test_a_live_run_is_not_repaired(run_path: Path) -> None:
    """Its owner would not know."""
    with Run(run_path), pytest.raises(WriterLockedError, match="repair it when that has ended"):
        repair(run_path)


def test_what_another_machine_wrote_needs_force(run_path: Path) -> None:
    """Its lock says nothing here."""
    folder = die(run_path, 10)
    lock = folder / "lock"
    lock.write_text(lock.read_text().replace('"host":"', '"host":"elsewhere-'))
    with pytest.raises(WriterLockedError, match="give --force"):
        repair(run_path)
    assert repair(run_path, force=True)[0].rows == 10


def test_a_damaged_journal_keeps_the_rows_around_the_damage(run_path: Path) -> None:
    """Reading is an error; repair counts kept and lost rows to the last, and keeps the original."""
    folder = die(run_path, 5_000)
    journal = max(folder.glob("*.wal"))
    header = jf.decode_header(journal.read_bytes(), "x")
    assert header is not None
    flip(journal, header.rows_offset + jf.BLOCK_BYTES + 100)
    with pytest.raises(DamagedError, match="do not match their checksum"):
        read(run_path)
    assert any("do not match their checksum" in fault for fault in faults(run_path))
    (report,) = repair(run_path)
    assert [path.parent.name for path in report.moved] == ["damaged"]
    assert report.rows + report.lost_rows == 5_000
    assert not faults(run_path)
    table = read(run_path).rows(["a"])
    kept = table.column("seq").to_numpy()
    assert np.array_equal(table.column("value").to_numpy(), kept.astype(float))
    row = 8 * (jf.ROW_WORDS + 2)
    record = len(jf.encode_layout(("a", "b")))
    lost = np.setdiff1d(np.arange(5_000), kept)
    begin, end = jf.BLOCK_BYTES - record, 2 * jf.BLOCK_BYTES - record
    assert np.array_equal(lost, np.arange(begin // row, -(-end // row))), "what touches the block"


def test_rows_that_are_gone_are_announced_so_that_readers_go_on(run_path: Path) -> None:
    """A segment vanished from the middle: an error, then, after repair, a known loss."""
    with Run(run_path, journal_bytes=1 << 18) as run:
        for number in range(20_000):
            run.log({"a": number})
    segments = sorted(run_path.rglob("*.parquet"))
    assert len(segments) >= 3
    gone = segments[1]
    lost = pq.read_table(gone).num_rows
    gone.unlink()
    with pytest.raises(DamagedError, match=gone.name):
        read(run_path)
    assert any("gone" in fault for fault in faults(run_path))
    (report,) = repair(run_path)
    assert report.lost_rows == lost
    assert len(read(run_path).series("a")[1]) == 20_000 - lost
    assert not faults(run_path)


def test_a_damaged_segment_keeps_the_row_groups_whose_checksums_hold(run_path: Path) -> None:
    """Values of the damaged row group are counted as lost; the others are kept."""
    with Run(run_path) as run:
        for number in range(140_000):
            run.log({"a": number, "b": float(np.sin(number))})
    path = max(run_path.rglob("*.parquet"), key=lambda path: path.stat().st_size)
    whole = pq.read_metadata(path)
    assert whole.num_row_groups > 1
    flip(path, whole.row_group(0).column(5).data_page_offset + 200)
    (report,) = repair(run_path)
    assert report.lost_rows == 0
    assert report.lost_values == whole.row_group(0).num_rows
    assert read(run_path).rows().num_rows == 280_000 - report.lost_values
    assert not faults(run_path)


def test_a_damaged_event_is_named_by_its_line_and_left_out_by_repair(run_path: Path) -> None:
    """The rows do not depend on it."""
    with Run(run_path) as run:
        run.message("one")
        run.message("two")
        run.log({"a": 1})
    events = run_path / "writers/r00000-a000/events.jsonl"
    lines = events.read_bytes().split(b"\n")
    flip(events, len(lines[0]) + 1 + lines[1].index(b"one"))
    with pytest.raises(DamagedError, match=r"events\.jsonl, line 2"):
        read(run_path)
    repair(run_path)
    state = read(run_path).state
    assert [message.text for message in state.last.messages] == ["two"]
    assert read(run_path).series("a")[1].tolist() == [1.0]


def test_every_prefix_of_the_events_is_read_or_named(run_path: Path) -> None:
    """A torn last line is the end of the log of a killed process, not damage."""
    with Run(run_path) as run:
        run.message("one")
    events = run_path / "writers/r00000-a000/events.jsonl"
    data = events.read_bytes()
    whole = [k for k, byte in enumerate(data) if byte == ord("\n")]
    for length in range(whole[0] + 1, len(data)):
        events.write_bytes(data[:length])
        assert not faults(run_path), length
        assert len(read(run_path).events) == sum(end < length for end in whole)


def test_a_crash_between_sealing_and_announcing_keeps_the_rows_once(run_path: Path) -> None:
    """The journal still counts; the segment that nobody announced is noted, and sealed by repair."""
    folder = die(run_path, 100)
    (journal,) = folder.glob("*.wal")
    data = journal.read_bytes()
    events = (folder / "events.jsonl").read_bytes()
    repair(run_path)
    journal.write_bytes(data)
    assert read(run_path).series("a")[1].tolist() == list(range(100)), (
        "announced: the journal is stale"
    )
    assert any("already sealed" in note for note in verify(run_path)[0].notes)
    (folder / "events.jsonl").write_bytes(events)
    assert read(run_path).series("a")[1].tolist() == list(range(100)), "not announced: it counts"
    assert any("never announced" in note for note in verify(run_path)[0].notes)
    assert repair(run_path)[0].rows == 100
    assert read(run_path).series("a")[1].tolist() == list(range(100))


def test_a_folder_that_is_no_run_says_what_it_is(tmp_path: Path) -> None:
    """Missing, empty, a file, or the folder above."""
    with pytest.raises(NotARunError, match="there is no such folder"):
        read(tmp_path / "nothing")
    with pytest.raises(NotARunError, match="holds no writers/ folder"):
        read(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotARunError, match="is a file, not a run"):
        read(tmp_path / "file")
    with Run(tmp_path / "inside"):
        pass
    with pytest.raises(NotARunError, match="holds 1: give one of them"):
        read(tmp_path)
