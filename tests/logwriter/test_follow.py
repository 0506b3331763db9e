"""Following a live run: each row once, in order, whatever its writers do meanwhile."""

import signal
import subprocess
import sys
import time
from itertools import islice
from pathlib import Path

import pytest

from logwriter import Run, read, watch
from logwriter.errors import DamagedError, UnknownMetricError
from logwriter.follow import Follower, Row, last_rows
from logwriter.repair import repair
from logwriter.rundir import WriterId, writer_path
from logwriter.watch import WriterWatch

FIRST = WriterId(0, 0)
_BURSTS = """
import os, pathlib, sys, time
from logwriter import Run
run = Run(sys.argv[1], journal_bytes=1 << 18, roll_every=0.05)
log = run.bind("a", "b")
log(-1, 0.0, 0.0)
print(flush=True)
for burst in range(1_000):
    for number in range(burst * 2_000, burst * 2_000 + 2_000):
        log(number, number, -number)
    run.log({"burst": burst}, step=number)
    time.sleep(0.02)
    if burst >= 30 and len(list(pathlib.Path(sys.argv[1]).rglob("*.parquet"))) >= 8:
        break
os._exit(9)
"""
_COMMAND = "import sys; from reports.cli import main; main()"


def start(*arguments: object, program: str = _BURSTS) -> subprocess.Popen[bytes]:
    """A child that has logged its first row; it says so with a line."""
    child = subprocess.Popen(
        [sys.executable, "-c", program, *map(str, arguments)], stdout=subprocess.PIPE
    )
    assert child.stdout is not None
    child.stdout.readline()
    return child


def steps(rows: list[Row]) -> list[tuple[int, int, int]]:
    """Rank, attempt and step of each row."""
    return [(row.rank, row.attempt, row.step) for row in rows]


def segment_names(path: Path) -> list[str]:
    """The segments of the first writer, in order."""
    return sorted(segment.name for segment in writer_path(path, FIRST).glob("*.parquet"))


@pytest.mark.parametrize("every", [0.0, 0.01, 0.3])
def test_no_row_is_missed_or_seen_twice_while_journals_are_sealed(
    run_path: Path, every: float
) -> None:
    """Bursts that fill journals faster than looks come, and pauses that seal half-full ones."""
    with start(run_path) as child:
        rows = list(Follower(run_path, 100_000, None).rows(every))
        assert child.wait() == 9
    assert len(segment_names(run_path)) >= 8
    bursts = len(read(run_path).series("burst")[1])
    assert [row.seq for row in rows] == list(range(1 + 2_001 * bursts))
    values = [row.values for row in rows if "a" in row.values]
    assert values == [{"a": 0.0, "b": 0.0}, *({"a": n, "b": -n} for n in range(2_000 * bursts))]
    assert [row.values["burst"] for row in rows if "burst" in row.values] == list(range(bursts))


def test_one_metric_is_followed_without_the_others(run_path: Path) -> None:
    """Rows that lack it are passed over."""
    with start(run_path):
        rows = list(Follower(run_path, 5, ["burst"]).rows(0.01))
    bursts = len(read(run_path).series("burst")[1])
    assert [row.values for row in rows] == [{"burst": number} for number in range(bursts)]


def test_attempts_and_ranks_that_begin_later_are_followed(run_path: Path) -> None:
    """A rank that comes late, and a restart while another rank lives."""
    with Run(run_path, rank=1, world_size=2) as other:
        other.log({"a": 0.0}, step=100)
        with Run(run_path, rank=0, world_size=2) as run:
            run.log({"a": 0.0}, step=7)
            rows = Follower(run_path, 5, None).rows(0.0)
            found = list(islice(rows, 2))
            run.log({"a": 0.0}, step=8)
        with Run(run_path, rank=0, world_size=2, resume=True) as run:
            run.log({"a": 0.0}, step=9)
            found += islice(rows, 2)
        with Run(run_path, rank=2, world_size=3) as run:
            run.log({"a": 0.0}, step=200)
        other.log({"a": 0.0}, step=101)
        found += islice(rows, 2)
    found += rows
    assert steps(found) == [(0, 0, 7), (1, 0, 100), (0, 0, 8), (0, 1, 9), (1, 0, 101), (2, 0, 200)]


def test_following_for_ever_waits_for_the_next_attempt(run_path: Path) -> None:
    """As after a crash whose restart takes a while."""
    with Run(run_path) as run:
        run.log({"a": 0.0})
    rows = Follower(run_path, 5, None, forever=True).rows(0.0)
    found = list(islice(rows, 1))
    with Run(run_path, resume=True) as run:
        run.log({"a": 0.0})
    assert steps(found + list(islice(rows, 1))) == [(0, 0, 0), (0, 1, 1)]


def test_a_metric_that_comes_later_is_waited_for(run_path: Path) -> None:
    """Validation begins after the first epoch; whoever follows it need not know when."""
    with Run(run_path) as run:
        run.log({"a": 0.0})
        follower = Follower(run_path, 5, ["val"])
        assert follower.missing == ["val"]
        rows = follower.rows(0.0)
        run.log({"val": 2.0})
        assert next(rows).values == {"val": 2.0}
    assert list(rows) == []


def test_a_metric_that_never_comes_is_an_error_once_the_run_has_ended(run_path: Path) -> None:
    """At once for a run that is over, else at its end; the message lists what was logged."""
    with Run(run_path) as run:
        run.log({"a": 0.0})
        rows = Follower(run_path, 5, ["vla"]).rows(0.0)
    with pytest.raises(UnknownMetricError, match="no metric 'vla'; logged are: a"):
        list(rows)
    with pytest.raises(UnknownMetricError, match="no metric 'vla'; logged are: a"):
        Follower(run_path, 5, ["vla"])


def test_a_look_opens_no_segment_whose_rows_were_seen_in_their_journal(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """So that it costs the same after a minute and after a month."""
    with Run(run_path) as run:
        for number in range(20):
            run.log({"a": number})
            run.flush()
        rows = Follower(run_path, 3, None).rows(0.0)
        assert [row.step for row in islice(rows, 3)] == [17, 18, 19]

        def forbidden(*_: object) -> None:
            raise AssertionError("an old segment was opened")

        monkeypatch.setattr(watch, "segment_part", forbidden)
        for number in range(20, 23):
            run.log({"a": number})
            assert next(rows).step == number
            run.flush()
    assert list(rows) == []


def test_events_are_read_on_from_where_the_last_look_stopped(run_path: Path) -> None:
    """What was kept of them does not grow with the run either."""
    with Run(run_path) as run:
        run.log({"a": 0})
        eye = WriterWatch(writer_path(run_path, FIRST), FIRST)
        assert len(list(eye.look(None))) == 1
        for number in range(50):
            run.log({"a": number})
            run.flush()
            assert len(list(eye.look(None))) == 1
        assert eye._news._place == (writer_path(run_path, FIRST) / "events.jsonl").stat().st_size
        assert len(eye._news._holdings) <= 1


def test_rows_that_a_repair_gave_up_are_passed_over(run_path: Path) -> None:
    """And the events it wrote anew are read from their beginning."""
    with Run(run_path) as run:
        for number in range(6):
            run.log({"a": number}, step=number)
            if number % 2:
                run.flush()
    eye = WriterWatch(writer_path(run_path, FIRST), FIRST)
    assert eye.is_live() is False
    (writer_path(run_path, FIRST) / segment_names(run_path)[1]).unlink()
    repair(run_path)
    assert [row.step for row in eye.look(None)] == [0, 1, 4, 5]
    assert eye.has_started()


def test_rows_that_are_gone_end_a_look_with_their_number(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """After some patience: a living writer's files come and go."""
    monkeypatch.setattr(watch, "_PAUSE_SECONDS", 0.0)
    with Run(run_path) as run:
        for number in range(4):
            run.log({"a": number}, step=number)
            run.flush()
    eye = WriterWatch(writer_path(run_path, FIRST), FIRST, 1)
    (writer_path(run_path, FIRST) / segment_names(run_path)[1]).unlink()
    with pytest.raises(DamagedError, match="row 1 is in no segment and in no journal"):
        list(eye.look(None))


def test_the_last_rows_span_segments_journals_and_attempts(run_path: Path) -> None:
    """Of the effective history: what a resume hid does not come."""
    with Run(run_path) as run:
        for number in range(10):
            run.log({"a": number, "b": number}, step=number)
            if number == 4:
                run.flush()
    with Run(run_path, resume=6) as run:
        run.log({"a": 70.0}, step=7)
        log = read(run_path)
        assert [row.step for row in last_rows(log, 5)] == [3, 4, 5, 6, 7]
        assert last_rows(log, 5)[0].values == {"a": 3.0, "b": 3.0}
        assert [row.step for row in last_rows(log, 2, ["b"])] == [5, 6]


def tail(*arguments: object) -> subprocess.Popen[str]:
    """The command, in a process of its own."""
    command = [sys.executable, "-c", _COMMAND, "tail", *map(str, arguments)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_rows_are_printed_as_they_come_and_ctrl_c_ends_quietly(run_path: Path) -> None:
    """Through a pipe, too; the exit status is the shell's for an interrupt."""
    with Run(run_path) as run:
        run.log({"a": 1.0})
        with tail(run_path, "--every", "0.05") as command:
            assert command.stdout is not None
            assert command.stdout.readline() == "step 0  a 1\n"
            run.log({"a": 2.0})
            assert command.stdout.readline() == "step 1  a 2\n"
            command.send_signal(signal.SIGINT)
            assert command.communicate(timeout=20) == ("", "")
        assert command.returncode == 130


def test_a_reader_that_leaves_ends_it_quietly(run_path: Path) -> None:
    """As ``head`` does."""
    with Run(run_path) as run:
        run.log({"a": 1.0})
        with tail(run_path, "--every", "0.05") as command:
            assert command.stdout is not None
            assert command.stderr is not None
            assert command.stdout.readline() == "step 0  a 1\n"
            command.stdout.close()
            deadline = time.monotonic() + 20
            while command.poll() is None and time.monotonic() < deadline:
                run.log({"a": 2.0})
                time.sleep(0.05)
            assert command.stderr.read() == ""


def test_a_metric_that_is_waited_for_is_named(run_path: Path) -> None:
    """Where it does not mix with the rows."""
    with Run(run_path) as run:
        run.log({"a": 1.0})
        with tail(run_path, "val", "--every", "0.05") as command:
            assert command.stderr is not None
            assert command.stderr.readline() == "waiting for val: not logged so far\n"
            run.log({"val": 2.0})
            run.finish()
            assert command.communicate(timeout=20) == ("step 0  val 2\n", "")
    assert command.returncode == 0
