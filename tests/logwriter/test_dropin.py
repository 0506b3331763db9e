"""What the drop-ins share: light imports, errors that say what to install, attempts."""

import copy
import pickle
import subprocess
import sys
from pathlib import Path

import pytest
from killed import is_killed_in

from logwriter import read
from logwriter.dropin import Attempts, FrameworkRun
from logwriter.errors import RunExistsError, WriterLockedError

WITHOUT = """
import sys
import logwriter.dropin, logwriter.importing.records
sys.path[:] = [path for path in sys.path if "site-packages" not in path]
try:
    import logwriter.{module}
except ImportError as error:
    print(error)
"""


@pytest.mark.parametrize("module", ["lightning", "huggingface", "keras", "accelerate"])
def test_without_the_framework_the_error_says_what_to_install(module: str) -> None:
    """In an interpreter that cannot find it."""
    program = WITHOUT.format(module=module)
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert f"pip install 'everystep[{module}]'" in done.stdout


def test_logging_without_a_framework_loads_none() -> None:
    """Neither does what the drop-ins share."""
    frameworks = (
        "{'lightning', 'pytorch_lightning', 'transformers', 'keras', 'accelerate', 'torch'}"
    )
    program = f"import sys, logwriter.dropin; print({frameworks} & set(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "set()"


def test_an_option_that_run_does_not_take_is_refused_at_once(run_path: Path) -> None:
    """Not when training begins."""
    with pytest.raises(TypeError, match="no such option: monitr; Run takes name, config"):
        Attempts(run_path, {"monitr": "val/loss"})  # type: ignore[typeddict-unknown-key]


def test_options_of_the_user_come_before_what_the_framework_says(run_path: Path) -> None:
    """The configuration is that of both; a mode goes with its monitor."""
    attempts = Attempts(run_path, {"monitor": "acc", "config": {"lr": 1, "mine": True}})
    run = attempts.begin(resume=False, monitor="loss", mode="min", config={"lr": 2, "seed": 3})
    run.finish()
    state = read(run_path).state
    assert (state.monitor, state.mode) == ("acc", None)
    assert state.config == {"lr": 1, "mine": True, "seed": 3}


def test_a_later_attempt_hides_nothing_and_logs_at_the_last_step(run_path: Path) -> None:
    """As a test after the training does."""
    attempts = Attempts(run_path, {})
    attempts.begin(resume=False).log({"a": 1}, 7)
    attempts.end()
    attempts.go_on(resume=False).log({"b": 2})
    attempts.end()
    log = read(run_path)
    assert log.rows().num_rows == log.rows(attempts="all").num_rows == 2
    assert [each.tolist() for each in log.series("b")] == [[7], [2]]


def test_beginning_while_an_attempt_is_open_says_that_it_failed(run_path: Path) -> None:
    """The framework did not tell of its end."""
    attempts = Attempts(run_path, {})
    first = attempts.begin(resume=False)
    first.log({"a": 1}, 0)
    attempts.begin(resume=True).log({"a": 1}, 1)
    attempts.end()
    failed, done = read(run_path).state.attempts
    assert failed.finished is not None
    assert "broken off" in str(failed.finished.error)
    assert (failed.status, done.status) == ("failed", "completed")


def test_a_run_that_the_user_finished_goes_on_as_another_attempt(run_path: Path) -> None:
    """Logging does not raise into the training."""
    attempts = Attempts(run_path, {})
    attempts.begin(resume=False).log({"a": 1}, 4)
    assert attempts.current is not None
    attempts.current.finish()
    assert attempts.current is None
    attempts.go_on(resume=False).log({"a": 2}, 5)
    attempts.end()
    assert read(run_path).series("a")[0].tolist() == [4, 5]


def test_a_new_drop_in_does_not_overwrite_a_run(run_path: Path) -> None:
    """Nothing is ever overwritten."""
    FrameworkRun(run_path).finish()
    with pytest.raises(RunExistsError, match="resume=True"):
        Attempts(run_path, {}).go_on(resume=False)


def test_a_deep_copy_logs_to_the_same_attempt_and_a_pickled_one_leaves_it(run_path: Path) -> None:
    """Frameworks copy what they are given, to take it elsewhere or back."""
    attempts = Attempts(run_path, {"name": "mine"})
    run = attempts.begin(resume=False)
    assert copy.deepcopy({"held": attempts})["held"].current is run
    elsewhere = pickle.loads(pickle.dumps(attempts))  # noqa: S301  packed here
    assert (elsewhere.current, elsewhere.path) == (None, run_path)
    run.finish()


def test_rows_behind_the_end_of_an_epoch_still_belong_to_it(run_path: Path) -> None:
    """Frameworks validate there; an epoch that did not end has no time."""
    with FrameworkRun(run_path) as run:
        run.begin_epoch(3)
        run.log({"a": 1})
        run.end_epoch()
        run.log({"b": 1})
        run.begin_epoch(4)
        run.log({"a": 2})
        run.log_in(9, {"c": 1}, None)
        run.log({"d": 1})
    log = read(run_path)
    rows = {row["metric"] + str(row["value"]): row["epoch"] for row in log.rows().to_pylist()}
    assert rows == {"a1.0": 3, "b1.0": 3, "a2.0": 4, "c1.0": 9, "d1.0": 4}
    ended, open_one = log.state.last.epochs
    assert ended.seconds is not None
    assert open_one.seconds is None


def test_disabled_logging_opens_no_attempt_after_another(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every call does nothing, and costs next to nothing."""
    monkeypatch.setenv("EVERYSTEP_MODE", "disabled")
    attempts = Attempts(run_path, {})
    run = attempts.begin(resume=False)
    attempts.end()
    assert attempts.current is run
    assert not run_path.exists()


def test_an_attempt_that_nobody_can_end_any_more_makes_room(run_path: Path) -> None:
    """As that of a callback whose training failed, and whose Trainer is gone: it was part of a cycle."""

    class Trainer:
        def __init__(self) -> None:
            self.callback, self.itself = Attempts(run_path, {}), self

    Trainer().callback.begin(resume=False).log({"a": 1}, 0)
    attempts = Attempts(run_path, {})
    attempts.begin(resume=True).log({"a": 2}, 1)
    attempts.end()
    state = read(run_path).state
    assert [each.status for each in state.attempts] == ["exited", "completed"]


def test_an_attempt_that_somebody_holds_keeps_the_folder(run_path: Path) -> None:
    """The error says how to end it."""
    held = Attempts(run_path, {})
    held.begin(resume=False)
    with pytest.raises(WriterLockedError, match=r"finish\(\) its run"):
        Attempts(run_path, {}).begin(resume=True)
    held.end()


def test_an_attempt_that_begins_at_a_step_goes_on_from_there(run_path: Path) -> None:
    """What is said without a step belongs to it, too."""
    attempts = Attempts(run_path, {})
    run = attempts.begin(resume=False)
    for step in range(10):
        run.log({"a": step}, step)
    run = attempts.begin(resume=True)
    run.begin_at(4)
    run.message("here")
    run.log({"b": 1})
    attempts.end()
    log = read(run_path)
    assert log.series("a")[0].tolist() == [0, 1, 2, 3]
    assert log.series("b")[0].tolist() == [4]
    assert log.state.last.messages[0].step == 4


def test_processes_that_a_launcher_begins_one_after_another_go_on_in_the_same_run(
    run_path: Path,
) -> None:
    """Each has a copy of what was made before them, which knows of no attempt."""
    attempts = Attempts(run_path, {})

    def train() -> None:
        attempts.begin(resume=False).log({"a": 1}, 7)
        attempts.end()

    def test() -> None:
        attempts.go_on(resume=False).log({"b": 2})
        attempts.end()

    for each in (train, test):
        is_killed_in(each)
    log = read(run_path)
    assert [each.tolist() for each in log.series("b")] == [[7], [2]]
    assert log.rows().num_rows == 2


def test_a_run_from_before_is_not_gone_on_with_in_another_process(run_path: Path) -> None:
    """It is another's, and refused as ever."""
    FrameworkRun(run_path).finish()
    attempts = Attempts(run_path, {})
    is_killed_in(lambda: attempts.go_on(resume=False))
    assert len(read(run_path).state.attempts) == 1
