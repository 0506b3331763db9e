"""The best point of a run of several ranks."""

import contextlib
import math
from pathlib import Path
from typing import Any

import pytest

from compactor.deciding.verdict import judge
from logwriter import Run
from logwriter.errors import UnknownMetricError


class CrashError(Exception):
    """The training fails."""


def log_ranks(path: Path, by_rank: dict[int, list[list[float]]]) -> None:
    """Log ``val/loss`` on several ranks, a list an epoch; rank 0 logs ``lr`` too."""
    for rank, epochs in by_rank.items():
        with Run(path, rank=rank, world_size=4) as run:
            for epoch in run.epochs(len(epochs)):
                for value in epochs[epoch]:
                    run.log({"val/loss": value, **({"lr": 0.1} if rank == 0 else {})})
                run.checkpoint(f"{rank}-{epoch}.pt")


RANKS = {
    1: [[5.0], [3.0], [4.0]],
    2: [[1.0], [9.0], [math.nan]],
    3: [[4.0], [2.0], [1.0]],
}


@pytest.mark.parametrize(
    ("rank", "value", "epoch", "told"),
    [
        (None, 3.0, 1, 1),
        (1, 3.0, 1, 1),
        (2, 1.0, 0, 2),
        (3, 1.0, 2, 3),
        ("mean", 2.5, 2, None),
    ],
)
def test_the_lowest_rank_decides_unless_another_or_their_mean_is_asked_for(
    run_path: Path, rank: Any, value: float, epoch: int, told: int | None
) -> None:
    """The row and the checkpoint are those of the rank that decided; for the mean, of the lowest."""
    log_ranks(run_path, RANKS)
    best = judge(run_path, rank=rank).best
    assert (best.value, best.epoch, best.rank) == (value, epoch, told)
    saver = 1 if told is None else told
    assert best.row == {"val/loss": RANKS[saver][epoch][0]}
    assert best.checkpoint is not None
    assert best.checkpoint.path == f"{saver}-{epoch}.pt"


def test_the_mean_over_the_ranks_is_averaged_over_epochs_too(run_path: Path) -> None:
    """By step over the ranks first, then over the steps of the epoch."""
    log_ranks(run_path, {0: [[1.0, 2.0], [3.0, 0.0]], 1: [[3.0, 4.0], [1.0, 0.0]]})
    best = judge(run_path, rank="mean").best
    assert (best.value, best.epoch, best.step, best.per) == (1.0, 1, 3, "epoch mean")
    assert judge(run_path, rank="mean", per="step").best.value == 0.0
    assert judge(run_path, rank="mean", per="step", min_delta=1.5).best.value == 0.0


def test_an_epoch_that_one_rank_did_not_finish_is_no_candidate_for_the_mean(
    run_path: Path,
) -> None:
    """Part of its values are missing."""
    for rank in (0, 1):
        with contextlib.suppress(CrashError), Run(run_path, rank=rank, world_size=2) as run:
            for epoch in run.epochs(2):
                for _ in range(2):
                    run.log({"val/loss": 2.0 - epoch})
                if rank and epoch:
                    raise CrashError
    assert judge(run_path).best.epoch == 1
    assert judge(run_path, rank="mean").best.epoch == 0


def test_a_rank_that_did_not_log_the_monitor_is_an_error_that_names_those_that_did(
    run_path: Path,
) -> None:
    """Also a rank that is not there at all."""
    log_ranks(run_path, {0: [[1.0]], 1: [[1.0]]})
    with pytest.raises(UnknownMetricError, match=r"rank 1 did not log 'lr'; ranks that did: 0$"):
        judge(run_path, monitor="lr", mode="min", rank=1)
    with pytest.raises(UnknownMetricError, match=r"rank 7 .* ranks that did: 0, 1$"):
        judge(run_path, rank=7)
    with pytest.raises(ValueError, match="rank is 'median'; give a number, or 'mean'"):
        judge(run_path, rank="median")  # type: ignore[arg-type]


def test_other_metrics_are_judged_on_the_rank_that_decides(run_path: Path) -> None:
    """As is the row; where it did not log one, on the lowest that did."""
    for rank, values in ((0, (0.5, 0.8)), (1, (0.6, 0.4))):
        with Run(run_path, rank=rank, world_size=2) as run:
            for epoch in run.epochs(2):
                run.log({"val/loss": 1.0, "val/acc": values[epoch]})
                if rank == 0:
                    run.log({"val/f1": values[epoch]})
    expected: dict[Any, float] = {None: 0.8, 0: 0.8, 1: 0.6, "mean": 0.8}
    for rank, acc in expected.items():
        found = judge(run_path, rank=rank).by_metric
        assert (found["val/acc"].value, found["val/f1"].value) == (acc, 0.8)
