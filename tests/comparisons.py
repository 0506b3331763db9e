"""Small runs to compare, and the slow twin of what is asked of them."""

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from logwriter import Run


def make_run(
    path: Path,
    losses: Sequence[float],
    *,
    config: Mapping[str, Any] | None = None,
    name: str | None = None,
    monitor: str = "val/loss",
    mode: Literal["min", "max"] = "min",
    rows: int = 3,
) -> Path:
    """A run with one value of the monitor an epoch, and ``rows`` of ``train/loss`` in each.

    The training loss falls in steps of a hundredth from the epoch's value plus one.
    """
    with Run(path, name=name, config=dict(config or {}), monitor=monitor, mode=mode) as run:
        for epoch in run.epochs(len(losses)):
            for row in range(rows):
                run.log({"train/loss": losses[epoch] + 1 - row / 100})
            run.log({monitor: losses[epoch]})
    return path


def first_reaching(losses: Sequence[float], target: float, rows: int = 3) -> tuple[int, int] | None:
    """The epoch and the step at which a run of `make_run` is first at or below ``target``."""
    for epoch, loss in enumerate(losses):
        if math.isfinite(loss) and loss <= target:
            return epoch, (epoch + 1) * rows - 1
    return None


def mean_by_hand(lines: Sequence[Mapping[int, float]], step: int) -> float | None:
    """The mean of lines at a step, each on the straight between its points; ``None`` beyond one."""
    values = []
    for line in lines:
        before = max((at for at in line if at <= step), default=None)
        after = min((at for at in line if at >= step), default=None)
        if before is None or after is None:
            return None
        share = 0.0 if before == after else (step - before) / (after - before)
        values.append(line[before] + share * (line[after] - line[before]))
    return sum(values) / len(values)
