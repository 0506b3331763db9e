"""The points that no policy may drop (law 5)."""

import numpy as np

from compactor.sampling.arrays import Floats, Ints, Mask


def pins(y: Floats, finite: Mask) -> Ints:
    """First and last point, and the first of the least and of the greatest finite values.

    Args:
        y: Shape ``(N,)``, with at least one point.
        finite: Shape ``(N,)``: which values are finite.

    Returns:
        Up to four indices, in no order.
    """
    ends = [0, len(y) - 1]
    if finite.any():
        ends.append(int(np.argmin(np.where(finite, y, np.inf))))
        ends.append(int(np.argmax(np.where(finite, y, -np.inf))))
    return np.array(ends)


def stretches(finite: Mask) -> tuple[Ints, Ints]:
    """The first and the last index of each stretch of points without a finite value."""
    change = np.diff(np.concatenate(([True], finite, [True])).astype(np.int8))
    return np.flatnonzero(change == -1), np.flatnonzero(change == 1) - 1


def gap_edges(finite: Mask, most: int) -> Ints:
    """The edges of non-finite stretches, with the finite neighbours that make them show.

    Where there are more edges than ``most``, stretches are chosen evenly along the line.

    Returns:
        At most ``most`` indices, in no order.
    """
    first, last = stretches(finite)
    chosen = np.arange(len(first))
    if len(first) * 4 > most:
        chosen = np.unique(np.linspace(0, len(first) - 1, most // 4).astype(np.int64))
    first, last = first[chosen], last[chosen]
    edges = np.concatenate((first - 1, first, last, last + 1))
    return edges[(edges >= 0) & (edges < len(finite))]
