"""A run from its start to its end: folders, events, epochs, and what is refused at once."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from logwriter import Run, read
from logwriter import events as ev
from logwriter.errors import RunExistsError, WriterLockedError


def test_a_run_without_a_path_gets_a_fresh_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Dated, readable, under EVERYSTEP_DIR, and never the same twice."""
    monkeypatch.setenv("EVERYSTEP_DIR", str(tmp_path / "mine"))
    with Run() as first, Run() as second:
        assert first.path != second.path
        for run in (first, second):
            assert run.path is not None
            assert run.path.parent == tmp_path / "mine"
            assert run.path.name.count("-") >= 4
            assert run.name == run.path.name


def test_a_folder_that_holds_a_run_is_refused_with_a_way_on(run_path: Path) -> None:
    """Nothing is ever overwritten; the message offers both ways to resume."""
    with Run(run_path) as run:
        run.log({"a": 1})
    before = sorted(path.name for path in run_path.rglob("*"))
    with pytest.raises(RunExistsError, match=r"resume=True.*resume=STEP"):
        Run(run_path)
    assert sorted(path.name for path in run_path.rglob("*")) == before


def test_a_run_that_lives_cannot_be_resumed(run_path: Path) -> None:
    """The error says which process holds it."""
    with Run(run_path), pytest.raises(WriterLockedError, match=str(os.getpid())):
        Run(run_path, resume=True)


def test_leaving_the_block_records_how_it_went(run_path: Path, tmp_path: Path) -> None:
    """Completed, or failed with the exception, which is not swallowed."""
    with Run(run_path) as run:
        run.log({"a": 1})
    assert read(run_path).state.status == "completed"
    with pytest.raises(ZeroDivisionError), Run(tmp_path / "bad"):
        _ = 1 // 0
    state = read(tmp_path / "bad").state
    assert state.status == "failed"
    assert state.last.finished is not None
    assert state.last.finished.error == "ZeroDivisionError: integer division or modulo by zero"


def test_the_end_of_the_interpreter_ends_a_run_that_nobody_finished(tmp_path: Path) -> None:
    """Rows are sealed; the status says that nobody said how it went, or what went wrong."""
    for name, end, status in (("a", "", "exited"), ("b", "raise ValueError('x')", "failed")):
        code = f"from logwriter import Run\nrun = Run({str(tmp_path / name)!r})\nrun.log({{'a': 1}})\n{end}"
        subprocess.run([sys.executable, "-c", code], check=False, capture_output=True)
        log = read(tmp_path / name)
        assert log.state.status == status
        assert log.series("a")[1].tolist() == [1.0]
        assert not list((tmp_path / name).rglob("*.wal"))


def test_epochs_mark_their_rows_and_are_timed(run_path: Path) -> None:
    """Rows inside an epoch carry its number; the events tell its steps and seconds."""
    with Run(run_path) as run:
        run.log({"before": 1})
        for epoch in run.epochs(range(3, 6)):
            run.log({"a": epoch})
            run.log({"a": epoch})
        run.log({"after": 1})
    log = read(run_path)
    assert log.rows(["a"]).column("epoch").to_pylist() == [3, 3, 4, 4, 5, 5]
    assert log.rows(["before", "after"]).column("epoch").to_pylist() == [None, None]
    epochs = log.state.last.epochs
    assert [epoch.epoch for epoch in epochs] == [3, 4, 5]
    assert all(epoch.seconds is not None and epoch.seconds >= 0 for epoch in epochs)


def test_an_epoch_left_by_break_has_ended_but_not_one_that_failed(
    run_path: Path, tmp_path: Path
) -> None:
    """Early stopping breaks at the end of an epoch; a crash happens in the middle of one."""
    with Run(run_path) as run:
        for epoch in run.epochs(9):
            run.log({"a": epoch})
            if epoch == 1:
                break
    assert [epoch.seconds is None for epoch in read(run_path).state.last.epochs] == [False, False]
    with pytest.raises(RuntimeError), Run(tmp_path / "bad") as run:
        for epoch in run.epochs(9):
            run.log({"a": epoch})
            if epoch == 1:
                raise RuntimeError
    assert [e.seconds is None for e in read(tmp_path / "bad").state.last.epochs] == [False, True]


def test_what_is_said_of_a_run_is_read_back(run_path: Path) -> None:
    """Configuration, definitions, phases, messages and checkpoints, as the state of the run."""
    config = {
        "lr": 1e-3,
        "opt": {"name": "adam", "betas": (0.9, 0.999)},
        "bad": float("nan"),
        "big": 1 << 80,
    }
    with Run(
        run_path, name="Digits", config=config, tags=["x"], monitor="val/loss", mode="min"
    ) as run:
        run.define("val/loss", title="Loss", unit="nats", goal="min")
        run.phase("warm-up")
        run.log({"val/loss": 1.0})
        run.message("it learns")
        run.update_config({"lr": 1e-4})
        run.checkpoint("ckpt.pt", loss=0.5)
    state = read(run_path).state
    assert (state.name, state.tags, state.monitor, state.mode) == (
        "Digits",
        ["x"],
        "val/loss",
        "min",
    )
    assert state.config == {
        "lr": 1e-4,
        "opt": {"name": "adam", "betas": [0.9, 0.999]},
        "bad": "nan",
        "big": str(1 << 80),
    }
    assert state.metrics["val/loss"].unit == "nats"
    assert [phase.phase for phase in state.last.phases] == ["warm-up"]
    assert [message.text for message in state.last.messages] == ["it learns"]
    assert state.last.checkpoints[0].facts == {"loss": 0.5}


def test_the_start_tells_program_machine_and_libraries(run_path: Path) -> None:
    """What one needs to repeat a run, as far as it can be seen from inside."""
    with Run(run_path):
        pass
    started = read(run_path).state.first.started
    assert started is not None
    assert started.pid == os.getpid()
    assert started.environment["python"] == sys.version.split()[0]
    assert {"argv", "cwd", "python", "platform", "libraries", "git"} <= set(started.environment)


def test_a_disabled_run_does_nothing_and_raises_nothing(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call of the interface, and no file."""
    monkeypatch.setenv("EVERYSTEP_MODE", "disabled")
    with Run(run_path, config={"a": 1}) as run:
        run.define("a", title="A")
        for _ in run.epochs(2):
            for value in run.steps([1, 2]):
                run.log({"a": value})
        run.bind("a", "b")(0, 1.0, 2.0)
        run.message("x")
        run.phase("x")
        run.checkpoint("x")
        run.update_config({})
        run.flush()
        assert run.finish().status == "disabled"
    assert not run_path.exists()


def test_rows_after_the_end_are_counted_and_warned_about_once(
    run_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A late call loses its row, not the program."""
    run = Run(run_path)
    run.log({"a": 1})
    log = run.bind("a")
    first = run.finish()
    run.log({"a": 2})
    log(3, 3.0)
    run.message("late")
    assert run.finish() is first
    assert read(run_path).series("a")[1].tolist() == [1.0]
    assert sum("logged after finish()" in record.message for record in caplog.records) == 1


def test_flush_seals_what_was_logged(run_path: Path) -> None:
    """When it returns, rows stand in segments, and logging goes on."""
    with Run(run_path) as run:
        run.log({"a": 1})
        run.flush()
        assert len(list(run_path.rglob("*.parquet"))) == 1
        run.flush()
        run.log({"a": 2})
        assert len(list(run_path.rglob("*.parquet"))) == 1
    assert len(list(run_path.rglob("*.parquet"))) == 2
    assert read(run_path).series("a")[1].tolist() == [1.0, 2.0]


def test_old_journals_are_sealed_though_they_are_not_full(run_path: Path) -> None:
    """A slow loop gets segments too, without being asked."""
    with Run(run_path, roll_every=0.05, sync_every=0.05) as run:
        run.log({"a": 1})
        for _ in range(200):
            if list(run_path.rglob("*.parquet")):
                break
            subprocess.run(["sleep", "0.05"], check=True)
        else:
            pytest.fail("nothing was sealed")
        run.log({"a": 2})
    assert read(run_path).series("a")[1].tolist() == [1.0, 2.0]


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        ({"config": [1]}, TypeError, "config must be a mapping, not list"),
        ({"tags": "abc"}, TypeError, "tags must be a sequence of strings"),
        ({"mode": "lowest"}, ValueError, "mode must be 'min' or 'max', not 'lowest'"),
        ({"monitor": 3}, TypeError, "monitor must be the name of a metric"),
        ({"resume": "latest"}, TypeError, "resume must be True, False or a step"),
        ({"on_error": "ignore"}, ValueError, "on_error must be 'warn' or 'raise'"),
        ({"journal_bytes": 10}, ValueError, "journal_bytes must lie between"),
        ({"sync_every": 0}, ValueError, "sync_every must be a positive number of seconds"),
        (
            {"rank": 2, "world_size": 2},
            ValueError,
            "rank 2 must be at least 0 and below world_size 2",
        ),
    ],
)
def test_wrong_arguments_raise_at_once_and_leave_nothing(
    run_path: Path, arguments: dict[str, Any], error: type[Exception], text: str
) -> None:
    """The message names the argument and what it may be."""
    with pytest.raises(error, match=text):
        Run(run_path, **arguments)
    assert not run_path.exists()


def test_wrong_definitions_raise_at_once(run_path: Path) -> None:
    """Names, goals and texts are checked."""
    with Run(run_path) as run:
        with pytest.raises(ValueError, match="needs the name of a metric"):
            run.define("")
        with pytest.raises(ValueError, match="goal must be"):
            run.define("a", goal="up")  # type: ignore[arg-type]
        with pytest.raises(TypeError, match="title must be a string"):
            run.define("a", title=3)  # type: ignore[arg-type]


def test_several_ranks_need_a_common_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each would make a folder of its own otherwise."""
    monkeypatch.setenv("EVERYSTEP_DIR", str(tmp_path))
    monkeypatch.setenv("RANK", "1")
    monkeypatch.setenv("WORLD_SIZE", "4")
    with pytest.raises(ValueError, match="the same for all ranks"):
        Run()


def test_ranks_write_side_by_side_without_seeing_each_other(run_path: Path) -> None:
    """Each rank has its own folder; readers see ranks as a column."""
    runs = [Run(run_path, rank=rank, world_size=3) for rank in (2, 0, 1)]
    for run in runs:
        run.log({"loss": float(run.rank)})
        run.finish()
    table = read(run_path).rows()
    assert table.column("rank").to_pylist() == [0, 1, 2]
    assert table.column("value").to_pylist() == [0.0, 1.0, 2.0]
    assert read(run_path).series("loss", rank=2)[1].tolist() == [2.0]


def test_events_are_plain_json_lines(run_path: Path) -> None:
    """Any tool can read them; the checksum is their last key."""
    with Run(run_path) as run:
        run.message('a "quoted" text\nof two lines')
    lines = (run_path / "writers/r00000-a000/events.jsonl").read_text().splitlines()
    parsed = [json.loads(line) for line in lines]
    assert [event["type"] for event in parsed] == ["run.started", "message", "run.finished"]
    assert all(list(event)[-1] == "crc" and event["v"] == ev.EVENT_FORMAT for event in parsed)


def test_numbers_of_any_kind_serve_as_epochs_ranks_and_steps_to_resume(run_path: Path) -> None:
    """What NumPy counts is stored as plain integers, so that the run can be read."""
    with Run(run_path, rank=np.int64(0), world_size=np.int64(1)) as run:
        for epoch in run.epochs(np.arange(2)):
            run.log({"a": epoch})
    with Run(run_path, resume=np.int64(0)) as run:
        run.log({"a": 9.0})
    assert read(run_path).series("a")[1].tolist() == [0.0, 9.0]
    assert read(run_path).rows(["a"]).column("epoch").to_pylist() == [0, None]


@pytest.mark.parametrize(
    ("epochs", "error"), [(["x"], TypeError), ([0.5], TypeError), ([1 << 70], ValueError)]
)
def test_an_epoch_that_cannot_be_counted_raises_at_once(
    run_path: Path, epochs: Any, error: type[Exception]
) -> None:
    """Before anything is logged under it."""
    with Run(run_path) as run, pytest.raises(error):
        next(run.epochs(epochs))
    assert read(run_path).state.last.epochs == ()


def test_loops_over_epochs_may_nest_and_close_late(run_path: Path) -> None:
    """Each gives back the epoch that it found, if it is still its own."""
    with Run(run_path) as run:
        for _ in run.epochs([7]):
            for _ in run.epochs([1]):
                run.log({"inner": 0.0})
            run.log({"outer": 0.0})
        late = run.epochs([3])
        next(late)
        for _ in run.epochs([4]):
            late.close()
            run.log({"still": 0.0})
        run.log({"none": 0.0})
    rows = read(run_path).rows()
    epochs = dict(
        zip(rows.column("metric").to_pylist(), rows.column("epoch").to_pylist(), strict=True)
    )
    assert epochs["inner"] == 1
    assert epochs["outer"] == 7
    assert epochs["still"] == 4


def test_lone_surrogates_are_escaped_wherever_text_is_taken(run_path: Path) -> None:
    """No file holds them; nothing is lost for their sake."""
    bad = "\ud800"
    run = Run(run_path, name=bad, tags=[bad], monitor=bad, config={bad: bad})
    run.define(bad, title=bad)
    run.message(bad, level=bad)
    run.phase(bad)
    run.checkpoint(bad, fact=bad)
    run.log({"a": 1})
    run.finish(bad, error=bad)
    state = read(run_path).state
    assert state.name == state.status == state.monitor == "\\ud800"


def test_the_disk_is_complained_about_once(
    run_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Three hundred events that no disk takes make one warning, and one count at the end."""
    run = Run(run_path)
    os.close(run._events._descriptor)
    run._events._descriptor = os.open("/dev/full", os.O_WRONLY | os.O_APPEND)
    for number in range(300):
        run.message(str(number))
    run.finish()
    said = [record.message for record in caplog.records]
    assert sum("events wait" in text for text in said) == 1
    assert sum("301 events dropped" in text for text in said) == 1
