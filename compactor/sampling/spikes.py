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
    ordered = np.sort(quarter[: blocks * size].reshape(blocks, size), axis=1)
    medians = (ordered[:, (size - 1) // 2] + ordered[:, size // 2]) / 2
    around = np.stack(
        [medians, np.append(medians[1:], medians[-1]), np.append(medians[0], medians)[:-1]]
    )
    sizes = np.full(blocks, size)
    sizes[-1] += len(y) - blocks * size
    top, bottom = np.repeat(around.max(axis=0), sizes), np.repeat(around.min(axis=0), sizes)
    outside = np.maximum(quarter - top, bottom - quarter)
    outside[outside <= (quarter.max() - quarter.min()) / height] = 0
    at = np.flatnonzero(outside)
    if len(at) > most:
        at = at[outside[at] >= np.partition(outside[at], -most)[-most]]
    return at[np.argsort(-outside[at], kind="stable")][:most]
