"""How much of a line's picture each point holds up.

A polyline is continuous, so what it inks of one pixel column is one stretch, from the least to the
greatest of its vertices there and of its crossings of the column's edges. The stretches of all
columns, its *envelope*, are the picture. Dropping a vertex changes the envelope between its two
neighbours only, and the ink gained or lost there is what the vertex is worth: nearly nothing in a
calm stretch, much in a wild one.
"""

from dataclasses import dataclass

import numpy as np

from compactor.sampling.arrays import Floats, Ints

HEIGHT = 300.0
_APART = 4 * HEIGHT  # keeps the running extremes of one column out of the next one's


@dataclass(frozen=True)
class Canvas:
    """A line's full picture on one pair of axes, to judge reduced lines by.

    Attributes:
        u: Horizontal positions of all candidates in pixels, shape ``(M,)``, ``0`` to ``width``.
        v: Vertical positions in pixels, ``0`` to `HEIGHT`.
        column: The pixel column of each candidate.
        low: Lower end of the full line's ink in each column, shape ``(width,)``.
        high: Upper end of it.
        weight: What one pixel of error costs: a share of the full line's ink.
    """

    u: Floats
    v: Floats
    column: Ints
    low: Floats
    high: Floats
    weight: float

    @property
    def width(self) -> int:
        """Pixel columns."""
        return len(self.low)


def canvas(along: Floats, y: Floats, width: int, share: float) -> Canvas:
    """Draw a line in full.

    Args:
        along: Positions on the horizontal axis, in its own scale, shape ``(M,)``, never decreasing.
        y: Values, finite, shape ``(M,)``.
        width: Pixel columns.
        share: The weight of this canvas among others.
    """
    u, v = scaled(along) * width, scaled(y) * HEIGHT
    column = np.minimum(u.astype(np.int64), width - 1)
    low, high, _ = _envelope(u, v, column, width)
    return Canvas(u, v, column, low, high, share / float(np.sum(high - low + 1)))


def scaled(values: Floats) -> Floats:
    """The values moved and stretched to 0 .. 1, without overflow; all 0 where they are equal."""
    quarter = values / 4
    low, high = quarter.min(), quarter.max()
    if low == high:
        return np.zeros(len(values))
    share: Floats = np.clip((quarter - low) / (high - low), 0, 1)
    return share


def worth(on: Canvas, kept: Ints) -> Floats:
    """The ink that goes wrong when one of the inner ``kept`` points is dropped.

    Args:
        on: The full picture.
        kept: Strictly increasing indices of the candidates still drawn, at least three.

    Returns:
        Shape ``(len(kept) - 2,)``: cost of dropping each, 0 or less where it holds nothing up.
    """
    u, v, column = on.u.take(kept), on.v.take(kept), on.column.take(kept)
    low, high, edges = _envelope(u, v, column, on.width)
    error = np.abs(low - on.low) + np.abs(high - on.high)
    before, after = column[:-2], column[2:]
    owner, at, starts, ends = _columns_between(before, after)
    slope = (v[2:] - v[:-2]) / np.maximum(u[2:] - u[:-2], 1e-9)
    steep = slope.take(owner)
    left = (v[:-2] - slope * u[:-2]).take(owner) + steep * at
    right = left + steep
    left[starts], right[ends] = edges.take(before), edges.take(after + 1)
    top, bottom = np.maximum(left, right), np.minimum(left, right)
    (up_to_high, up_to_low), (from_high, from_low) = _running(v, column), _running_back(v, column)
    top[starts] = np.maximum(top.take(starts), up_to_high[:-2])
    bottom[starts] = np.minimum(bottom.take(starts), up_to_low[:-2])
    top[ends] = np.maximum(top.take(ends), from_high[2:])
    bottom[ends] = np.minimum(bottom.take(ends), from_low[2:])
    changed = np.abs(bottom - on.low.take(at)) + np.abs(top - on.high.take(at)) - error.take(at)
    lost: Floats = np.add.reduceat(changed, starts) * on.weight
    return lost


def _envelope(u: Floats, v: Floats, column: Ints, width: int) -> tuple[Floats, Floats, Floats]:
    """Lower and upper end of the ink in each column, and the height at each column's edge."""
    edges = np.interp(np.arange(width + 1.0), u, v)
    low = np.minimum(edges[:-1], edges[1:])
    high = np.maximum(edges[:-1], edges[1:])
    np.minimum.at(low, column, v)
    np.maximum.at(high, column, v)
    return low, high, edges


def _columns_between(first: Ints, last: Ints) -> tuple[Ints, Ints, Ints, Ints]:
    """Every column from ``first[i]`` to ``last[i]``, for each ``i``: pairs ``(i, column)``.

    And at which pairs each ``i`` starts and ends.
    """
    counts = last - first + 1
    ends = np.cumsum(counts) - 1
    starts = ends - counts + 1
    owner = np.repeat(np.arange(len(first)), counts)
    return owner, np.arange(len(owner)) + (first - starts).take(owner), starts, ends


def _running(v: Floats, column: Ints) -> tuple[Floats, Floats]:
    """The greatest and least height so far in each vertex's own column, from the left."""
    apart = np.multiply(column, _APART, dtype=np.float64)
    return np.maximum.accumulate(v + apart) - apart, apart - np.maximum.accumulate(apart - v)


def _running_back(v: Floats, column: Ints) -> tuple[Floats, Floats]:
    """The same from the right."""
    high, low = _running(v[::-1], column[-1] - column[::-1])
    return high[::-1], low[::-1]
