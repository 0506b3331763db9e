"""Other processes, other threads, handlers and finalizers at the start and at the end of a run."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logwriter import Run, read
from logwriter import appender as appender_module
from logwriter.errors import RunExistsError, WriterLockedError
from logwriter.eventlog import EventLog
from logwriter.lock import is_held
from logwriter.mapped import Journal
from logwriter.repair import repair

STARTS = """
import sys, time
from logwriter import Run
from logwriter.errors import EverystepError
while time.time() < float(sys.argv[2]): pass
try:
    run = Run(sys.argv[1], resume=sys.argv[3] == "resume")
except EverystepError as error:
    print(type(error).__name__)
else:
    print("writes")
    run.log({"a": 1})
    time.sleep(1)
    run.finish()
"""


@pytest.mark.parametrize("how", ["fresh", "resume"])
def test_of_processes_that_start_at_one_moment_one_becomes_the_writer(
    run_path: Path, how: str
) -> None:
    """The others get an error, and leave no attempt behind."""
    if how == "resume":
        with Run(run_path) as run:
            run.log({"a": 0})
    moment = str(time.time() + 1.5)
    command = [sys.executable, "-c", STARTS, str(run_path), moment, how]
    children = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(4)]
    said = sorted(child.communicate()[0].strip() for child in children)
    assert said == ["WriterLockedError"] * 3 + ["writes"]
    assert len(list((run_path / "writers").iterdir())) == (2 if how == "resume" else 1)


def test_a_start_that_fails_leaves_nothing_behind(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever went wrong: the next start is the first again."""

    def fails() -> dict[str, Any]:
        raise KeyboardInterrupt

    monkeypatch.setattr("logwriter.run.describe_environment", fails)
    with pytest.raises(KeyboardInterrupt):
        Run(run_path)
    assert not run_path.exists()
    monkeypatch.undo()
    with Run(run_path) as run:
        run.log({"a": 1})
    with pytest.raises(RunExistsError):
        Run(run_path)


def test_a_second_finish_waits_for_the_first(run_path: Path) -> None:
    """Two threads end the run: both get the same, true summary."""
    run = Run(run_path)
    for number in range(200_000):
        run.log({"a": number})
    summaries = []
    threads = [threading.Thread(target=lambda: summaries.append(run.finish())) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [summary.rows for summary in summaries] == [200_000] * 3


def test_an_interrupted_finish_can_be_called_again(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while the last journal is sealed."""
    run = Run(run_path)
    run.log({"a": 1})
    stop = run._keeper.stop

    def interrupted() -> int:
        stop()
        raise KeyboardInterrupt

    monkeypatch.setattr(run._keeper, "stop", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run.finish()
    monkeypatch.setattr(run._keeper, "stop", stop)
    assert run.finish().rows == 1
    assert read(run_path).state.status == "completed"
    with Run(run_path, resume=True):
        pass


@pytest.mark.parametrize("end", ["flush", "finish"])
def test_a_handler_may_flush_or_finish_whatever_it_interrupts(run_path: Path, end: str) -> None:
    """Even the slow path, which holds a lock: no deadlock, and no row is lost."""
    code = f"""
import signal
from logwriter import Run
run = Run({str(run_path)!r}, roll_every=0.01, sync_every=0.01)
count = 0
def handle(*_):
    run.{end}()
signal.signal(signal.SIGALRM, handle)
signal.setitimer(signal.ITIMER_REAL, 0.05, 0.05)
import time
deadline = time.monotonic() + 2
while time.monotonic() < deadline and run.finish.__self__._state == "open":
    run.log({{"a": count, "key%d" % (count % 50_000): 1.0}}, step=count)  # nearly always slow
    count += 1
signal.setitimer(signal.ITIMER_REAL, 0)
print(count, run.finish().rows)
"""
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    count, rows = map(int, ran.stdout.split())
    values = read(run_path).series("a")[1]
    assert np.array_equal(values, np.arange(float(len(values))))
    assert len(values) >= count - 1
    assert rows >= len(values)


def test_a_row_that_was_on_its_way_when_the_run_ended_is_counted_as_dropped(run_path: Path) -> None:
    """Its value's own code ends the run; no ghost of a journal takes the row."""
    run = Run(run_path)

    class Ends:
        def __float__(self) -> float:
            run.finish()
            return 1.0

    run.log({"a": 1.0})
    run.log({"b": Ends()})
    run.log({"b": 2.0})
    assert run.finish().rows == 1
    assert read(run_path).rows().num_rows == 1
    assert not list(run_path.rglob("*.spare"))


def test_a_layout_defined_again_by_a_handler_keeps_its_number(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between a layout's record and its number a handler flushes and logs the same names."""
    run = Run(run_path)
    commit = Journal.commit
    nested: list[bool] = []

    def interrupted(
        self: Journal, data: bytes, slot: int, *, defines: int = 0
    ) -> tuple[int, int] | None:
        number = commit(self, data, slot, defines=defines)
        if defines and not nested:
            nested.append(True)
            run.log({"other": 0.0}, step=0)
            run.flush()
            run.log({"x": 0.0}, step=0)
            run.log({"a": 1.0}, step=0)
        return number

    monkeypatch.setattr(Journal, "commit", interrupted)
    run.log({"a": 0.0}, step=0)
    for number in range(2, 100):
        run.log({"a": float(number)}, step=0)
    run.finish()
    assert sorted(read(run_path).series("a")[1]) == list(range(100))


def test_a_fork_while_a_file_is_being_closed_is_safe(run_path: Path) -> None:
    """The child finds a number that is no file any more, and still belongs to nobody's run."""
    run = Run(run_path)
    run.log({"a": 1.0})
    spare = run._keeper._spares._ready[0]
    assert spare.descriptor is not None
    os.close(spare.descriptor)
    child = os.fork()
    if child == 0:
        try:
            run.log({"a": 2.0})
        except Exception as error:  # noqa: BLE001  the child must not return into pytest
            os._exit(7 if type(error).__name__ == "ForkedError" else 8)
        os._exit(9)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    spare.descriptor = None
    run.finish()
    assert read(run_path).series("a")[1].tolist() == [1.0]


def test_without_a_global_lock_every_way_to_log_takes_one(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a free-threaded interpreter rows are serialized; here, the same code with the switch set."""
    monkeypatch.setattr(appender_module, "SERIALIZE", True)
    with Run(run_path) as run:
        held: list[bool] = []

        def look() -> None:
            held.append(not run._lock.acquire(blocking=False))

        class Looks:
            def __float__(self) -> float:
                thread = threading.Thread(target=look)
                thread.start()
                thread.join()
                return 1.0

        run.log({"a": 1.0})
        run.bind("b")(0, 1.0)
        run.log({"a": Looks()})
        run.bind("b")(1, Looks())
    assert held == [True, True]
    assert read(run_path).series("b")[1].tolist() == [1.0, 1.0]


def test_damage_in_an_earlier_attempt_hides_nothing_of_it(run_path: Path) -> None:
    """Resuming goes on, and what a repair saves later is still there."""
    with Run(run_path) as run:
        for number in range(10):
            run.log({"a": number})
    events = run_path / "writers/r00000-a000/events.jsonl"
    good = events.read_bytes()
    events.write_bytes(good.replace(b"completed", b"c0mpleted"))
    with Run(run_path, resume=True) as run:
        run.log({"a": 99.0})
    events.write_bytes(good)
    assert read(run_path).series("a")[1].tolist() == [*range(10), 99]


def test_another_rank_s_damage_does_not_matter(run_path: Path) -> None:
    """Only its own folder decides how a rank goes on."""
    for rank in (0, 1):
        with Run(run_path, rank=rank, world_size=2) as run:
            for number in range(10):
                run.log({"a": number})
    (run_path / "writers/r00001-a000/events.jsonl").write_bytes(b"rubbish\n")
    with Run(run_path, rank=0, world_size=2, resume=True) as run:
        run.log({"a": 10.0})
        assert run._step == 10


def test_a_live_writer_of_any_earlier_attempt_is_found(run_path: Path) -> None:
    """Not only of the last one."""
    first = Run(run_path)
    (run_path / "writers/r00000-a001").mkdir()
    with pytest.raises(WriterLockedError, match=str(os.getpid())):
        Run(run_path, resume=True)
    first.finish()
    signal.getsignal(signal.SIGTERM)  # no handler of ours was ever installed
    assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL


LEAVES_ITS_LOCK = """
import os, sys, time
from logwriter import Run
run = Run(sys.argv[1], resume=len(sys.argv) > 2)
run.log({"a": 1})
lock = run._opening.lock._descriptor
os.set_inheritable(lock, True)
if os.posix_spawn("/bin/sleep", ["sleep", "0.6"], {}):
    os.kill(os.getpid(), 9)
"""


@pytest.mark.parametrize("is_reaped", [True, False])
def test_a_lock_that_a_killed_writer_leaves_to_what_it_was_starting_is_waited_for(
    run_path: Path, is_reaped: bool
) -> None:
    """The writer is gone; its lock goes when the other process has become another program."""

    def leave(*arguments: str) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-c", LEAVES_ITS_LOCK, str(run_path), *arguments]
        child = subprocess.Popen(command)
        os.waitid(os.P_PID, child.pid, os.WEXITED | (0 if is_reaped else os.WNOWAIT))
        return child

    left = [leave()]
    assert is_held(run_path / "writers/r00000-a000")
    repair(run_path)
    left.append(leave("resume"))
    assert is_held(run_path / "writers/r00000-a001")
    with Run(run_path, resume=True) as run:
        run.log({"a": 1})
    assert read(run_path).series("a")[1].tolist() == [1.0] * 3
    for child in left:
        child.wait()


def test_a_handler_that_flushes_while_an_event_is_written_does_not_deadlock(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The interrupted thread holds the events' lock, and the background thread needs it to seal."""
    run = Run(run_path)
    write = EventLog._write
    nested: list[bool] = []

    def interrupted(self: EventLog, line: bytes) -> None:
        if not nested:
            nested.append(True)
            run.log({"a": 1.0})
            run.flush()
        write(self, line)

    monkeypatch.setattr(EventLog, "_write", interrupted)
    run.message("interrupted")
    assert nested
    assert run.finish().rows == 1
    log = read(run_path)
    assert log.series("a")[1].tolist() == [1.0]
    assert [message.text for message in log.state.last.messages] == ["interrupted"]


FINALIZER = """
import faulthandler, gc, sys
faulthandler.dump_traceback_later(20, exit=True)
from logwriter import Run
from logwriter.keeper import Keeper

run = Run(sys.argv[1])
tend, finalized = Keeper._tend, []

class Leaves:
    def __init__(self):
        self.me = self
    def __del__(self):
        values = {"left": 1.0}
        run.log(values, 7)
        values.clear()
        finalized.append(True)

def collect_and_tend(keeper):
    gc.collect()  # the collector happens to run in the keeper's thread
    return tend(keeper)

class Flushes:
    def __float__(self):  # as a signal handler might that interrupts a row logged slowly
        if not finalized:
            gc.disable()
            Leaves()
            Keeper._tend = collect_and_tend
            run.flush()
            assert finalized
        return 2.5

run.log({"a": 1.0, "b": Flushes()}, 3)
assert run.finish().rows == 2
"""


def test_a_finalizer_in_the_background_thread_does_not_wait_for_who_waits_for_that_thread(
    run_path: Path,
) -> None:
    """Whoever logs slowly holds the lock, and may wait for the thread in a handler; no row is lost."""
    done = subprocess.run(
        [sys.executable, "-c", FINALIZER, run_path],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    log = read(run_path)
    assert [log.series(name)[0].tolist() for name in ("a", "b", "left")] == [[3], [3], [7]]
