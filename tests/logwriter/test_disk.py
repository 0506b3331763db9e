"""Disks that are full, folders that vanish, starts that fail: training goes on, nothing is hidden."""

import errno
import shutil
import subprocess
import time
from contextlib import suppress
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from damage import fill_disk

from logwriter import Run, read
from logwriter.repair import repair
from logwriter.rundir import WriterId
from logwriter.segments import SCHEMA, prepare_segment
from logwriter.verify import verify


def check_values(path: Path, count: int) -> None:
    """Values 0 to ``count``, all there, in order."""
    assert np.array_equal(read(path).series("a")[1], np.arange(float(count)))
    assert not [fault for check in verify(path) for fault in check.faults]


def open_files() -> list[str]:
    """What this process holds open, also what has been deleted."""
    links = []
    for descriptor in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # the one that lists them
            links.append(str(descriptor.readlink()))
    return links


def test_sealing_goes_on_where_only_small_files_fit(small_disk: Path) -> None:
    """A grown journal does not fit any more; smaller ones and segments do, and nothing is lost."""
    with Run(small_disk / "run") as run:
        for number in range(400_000):
            run.log({"a": number}, step=number)
            if number % 10_000 == 0:
                time.sleep(0.01)  # a loop has something else to do, too
        summary = run.finish()
    assert (summary.rows, summary.dropped) == (400_000, 0)
    check_values(small_disk / "run", 400_000)


def test_rows_wait_in_memory_for_a_full_disk_and_are_written_when_there_is_room(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """One warning; readers see a prefix meanwhile; in the end all rows are there."""
    ballast = small_disk / "ballast"
    run = Run(small_disk / "run", journal_bytes=1 << 20, sync_every=0.05)
    fill_disk(ballast, 0)
    for number in range(100_000):
        run.log({"a": number}, step=number)
    run.message("still here")
    time.sleep(0.2)
    waiting = read(small_disk / "run").series("a")[1]
    assert np.array_equal(waiting, np.arange(float(len(waiting))))
    assert len(waiting) < 100_000
    ballast.unlink()
    for number in range(100_000, 110_000):
        run.log({"a": number}, step=number)
    summary = run.finish()
    assert (summary.rows, summary.dropped) == (110_000, 0)
    check_values(small_disk / "run", 110_000)
    assert [message.text for message in read(small_disk / "run").state.last.messages] == [
        "still here"
    ]
    assert sum("rows, which wait in memory" in record.message for record in caplog.records) == 1


def test_a_segment_whose_announcement_waits_for_room_is_no_damage(
    small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Rows that waited in memory were sealed, but the event found no room: readers see a prefix."""
    run = Run(small_disk / "run", journal_bytes=1 << 18, sync_every=0.05)
    run.log({"a": 0})
    fill_disk(small_disk / "ballast", 0)
    number = 1
    while not run.current_journal().is_waiting:
        run.log({"a": number})
        number += 1
    run.log({"a": number})
    write = run._events._write
    waiting = run._keeper._sealing._full

    def write_if_mapped(line: bytes) -> None:
        if waiting and waiting[0].path is None:
            run._events._waiting.appendleft(line)
            raise OSError(28, "No space left on device")
        write(line)

    monkeypatch.setattr(run._events, "_write", write_if_mapped)
    (small_disk / "ballast").unlink()
    run.flush()
    assert waiting[0].path is None, "its segment is in place, and not announced"
    assert max(small_disk.rglob("*.parquet")).name.startswith(f"steps-{waiting[0].first_seq:012d}")
    seen = read(small_disk / "run").series("a")[1]
    assert np.array_equal(seen, np.arange(float(len(seen))))
    monkeypatch.setattr(run._events, "_write", write)
    assert run.finish().rows == number + 1
    check_values(small_disk / "run", number + 1)


def test_a_segment_that_found_no_room_takes_none(small_disk: Path) -> None:
    """Not even while somebody keeps the error, as a logger may: its file is closed, and gone."""
    fill_disk(small_disk / "ballast", 0)
    table = pa.Table.from_batches([], SCHEMA)
    with pytest.raises(OSError, match="No space left") as refused:
        prepare_segment(
            small_disk, table, first_seq=0, rows=0, run_id="run", writer=WriterId(rank=0, attempt=0)
        )
    assert refused.value.errno == errno.ENOSPC
    assert [path.name for path in small_disk.iterdir()] == ["ballast"]
    assert not [name for name in open_files() if name.startswith(str(small_disk))]


def test_what_a_full_disk_refuses_to_the_last_is_counted(small_disk: Path) -> None:
    """Memory is bounded; rows beyond it, and those that wait at the end, are told by ``finish``."""
    run = Run(small_disk / "run", journal_bytes=1 << 18, sync_every=0.05)
    fill_disk(small_disk / "ballast", 0)
    for number in range(200_000):
        run.log({"a": number}, step=number)
    summary = run.finish()
    assert 0 < summary.rows < 200_000
    assert summary.rows + summary.dropped == 200_000
    assert summary.troubles
    (small_disk / "ballast").unlink()
    repair(small_disk / "run")
    check_values(small_disk / "run", summary.rows)


def test_a_start_on_a_full_disk_names_the_place_and_leaves_nothing(small_disk: Path) -> None:
    """With room again, the same call works: no lock and no half-made attempt is in the way."""
    fill_disk(small_disk / "ballast", 300_000)
    for _ in range(2):
        with pytest.raises(OSError, match="run/writers/r00000-a000"):
            Run(small_disk / "run")
        assert not (small_disk / "run").exists()
    (small_disk / "ballast").unlink()
    with Run(small_disk / "run") as run:
        run.log({"a": 0})
    check_values(small_disk / "run", 1)


def test_a_folder_that_may_not_be_written_to_is_named_at_the_start(small_disk: Path) -> None:
    """Before the training begins, not hours later."""
    with Run(small_disk / "run") as run:
        run.log({"a": 0})
    subprocess.run(["mount", "-o", "remount,ro", str(small_disk)], check=True)
    with pytest.raises(OSError, match=r"Read-only file system: .*small/other"):
        Run(small_disk / "other")
    with pytest.raises(OSError, match=r"Read-only file system: .*r00000-a001"):
        Run(small_disk / "run", resume=True)
    check_values(small_disk / "run", 1)


def test_a_vanished_folder_does_not_stop_training_and_is_not_called_safe(run_path: Path) -> None:
    """Somebody cleaned up: rows go nowhere, and ``finish`` says so."""
    run = Run(run_path, journal_bytes=1 << 18)
    for number in range(1_000):
        run.log({"a": number})
    shutil.rmtree(run_path)
    for number in range(50_000):
        run.log({"a": number})
    summary = run.finish()
    assert summary.troubles
    assert summary.dropped >= 1_000


def test_changing_the_directory_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative path means the place where the run began."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "other").mkdir()
    run = Run("relative", journal_bytes=1 << 18)
    monkeypatch.chdir(tmp_path / "other")
    for number in range(50_000):
        run.log({"a": number})
    summary = run.finish()
    assert (summary.rows, summary.dropped) == (50_000, 0)
    check_values(tmp_path / "relative", 50_000)


def test_an_error_that_is_no_disk_s_doing_does_not_end_the_background_thread(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is counted; what could not be sealed stays in its journal, and is sealed later."""

    def fails(*_: object, **__: object) -> None:
        raise MemoryError("for once")

    run = Run(run_path, journal_bytes=1 << 18)
    monkeypatch.setattr("logwriter.sealing.place_segment", fails)
    for number in range(20_000):
        run.log({"a": number})
    run.flush()
    assert len(read(run_path).series("a")[1]) == 20_000
    monkeypatch.undo()
    summary = run.finish()
    assert (summary.rows, summary.dropped) == (20_000, 0)
    assert any("sealed" in trouble for trouble in summary.troubles)
    assert not list(run_path.rglob("*.wal"))


@pytest.mark.parametrize("seconds", [float("inf"), 1e10, 1e-3])
def test_any_period_works(run_path: Path, seconds: float) -> None:
    """A sync that never comes, or always."""
    with Run(run_path, sync_every=seconds, roll_every=seconds) as run:
        run.log({"a": 0})
        run.flush()
        run.log({"a": 1})
    check_values(run_path, 2)
