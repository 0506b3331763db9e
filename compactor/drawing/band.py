"""Bands: how far the values of a line reach, and their means, the rows it leaves out among them.

The points of a thinned line are chosen for what they show, so their mean is not that of the rows:
where all of them are to be judged, the means of the stretches of a band are.
"""

from dataclasses import dataclass

import numpy as np

from compactor.drawing.ranks import Together
from compactor.reading.lines import Buckets
from compactor.sampling.arrays import Floats, Ints

MOST_ENTRIES = 300
_EARLY_SHARE = 4  # one entry in so many is for the first stretches, where a run changes fastest
_EARLY_BITS = 2


@dataclass(frozen=True)
class Band:
    """Stretches of a line, each from its step up to that of the next one.

    ``reach`` holds ``(step, least, greatest)`` and ``means`` ``(step, mean)`` of all finite rows there.
    """

    reach: list[tuple[int, float, float]]
    means: list[tuple[int, float]]


NO_BAND = Band([], [])


def band_of_buckets(buckets: Buckets) -> Band:
    """The band of one rank's line."""
    steps = (buckets.first_step, buckets.last_step)
    return _band(steps, buckets.minimum, buckets.maximum, buckets.mean, buckets.finite)


def band_of_ranks(together: Together) -> Band:
    """The band around a mean: the least and the greatest value over the ranks."""
    points = together.points
    each = np.ones(len(points), np.int64)
    steps = (points.step, points.step)
    return _band(steps, together.least, together.greatest, points.value, each)


def _band(
    steps: tuple[Ints, Ints], least: Floats, greatest: Floats, mean: Floats, rows: Ints
) -> Band:
    """Merge neighbouring stretches of steps, until at most 300 are left.

    Three of four entries take as many stretches as each other; the others cut each doubling of the
    stretches from the first into four, so that the beginning is told in detail. Stretches that share a step stay together, and those without a
    finite value (NaN) add nothing.
    """
    some = ~np.isnan(least)
    first, last, rows = steps[0][some], steps[1][some], rows[some]
    least, greatest, mean = least[some], greatest[some], mean[some]
    if not len(first):
        return NO_BAND
    apart = first[1:] > np.maximum.accumulate(last)[:-1]
    starts = np.flatnonzero(np.append(np.True_, apart))
    starts = starts[_spread(len(starts))]
    lows, highs = np.minimum.reduceat(least, starts), np.maximum.reduceat(greatest, starts)
    known = np.where(
        np.isfinite(mean), rows, 0
    )  # a mean over ranks, one of which has none, is none
    totals = np.add.reduceat(known, starts)
    share = known / np.repeat(np.maximum(totals, 1), np.diff(starts, append=len(rows)))
    means = np.add.reduceat(np.where(known > 0, mean, 0.0) * share, starts)
    means = np.clip(means, lows, highs)  # where all are alike, rounding must not tell them apart
    at, told = first[starts], totals > 0
    return Band(
        reach=list(zip(at.tolist(), lows.tolist(), highs.tolist(), strict=True)),
        means=list(zip(at[told].tolist(), means[told].tolist(), strict=True)),
    )


def _spread(count: int) -> Ints:
    """Which of so many stretches begin an entry."""
    if count <= MOST_ENTRIES:
        return np.arange(count)
    early = MOST_ENTRIES // _EARLY_SHARE
    even = np.arange(MOST_ENTRIES - early) * count // (MOST_ENTRIES - early)
    parts = np.arange(1 << _EARLY_BITS, 2 << _EARLY_BITS)
    doublings = np.arange(max(count.bit_length() - _EARLY_BITS, 0))
    finer = (parts[None, :] << doublings[:, None]).ravel()
    finer = finer[finer < count][:early]
    return np.union1d(even, finer)
