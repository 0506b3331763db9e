"""The best point of a run as it lies on disk: attempts, fractional epochs, other metrics."""

import contextlib
import math
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

import best_oracles
import pytest
from best_oracles import Row
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.deciding.verdict import judge
from compactor.reading import folding
from logwriter import Run
from logwriter.errors import NothingLoggedError

VALUES = st.sampled_from([0.0, 0.5, 1.0, 1.1, -2.0, math.nan, math.inf, -math.inf])


class Tried(NamedTuple):
    """One attempt: after which step it goes on, values before its epochs, in each, and its end."""

    after: int | None
    before: list[float]
    first_epoch: int
    epochs: list[list[float]]
    crashes: bool


class CrashError(Exception):
    """The training fails."""


@st.composite
def histories(draw: st.DrawFn) -> list[Tried]:
    """Up to three attempts."""
    values = st.lists(VALUES, min_size=1, max_size=3)
    after = st.one_of(st.none(), st.integers(0, 12))
    return [
        Tried(
            draw(after) if number else None,
            draw(st.lists(VALUES, max_size=2)),
            draw(st.integers(0, 2)),
            draw(st.lists(values, max_size=4)),
            draw(st.booleans()),
        )
        for number in range(draw(st.integers(1, 3)))
    ]


def log_attempt(path: Path, number: int, tried: Tried, step: int) -> list[Row]:
    """Log an attempt from a step on; returns its rows."""
    rows: list[Row] = []
    resume: Any = number > 0 if tried.after is None else tried.after
    with contextlib.suppress(CrashError), Run(path, resume=resume) as run:

        def log(epoch: int | None, value: float) -> None:
            row = Row(number, len(rows), step + len(rows), epoch, value)
            run.log({"m": value}, step=row.step)
            rows.append(row)

        for value in tried.before:
            log(None, value)
        last = tried.first_epoch + len(tried.epochs) - 1
        for epoch in run.epochs(range(tried.first_epoch, last + 1)):
            for value in tried.epochs[epoch - tried.first_epoch]:
                log(epoch, value)
            if tried.crashes and epoch == last:
                raise CrashError
    return rows


def log_history(path: Path, history: list[Tried]) -> tuple[list[Row], set[int]]:
    """Log all attempts; returns the rows that count, and the epochs that ended."""
    attempts: list[tuple[int | None, list[Row]]] = []
    ends: dict[int, int | None] = {}
    for number, tried in enumerate(history):
        count = best_oracles.rewound(attempts)
        step = max((row.step for row in count), default=-1) + 1
        step = step if tried.after is None else tried.after + 1
        rows = log_attempt(path, number, tried, step)
        attempts.append((tried.after, rows))
        if tried.after is not None:
            ends = {
                epoch: None if end is not None and end > tried.after else end
                for epoch, end in ends.items()
            }
        for row in rows:
            if row.epoch is not None:
                crashed = tried.crashes and row.epoch == rows[-1].epoch
                ends[row.epoch] = None if crashed else row.step
    return best_oracles.rewound(attempts), {e for e, end in ends.items() if end is not None}


@settings(max_examples=25, deadline=None)
@given(
    histories(),
    st.sampled_from(["min", "max"]),
    st.sampled_from([None, "epoch", "step"]),
    st.sampled_from(["mean", "min", "max", "last"]),
    st.sampled_from([0.0, 0.1, 0.5]),
)
def test_a_runs_best_point_is_the_one_that_a_walk_through_its_history_finds(
    history: list[Tried], mode: str, per: Any, of: Any, min_delta: float
) -> None:
    """With rewinds, crashes inside epochs, epochs done again, NaN, infinities and ties."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "run"
        rows, ended = log_history(path, history)
        rule: dict[str, Any] = {"per": per, "of": of, "min_delta": min_delta}
        expected = best_oracles.best(rows, mode, ended, **rule)
        if expected is None:
            with pytest.raises(NothingLoggedError):
                judge(path, monitor="m", mode=mode, **rule)
            return
        best = judge(path, monitor="m", mode=mode, **rule).best
    got = (best.value, best.step, best.epoch, best.per, best.candidates, best.min_delta)
    assert got == (*expected[:3], *expected[5:], min_delta)
    (at,) = (row.value for row in rows if row[:2] == (expected.attempt, expected.seq))
    assert best.row["m"] == (at if math.isfinite(at) else None)


def test_fractional_epochs_are_no_epochs(run_path: Path) -> None:
    """Rows compete by themselves, and the row shows the fraction; so is the checkpoint found."""
    with Run(run_path) as run:
        for step in range(0, 400, 100):
            run.log({"loss": 4.0 - step / 100, "epoch": step / 150}, step=step)
            run.log({"eval_loss": abs(step - 200) / 100 + 1, "epoch": step / 150}, step=step)
            run.checkpoint(f"checkpoint-{step}")
    verdict = judge(run_path)
    best = verdict.best
    assert (best.metric, best.step, best.epoch, best.per) == ("eval_loss", 200, None, "step")
    assert best.row == {"loss": 2.0, "eval_loss": 1.0, "epoch": 200 / 150}
    assert best.checkpoint is not None
    assert best.checkpoint.path == "checkpoint-200"
    assert "epoch" not in verdict.by_metric
    with pytest.raises(NothingLoggedError, match="eval_loss has no value inside an epoch"):
        judge(run_path, per="epoch")


def test_each_metric_has_a_best_point_where_it_is_known_what_is_good(run_path: Path) -> None:
    """By the name, by the goal defined, or because it is the monitor, in the monitor's direction."""
    with Run(run_path) as run:
        run.define("quality", goal="max")
        for epoch in run.epochs(3):
            for _ in range(2):
                run.log({"train/loss": 3.0 - epoch, "lr": 0.1})
            run.log({"val/loss": 1.0 + epoch, "val/acc": [0.5, 0.7, 0.7][epoch]})
            run.log({"quality": -float(epoch), "broken/loss": math.nan})
    verdict = judge(run_path, mode="max", min_delta=0.3)
    found = {
        name: (each.mode, each.value, each.epoch, each.per)
        for name, each in verdict.by_metric.items()
    }
    assert found == {
        "quality": ("max", 0.0, 0, "epoch"),
        "train/loss": ("min", 1.0, 2, "epoch mean"),
        "val/acc": ("max", 0.7, 1, "epoch"),
        "val/loss": ("max", 3.0, 2, "epoch"),
    }
    assert list(found) == sorted(found)
    rows = judge(run_path, per="step").by_metric["train/loss"]
    assert (rows.value, rows.step, rows.per) == (1.0, 4, "step")


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({}, "no epoch with a finite value of val/loss has ended$"),
        ({"of": "last"}, "no epoch with a finite last value of val/loss has ended"),
        ({"monitor": "acc"}, "acc has no finite value inside an epoch"),
        ({"monitor": "acc", "per": "step"}, "acc has no finite value inside an epoch"),
        ({"monitor": "f1"}, "f1 has no finite value; give --monitor with one of: val/loss$"),
        ({"monitor": "f1", "per": "epoch"}, "f1 has no value inside an epoch, so that no epoch"),
    ],
)
def test_without_a_winner_the_error_says_why(
    run_path: Path, rule: dict[str, Any], message: str
) -> None:
    """Each reason in its own words."""
    with contextlib.suppress(CrashError), Run(run_path) as run:
        run.log({"f1": math.inf})
        for _ in run.epochs(1):
            run.log({"val/loss": 1.0, "acc": math.nan})
            run.log({"val/loss": 2.0})
            raise CrashError
    with pytest.raises(NothingLoggedError, match=message):
        judge(run_path, **rule)


@pytest.mark.parametrize("whole_rows", [1 << 16, 100])
def test_the_first_of_equals_is_the_first_of_the_log_though_a_step_ran_ahead(
    run_path: Path, monkeypatch: pytest.MonkeyPatch, whole_rows: int
) -> None:
    """The sixth call logged a late step: its row lies among later ones, and is older than they."""
    monkeypatch.setattr(folding, "WHOLE_ROWS", whole_rows)
    with Run(run_path) as run:
        for number in range(3_000):
            step = 1_700 if number == 5 else number
            run.log({"val/loss": 0.0 if number in {5, 50} else 1.0 + number}, step=step)
    assert judge(run_path).best.step == 1_700
