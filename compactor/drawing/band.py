"""Bands: from where to where the values of a line reach, the rows it leaves out among them."""

import numpy as np

from compactor.drawing.ranks import Together
from compactor.reading.lines import Buckets
from compactor.sampling.arrays import Floats, Ints

MOST_ENTRIES = 300
Band = list[tuple[int, float, float]]
"""``(step, least, greatest)`` of all finite rows from that step up to the step of the next entry."""


def band_of_buckets(buckets: Buckets) -> Band:
    """The band of one rank's line."""
    return _band(buckets.first_step, buckets.last_step, buckets.minimum, buckets.maximum)


def band_of_ranks(together: Together) -> Band:
    """The band around a mean: the least and the greatest value over the ranks."""
    step = together.points.step
    return _band(step, step, together.least, together.greatest)


def _band(first: Ints, last: Ints, least: Floats, greatest: Floats) -> Band:
    """Merge neighbouring stretches of steps, until at most 300 are left.

    Each entry takes as many stretches as any other: where they are finer towards step 0, the band
    suits a logarithmic axis too. Stretches that share a step stay together, and those without a
    finite value (NaN) add nothing.
    """
    some = ~np.isnan(least)
    first, last, least, greatest = first[some], last[some], least[some], greatest[some]
    if not len(first):
        return []
    apart = first[1:] > np.maximum.accumulate(last)[:-1]
    starts = np.flatnonzero(np.append(np.True_, apart))
    entries = min(MOST_ENTRIES, len(starts))
    starts = starts[np.arange(entries) * len(starts) // entries]
    lows, highs = np.minimum.reduceat(least, starts), np.maximum.reduceat(greatest, starts)
    return list(zip(first[starts].tolist(), lows.tolist(), highs.tolist(), strict=True))
