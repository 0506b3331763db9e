"""How a metric changed from epoch to epoch: a strip beneath its chart, around a zero line.

It is drawn where the direction of a line is known and at least three epochs differ from the one
before. A few large changes at the beginning must not flatten all later ones: the strip is linear
around zero and logarithmic beyond twice what four of five changes stay below, where the largest is
over ten times that.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedFormatter, FixedLocator, NullFormatter, NullLocator

from compactor.record import Epoch
from reports import ticks, typeset
from reports.marks import Style
from reports.scale import Floats
from reports.view import ChartView, Line

CHANGE_LABEL = "change"
HEIGHT = 56.0
"""How much a strip takes beneath its chart, in points."""
AXES_HEIGHT = 36.0
"""How high the axes of a strip are, in points."""

_TITLE, _TITLE_SIZE = "change per epoch", 7.5
_LEAST_EPOCHS, _MOST_LINES, _DOTS = 3, 2, 60
_USUAL, _UNEVEN, _HUGE = 0.8, 10.0, 1e290
_TICK_SIZE = 7.5


@dataclass(frozen=True)
class Change:
    """What an epoch's mean gained on that of the epoch before, where each epoch ends."""

    line: Line
    steps: Floats
    values: Floats


def changes_of(view: ChartView, epochs: Sequence[Epoch]) -> list[Change]:
    """The changes of the lines of a chart whose direction is known, of two at most."""
    seen: set[str] = set()
    changes = []
    for line in view.lines:
        metric = line.info.metric
        if line.best is None or metric in seen:
            continue
        seen.add(metric)
        told = [
            (epoch.last_step, epoch.metrics[metric].change)
            for epoch in epochs
            if metric in epoch.metrics and epoch.metrics[metric].change is not None
        ]
        if len(told) >= _LEAST_EPOCHS and all(abs(change or 0) < _HUGE for _, change in told):
            steps, values = np.array(told, dtype=np.float64).T
            changes.append(Change(line, steps, values))
    return changes[:_MOST_LINES]


def draw_changes(axes: Axes, changes: Sequence[Change], view: ChartView, style: Style) -> None:
    """Fill the axes of a strip, whose steps are those of its chart."""
    reach = max(float(np.abs(change.values).max()) for change in changes) or 1.0
    sizes = np.abs(np.concatenate([change.values for change in changes]))
    usual = float(np.quantile(sizes, _USUAL))
    uneven = 0 < usual < reach / _UNEVEN
    if uneven:
        axes.set_yscale("symlog", linthresh=2 * usual)
    axes.set_ylim(-reach * (2.0 if uneven else 1.2), reach * (2.0 if uneven else 1.2))
    axes.axhline(0.0, color=style.theme.muted, linewidth=0.9, zorder=1.0, label="zero")
    for change in changes:
        dots = len(change.steps) <= _DOTS
        axes.plot(
            change.steps,
            change.values,
            label=f"{CHANGE_LABEL}: {change.line.name}",
            color=style.colour(view, change.line),
            linestyle=style.dash(view, change.line),
            linewidth=1.0,
            marker="o" if dots else "",
            markersize=2.4,
            zorder=2.5,
        )
    _dress(axes, reach, uneven=uneven, style=style)


def _dress(axes: Axes, reach: float, *, uneven: bool, style: Style) -> None:
    round_reach = float(f"{reach * (1.0 if uneven else 0.8):.0e}")
    places = [-round_reach, 0.0, round_reach]
    axes.yaxis.set_major_locator(FixedLocator(places))
    axes.yaxis.set_major_formatter(FixedFormatter(ticks.spell_values(places)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_locator(NullLocator())
    axes.xaxis.set_minor_formatter(NullFormatter())
    axes.tick_params(axis="y", labelsize=_TICK_SIZE)
    axes.spines["bottom"].set_visible(False)
    remark = ", log beyond the usual" if uneven else ""
    axes.annotate(
        typeset.printable(_TITLE + remark),
        xy=(1, 1),
        xycoords="axes fraction",
        xytext=(0, 1),
        textcoords="offset points",
        ha="right",
        va="bottom",
        fontsize=_TITLE_SIZE,
        color=style.theme.muted,
    )
