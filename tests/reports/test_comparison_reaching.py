"""When a run was first as good as a value, beside what its rows say."""

from pathlib import Path

import msgspec
import numpy as np
import pytest
from records import chart, record

import compactor
from compactor.record import Along, Epoch, EpochMetric
from compactor.store import read_record
from logwriter import Run
from logwriter.errors import DamagedError
from reports.comparison.comparing import compare_entries
from reports.comparison.judging import Judge, best_of
from reports.comparison.reaching import reached
from reports.comparison.result import Reached
from reports.comparison.sources import Entry

SMALLEST = Judge("val/loss", "min", "the argument")


def epoch_of(number: int, value: float | None, *, rows: int = 5, ended: bool = True) -> Epoch:
    """An epoch with a mean of the monitor."""
    metric = EpochMetric(rows=rows, mean=value, min=value, max=value, last=value, change=None)
    return Epoch(
        epoch=number,
        first_step=10 * number,
        last_step=10 * number + 9,
        ended=ended,
        seconds=1.0,
        values={"val/loss": value},
        metrics={"val/loss": metric},
    )


def test_an_epoch_that_never_ended_reaches_nothing() -> None:
    """As it is no candidate for the best; one without a finite mean is passed over."""
    table = [epoch_of(0, 9.0), epoch_of(1, 0.1, ended=False), epoch_of(2, None), epoch_of(3, 1.0)]
    steps = [(step, 1.0) for step in range(40)]
    along = Along(seconds=[float(s) for s, _ in steps], epoch=[s / 10 for s, _ in steps])
    made = record({"loss": chart("loss", {"val": steps}, along={"val": along})}, epochs=table)
    best = best_of(made, SMALLEST)
    assert best is not None
    assert (best.value, best.epoch, best.per) == (1.0, 3, "epoch mean")
    assert reached(made, None, best, SMALLEST, 0.5) is None
    moment = reached(made, None, best, SMALLEST, 1.0)
    assert moment == Reached(step=39, epoch=3, seconds=39.0, exact=True)
    bare = reached(record(epochs=table), None, best, SMALLEST, 1.0)
    assert bare == Reached(step=best.step, epoch=3, seconds=None, exact=False)


ROWS = 30_000


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A noisy metric by step alone, of which few rows are drawn, and its values."""
    path = tmp_path_factory.mktemp("long") / "run"
    rng = np.random.default_rng(5)
    values = np.linspace(5, 1, ROWS) + rng.normal(size=ROWS)
    with Run(path, monitor="loss", mode="min") as run:
        log = run.bind("loss")
        for step, value in enumerate(values.tolist()):
            log(step, value)
    compactor.compact(path, max_points=100)
    return path, values


@pytest.mark.parametrize("target", [4.0, 2.0, 0.0])
def test_the_moment_is_exact_where_the_log_is_there(
    long_run: tuple[Path, np.ndarray], target: float
) -> None:
    """The first row of all at or below the value, though the record does not draw it."""
    path, values = long_run
    made = compactor.compact(path, max_points=100)
    judge = Judge("loss", "min", "the argument")
    best = best_of(made, judge)
    moment = reached(made, path, best, judge, target)
    assert moment is not None
    assert moment.step == int(np.flatnonzero(values <= target)[0])
    assert moment.exact
    assert moment.seconds is not None
    drawn = reached(made, None, best, judge, target)
    assert drawn is not None
    assert not drawn.exact
    assert drawn.step >= moment.step
    assert values[drawn.step] <= target


def test_where_the_log_cannot_be_read_the_record_tells_alone(
    long_run: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a note that says why, and a moment that is not called exact."""

    def fail(_: Path) -> None:
        raise DamagedError("a flipped bit")

    monkeypatch.setattr("reports.comparison.logged.read", fail)
    path, _ = long_run
    made = read_record(path)
    found = compare_entries([Entry(made, path, path), Entry(made, path, path)], [], to=2.0)
    assert all("a flipped bit" in note for note in found.comparison.notes)
    assert [run.reached.exact for run in found.comparison if run.reached] == [False, False]


def test_rows_outside_epochs_reach_nothing_where_a_metric_has_epochs(tmp_path: Path) -> None:
    """They do not compete for the best either: a check before the first epoch is no result."""
    with Run(tmp_path / "run", monitor="loss", mode="min") as run:
        run.log({"loss": 0.3}, step=0)
        for epoch in run.epochs(2):
            for step in range(5):
                run.log({"loss": 1 / (1 + 5 * epoch + step)}, step=1 + 5 * epoch + step)
    made = compactor.compact(tmp_path / "run", per="step")
    judge = Judge("loss", "min", "the argument")
    moment = reached(made, tmp_path / "run", best_of(made, judge), judge, 0.35)
    assert moment is not None
    assert (moment.step, moment.epoch, moment.exact) == (3, 0, True)


@pytest.mark.parametrize("rows", [2, 60], ids=["drawn", "logged"])
def test_a_moment_keeps_all_digits_of_its_step(tmp_path: Path, rows: int) -> None:
    """Also of a step that no double holds, whether the record draws it or not."""
    with Run(tmp_path / "run", monitor="loss", mode="min") as run:
        run.log({"loss": 1.0}, step=0)
        for row in range(rows):
            run.log({"loss": 1 / (2 + row)}, step=2**53 + 1 + 2 * row)
    made = compactor.compact(tmp_path / "run", max_points=16)
    judge = Judge("loss", "min", "the argument")
    moment = reached(made, tmp_path / "run", best_of(made, judge), judge, 0.5)
    assert moment is not None
    assert (moment.step, moment.exact) == (2**53 + 1, True)


def test_a_run_whose_rows_have_no_times_took_no_time_that_is_known() -> None:
    """As imported logs without times: not none at all."""
    steps = [(step, float(9 - step)) for step in range(10)]
    along = Along(seconds=[0.0] * 10, epoch=[None] * 10)
    made = record({"loss": chart("loss", {"val": steps}, along={"val": along})})
    for seconds, expected in ((None, None), (5.0, 0.0)):
        run = msgspec.structs.replace(made.run, seconds=seconds)
        each = msgspec.structs.replace(made, run=run)
        best = best_of(each, SMALLEST)
        moment = reached(each, None, best, SMALLEST, 3.0)
        assert moment is not None
        assert (moment.step, moment.seconds) == (6, expected)
