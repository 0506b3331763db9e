"""Epochs: which attempt at one counts, on which rank, and what competes to be the best."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from scanning import scan_parts

from compactor import compact
from compactor.deciding.best import find_winner
from compactor.deciding.verdict import judge
from compactor.epochs import Epochs, merged
from compactor.reading import folding
from logwriter import Run
from logwriter.part import Part
from logwriter.state import EpochState


def test_an_epoch_that_was_repeated_is_that_of_the_latest_attempt(run_path: Path) -> None:
    """``resume=True`` hides nothing; still nobody is told of a mean of two attempts."""
    with Run(run_path, monitor="val/loss") as run:
        for epoch in run.epochs(3):
            run.log({"val/loss": 5.0 - 2 * epoch, "acc": float(epoch)})
            if epoch == 2:
                break
    with Run(run_path, resume=True) as run:
        for _ in run.epochs(range(2, 4)):
            run.log({"val/loss": 3.0})
    record = compact(run_path)
    assert record.best is not None
    assert (record.best.value, record.best.epoch, record.best.per) == (3.0, 1, "epoch")
    assert [epoch.values.get("val/loss") for epoch in record.epochs] == [5.0, 3.0, 3.0, 3.0]
    assert [epoch.values.get("acc") for epoch in record.epochs] == [0.0, 1.0, 2.0, None]
    assert record.charts["loss"].best_point["val"].value == 3.0


def test_a_row_before_the_first_epoch_is_no_epoch(run_path: Path) -> None:
    """It is drawn, but does not win."""
    with Run(run_path) as run:
        run.log({"val/loss": 0.1})
        for epoch in run.epochs(3):
            run.log({"val/loss": 1.0 + epoch, "late": math.nan if epoch else 1.0})
        run.log({"late": 2.0})
    found = judge(run_path).best
    assert (found.value, found.epoch, found.per, found.candidates) == (1.0, 0, "epoch", 3)


def test_a_monitor_without_a_finite_value_in_an_epoch_says_so(run_path: Path) -> None:
    """Though it had one outside."""
    with Run(run_path) as run:
        run.log({"val/loss": 0.1})
        for _ in run.epochs(2):
            run.log({"val/loss": math.nan})
    assert compact(run_path).notes == [
        "No best point: val/loss has no finite value inside an epoch."
    ]


def test_a_defined_goal_decides(run_path: Path) -> None:
    """Where neither the caller nor the declaration says which values are good."""
    with Run(run_path, monitor="val/neg_loss") as run:
        run.define("val/neg_loss", goal="max")
        for epoch in run.epochs(3):
            run.log({"val/neg_loss": [-3.0, -1.0, -2.0][epoch]})
    found = judge(run_path).best
    assert (found.mode, found.value) == ("max", -1.0)
    assert found.mode_chosen_by == "the goal defined for it"


@pytest.mark.parametrize("others", [False, True])
def test_the_epochs_are_those_of_the_rank_that_monitors(run_path: Path, others: bool) -> None:
    """Whether or not the other ranks have epochs, the table shows the monitor."""
    for rank in range(3):
        with Run(run_path, rank=rank, world_size=3, monitor="val/loss", mode="min") as run:
            for epoch in run.epochs(3) if others or rank == 2 else range(3):
                for _ in range(2):
                    run.log({"x": 1.0} if rank < 2 else {"val/loss": [3.0, 1.0, 2.0][epoch]})
    record = compact(run_path)
    assert record.notes == []
    assert record.best is not None
    assert (record.best.value, record.best.epoch, record.best.per) == (1.0, 1, "epoch mean")
    assert record.epoch_columns == (["val/loss", "x"] if others else ["val/loss"])
    assert [(each.ended, each.values["val/loss"]) for each in record.epochs] == [
        (True, 3.0),
        (True, 1.0),
        (True, 2.0),
    ]


def test_a_chart_marks_no_best_point_where_none_won(run_path: Path) -> None:
    """A monitor logged step by step, and a crash in the first epoch."""
    with Run(run_path, monitor="train/loss") as run:
        loop = run.epochs(1)
        next(loop)
        for value in (1.0, 2.0):
            run.log({"train/loss": value})
        run.finish("failed", error="out of memory")
    record = compact(run_path)
    assert record.best is None
    assert record.charts["loss"].best_point == {}


def test_the_row_of_a_mean_takes_no_extreme_off_the_chart(run_path: Path) -> None:
    """An epoch's last row shares its step with the least of all."""
    with Run(run_path, monitor="val/loss") as run:
        for epoch in run.epochs(2):
            for value in [(-100.0, 1.0), (0.5, 1.5)][epoch]:
                run.log({"val/loss": value}, step=epoch)
    chart = compact(run_path).charts["loss"]
    assert chart.lines["val"] == [(0, -100.0), (1, 1.5)]
    assert chart.best_point["val"].value == -49.5


def test_a_run_may_span_all_steps(run_path: Path) -> None:
    """From the least step to the greatest: counted in whole numbers."""
    with Run(run_path) as run:
        for step in (-(2**63), 2**63 - 1):
            run.log({"val/loss": 1.0}, step=step)
    assert compact(run_path).run.steps == 2**64


@pytest.mark.parametrize("whole", [0, 65_536])
def test_epochs_of_several_attempts_do_not_depend_on_threads_or_sealing(
    make_parts: Callable[..., list[Part]], monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """Attempts that repeat an epoch, all sealed or none: the same lines, and the same winner."""
    monkeypatch.setattr(folding, "WHOLE_ROWS", whole)
    rng = np.random.default_rng(7)
    seen = []
    logs = [
        [
            ("m", seq, seq + 300 * attempt, (seq + 300 * attempt) // 100, float(value))
            for seq, value in enumerate(rng.standard_normal(500))
        ]
        for attempt in range(3)
    ]
    for sealed in (0, 9):
        for threads in (1, 2):
            parts = [
                part
                for attempt, rows in enumerate(logs)
                for part in make_parts(rows, cuts=(170, 340), sealed=sealed, attempt=attempt)
            ]
            (line,) = scan_parts(parts, threads, 16)
            columns = [column.tobytes() for column in vars(line.points).values()]
            seen.append((columns, line.epochs, find_winner(line, "min", range(11))))
    assert all(each == seen[0] for each in seen)
    assert [each.rows for each in seen[0][1]] == [100] * 11


def test_ranks_are_merged_by_who_knows_an_epoch_first() -> None:
    """A later rank adds epochs; it does not change those that are known."""
    first = Epochs(frozenset({0, 1}), {1: EpochState(1, 10)}, frozenset({0}))
    second = Epochs(
        frozenset({1, 2}), {1: EpochState(1, 9), 2: EpochState(2, 20)}, frozenset({1, 2})
    )
    assert merged([first, second]) == Epochs(
        frozenset({0, 1, 2}), {1: EpochState(1, 10), 2: EpochState(2, 20)}, frozenset({0, 2})
    )
