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
    u, v, column = on.u[kept], on.v[kept], on.column[kept]
    low, high, edges = _envelope(u, v, column, on.width)
    error = np.abs(low - on.low) + np.abs(high - on.high)
    before, after = np.arange(len(kept) - 2), np.arange(2, len(kept))
    owner, at = _columns_between(column[before], column[after])
    p, q = before[owner], after[owner]
    slope = (v[q] - v[p]) / np.maximum(u[q] - u[p], 1e-9)
    on_left, on_right = at == column[p], at == column[q]
    left = np.where(on_left, edges[at], v[p] + slope * (at - u[p]))
    right = np.where(on_right, edges[at + 1], v[p] + slope * (at + 1 - u[p]))
    top, bottom = np.maximum(left, right), np.minimum(left, right)
    (up_to_high, up_to_low), (from_high, from_low) = _running(v, column), _running_back(v, column)
    top = np.where(on_left, np.maximum(top, up_to_high[p]), top)
    bottom = np.where(on_left, np.minimum(bottom, up_to_low[p]), bottom)
    top = np.where(on_right, np.maximum(top, from_high[q]), top)
    bottom = np.where(on_right, np.minimum(bottom, from_low[q]), bottom)
    changed = np.abs(bottom - on.low[at]) + np.abs(top - on.high[at]) - error[at]
    lost: Floats = np.bincount(owner, changed, len(before)).astype(np.float64) * on.weight
    return lost


def _envelope(u: Floats, v: Floats, column: Ints, width: int) -> tuple[Floats, Floats, Floats]:
    """Lower and upper end of the ink in each column, and the height at each column's edge."""
    edges = np.interp(np.arange(width + 1.0), u, v)
    low = np.minimum(edges[:-1], edges[1:])
    high = np.maximum(edges[:-1], edges[1:])
    np.minimum.at(low, column, v)
    np.maximum.at(high, column, v)
    return low, high, edges


def _columns_between(first: Ints, last: Ints) -> tuple[Ints, Ints]:
    """Every column from ``first[i]`` to ``last[i]``, for each ``i``: pairs ``(i, column)``."""
    counts = last - first + 1
    owner = np.repeat(np.arange(len(first)), counts)
    begins = np.cumsum(counts) - counts
    return owner, np.arange(len(owner)) - begins[owner] + first[owner]


def _running(v: Floats, column: Ints) -> tuple[Floats, Floats]:
    """The greatest and least height so far in each vertex's own column, from the left."""
    apart = np.multiply(column, _APART, dtype=np.float64)
    return np.maximum.accumulate(v + apart) - apart, apart - np.maximum.accumulate(apart - v)


def _running_back(v: Floats, column: Ints) -> tuple[Floats, Floats]:
    """The same from the right."""
    high, low = _running(v[::-1], column[-1] - column[::-1])
    return high[::-1], low[::-1]
