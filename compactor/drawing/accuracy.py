"""How well a drawn line stands for its rows: how far they are from it, and how they are spread."""

import math

import numpy as np

from compactor.reading.lines import Buckets, Line, Points
from compactor.sampling.arrays import Floats, Ints

_BLOCK = 1 << 18


def max_error(line: Line, shown: Points, rows: Points | None) -> float | None:
    """How far a finite row can be from the drawn line, straight up or down.

    The drawn line joins neighbouring points that are both finite; it bridges no gap that it shows.

    Args:
        line: What was logged.
        shown: The drawn points, one a step.
        rows: All rows of the line, where they are known. The distance is then exact; else it is a
            bound: no row of a bucket is further from the line than the bucket's extremes are from
            the line's over the same steps.

    Returns:
        The distance, in the metric's unit; ``None`` where it is not known: a finite row lies where
        the line is interrupted, or may do so, or the distance is beyond all floats.
    """
    with np.errstate(over="ignore"):
        if rows is not None:
            furthest = _furthest(shown, rows)
        elif line.gaps.count > len(line.gaps.stretches):
            return None  # not all edges are among the line's points
        else:
            # the points tell of every gap; where they are on the line, all finite rows are
            furthest = max(_furthest(shown, line.points), _bound(shown, line.buckets))
    return furthest if math.isfinite(furthest) else None


def mean_and_std(buckets: Buckets) -> tuple[float | None, float | None]:
    """Mean and standard deviation (of the population) of a line's finite values.

    Those of the buckets put together (Chan, Golub and LeVeque, "Algorithms for Computing the Sample
    Variance", 1983). ``None`` without a finite value, or where floats do not reach.
    """
    some = buckets.finite > 0
    share = buckets.finite[some] / max(1, int(buckets.finite.sum()))
    mean, variance = buckets.mean[some], buckets.variance[some]
    if not len(share) or not np.isfinite(mean).all():
        return None, None
    middle = math.fsum((mean * share).tolist())
    with np.errstate(over="ignore"):
        squares = share * (variance + (mean - middle) ** 2)
    if not np.isfinite(squares).all():
        return middle, None
    return middle, math.sqrt(math.fsum(squares.tolist()))


def _furthest(shown: Points, rows: Points) -> float:
    """The largest distance of finite rows; infinity if there is no line above or below one."""
    furthest = 0.0
    for start in range(0, len(rows), _BLOCK):
        step, value = rows.step[start : start + _BLOCK], rows.value[start : start + _BLOCK]
        finite = np.isfinite(value)
        distance = np.abs(value[finite] - _heights(shown, step[finite]))
        if np.isnan(distance).any():
            return math.inf
        furthest = max(furthest, float(distance.max(initial=0.0)))
    return furthest


def _bound(shown: Points, buckets: Buckets) -> float:
    """The largest distance that the extremes of the buckets allow; infinity without a line."""
    some = buckets.finite > 0
    first, last = buckets.first_step[some], buckets.last_step[some]
    if not len(first):
        return 0.0
    ends = np.stack((_heights(shown, first), _heights(shown, last)))
    finite = np.isfinite(shown.value)
    step, value = shown.step[finite], shown.value[finite]
    begin, end = np.searchsorted(step, first), np.searchsorted(step, last, side="right")
    low = np.fmin(np.fmin(*ends), _over(np.minimum, value, begin, end))
    high = np.fmax(np.fmax(*ends), _over(np.maximum, value, begin, end))
    distance = np.maximum(buckets.maximum[some] - low, high - buckets.minimum[some])
    return math.inf if np.isnan(distance).any() else float(distance.max())


def _over(extreme: np.ufunc, values: Floats, begin: Ints, end: Ints) -> Floats:
    """The extreme of ``values[begin:end]`` for each pair; NaN where there is none."""
    bounds = np.stack((begin, end), axis=1).ravel()
    found: Floats = extreme.reduceat(np.append(values, np.nan), bounds)[::2]
    found[begin >= end] = np.nan
    return found


def _heights(shown: Points, at: Ints) -> Floats:
    """The drawn line's value at some steps; NaN where it is interrupted or has not begun.

    Differences of steps are taken as whole numbers without a sign: they may be too large for one
    with a sign, and steps too large for a float.
    """
    value = np.where(np.isfinite(shown.value), shown.value, np.nan)
    right = np.searchsorted(shown.step, at)
    outside = right == len(shown)
    right[outside] = 0
    hit = shown.step[right] == at
    outside |= ~hit & (right == 0)
    left = np.maximum(right - 1, 0)
    gone = (at - shown.step[left]).view(np.uint64)
    width = np.maximum((shown.step[right] - shown.step[left]).view(np.uint64), 1)
    share = gone / width
    height = value[left] * (1 - share) + value[right] * share
    height[hit] = value[right[hit]]
    height[outside] = np.nan
    return height
