"""By which metric, and in which direction, the best point is sought; and who said so.

The monitor is the argument, else what the run declared, else the first usual name that was logged.
The mode is the argument, else what was declared with that monitor, else the goal that was defined
for it, else what the name says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from compactor.names import Mode, close_to, direction, listed
from logwriter.errors import NoMonitorError, UnknownMetricError

USUAL_MONITORS = (
    "val/loss",
    "val_loss",
    "eval/loss",
    "eval_loss",
    "validation/loss",
    "validation_loss",
    "valid/loss",
    "valid_loss",
)
"""The first of these that was logged is the monitor, where nothing else says which."""


@dataclass(frozen=True)
class Monitor:
    """What decides, and who said so."""

    metric: str
    mode: Mode
    metric_chosen_by: str
    mode_chosen_by: str


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
