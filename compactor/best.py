"""Which point of the run was best, decided with all of it in hand.

The monitor is the argument, else what the run declared, else the first usual name that was logged.
The mode is the argument, else what was declared with that monitor, else the goal that was defined
for it, else what the name says. The first of equals wins. NaN and infinities never win, and hidden
rows are not here to begin with. A metric logged at most once an epoch competes row by row; one
logged more often competes by the means of the epochs that ended; one logged only outside epochs, row
by row. Where an epoch was repeated, the latest attempt at it competes; where a metric has epochs,
its rows outside them do not.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from compactor.lines import Line
from compactor.names import Mode, close_to, direction, listed
from logwriter.errors import NoMonitorError, UnknownMetricError

USUAL_MONITORS = ("val/loss", "val_loss", "eval/loss", "eval_loss")


@dataclass(frozen=True)
class Monitor:
    """What decides, and who said so."""

    metric: str
    mode: Mode
    metric_chosen_by: str
    mode_chosen_by: str


@dataclass(frozen=True)
class Winner:
    """The best point.

    ``step`` and ``position`` (the place in the log) are those of the winning row; for a mean, of
    the last row in it.
    """

    value: float
    step: int
    epoch: int | None
    position: int
    per: str
    candidates: int


def choose_monitor(
    metrics: Sequence[str],
    *,
    metric: str | None = None,
    mode: str | None = None,
    declared_metric: str | None = None,
    declared_mode: str | None = None,
    goals: Mapping[str, Mode | None] | None = None,
) -> Monitor:
    """Settle by which metric, and in which direction, the best point is sought.

    Args:
        metrics: The names that were logged, sorted.
        metric: What the caller asks for.
        mode: ``"min"`` or ``"max"``, if the caller says so.
        declared_metric: What the run declared.
        declared_mode: Likewise.
        goals: Which values the run defined to be good, by metric.

    Raises:
        UnknownMetricError: The caller asks for a metric that was not logged.
        NoMonitorError: Nothing says by which metric or in which direction, or the declared metric
            was not logged.
        ValueError: ``mode`` is neither.
    """
    if mode not in {None, "min", "max"}:
        raise ValueError(f"mode is {mode!r}; give 'min' or 'max'")
    name, chosen_by = _choose_metric(metrics, metric, declared_metric)
    if mode is not None:
        return Monitor(name, cast("Mode", mode), chosen_by, "the argument")
    if declared_mode is not None and name == declared_metric:
        return Monitor(name, cast("Mode", declared_mode), chosen_by, "declared by the run")
    goal = (goals or {}).get(name)
    if goal is not None:
        return Monitor(name, goal, chosen_by, "the goal defined for it")
    inferred = direction(name)
    if inferred is None:
        raise NoMonitorError(
            f"the name {name!r} does not say whether small or large values are better; "
            "give --mode min or --mode max (mode= in Python)"
        )
    return Monitor(name, inferred, chosen_by, "inferred from the name")


def find_winner(line: Line, mode: Mode, ended: Collection[int]) -> Winner | None:
    """The best point of a line.

    Args:
        line: The monitor, of the lowest rank that logged it.
        mode: Which values are better.
        ended: The epochs that ended.

    Returns:
        The winner; ``None`` if no candidate is finite.
    """
    epochs = [epoch for epoch in line.epochs if epoch.epoch is not None]
    if not epochs:
        return _best_row(line, mode, "step")
    if all(epoch.rows == 1 for epoch in epochs):
        return _best_row(line, mode, "epoch")
    means = [
        (epoch.mean, epoch) for epoch in epochs if epoch.mean is not None and epoch.epoch in ended
    ]
    if not means:
        return None
    sign = 1 if mode == "min" else -1
    value, epoch = min(means, key=lambda pair: (sign * pair[0], pair[1].position))
    return Winner(value, epoch.step, epoch.epoch, epoch.position, "epoch mean", len(means))


def _choose_metric(
    metrics: Sequence[str], metric: str | None, declared: str | None
) -> tuple[str, str]:
    if metric is not None:
        if metric not in metrics:
            raise UnknownMetricError(
                f"no metric {metric!r} was logged{close_to(metric, metrics)} "
                f"Logged are: {listed(metrics) or 'none'}"
            )
        return metric, "the argument"
    if declared is not None:
        if declared not in metrics:
            raise NoMonitorError(
                f"the run declares {declared!r} as its monitor but did not log it"
                f"{close_to(declared, metrics)} Give --monitor with one of: "
                f"{listed(metrics) or 'none'}"
            )
        return declared, "declared by the run"
    for usual in USUAL_MONITORS:
        if usual in metrics:
            return usual, "the usual name"
    raise NoMonitorError(
        "nothing says which metric decides what was best; give --monitor (monitor= in Python) "
        f"with one of: {listed(metrics) or 'none'}"
    )


def _best_row(line: Line, mode: Mode, per: str) -> Winner | None:
    place = line.extreme(mode, line.competing)
    if place is None:
        return None
    points = line.points
    return Winner(
        float(points.value[place]),
        int(points.step[place]),
        points.epoch_of(place),
        int(points.position[place]),
        per,
        sum(each.finite for each in line.epochs if per == "step" or each.epoch is not None),
    )
