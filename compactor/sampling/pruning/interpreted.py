"""Pruning in NumPy: what `compiled` does in C, bit for bit, and the text that explains it.

It is line simplification by least effective area (Visvalingam and Whyatt, "Line generalisation by
repeated elimination of points", The Cartographic Journal 30(1), 1993) with ink in place of area.

So that C can do the same to the last bit, sums are taken in order: `numpy.sum` and
`numpy.add.reduceat` take them in an order of their own, `numpy.bincount` from left to right.
"""

import numpy as np

from compactor.sampling.arrays import Floats, Ints, Mask
from compactor.sampling.ink import HEIGHT, Canvas, envelope

DROPPED_AT_ONCE, DROPPED_AT_FIRST, FAR = 0.05, 0.3, 2.0
"""The share of the points that is dropped before the others are judged anew; a larger one as long as
there are ``FAR`` times as many as there may be."""
UNSEEN = 0.01
"""Pixels of ink that nobody misses."""
APART = 4 * HEIGHT
"""Keeps the running extremes of one column out of the next one's."""
NARROW = 1e-9
"""Pixels: what is narrower is taken for that wide, and so for no steeper."""


def prune(views: list[Canvas], pinned: Mask, n: int) -> Ints:
    """Drop what does not show, and what shows least until at most ``n`` points are left.

    A few points at a time are dropped, and never two neighbours at once.

    Args:
        views: The pictures to judge by, all of the same ``M`` points.
        pinned: Shape ``(M,)``: which points must stay. The first and the last one stay in any case.
        n: How many points may stay; more do where too many are pinned.

    Returns:
        Strictly increasing indices of the points that stay.
    """
    kept = np.arange(len(pinned))
    limit = unseen(views)
    while len(kept) > 2:
        cost = np.zeros(len(kept) - 2)
        for view in views:
            cost += worth(view, kept)
        cost[pinned[kept[1:-1]]] = np.inf
        share = DROPPED_AT_ONCE if len(kept) < FAR * n else DROPPED_AT_FIRST
        wanted = min(len(kept) - n, max(1, int(share * len(kept))))
        low = (cost <= limit) | _least(cost, wanted)
        dropped = np.flatnonzero(_every_other(low & np.isfinite(cost))) + 1
        if not len(dropped):
            break
        kept = np.delete(kept, dropped)
    return kept


def unseen(views: list[Canvas]) -> float:
    """The cost that nobody sees, in all pictures together."""
    return UNSEEN * sum(view.weight for view in views)


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


def worth(on: Canvas, kept: Ints) -> Floats:
    """The ink that goes wrong when one of the inner ``kept`` points is dropped.

    Args:
        on: The full picture.
        kept: Strictly increasing indices of the candidates still drawn, at least three.

    Returns:
        Shape ``(len(kept) - 2,)``: cost of dropping each, 0 or less where it holds nothing up.
    """
    u, v, column = on.u.take(kept), on.v.take(kept), on.column.take(kept)
    low, high, edges = envelope(u, v, column, on.width)
    error = np.abs(low - on.low) + np.abs(high - on.high)
    before, after = column[:-2], column[2:]
    owner, at, starts, ends = _columns_between(before, after)
    slope = (v[2:] - v[:-2]) / np.maximum(u[2:] - u[:-2], NARROW)
    steep = slope.take(owner)
    left = (v[:-2] - slope * u[:-2]).take(owner) + steep * at
    right = left + steep
    left[starts], right[ends] = edges.take(before), edges.take(after + 1)
    top, bottom = np.maximum(left, right), np.minimum(left, right)
    apart = np.multiply(column, APART, dtype=np.float64)
    up_to_high, up_to_low = _running(v, apart)
    from_high, from_low = _running(v[::-1], (apart[-1] - apart)[::-1])
    top[starts] = np.maximum(top.take(starts), up_to_high[:-2])
    bottom[starts] = np.minimum(bottom.take(starts), up_to_low[:-2])
    top[ends] = np.maximum(top.take(ends), from_high[::-1][2:])
    bottom[ends] = np.minimum(bottom.take(ends), from_low[::-1][2:])
    changed = np.abs(bottom - on.low.take(at)) + np.abs(top - on.high.take(at)) - error.take(at)
    lost: Floats = np.multiply(np.bincount(owner, changed), on.weight)
    return lost


def _columns_between(first: Ints, last: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Every column from ``first[i]`` to ``last[i]``, for each ``i``: pairs ``(i, column)``.

    And at which pairs each ``i`` starts and ends.
    """
    counts = last - first + 1
    ends = np.cumsum(counts) - 1
    starts = ends - counts + 1
    owner = np.repeat(np.arange(len(first)), counts)
    return owner, np.arange(len(owner)) + (first - starts).take(owner), starts, ends


def _running(v: Floats, apart: Floats) -> tuple[Floats, Floats]:
    """The greatest and least height so far in each vertex's own column, which ``apart`` tells."""
    return np.maximum.accumulate(v + apart) - apart, apart - np.maximum.accumulate(apart - v)
