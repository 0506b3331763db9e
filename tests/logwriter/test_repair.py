"""Repair: whatever was done to a run's files, no row is taken for what it is not, and none is lost unsaid."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow.parquet as pq
import pytest
from damage import die, faults, finish, flip, mend, write
from sound import of_another_boot

from logwriter import journal as jf
from logwriter import read
from logwriter.errors import DamagedError
from logwriter.eventlog import read_events
from logwriter.events import RowsLost, SegmentSealed, encode_line
from logwriter.repair import repair
from logwriter.rundir import WriterId
from logwriter.segments import write_segment
from logwriter.verify import verify


def values(path: Path) -> npt.NDArray[np.float64]:
    """What was logged as ``a``."""
    return read(path).series("a")[1]


def cut_events(path: Path, lines: int) -> None:
    """Leave only the first lines of the events, as a disk does that lost the last writes."""
    events = path / "writers/r00000-a000/events.jsonl"
    events.write_bytes(b"".join(events.read_bytes().splitlines(keepends=True)[:lines]))


def test_segments_whose_announcement_is_lost_are_announced_again(run_path: Path) -> None:
    """Until then reading is an error that names one: fewer rows without a word would be worse."""
    segments = finish(run_path)
    before = [path.read_bytes() for path in segments]
    cut_events(run_path, 2)
    with pytest.raises(DamagedError, match=rf"{segments[1].name}: never announced.*--repair"):
        read(run_path)
    assert any(f"{segments[-1].name}: never announced" in fault for fault in faults(run_path))
    report = mend(run_path)
    assert (report.rows, report.lost_rows, report.moved) == (20_000, 0, [])
    assert np.array_equal(values(run_path), np.arange(20_000.0))
    assert [path.read_bytes() for path in segments] == before


def test_all_segments_are_found_again_without_any_event(run_path: Path) -> None:
    """The events are gone as a whole; the rows are not."""
    finish(run_path)
    (run_path / "writers/r00000-a000/events.jsonl").unlink()
    with pytest.raises(DamagedError, match=r"events\.jsonl is gone"):
        read(run_path)
    assert mend(run_path).rows == 20_000


def test_an_unannounced_segment_that_is_damaged_keeps_what_can_be_read(run_path: Path) -> None:
    """Nothing of it can be: its rows are known to be lost, by its name."""
    segments = finish(run_path)
    cut_events(run_path, 2)
    segments[1].write_bytes(b"x" * 1000)
    report = mend(run_path)
    assert report.lost_rows == 20_000 - len(values(run_path)) > 5_000
    assert [path.name for path in report.moved] == [f"{segments[1].name}.0"]


@pytest.mark.parametrize("zeroed", [4096, 12288])
def test_a_journal_without_its_header_is_a_fault_and_its_rows_are_saved(
    run_path: Path, zeroed: int
) -> None:
    """With a sync point all of them; without one, nothing vouches for them, and they are counted."""
    (journal,) = die(run_path, 3_000).glob("*.wal")
    write(journal, 0, bytes(zeroed))
    assert any("its header is gone" in fault for fault in faults(run_path))
    with pytest.raises(DamagedError, match="its header is gone"):
        read(run_path)
    report = mend(run_path)
    kept = 3_000 if zeroed == 4096 else 0
    assert (report.rows, report.lost_rows) == (kept, 3_000 - kept)
    assert [path.name for path in report.moved] == [f"{journal.name}.0"]
    if kept:
        times = read(run_path).rows(["a"]).column("time").cast("int64").to_numpy()
        assert abs(times[-1] / 1e6 - time.time()) < 60, "a lost clock is told from the file's age"


def test_a_journal_that_was_cut_to_nothing_is_a_fault(run_path: Path) -> None:
    """An empty file by that name was no empty file once. It is kept."""
    (journal,) = die(run_path, 10).glob("*.wal")
    journal.write_bytes(b"")
    assert any("its header is gone" in fault for fault in faults(run_path))
    report = mend(run_path)
    assert report.rows == 0
    assert [path.name for path in report.moved] == [f"{journal.name}.0"]


def test_a_spare_that_was_cut_is_named_if_it_was_begun(run_path: Path) -> None:
    """A process that dies while it makes one leaves an empty file, which is nothing."""
    folder = die(run_path, 10)
    (journal,) = folder.glob("*.wal")
    (folder / "journal-next-7.spare").write_bytes(b"")
    begun = journal.rename(folder / "journal-next-8.spare")
    assert not faults(run_path)
    assert len(values(run_path)) == 10
    begun.write_bytes(begun.read_bytes()[:10_000])
    assert any("journal-next-8.spare" in fault for fault in faults(run_path))
    assert [path.name for path in mend(run_path).moved] == ["journal-next-8.spare.0"]


def test_one_byte_of_the_header_costs_no_row(run_path: Path) -> None:
    """A flip in the host's name: geometry from the size, first row from the name, the clock as it was."""
    folder = die(run_path, 10_000)
    before = read(run_path).rows()
    journal = max(folder.glob("*.wal"))  # the one before may not have been sealed yet
    flip(journal, 120)
    with pytest.raises(DamagedError, match="header's checksum"):
        read(run_path)
    assert mend(run_path).lost_rows == 0
    assert read(run_path).rows().equals(before)


def test_a_stale_journal_is_removed_only_if_its_rows_are_sealed(run_path: Path) -> None:
    """Rows in it that no segment holds are sealed; damaged, it is set aside."""
    folder = die(run_path, 100)
    (journal,) = folder.glob("*.wal")
    data = journal.read_bytes()
    mend(run_path)
    journal.write_bytes(data)
    assert "already sealed" in verify(run_path)[0].notes[0]
    assert mend(run_path).moved == []
    assert not journal.exists()
    journal.write_bytes(data)
    flip(journal, 30_000)
    assert [path.name for path in mend(run_path).moved] == [f"{journal.name}.0"]
    assert np.array_equal(values(run_path), np.arange(100.0))


def test_a_lost_segment_that_comes_back_is_read_again(run_path: Path) -> None:
    """The last word about a row counts: it is announced after it was given up."""
    segments = finish(run_path)
    before = read(run_path).rows()
    kept = segments[1].rename(run_path / "elsewhere")
    assert mend(run_path).lost_rows > 5_000
    kept.rename(segments[1])
    assert any("here again" in note for note in verify(run_path)[0].notes)
    assert len(values(run_path)) < 20_000
    report = mend(run_path)
    assert (report.rows, report.lost_rows) == (20_000, 0)
    assert read(run_path).rows().equals(before)
    assert read(run_path).state.last.lost == ()


def test_a_lost_journal_that_comes_back_is_read_again(run_path: Path) -> None:
    """Given up when it was missing; its rows are sealed and announced after that."""
    folder = die(run_path, 10_000)
    before = read(run_path).rows()
    last = max(folder.glob("*.wal"))
    kept = last.rename(run_path / "elsewhere")
    lost = RowsLost(time=0, first_seq=int(last.stem[8:]), last_seq=9_999, reason="gone")
    with (folder / "events.jsonl").open("ab") as events:
        events.write(encode_line(lost))
    assert mend(run_path).rows == lost.first_seq
    kept.rename(last)
    assert mend(run_path).rows == 10_000
    assert read(run_path).rows().equals(before)


def test_rows_that_are_there_twice_are_named_and_left_alone(run_path: Path) -> None:
    """Two announced segments hold the same rows: a fault, but nothing is lost, or given up."""
    segments = finish(run_path)
    events_path = segments[0].parent / "events.jsonl"
    events, _ = read_events(events_path)
    sealed = [event for event in events if isinstance(event, SegmentSealed)]
    run_id = read(run_path).state.run_id
    copy = make_overlap(segments[0].parent, run_id, sealed[0])
    with events_path.open("ab") as file:
        file.write(encode_line(copy))
    for _ in range(2):
        assert any("are there twice" in fault for fault in faults(run_path))
        (report,) = repair(run_path)
        assert (report.lost_rows, report.moved) == (0, [])
    with pytest.raises(DamagedError, match="are there twice"):
        read(run_path)


def make_overlap(folder: Path, run_id: str, sealed: SegmentSealed) -> SegmentSealed:
    """A segment with the first rows of another."""
    table = pq.read_table(folder / sealed.segment).slice(0, 10)
    return write_segment(
        folder, table, first_seq=0, rows=10, run_id=run_id, writer=WriterId(0, 0), time=0
    )


def test_paths_may_be_text(run_path: Path) -> None:
    """As they may be for ``read``."""
    finish(run_path, 10)
    assert verify(str(run_path))[0].rows == repair(str(run_path))[0].rows == 10


def wreck(path: Path) -> None:
    """A dead run with something of everything: two journals, one damaged; lost, bad, swapped segments."""
    code = (
        "import os, sys, time; from logwriter import Run\n"
        "run = Run(sys.argv[1], journal_bytes=1 << 18, sync_every=0.05)\n"
        "for n in range(40_000): run.log({'a': n})\n"
        "run.flush(); run._keeper._sealing.advance = lambda **_: None\n"
        "for n in range(40_000, 55_000): run.log({'a': n}); n % 100 or time.sleep(0.004)\n"
        "time.sleep(0.5); os._exit(0)"
    )
    subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    folder = path / "writers/r00000-a000"
    *_, damaged, last = sorted(folder.glob("*.wal"))
    flip(damaged, 100_000)
    flip(last, 120)
    segments = sorted(folder.glob("*.parquet"))
    assert len(segments) >= 4
    segments[0].rename(path / "x")
    segments[1].rename(segments[0])
    (path / "x").rename(segments[1])
    segments[2].write_bytes(segments[2].read_bytes()[:-1])
    events = folder / "events.jsonl"
    lines = events.read_bytes().splitlines(keepends=True)
    events.write_bytes(b"".join(line for line in lines if segments[3].name.encode() not in line))


_REPAIRS = """
import sys
from logwriter.cli import verify
sys.stdout.write("x"); sys.stdout.flush()
verify([sys.argv[1], "--repair"])
"""


def test_a_repair_killed_at_any_moment_is_finished_by_the_next(tmp_path: Path) -> None:
    """SIGKILL at random moments, again and again: the same rows in the end, none lost, none twice."""
    wreck(tmp_path / "wreck")
    shutil.copytree(tmp_path / "wreck", tmp_path / "whole")
    begun = time.monotonic()
    wanted = mend(tmp_path / "whole")
    took = time.monotonic() - begun
    rows = read(tmp_path / "whole").rows()
    assert 0 < wanted.lost_rows < 15_000
    for seed in range(12):
        path = tmp_path / f"run{seed}"
        shutil.copytree(tmp_path / "wreck", path)
        moments = random.Random(seed)
        for _ in range(2):
            kill_a_repair(path, moments.uniform(0, took))
        report = mend(path)
        assert report.rows == wanted.rows
        assert read(path).rows().equals(rows), seed
        lost = sum(each.last_seq - each.first_seq + 1 for each in read(path).state.last.lost)
        assert lost == wanted.lost_rows


def kill_a_repair(path: Path, after: float) -> None:
    """Begin a repair, and kill it so many seconds later, unless it has finished."""
    command = [sys.executable, "-c", _REPAIRS, str(path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:
        assert child.stdout is not None
        os.read(child.stdout.fileno(), 1)
        time.sleep(after)
        child.send_signal(signal.SIGKILL)


def test_the_last_segment_of_a_dead_run_is_given_up_if_it_is_gone(run_path: Path) -> None:
    """Nothing behind it shows a gap, but its announcement does."""
    folder = die(run_path, 10_000)
    mend(run_path)
    last = max(folder.glob("*.parquet"))
    rows = pq.read_metadata(last).num_rows // 2
    last.unlink()
    assert mend(run_path).lost_rows == rows > 0


def test_a_torn_tail_in_front_of_later_rows_is_damage(run_path: Path) -> None:
    """After another boot it is the end of the log; not so where a later journal goes on behind it."""
    of_another_boot(run_path)
    journal = min(run_path.rglob("*.wal"))
    flip(journal, jf.SLOTS_OFFSET + 2 * 2_900)
    assert any(f"are missing behind {journal.name}" in fault for fault in faults(run_path))
    report = mend(run_path)
    assert report.rows + report.lost_rows == 5_000
    assert report.rows > 4_000
    assert [path.name for path in report.moved] == [f"{journal.name}.0"]
