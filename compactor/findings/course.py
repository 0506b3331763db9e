"""The course of a line: its values in at most a few dozen parts, signed so that less is better.

The mean over a part of the rows takes most of the noise out, and leaves what the rules speak of.
"""

import sys
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from compactor.names import Mode
from compactor.reading.lines import Line
from compactor.sampling.arrays import Floats, Ints

PARTS = 64
"""Enough to tell a tenth of a run from the next, few enough that the mean of a part is calm."""
LARGEST = 500
"""A line with values of 2 to this power or more is followed in a larger unit, so that no sum or product
of two overflows."""


@dataclass(frozen=True)
class Course:
    """A line in parts with about the same number of rows; columns of shape ``(K,)``.

    Attributes:
        first_step: The least step of each part.
        last_step: The greatest.
        value: The mean of its finite values, in ``unit``; negated where large values are good.
        sign: -1 if they are, else 1.
        noise: The standard deviation of ``value`` around a smooth curve; robust.
        unit: A power of two, 1 but for enormous values; so are all values and differences below.
    """

    first_step: Ints
    last_step: Ints
    value: Floats
    sign: int
    noise: float
    unit: float = 1.0

    def __len__(self) -> int:
        return len(self.value)

    @property
    def middle(self) -> Floats:
        """The step in the middle of each part."""
        steps: Floats = self.first_step / 2 + self.last_step / 2
        return steps

    @cached_property
    def calm(self) -> Floats:
        """The median of each part and its neighbours: a single freak part does not show in it.

        At the start, that of the first three parts; the last part stands for itself.
        """
        if len(self) < 3:
            return self.value
        around = np.concatenate([self.value[2:3], self.value, self.value[-1:]])
        calm: Floats = np.median(np.lib.stride_tricks.sliding_window_view(around, 3), axis=1)
        return calm

    @cached_property
    def best(self) -> int:
        """The part with the best value that a neighbour bears out."""
        place = int(np.argmin(self.calm))
        first = max(0, place - 1)
        near = self.value[first : max(place + 2, 3)]
        return first + int(np.flatnonzero(near == self.calm[place])[0])

    @property
    def start(self) -> float:
        """The value of the first part."""
        return float(self.value[0])

    @property
    def tail(self) -> Floats:
        """The last eighth of the parts, at least two."""
        return self.value[-max(2, len(self) // 8) :]

    @property
    def end(self) -> float:
        """The level of the last eighth: its median."""
        return float(np.median(self.tail))

    @property
    def gain(self) -> float:
        """How much better the best part is than the first."""
        return self.start - float(self.value[self.best])

    @property
    def reach(self) -> float:
        """How much better than the first the best part ever is, borne out or not."""
        return self.start - float(self.value.min())

    def shown(self, value: float) -> float:
        """A value as it was logged."""
        return self.sign * value * self.unit + 0.0  # no negative zero

    def amount(self, difference: float) -> float:
        """A difference of two values, as large as it is in what was logged."""
        return min(float(difference) * self.unit, sys.float_info.max)

    def share_after(self, part: int) -> float:
        """Which share of the steps comes after a part."""
        last = int(self.last_step[-1])
        length = last - int(self.first_step[0])
        return (last - int(self.last_step[part])) / length if length else 0.0

    def at(self, step: int) -> float:
        """The value at a step, between the ends of parts on a straight line."""
        return float(np.interp(step, self.last_step, self.value))


def follow(line: Line, mode: Mode, parts: int = PARTS, unit: float | None = None) -> Course | None:
    """The course of a line.

    Args:
        line: The line.
        mode: Which values are good.
        parts: At most so many parts.
        unit: What to measure values in, if not in the line's own unit.

    Returns:
        The course; ``None`` without a finite value.
    """
    used = np.flatnonzero(line.buckets.finite > 0)
    if not len(used):
        return None
    unit = unit or unit_of(line)
    weight = line.buckets.finite[used].astype(np.float64)
    mean = finite_means(line) / unit
    middle = np.cumsum(weight) - weight / 2
    part = (middle * (min(parts, len(used)) / weight.sum())).astype(np.int64)
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    value = np.add.reduceat(mean * weight, starts) / np.add.reduceat(weight, starts)
    # A mean of equal values may be rounded away from them.
    least = np.minimum.reduceat(line.buckets.minimum[used], starts) / unit
    greatest = np.maximum.reduceat(line.buckets.maximum[used], starts) / unit
    value = np.clip(value, least, greatest)
    sign = 1 if mode == "min" else -1
    return Course(
        np.minimum.reduceat(line.buckets.first_step[used], starts),
        np.maximum.reduceat(line.buckets.last_step[used], starts),
        sign * value,
        sign,
        noise_of(value),
        unit,
    )


def smoothed_over(line: Line, course: Course) -> int:
    """How many of a line's values stand behind the best of its course: a part's and its neighbours'.

    So the best of a course is not that of the run, which is one value; a text that tells of both
    must say which is which.
    """
    return max(1, round(3 * int(line.buckets.finite.sum()) / len(course)))


def unit_of(line: Line) -> float:
    """A power of two in which the values of a line are no larger than 2 to the power `LARGEST`."""
    used = line.buckets.finite > 0
    ends = np.abs([line.buckets.minimum[used], line.buckets.maximum[used]])
    _, power = np.frexp(ends.max(initial=0.0))
    return float(2.0 ** max(0, int(power) - LARGEST))


def finite_means(line: Line) -> Floats:
    """The means of the buckets with a finite value, each between its least and its greatest."""
    used = line.buckets.finite > 0
    buckets = line.buckets
    means: Floats = np.clip(buckets.mean[used], buckets.minimum[used], buckets.maximum[used])
    return means


def noise_of(values: Floats) -> float:
    """The standard deviation of independent noise on a smooth curve, from its second differences.

    A second difference of such noise has six times its variance; the median makes it robust
    (Gasser, Sroka, Jennen-Steinmetz 1986). 0 for fewer than three values.
    """
    if len(values) < 3:
        return 0.0
    return float(1.4826 * np.median(np.abs(np.diff(values, 2))) / np.sqrt(6.0))
