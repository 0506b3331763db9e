"""The whole row at the best point, also where lines are too long to be kept."""

import math
import random
import tempfile
from pathlib import Path
from unittest.mock import patch

import best_oracles
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.deciding.best import find_winner
from compactor.deciding.row import row_at
from compactor.deciding.verdict import judge
from compactor.reading import folding
from compactor.reading.scan import scan_run
from compactor.sampling import LEAST_POINTS
from logwriter import Run

Rows = list[tuple[str, int, float]]
"""Metric, step, value, in the order of the log."""


def some_rows(seed: int) -> Rows:
    """Three metrics that begin and end when they like; steps go up, and now and then back."""
    chance = random.Random(seed)
    begins = {metric: chance.choice([0, 0, 60]) for metric in "abc"}
    ends = {metric: chance.choice([90, 150, 150]) for metric in "abc"}
    step, rows = 0, []
    for place in range(150):
        step = max(0, step + chance.choice([0, 0, 1, 1, 2, chance.choice([-30, 30])]))
        metric = chance.choice([m for m in "abc" if begins[m] <= place <= ends[m]] or ["a"])
        value = chance.choice([chance.random(), 0.25, math.nan, math.inf])
        rows.append((metric, step, value))
    return rows


def log(path: Path, rows: Rows) -> None:
    """Log them one by one."""
    with Run(path) as run:
        for metric, step, value in rows:
            run.log({metric: value}, step=step)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0, 65_536]), st.data())
def test_each_metric_has_its_value_at_the_step_or_nearest_before_it(
    seed: int, whole: int, data: st.DataObject
) -> None:
    """In the order of the log; a later row counts if it completes the step."""
    rows = some_rows(seed)
    with tempfile.TemporaryDirectory() as folder, patch.object(folding, "WHOLE_ROWS", whole):
        log(Path(folder) / "run", rows)
        with scan_run(Path(folder) / "run", LEAST_POINTS, lambda _: None) as scan:
            assert not (whole == 0 and all(line.whole for line in scan.lines))
            for _ in range(4):
                place = data.draw(st.integers(0, len(rows) - 1))
                found = row_at(scan.source, scan.lines, place, rows[place][1])
                assert found == best_oracles.whole_row(rows, place)


@pytest.mark.parametrize("first", [True, False])
def test_a_long_lines_outermost_row_need_not_be_one_of_those_that_were_kept(
    run_path: Path, first: bool
) -> None:
    """Logged first or last of all, at a step amid others, with a value amid theirs."""
    others: Rows = [("a", step, float(step)) for step in range(1024, 2048) if step != 1500]
    alone: Rows = [("a", 1500, 1500.0), ("m", 1500, 1.0)]
    rows = [*alone, *others] if first else [*others, *reversed(alone)]
    log(run_path, rows)
    with (
        patch.object(folding, "WHOLE_ROWS", 0),
        scan_run(run_path, LEAST_POINTS, lambda _: None) as scan,
    ):
        place = 1 if first else len(rows) - 2
        assert (0 if first else len(rows) - 1) not in scan.lines[0].points.position
        assert row_at(scan.source, scan.lines, place, 1500) == {"a": 1500.0, "m": 1.0}


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.0, 0.2]), st.sampled_from(["min", "max"]))
def test_a_line_too_long_to_be_kept_has_the_same_winner(
    seed: int, min_delta: float, mode: str
) -> None:
    """Its rows are read from the log where a difference is asked for."""
    rows = some_rows(seed)
    with tempfile.TemporaryDirectory() as folder, patch.object(folding, "WHOLE_ROWS", 0):
        log(Path(folder) / "run", rows)
        with scan_run(Path(folder) / "run", LEAST_POINTS, lambda _: None) as scan:
            for line in scan.lines:
                logged = [
                    best_oracles.Row(0, place, step, None, value)
                    for place, (metric, step, value) in enumerate(rows)
                    if metric == line.metric
                ]
                winner = find_winner(line, mode, (), min_delta=min_delta, fetch=scan.rows)  # type: ignore[arg-type]
                expected = best_oracles.best(logged, mode, (), min_delta=min_delta)
                assert (winner is None) == (expected is None)
                if winner is not None and expected is not None:
                    assert (winner.value, winner.position) == (expected.value, expected.seq)


def test_metrics_logged_beside_the_winner_are_in_its_row(run_path: Path) -> None:
    """Those of the same step whichever call brought them, others from the step before them."""
    with Run(run_path) as run:
        for step in range(5):
            run.log({"train/loss": 5.0 - step}, step=step)
            if step % 2 == 0:
                run.log({"lr": 0.1 * step}, step=step)
            run.log({"val/loss": abs(step - 3) + 1.0}, step=step)
            run.log({"val/acc": math.nan if step == 3 else 0.5}, step=step)
        run.log({"late": 1.0}, step=9)
    found = judge(run_path).best
    assert found.row == {
        "lr": pytest.approx(0.2),
        "train/loss": 2.0,
        "val/acc": None,
        "val/loss": 1.0,
    }
