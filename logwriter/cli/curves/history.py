"""The curves of a run's own log: which metrics matter, and their rows.

The monitor comes first, then metrics that measure the same (``train/loss`` beside ``val/loss``),
then other losses, then what is named like the monitor (``val/acc``), then the rest by name. What
was asked for by name is drawn as asked.

Rows are folded part by part, so that a long run takes no more memory than one segment. A metric is
that of the lowest rank which logged it, as in the table of metrics.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from logwriter.cli.curves.axis import Axis, Kind
from logwriter.cli.curves.columns import Columns, fold_rows, join
from logwriter.cli.curves.plot import Curve, Mark, Plot, dot_columns
from logwriter.cli.curves.screen import Screen
from logwriter.cli.text import number
from logwriter.errors import UnknownMetricError
from logwriter.metricsummary import MetricSummary
from logwriter.runlog import RunLog, encode_metrics, load_part

MOST = 4
_LOSS = "loss"


@dataclass(frozen=True)
class _Extreme:
    """The first row of all with a metric's best value."""

    step: int
    epoch: int | None


def choose(
    metrics: Sequence[MetricSummary], monitor: str | None, asked: Sequence[str] = ()
) -> list[MetricSummary]:
    """The metrics to draw: those that were asked for, in that order, or the few that matter.

    Args:
        metrics: All of the run.
        monitor: The metric that the run watches, if it said one.
        asked: Names, each of which was logged.

    Raises:
        UnknownMetricError: Later attempts hide all that was logged under a name.
    """
    if asked:
        by_name = {metric.metric: metric for metric in metrics}
        hidden = [name for name in asked if name not in by_name]
        if hidden:
            raise UnknownMetricError(
                f"metric {hidden[0]!r}: later attempts hide all of its rows; choose of those that "
                "`everystep show RUN` lists"
            )
        return [by_name[name] for name in dict.fromkeys(asked)]
    watched = _words(monitor or "")

    def rank(metric: MetricSummary) -> tuple[bool, bool, bool, bool, str]:
        words = _words(metric.metric)
        return (
            metric.metric != monitor,
            words[-1:] != watched[-1:],
            _LOSS not in words,
            not set(words) & set(watched),
            metric.metric,
        )

    return sorted(metrics, key=rank)[:MOST]


def plots_of(
    log: RunLog, chosen: Sequence[MetricSummary], screen: Screen, *, logarithmic: bool = False
) -> list[Plot]:
    """Read the rows of the chosen metrics, and say how each is drawn.

    Args:
        log: The run.
        chosen: Its metrics to draw.
        screen: The terminal.
        logarithmic: Whether values have a logarithmic axis, where all of them are positive.
    """
    goals = _goals(log)
    readings = {
        metric.metric: _Reading(metric, goals.get(metric.metric), screen) for metric in chosen
    }
    wanted = set(readings)
    for rank in log.state.ranks:
        for name, table in _rows(log, rank, sorted(wanted)):
            readings[name].add(table)
        wanted = {name for name in wanted if readings[name].columns is None}
    return [readings[metric.metric].plot(logarithmic=logarithmic) for metric in chosen]


class _Reading:
    """One metric while its rows are read."""

    def __init__(self, metric: MetricSummary, goal: str | None, screen: Screen) -> None:
        self.metric = metric
        self.goal = goal
        self.columns: Columns | None = None
        self._span = (metric.first_step, metric.last_step)
        self._count = dot_columns(screen)
        self._best = {"min": metric.minimum, "max": metric.maximum}.get(goal or "")
        self._extreme: _Extreme | None = None

    def add(self, table: pa.Table) -> None:
        """Take in rows that were logged after all earlier ones."""
        steps = table.column("step").to_numpy()
        values = table.column("value").to_numpy()
        columns = fold_rows(steps, values, self._span, self._count)
        self.columns = columns if self.columns is None else join(self.columns, columns)
        if self._best is not None and self._extreme is None:
            hits = np.flatnonzero(values == self._best)
            if len(hits):
                place = int(hits[0])
                self._extreme = _Extreme(int(steps[place]), table.column("epoch")[place].as_py())

    def plot(self, *, logarithmic: bool) -> Plot:
        """The plot of all rows that were taken in."""
        metric = self.metric
        axis = None
        if metric.minimum is not None and metric.maximum is not None:
            kind: Kind = "log" if logarithmic and metric.minimum > 0 else "linear"
            axis = Axis(metric.minimum, metric.maximum, kind)
        mark = None
        captions = []
        if self._best is not None and self._extreme is not None:
            mark = Mark(self._extreme.step, self._best)
            captions.append(self._best_caption(self._best, self._extreme))
        if metric.not_finite:
            captions.append(f"x {metric.not_finite:,} of {metric.values:,} values are NaN or inf")
        curves = [] if self.columns is None else [Curve(metric.metric, self.columns, mark)]
        remark = "log scale" if axis and axis.kind == "log" else ""
        return Plot(metric.metric, curves, self._span, axis, remark, captions)

    def _best_caption(self, best: float, extreme: _Extreme) -> str:
        word = "lowest" if self.goal == "min" else "highest"
        epoch = "" if extreme.epoch is None else f"epoch {extreme.epoch:,}, "
        return f"★ {word} {number(best)} at {epoch}step {extreme.step:,}"


def _goals(log: RunLog) -> dict[str, str]:
    """Which values are good, where the run said so."""
    state = log.state
    goals = {name: defined.goal for name, defined in state.metrics.items() if defined.goal}
    if state.monitor and state.mode:
        goals[state.monitor] = state.mode
    return goals


def _rows(log: RunLog, rank: int, names: list[str]) -> Iterator[tuple[str, pa.Table]]:
    """The visible rows of some metrics, in log order for each of them."""
    for part in log.parts(ranks=[rank]) if names else []:
        table = load_part(part, names)
        known, codes = encode_metrics(table)
        starts = np.flatnonzero(np.diff(codes, prepend=-1)).tolist()
        for start, end in zip(starts, [*starts[1:], len(codes)], strict=True):
            yield known[codes[start]], table.slice(start, end - start)


def _words(name: str) -> list[str]:
    return [word for word in re.split(r"[^a-z0-9]+", name.lower()) if word]
