"""The default policy: good on a linear and on a logarithmic axis, wild stretches before calm ones.

1. Candidates: the first, last, least and greatest point of each pixel column, for columns of equal
   width on a linear axis (the M4 aggregation: Jugel, Jerzak, Hackenbroich and Markl, "M4: A
   Visualization-Oriented Time Series Data Aggregation", PVLDB 7(10), 2014) and on a logarithmic
   one, where the first thousand steps fill half a chart.
2. Pruning: the candidates whose loss would show least are dropped, a few at a time and never two
   neighbours at once, until the budget is met; those whose loss would not show at all go in any
   case. It is line simplification by least effective area (Visvalingam and Whyatt, "Line
   generalisation by repeated elimination of points", The Cartographic Journal 30(1), 1993) with ink
   in place of area.
3. What the budget then still holds goes where the line is farthest from its points
   (`compactor.sampling.closer`).

The highest spikes, up to one for every sixteen points of the budget, stay in any case: a pixel
column shows one of them, but whoever zooms in wants the others.

A line whose outliers would squeeze the rest into a sliver is also judged without them.
"""

from dataclasses import dataclass

import numpy as np

from compactor.sampling.arrays import Curve, Floats, Ints, Mask
from compactor.sampling.closer import closer
from compactor.sampling.ink import HEIGHT, Canvas, canvas, worth
from compactor.sampling.spikes import spikes

LINEAR, FINE, LOGARITHMIC, CORE = 0.8, 0.4, 0.5, 0.15
"""The weights of the canvases: ``n / 2`` columns on a linear axis, ``n`` columns (judged at one
width only, a line would look right at that width only), ``n / 2`` on a logarithmic axis, and ``n /
2`` on a linear axis without outliers."""
SLIVER = 0.25
"""The share of the chart's height below which the middle 98 % of the points get a canvas."""
DROPPED_AT_ONCE, DROPPED_AT_FIRST, FAR = 0.05, 0.3, 2.0
"""The share of the points that is dropped before the others are judged anew; a larger one as long as
there are ``FAR`` times as many as there may be."""
UNSEEN = 0.01
"""Pixels of ink that nobody misses."""
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
    return at[_prune(_views(few, width), few.pinned, n)]


def _views(axes: _Axes, width: int) -> list[Canvas]:
    """The pictures that a reduced line is judged by."""
    x, y = axes.x, axes.y
    views = [
        canvas(x, y, width, LINEAR),
        canvas(x, y, 2 * width, FINE),
        canvas(axes.logarithm, y, width, LOGARITHMIC),
    ]
    least, low, high, greatest = np.quantile(y / 4, [0, 0.01, 0.99, 1])
    if high - low < SLIVER * (greatest - least):
        views.append(canvas(x, np.clip(y, 4 * low, 4 * high), width, CORE))
    return views


def _column_extremes(along: Floats, y: Floats, width: int) -> Ints:
    """The first, last, least and greatest point of each of ``width`` equal columns."""
    span = along[-1] - along[0]
    column = ((along - along[0]) / (span or 1.0) * width).astype(np.int64)
    first = np.flatnonzero(np.diff(column, prepend=-1))
    last = np.append(first[1:], len(y)) - 1
    owner = np.repeat(np.arange(len(first)), last - first + 1)
    least = np.flatnonzero(y == np.minimum.reduceat(y, first)[owner])
    greatest = np.flatnonzero(y == np.maximum.reduceat(y, first)[owner])
    firsts = [at[np.unique(owner[at], return_index=True)[1]] for at in (least, greatest)]
    return np.concatenate((first, last, *firsts))


def _prune(views: list[Canvas], pinned: Mask, n: int) -> Ints:
    """Drop what does not show, and what shows least until at most ``n`` points are left."""
    kept = np.arange(len(pinned))
    unseen = UNSEEN * sum(view.weight for view in views)
    while len(kept) > 2:
        cost = np.sum([worth(view, kept) for view in views], axis=0)
        cost[pinned[kept[1:-1]]] = np.inf
        share = DROPPED_AT_ONCE if len(kept) < FAR * n else DROPPED_AT_FIRST
        wanted = min(len(kept) - n, max(1, int(share * len(kept))))
        low = (cost <= unseen) | _least(cost, wanted)
        dropped = np.flatnonzero(_every_other(low & np.isfinite(cost))) + 1
        if not len(dropped):
            break
        kept = np.delete(kept, dropped)
    return kept


def _least(cost: Floats, count: int) -> Mask:
    """The ``count`` smallest costs; of equal ones, those that come first."""
    if count <= 0:
        return np.zeros(len(cost), np.bool_)
    count = min(count, len(cost))
    limit = np.partition(cost, count - 1)[count - 1]
    chosen: Mask = cost < limit
    chosen[np.flatnonzero(cost == limit)[: count - np.count_nonzero(chosen)]] = True
    return chosen


def _every_other(chosen: Mask) -> Mask:
    """Of each run of chosen neighbours the first, third, fifth …: no two side by side."""
    place = np.arange(len(chosen))
    starts = chosen & ~np.concatenate(([False], chosen[:-1]))
    begun = np.maximum.accumulate(np.where(starts, place, 0))
    odd: Mask = (place - begun) % 2 == 0
    return chosen & odd
