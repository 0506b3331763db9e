"""The points that stick out of a line farthest."""

import numpy as np

from compactor.sampling.arrays import Floats, Ints

BLOCKS, SMALLEST = 1000, 16
"""A line is cut into this many blocks, of this many points at least."""


def spikes(y: Floats, most: int, height: float) -> Ints:
    """The points farthest outside the band of the medians around them.

    The band of a block of points reaches from the least to the greatest median of it and its two
    neighbours, so that neither a trend nor a step from one level to another counts as a spike.

    Args:
        y: Values, finite, shape ``(N,)``.
        most: How many spikes to name.
        height: Of the chart in pixels; what sticks out by less than one is no spike.

    Returns:
        At most ``most`` indices, the highest spikes first; the first of equals.
    """
    size = max(len(y) // BLOCKS, SMALLEST)
    blocks = len(y) // size
    if not blocks or not most:
        return np.empty(0, np.int64)
    quarter = y / 4  # differences cannot overflow
    medians = np.median(quarter[: blocks * size].reshape(blocks, size), axis=1)
    around = np.stack(
        [medians, np.append(medians[1:], medians[-1]), np.append(medians[0], medians)[:-1]]
    )
    owner = np.minimum(np.arange(len(y)) // size, blocks - 1)
    outside = np.maximum(quarter - around.max(axis=0)[owner], around.min(axis=0)[owner] - quarter)
    outside[outside <= (quarter.max() - quarter.min()) / height] = 0
    least = np.partition(outside, -min(most, len(y)))[-min(most, len(y))]
    at = np.flatnonzero((outside >= least) & (outside > 0))
    return at[np.argsort(-outside[at], kind="stable")][:most]
