"""File systems that cannot be trusted with a mapping: each row is written, and the same laws hold."""

import itertools
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from damage import fill_disk
from standin import Tensor, plug_in

from logwriter import Run, read
from logwriter.filesystem import file_system, is_remote
from logwriter.mapped import Journal
from logwriter.repair import repair
from logwriter.verify import verify
from logwriter.writethrough import WrittenJournal


@pytest.fixture
def _network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every folder seems to lie on a network file system."""
    monkeypatch.setattr("logwriter.spares.file_system", lambda _folder: "nfs4")


def check(path: Path, rows: int) -> None:
    """All rows, in order, and nothing wrong."""
    assert np.array_equal(read(path).series("a")[1], np.arange(float(rows)))
    assert not [fault for one in verify(path) for fault in one.faults]


@pytest.mark.usefixtures("_network")
def test_a_network_file_system_is_named_once_and_loses_nothing(
    run_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Journals roll and are sealed; live readers see all rows."""
    run = Run(run_path, journal_bytes=1 << 18, sync_every=0.05)
    bound = run.bind("b")
    for number in range(20_000):
        run.log({"a": number}, step=number)
        bound(number, number)
    check(run_path, 20_000)
    summary = run.finish()
    assert (summary.rows, summary.dropped, summary.troubles) == (40_000, 0, {})
    check(run_path, 20_000)
    assert read(run_path).rows(["b"]).num_rows == 20_000
    assert sum("nfs4" in record.message for record in caplog.records) == 1


def test_a_file_system_without_mappings_is_found_out_at_the_start(
    run_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Whatever its name is."""

    def refuses(path: Path, _size: int, _serial: int) -> Journal:
        raise OSError(19, "No such device", str(path))

    monkeypatch.setattr("logwriter.spares.create", refuses)
    with Run(run_path) as run:
        assert isinstance(run.current_journal(), WrittenJournal)
        for number in range(1_000):
            run.log({"a": number}, step=number)
    check(run_path, 1_000)
    assert sum("cannot map files" in record.message for record in caplog.records) == 1


WRITER = """
import mmap, os, sys
import logwriter.spares
from logwriter import Run
logwriter.spares.file_system = lambda _: "fuse.sshfs"
path, receipt = sys.argv[1:]
file = os.open(receipt, os.O_RDWR)
returned = memoryview(mmap.mmap(file, 8)).cast("q")
with Run(path, journal_bytes=1 << 18, sync_every=0.02) as run:
    for number in range(1 << 40):
        run.log({"a": number}, step=number)
        returned[0] = number + 1
"""


@pytest.mark.parametrize("seed", range(5))
def test_a_killed_writer_loses_no_acknowledged_row(
    run_path: Path, tmp_path: Path, seed: int
) -> None:
    """SIGKILL at a random moment: what ``log`` had written, the kernel has."""
    receipt = tmp_path / "receipt"
    receipt.write_bytes(bytes(8))
    with subprocess.Popen([sys.executable, "-c", WRITER, str(run_path), str(receipt)]) as child:
        deadline = time.monotonic() + 30
        while not any(receipt.read_bytes()) and time.monotonic() < deadline:
            time.sleep(0.001)
        time.sleep(random.Random(seed).uniform(0, 0.4))
        child.send_signal(signal.SIGKILL)
        child.wait()
    acknowledged = int.from_bytes(receipt.read_bytes(), "little")
    values = read(run_path).series("a")[1]
    assert acknowledged <= len(values) <= acknowledged + 1
    repair(run_path)
    check(run_path, len(values))


@pytest.mark.usefixtures("_network")
def test_handlers_and_threads_lose_nothing(run_path: Path) -> None:
    """A handler interrupts the writing of a row, and logs; other threads log meanwhile."""
    counts = {name: itertools.count() for name in ("loop", "handler", "thread")}
    with Run(run_path, journal_bytes=1 << 18) as run:
        stop = threading.Event()

        def work() -> None:
            while not stop.is_set():
                run.log({"thread": next(counts["thread"])}, step=0)

        before = signal.signal(
            signal.SIGALRM, lambda *_: run.log({"handler": next(counts["handler"])}, step=0)
        )
        thread = threading.Thread(target=work)
        thread.start()
        signal.setitimer(signal.ITIMER_REAL, 1e-3, 1e-3)
        try:
            deadline = time.monotonic() + 1.0
            while time.monotonic() < deadline:
                run.log({"loop": next(counts["loop"])}, step=0)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, before)
            stop.set()
            thread.join()
    log = read(run_path)
    for name, count in counts.items():
        logged = next(count)
        assert np.array_equal(np.sort(log.series(name)[1]), np.arange(float(logged))), name
        assert logged > 100


@pytest.mark.usefixtures("_network")
def test_what_a_full_disk_refuses_waits_in_memory(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Space was never reserved, so any row may be refused: it is written when there is room."""
    run = Run(small_disk / "run", journal_bytes=1 << 20, sync_every=0.05)
    for number in range(100):
        run.log({"a": number}, step=number)
    ballast = small_disk / "ballast"
    fill_disk(ballast, 0)
    for number in range(100, 50_000):
        run.log({"a": number}, step=number)
    assert 100 <= len(read(small_disk / "run").series("a")[1]) < 50_000
    ballast.unlink()
    for number in range(50_000, 60_000):
        run.log({"a": number}, step=number)
    summary = run.finish()
    assert (summary.rows, summary.dropped) == (60_000, 0)
    assert any("memory" in trouble for trouble in summary.troubles)
    assert sum("rows wait in memory" in record.message for record in caplog.records) == 1
    check(small_disk / "run", 60_000)


def test_the_file_system_of_a_folder_is_that_of_its_deepest_mount(small_disk: Path) -> None:
    """Also where the mount's path has a blank in it; and a folder may be a link."""
    inside = small_disk / "with blank"
    inside.mkdir()
    subprocess.run(["mount", "-t", "ramfs", "ramfs", str(inside)], check=True)
    try:
        link = small_disk / "link"
        link.symlink_to(inside)
        assert file_system(inside) == file_system(link) == file_system(link / "new") == "ramfs"
        assert file_system(small_disk) == "tmpfs"
    finally:
        subprocess.run(["umount", str(inside)], check=True)


@pytest.mark.parametrize("kind", ["nfs4", "fuse.sshfs", "fuse", "lustre", "cifs"])
def test_other_machines_disks_are_known(kind: str) -> None:
    """By the kernel's names for them."""
    assert is_remote(kind)
    assert not any(map(is_remote, ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "zfs", ""]))


@pytest.mark.usefixtures("_network")
def test_rows_wider_than_a_journal_takes_stay_on_disk(run_path: Path) -> None:
    """The journal that is left in the middle of a call is persisted, too."""
    row = {f"m{k}": float(k) for k in range(6_000)}
    run = Run(run_path, journal_bytes=1 << 18, sync_every=1e6)
    for step in range(40):
        run.log(row, step=step)
        assert run.current_journal().path is not None
    assert read(run_path).rows(["m5999"]).num_rows == 40
    assert run.finish().rows == 80


@pytest.mark.usefixtures("_network")
def test_a_disk_that_refuses_for_a_moment_costs_no_row(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not the header of the next journal, not a row, not a value that comes late from a device."""
    run = Run(run_path, journal_bytes=1 << 18, sync_every=0.02)
    device = plug_in(run)
    write = os.pwrite
    calls = itertools.count()

    def refuses(descriptor: int, data: bytes, offset: int) -> int:
        if next(calls) % 3 == 0:
            raise OSError(5, "Input/output error")
        return write(descriptor, data, offset)

    monkeypatch.setattr("logwriter.writethrough.os.pwrite", refuses)
    for number in range(20_000):
        late = {"late": Tensor(device, number)} if number % 50 == 0 else {}
        run.log({"a": number, **late}, step=number)
    monkeypatch.undo()
    summary = run.finish()
    assert (summary.rows, summary.dropped) == (20_000, 0)
    assert summary.troubles
    check(run_path, 20_000)
    assert read(run_path).series("late")[1].tolist() == list(range(0, 20_000, 50))


@pytest.mark.usefixtures("_network")
def test_a_sync_point_speaks_only_of_what_was_written(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A row that the loop has committed, and not written yet, is not vouched for."""
    run = Run(run_path, sync_every=1e6)
    run.log({"a": 0.0}, step=0)
    journal = run.current_journal()
    persist = WrittenJournal.persist

    def then_commits(self: WrittenJournal) -> None:
        persist(self)
        run._writes_through = False
        Run.log(run, {"a": 1.0}, step=1)

    monkeypatch.setattr(WrittenJournal, "persist", then_commits)
    journal.write_sync()
    monkeypatch.undo()
    assert journal.rows == 2
    assert read(run_path).series("a")[1].tolist() == [0.0]
    run._writes_through = True
    run.finish()
    check(run_path, 2)


@pytest.mark.usefixtures("_network")
def test_a_late_value_that_is_refused_while_rows_are_written_is_written_later(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another thread puts it into a row that was written before, just then."""
    run = Run(run_path, sync_every=3600.0)
    for number in range(3):
        run.log({"a": number}, step=number)
    journal = run.current_journal()
    assert isinstance(journal, WrittenJournal)
    assert journal.path is not None
    assert journal.header is not None
    place, write, calls = journal.header.rows_offset + 512, os.pwrite, itertools.count()

    def refuses(descriptor: int, data: bytes, offset: int) -> int:
        if next(calls) == 0:
            journal.fill(place, b"too late")
        if bytes(data) == b"too late" and next(calls) < 3:
            raise OSError(5, "Input/output error")
        return write(descriptor, data, offset)

    journal.offset += 1024  # as if that row were there
    journal.persist()
    monkeypatch.setattr("logwriter.writethrough.os.pwrite", refuses)
    journal.offset += 1024
    journal.persist()
    assert journal.is_waiting
    assert journal._settled_end() == (0, 0)
    monkeypatch.undo()
    journal.persist()
    assert not journal.is_waiting
    assert journal.path.read_bytes()[place : place + 8] == b"too late"
    journal.offset -= 2048
    run.finish()
