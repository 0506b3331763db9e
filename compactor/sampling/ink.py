"""How much of a line's picture each point holds up.

A polyline is continuous, so what it inks of one pixel column is one stretch, from the least to the
greatest of its vertices there and of its crossings of the column's edges. The stretches of all
columns, its *envelope*, are the picture. Dropping a vertex changes the envelope between its two
neighbours only, and the ink gained or lost there is what the vertex is worth: nearly nothing in a
calm stretch, much in a wild one. `compactor.sampling.pruning` drops those that are worth least.
"""

from dataclasses import dataclass

import numpy as np

from compactor.sampling.arrays import Floats, Ints

HEIGHT = 300.0
NARROWEST = 1e-300
"""Pixels: what is divided by where a segment has no width, only to be multiplied by 0."""


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
    return drawn(scaled(along), scaled(y), width, share)


def drawn(across: Floats, up: Floats, width: int, share: float) -> Canvas:
    """As `canvas`, of positions and heights that `scaled` made shares of 0 .. 1."""
    u, v = across * width, up * HEIGHT
    column = np.minimum(u.astype(np.int64), width - 1)
    low, high, _ = envelope(u, v, column, width)
    return Canvas(u, v, column, low, high, share / float(np.sum(high - low + 1)))


def scaled(values: Floats) -> Floats:
    """The values moved and stretched to 0 .. 1, without overflow; all 0 where they are equal."""
    quarter = values / 4
    low, high = quarter.min(), quarter.max()
    if low == high:
        return np.zeros(len(values))
    share: Floats = np.clip((quarter - low) / (high - low), 0, 1)
    return share


def envelope(u: Floats, v: Floats, column: Ints, width: int) -> tuple[Floats, Floats, Floats]:
    """Lower and upper end of a polyline's ink in each column, and its height at each column's edge.

    Args:
        u: Horizontal positions in pixels, shape ``(M,)``, never decreasing, the first of them 0.
        v: Vertical positions.
        column: The pixel column of each point.
        width: Pixel columns.
    """
    at = np.arange(width + 1.0)
    behind = u.searchsorted(at, side="right")
    left, right = behind - 1, np.minimum(behind, len(u) - 1)
    from_u, from_v = u.take(left), v.take(left)
    slope = (v.take(right) - from_v) / np.maximum(u.take(right) - from_u, NARROWEST)
    edges = slope * (at - from_u) + from_v
    low = np.minimum(edges[:-1], edges[1:])
    high = np.maximum(edges[:-1], edges[1:])
    np.minimum.at(low, column, v)
    np.maximum.at(high, column, v)
    return low, high, edges
