"""The default policy: good on a linear and on a logarithmic axis, wild stretches before calm ones.

1. Candidates: the first, last, least and greatest point of each pixel column, for columns of equal
   width on a linear axis (the M4 aggregation: Jugel, Jerzak, Hackenbroich and Markl, "M4: A
   Visualization-Oriented Time Series Data Aggregation", PVLDB 7(10), 2014) and on a logarithmic
   one, where the first thousand steps fill half a chart.
2. Pruning: the candidates whose loss would show least are dropped, a few at a time and never two
   neighbours at once, until the budget is met; those whose loss would not show at all go in any
   case (`compactor.sampling.pruning`).
3. What the budget then still holds goes where the line is farthest from its points
   (`compactor.sampling.closer`).

The highest spikes, up to one for every sixteen points of the budget, stay in any case: a pixel
column shows one of them, but whoever zooms in wants the others.

A line whose outliers would squeeze the rest into a sliver is also judged without them.
"""

from dataclasses import dataclass

import numpy as np

from compactor.sampling.arrays import Curve, Floats, Ints, Mask, firsts
from compactor.sampling.closer import closer
from compactor.sampling.ink import HEIGHT, Canvas, drawn, scaled
from compactor.sampling.pruning import prune
from compactor.sampling.spikes import spikes

LINEAR, FINE, LOGARITHMIC, CORE = 0.8, 0.4, 0.5, 0.15
"""The weights of the canvases: ``n / 2`` columns on a linear axis, ``n`` columns (judged at one
width only, a line would look right at that width only), ``n / 2`` on a logarithmic axis, and ``n /
2`` on a linear axis without outliers."""
SLIVER = 0.25
"""The share of the chart's height below which the middle 98 % of the points get a canvas."""
POINTS_A_SPIKE = 16
FEWEST_COLUMNS, MOST_COLUMNS = 8, 4096


@dataclass(frozen=True)
class _Axes:
    """A line on both axes, and which of its points must stay."""

    x: Floats
    logarithm: Floats
    y: Floats
    pinned: Mask

    def take(self, at: Ints) -> "_Axes":
        return _Axes(self.x[at], self.logarithm[at], self.y[at], self.pinned[at])


def adaptive(curve: Curve, n: int | None) -> Ints:
    """Points whose polyline looks like the whole one. Arguments and result: see `Choose`."""
    most = len(curve) if n is None else n
    width = min(max(most // 2, FEWEST_COLUMNS), MOST_COLUMNS)
    x, pinned = curve.x, curve.pinned.copy()
    room = most - len(curve.pins)
    pinned[spikes(curve.y, min(most // POINTS_A_SPIKE, room), HEIGHT)] = True
    axes = _Axes(x, np.log(np.maximum(x - min(x[0], 0.0), 1.0)), curve.y, pinned)
    return closer(x, curve.y, _look(axes, width, most), most, HEIGHT)


def _look(axes: _Axes, width: int, n: int) -> Ints:
    """The pins and what ``width`` columns need, pruned."""
    candidates = axes.pinned.copy()
    for along in (axes.x, axes.logarithm):
        candidates[_column_extremes(along, axes.y, 2 * width)] = True
    at = np.flatnonzero(candidates)
    few = axes.take(at)
    return at[prune(_views(few, width), few.pinned, n)]


def _views(axes: _Axes, width: int) -> list[Canvas]:
    """The pictures that a reduced line is judged by."""
    across, up = scaled(axes.x), scaled(axes.y)
    views = [
        drawn(across, up, width, LINEAR),
        drawn(across, up, 2 * width, FINE),
        drawn(scaled(axes.logarithm), up, width, LOGARITHMIC),
    ]
    quarter = axes.y / 4  # differences cannot overflow
    low, high = np.quantile(quarter, [0.01, 0.99])
    if high - low < SLIVER * (quarter.max() - quarter.min()):
        core = np.clip(axes.y, 4 * low, 4 * high)
        views.append(drawn(across, scaled(core), width, CORE))
    return views


def _column_extremes(along: Floats, y: Floats, width: int) -> Ints:
    """The first, last, least and greatest point of each of ``width`` equal columns."""
    span = along[-1] - along[0]
    column = ((along - along[0]) / (span or 1.0) * width).astype(np.int64)
    change = np.flatnonzero(column[1:] != column[:-1])
    first, last = np.append(0, change + 1), np.append(change, len(y) - 1)
    extremes = []
    for extreme in (np.minimum, np.maximum):
        at = np.flatnonzero(y == np.repeat(extreme.reduceat(y, first), last - first + 1))
        extremes.append(firsts(at, column[at]))
    return np.concatenate((first, last, *extremes))
