"""By which metric runs are compared, and what each came to by it. Pure.

The metric is the argument, else the one that decided most runs' best point (of as many, the first
given). The mode is the argument, else that of most runs that have a best point by this metric,
else what the name says.
"""

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from compactor.names import Mode, close_to, direction, listed
from compactor.record import Epoch, LineInfo, Point, Record
from logwriter.errors import NoMonitorError, UnknownMetricError
from reports.comparison.lines import drawn_line, metrics_of
from reports.comparison.result import RunBest
from reports.wording import listing


@dataclass(frozen=True)
class Judge:
    """What decides which run was best, and who said so; ``notes`` says where runs disagree."""

    metric: str
    mode: Mode
    chosen_by: str
    notes: tuple[str, ...] = ()

    def at_least(self, value: float, other: float) -> bool:
        """Whether ``value`` is as good as ``other``, or better."""
        return value <= other if self.mode == "min" else value >= other

    def key(self, value: float | None) -> tuple[bool, float]:
        """Sorts the best first, and what has none last."""
        if value is None:
            return True, 0.0
        return False, value if self.mode == "min" else -value


def choose_judge(records: Sequence[Record], metric: str | None, mode: str | None) -> Judge:
    """Settle by which metric, and in which direction, runs are compared.

    Raises:
        UnknownMetricError: No run logged ``metric``.
        NoMonitorError: Nothing says by which metric or in which direction.
        ValueError: ``mode`` is neither ``"min"`` nor ``"max"``.
    """
    if mode is not None and mode not in {"min", "max"}:
        raise ValueError(f"mode is {mode!r}; give 'min' or 'max'")
    known = sorted({name for record in records for name in metrics_of(record)})
    notes: tuple[str, ...] = ()
    if metric is not None:
        if metric not in known:
            raise UnknownMetricError(
                f"no run logged {metric!r}{close_to(metric, known)} Logged are: {listed(known) or 'none'}"
            )
        name, chosen_by = metric, "the argument"
    else:
        name, chosen_by, notes = _most_monitored(records, known)
    return Judge(name, _mode(records, name, mode), chosen_by, notes)


def best_of(record: Record, judge: Judge) -> RunBest | None:
    """The best point of a run by the metric of a comparison, as the record decided it.

    Where the record decided nothing by this metric and mode, epochs compete where the record has
    them for it, else rows.
    """
    best = record.best
    if best is not None and (best.metric, best.mode) == (judge.metric, judge.mode):
        return RunBest(value=best.value, step=best.step, epoch=best.epoch, per=best.per)
    known = record.best_by_metric.get(judge.metric)
    if known is not None and known.mode == judge.mode:
        return RunBest(value=known.value, step=known.step, epoch=known.epoch, per=known.per)
    return _best_epoch(record, judge) or _best_row(record, judge)


def _most_monitored(
    records: Sequence[Record], known: Sequence[str]
) -> tuple[str, str, tuple[str, ...]]:
    monitors = Counter(record.best.metric for record in records if record.best)
    if not known:
        raise NoMonitorError("the runs logged no metric: there is nothing to compare them by")
    if not monitors:
        raise NoMonitorError(
            "no run says by which metric it was best; give --metric (metric= in Python) with one "
            f"of: {listed(known)}"
        )
    ((name, most), *others) = monitors.most_common()
    if not others:
        return name, "the runs' monitor", ()
    told = listing(f"{each} ({amount})" for each, amount in monitors.most_common())
    note = (
        f"The runs are judged by different metrics: {told}. Compared by {name}, by which most are, "
        "or the first of as many; --metric (metric= in Python) names another."
    )
    return name, f"the monitor of {most} of {sum(monitors.values())} runs", (note,)


def _mode(records: Sequence[Record], metric: str, mode: str | None) -> Mode:
    modes = Counter(
        record.best.mode
        if record.best and record.best.metric == metric
        else record.best_by_metric[metric].mode
        for record in records
        if metric in record.best_by_metric or (record.best and record.best.metric == metric)
    )
    chosen = mode or next((each for each, _ in modes.most_common(1)), direction(metric))
    if chosen is None:
        raise NoMonitorError(
            f"the name {metric!r} does not say whether small or large values are better; "
            "give --mode min or --mode max (mode= in Python)"
        )
    return "max" if chosen == "max" else "min"


def _best_epoch(record: Record, judge: Judge) -> RunBest | None:
    sign = 1 if judge.mode == "min" else -1
    values = [
        (sign * value, each)
        for each in record.epochs
        if (value := each.values.get(judge.metric)) is not None
        and (each.ended or _single(each, judge))
    ]
    if not values:
        return None
    value, epoch = min(values, key=lambda pair: pair[0])
    per = "epoch" if _single(epoch, judge) else "epoch mean"
    return RunBest(value=sign * value, step=epoch.last_step, epoch=epoch.epoch, per=per)


def _best_row(record: Record, judge: Judge) -> RunBest | None:
    found = drawn_line(record, judge.metric)
    if found is None:
        return None
    point = _extreme(found.info, judge)
    if point is None or not math.isfinite(point.value):
        return None
    return RunBest(value=point.value, step=point.step, epoch=point.epoch, per="step")


def _extreme(info: LineInfo, judge: Judge) -> Point | None:
    return info.minimum if judge.mode == "min" else info.maximum


def _single(epoch: Epoch, judge: Judge) -> bool:
    """Whether an epoch has one value of the metric, so that more of the epoch changes nothing."""
    metric = epoch.metrics.get(judge.metric)
    return metric is not None and metric.rows == 1
