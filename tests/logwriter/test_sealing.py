"""The process that seals beside the training: it may die, be missing or be slow, and nothing is lost."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from logwriter import Run, read
from logwriter.eventlog import EventLog
from logwriter.events import Event, Message, SegmentSealed, encode_line
from logwriter.keeper import Keeper
from logwriter.verify import verify

SMALL = 1 << 18


def wait_for(happens: Callable[[], object], seconds: float = 20.0) -> None:
    """Until it happens; a test fails if it does not."""
    deadline = time.monotonic() + seconds
    while not happens():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.01)


def fill(run: Run, start: int, rows: int = 20_000) -> int:
    """Log some journals full; returns the next number."""
    for number in range(start, start + rows):
        run.log({"a": number}, step=number)
    return start + rows


def sealer_pid(run: Run) -> int:
    """The process that seals for the run."""
    process = run._keeper._sealing._process._process
    assert process is not None
    return process.pid


def check(path: Path, rows: int) -> None:
    """All rows, in order, and nothing wrong."""
    assert np.array_equal(read(path).series("a")[1], np.arange(float(rows)))
    assert not [fault for one in verify(path) for fault in one.faults]


def test_a_busy_training_never_loads_what_sealing_needs(run_path: Path) -> None:
    """Arrow and NumPy are the sealer's."""
    code = f"""
import sys, time
from pathlib import Path
from logwriter import Run
run = Run({str(run_path)!r}, journal_bytes=1 << 18)
for number in range(20_000):
    run.log({{"a": number}}, step=number)
deadline = time.monotonic() + 20
while len(list(Path({str(run_path)!r}).rglob("*.parquet"))) < 2 and time.monotonic() < deadline:
    time.sleep(0.01)
print(*sorted({{"pyarrow", "numpy"}} & sys.modules.keys()))
run.finish()
"""
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not said.stdout.strip()
    assert len(list(run_path.rglob("*.parquet"))) > 2
    check(run_path, 20_000)


def test_a_sealer_that_dies_is_started_again(run_path: Path) -> None:
    """The journal that it was at keeps its place, and its half-written file goes."""
    run = Run(run_path, journal_bytes=SMALL, sync_every=0.05)
    rows = fill(run, 0)
    wait_for(lambda: list(run_path.rglob("*.parquet")))
    first = sealer_pid(run)
    os.kill(first, signal.SIGSTOP)
    rows = fill(run, rows)
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: run._keeper._sealing.is_idle)
    assert sealer_pid(run) != first
    summary = run.finish()
    assert (summary.rows, summary.dropped) == (rows, 0)
    assert any("sealed" in trouble for trouble in summary.troubles)
    assert not list(run_path.rglob("*.tmp"))
    assert not list(run_path.rglob("*.wal"))
    check(run_path, rows)


@pytest.mark.parametrize("program", ["/nowhere/python", "/bin/false"])
def test_without_a_sealer_the_thread_seals(
    run_path: Path, monkeypatch: pytest.MonkeyPatch, program: str
) -> None:
    """A program that embeds Python has none to start, or one that ends at once."""
    monkeypatch.setattr(sys, "executable", program)
    run = Run(run_path, journal_bytes=SMALL, sync_every=0.05)
    rows = fill(run, 0)
    wait_for(lambda: run._keeper._sealing.is_idle)
    summary = run.finish()
    assert (summary.rows, summary.dropped) == (rows, 0)
    assert not list(run_path.rglob("*.wal"))
    check(run_path, rows)


def test_a_flush_does_not_start_a_process(run_path: Path) -> None:
    """Somebody waits for it: the caller's own process seals."""
    with Run(run_path) as run:
        run.log({"a": 0.0})
        run.flush()
        assert run._keeper._sealing._process._process is None
    check(run_path, 1)


def test_a_sealer_rests_when_there_is_nothing_to_do(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its memory goes back to the training; it is started again when a journal is full."""
    monkeypatch.setattr("logwriter.keeper._REST_SECONDS", 0.1)
    run = Run(run_path, journal_bytes=SMALL, sync_every=0.05)
    rows = fill(run, 0)
    wait_for(lambda: run._keeper._sealing.is_idle and not run._keeper._sealing._process.is_running)
    rows = fill(run, rows)
    wait_for(lambda: run._keeper._sealing.is_idle)
    summary = run.finish()
    assert (summary.rows, summary.dropped, summary.troubles) == (rows, 0, {})
    check(run_path, rows)


def test_a_sealer_ends_with_its_training(run_path: Path) -> None:
    """Though a forked child of the training, which inherited all of its files, lives on."""
    code = f"""
import os, sys, time
from logwriter import Run
run = Run({str(run_path)!r}, journal_bytes=1 << 18)
for number in range(20_000):
    run.log({{"a": number}}, step=number)
while run._keeper._sealing._process._process is None:
    time.sleep(0.01)
child = os.fork()
if child == 0:
    os.close(1)
    time.sleep(60)
print(run._keeper._sealing._process._process.pid, child, flush=True)
time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", code], stdout=subprocess.PIPE, text=True
    ) as training:
        assert training.stdout is not None
        sealer, child = map(int, training.stdout.readline().split())
        training.kill()
    try:
        wait_for(lambda: not is_alive(sealer))
        assert is_alive(child)
    finally:
        os.kill(child, signal.SIGKILL)
    assert not list(run_path.rglob("*.tmp"))
    check(run_path, 20_000)


def is_alive(pid: int) -> bool:
    """Whether the process runs; one that ended and was not waited for does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def test_a_sealer_that_is_too_slow_costs_neither_memory_nor_descriptors(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Full journals are synced and let go of; their files wait."""
    monkeypatch.setattr("logwriter.sealing.Sealing.advance", lambda _self, **_: None)
    run = Run(run_path, journal_bytes=SMALL, sync_every=0.02)
    rows = 0
    for _ in range(5):
        rows = fill(run, rows)
        time.sleep(0.1)
    wait_for(lambda: sum(j.descriptor is not None for j in run._keeper._sealing._full) <= 2)
    waiting = len(run._keeper._sealing._full)
    assert waiting > 10
    mapped = Path("/proc/self/maps").read_text(encoding="utf-8").count(f"{run_path}/")
    assert mapped <= 5
    check(run_path, rows)
    monkeypatch.undo()
    assert run.finish().rows == rows
    check(run_path, rows)


def test_a_backlog_is_safe_from_a_power_cut_after_two_syncs(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not only the journal in use is synced: those that wait for the sealer are, too."""
    monkeypatch.setattr("logwriter.sealing.Sealing.advance", lambda _self, **_: None)
    run = Run(run_path, journal_bytes=SMALL, sync_every=0.02)
    rows = fill(run, 0)
    wait_for(lambda: all_synced(run._keeper))
    after_restart = read_as_after_a_restart(run_path, monkeypatch)
    assert after_restart == (rows, 0)
    run.finish()


def all_synced(keeper: Keeper) -> bool:
    """Whether every journal has a sync point for all of its rows."""
    journals = [*keeper._sealing._full, keeper._rows.current_journal()]
    return all(journal._synced == journal.slots_used for journal in journals)


def read_as_after_a_restart(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, int]:
    """Rows, and those of them that nothing vouches for, when the machine has another boot id."""
    with monkeypatch.context() as patch:
        patch.setattr("logwriter.parts.boot_id", lambda: "another")
        parts = read(path).parts()
    return sum(part.rows for part in parts), sum(part.unverified for part in parts)


def test_a_sealer_whose_interpreter_prints_is_understood(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A site's own start-up file greets on standard output."""
    (tmp_path / "sitecustomize.py").write_text("print('hello')\n", encoding="utf-8")
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = Run(run_path, journal_bytes=SMALL)
    rows = fill(run, 0)
    wait_for(lambda: list(run_path.rglob("*.parquet")))
    assert (run.finish().rows, run.finish().troubles) == (rows, {})
    check(run_path, rows)


def test_finish_does_not_wait_for_ever_for_a_sealer_that_hangs(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is ended after a while, and the thread seals."""
    monkeypatch.setattr("logwriter.sealerprocess._PATIENCE_SECONDS", 0.5)
    run = Run(run_path, journal_bytes=SMALL, sync_every=0.05)
    rows = fill(run, 0)
    wait_for(lambda: list(run_path.rglob("*.parquet")))
    pid = sealer_pid(run)
    os.kill(pid, signal.SIGSTOP)
    rows = fill(run, rows)
    began = time.monotonic()
    summary = run.finish()
    assert time.monotonic() - began < 10
    assert (summary.rows, summary.dropped) == (rows, 0)
    assert not is_alive(pid)
    check(run_path, rows)


def test_a_flush_that_finds_no_thread_does_the_work_itself(run_path: Path) -> None:
    """A signal handler finished the run in the middle of it, say."""
    run = Run(run_path)
    run.log({"a": 0.0})
    assert run._keeper.stop() == 0
    run.flush()
    assert list(run_path.rglob("*.parquet"))
    run.finish()
    check(run_path, 1)


def test_an_event_on_its_way_from_another_thread_holds_no_seal_up(
    run_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Only its own announcement is waited for: anything else was once taken for a full disk."""
    append = EventLog.append

    def append_and_be_overtaken(self: EventLog, event: Event, *, durable: bool = False) -> bytes:
        line = append(self, event, durable=durable)
        if isinstance(event, SegmentSealed):
            self._waiting.append(encode_line(Message(time=0, step=0, level="info", text="late")))
        return line

    monkeypatch.setattr(EventLog, "append", append_and_be_overtaken)
    run = Run(run_path, journal_bytes=SMALL)
    rows = fill(run, 0)
    assert run.finish().troubles == {}
    assert not caplog.records
    check(run_path, rows)
