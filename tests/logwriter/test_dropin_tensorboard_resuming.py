"""A `SummaryWriter` on a folder that holds a run: what a new attempt hides, and what it does not."""

from pathlib import Path

import numpy as np
import pytest

from logwriter import read
from logwriter.tensorboard import SummaryWriter
from logwriter.verify import verify


def log_steps(path: Path, steps: range, value: float) -> None:
    """One attempt that logs the same value at each step."""
    with SummaryWriter(path) as log:
        for step in steps:
            log.add_scalar("loss", value, step)


def history(path: Path, metric: str = "loss") -> list[tuple[int, float]]:
    """Steps and values that count."""
    steps, values = read(path).series(metric)
    return list(zip(steps.tolist(), values.tolist(), strict=True))


def test_a_repeated_stretch_counts_once_and_nothing_is_deleted(run_path: Path) -> None:
    """A training that goes on from a checkpoint hides what came after it."""
    log_steps(run_path, range(10), 1.0)
    log_steps(run_path, range(7, 12), 2.0)
    assert history(run_path) == [(s, 1.0) for s in range(7)] + [(s, 2.0) for s in range(7, 12)]
    assert read(run_path).rows(attempts="all").num_rows == 15


def test_the_first_row_with_a_step_decides_whatever_kind_it_is(run_path: Path) -> None:
    """Scalars, several at once, and histograms; steps of NumPy; text does not decide."""
    log_steps(run_path, range(10), 1.0)
    with SummaryWriter(run_path) as log:
        log.add_text("args", "{}", 0)
        log.add_scalars("val", {"acc": 0.5}, np.int64(8))
    assert [step for step, _ in history(run_path)] == list(range(8))
    with SummaryWriter(run_path) as log:
        log.add_histogram("weights", [1.0, 2.0], 6.9)
    assert [step for step, _ in history(run_path)] == list(range(6))


def test_values_without_a_step_hide_nothing(run_path: Path) -> None:
    """They lie at step 0, as with TensorBoard; a row with a step hides what it repeats even then."""
    log_steps(run_path, range(10), 1.0)
    with SummaryWriter(run_path) as log:
        log.add_scalar("hp_metric", -1)
        log.add_hparams({"lr": 0.1}, {"best": 0.5})
        log.add_scalar("loss", 0.5)
        assert len(history(run_path)) == 11
        log.add_scalar("loss", 2.0, 8)
        log.add_scalar("loss", 2.0, 9)
        log.add_scalar("final", 3.0)
    log_steps(run_path, range(9, 11), 3.0)
    kept = [(s, 1.0) for s in range(8)]
    assert history(run_path) == [*kept, (0, 0.5), (8, 2.0), (9, 3.0), (10, 3.0)]
    assert history(run_path, "hp_metric") == [(0, -1.0)]
    assert history(run_path, "best") == [(0, 0.5)]
    assert not any(check.faults for check in verify(run_path))


def test_a_step_far_back_is_told(run_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A run from scratch, or steps that count epochs: what is hidden, and how to keep it."""
    log_steps(run_path, range(100), 1.0)
    log_steps(run_path, range(80, 90), 2.0)
    assert not caplog.records
    log_steps(run_path, range(3), 3.0)
    (record,) = caplog.records
    assert "from step 0 on, while the run had reached 89" in record.message
    assert "purge_step=90" in record.message
    assert history(run_path) == [(s, 3.0) for s in range(3)]


def test_purge_step_hides_from_there_on(run_path: Path) -> None:
    """However late the first row is; in a folder without a run it means nothing."""
    with SummaryWriter(run_path, purge_step=5) as log:
        for step in range(10):
            log.add_scalar("loss", 1.0, step)
    with SummaryWriter(run_path, "", np.int64(4)) as log:
        log.add_scalar("loss", 2.0, 6)
    assert history(run_path) == [(0, 1.0), (1, 1.0), (2, 1.0), (3, 1.0), (6, 2.0)]
    with pytest.raises(TypeError, match=r"purge_step must be a whole number, not 1\.5"):
        SummaryWriter(run_path, purge_step=1.5)


def test_after_close_the_next_value_begins_an_attempt_that_hides_nothing(run_path: Path) -> None:
    """Also when its step was there before, and after each of several ends."""
    log = SummaryWriter(run_path, purge_step=0)
    for step in range(5):
        log.add_scalar("loss", 1.0, step)
    for step in (2, 0):
        log.close()
        log.add_scalar("test", 2.0, step)
    log.close()
    log.flush()
    log.add_histogram("weights", [1.0], 1)
    log.close()
    assert len(history(run_path)) == 5
    assert history(run_path, "test") == [(2, 2.0), (0, 2.0)]
    assert [len(a.messages) for a in read(run_path).state.attempts] == [0] * 4


def test_a_changed_directory_changes_no_run(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A relative folder means what it meant when the writer was made."""
    monkeypatch.chdir(tmp_path)
    log = SummaryWriter("run")
    log.close()
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    log.add_scalar("a", 1.0, 0)
    log.close()
    assert log.log_dir == "run"
    assert read(run_path).metrics == ["a"]


def test_closing_and_closing_again_makes_no_attempt(run_path: Path) -> None:
    """Nor does flushing a closed writer."""
    log = SummaryWriter(run_path)
    log.close()
    log.close()
    log.flush()
    assert len(read(run_path).state.attempts) == 1


def test_what_is_said_without_a_step_belongs_to_the_repeated_stretch(run_path: Path) -> None:
    """Not to the step that the run had reached before."""
    log_steps(run_path, range(10), 1.0)
    with SummaryWriter(run_path) as log:
        log.add_scalar("loss", 2.0, 4)
        log.add_text("note", "here")
        log.add_hparams({"lr": 0.1}, {"best": 0.5})
    assert [each.step for each in read(run_path).state.last.messages] == [4]
    assert history(run_path, "best") == [(4, 0.5)]
