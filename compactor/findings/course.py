"""The course of a line: its values in at most a few dozen parts, signed so that less is better.

The mean over a part of the rows takes most of the noise out, and leaves what the rules speak of.
"""

from dataclasses import dataclass

import numpy as np

from compactor.lines import Line
from compactor.names import Mode
from compactor.sampling.arrays import Floats, Ints

PARTS = 64
"""Enough to tell a tenth of a run from the next, few enough that the mean of a part is calm."""
LARGEST = 1e150
"""Values beyond are taken for this one, so that no difference or product of two overflows."""


@dataclass(frozen=True)
class Course:
    """A line in parts with about the same number of rows; columns of shape ``(K,)``.

    Attributes:
        first_step: The least step of each part.
        last_step: The greatest.
        value: The mean of its finite values; negated where large values are good.
        sign: -1 if they are, else 1.
        noise: The standard deviation of ``value`` around a smooth curve; robust.
    """

    first_step: Ints
    last_step: Ints
    value: Floats
    sign: int
    noise: float

    def __len__(self) -> int:
        return len(self.value)

    @property
    def middle(self) -> Floats:
        """The step in the middle of each part."""
        steps: Floats = self.first_step / 2 + self.last_step / 2
        return steps

    @property
    def best(self) -> int:
        """The first part with the best value."""
        return int(np.argmin(self.value))

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

    def shown(self, value: float) -> float:
        """A value as it was logged."""
        return self.sign * value + 0.0  # no negative zero

    def share_after(self, part: int) -> float:
        """Which share of the steps comes after a part."""
        length = int(self.last_step[-1] - self.first_step[0])
        return int(self.last_step[-1] - self.last_step[part]) / length if length else 0.0

    def at(self, step: int) -> float:
        """The value at a step, between the ends of parts on a straight line."""
        return float(np.interp(step, self.last_step, self.value))


def follow(line: Line, mode: Mode, parts: int = PARTS) -> Course | None:
    """The course of a line.

    Args:
        line: The line.
        mode: Which values are good.
        parts: At most so many parts.

    Returns:
        The course; ``None`` without a finite value.
    """
    used = np.flatnonzero(line.buckets.finite > 0)
    if not len(used):
        return None
    weight = line.buckets.finite[used].astype(np.float64)
    mean = np.clip(line.buckets.mean[used], -LARGEST, LARGEST)
    middle = np.cumsum(weight) - weight / 2
    part = (middle * (min(parts, len(used)) / weight.sum())).astype(np.int64)
    starts = np.flatnonzero(np.diff(part, prepend=-1))
    value = np.add.reduceat(mean * weight, starts) / np.add.reduceat(weight, starts)
    sign = 1 if mode == "min" else -1
    return Course(
        np.minimum.reduceat(line.buckets.first_step[used], starts),
        np.maximum.reduceat(line.buckets.last_step[used], starts),
        sign * value,
        sign,
        noise_of(value),
    )


def noise_of(values: Floats) -> float:
    """The standard deviation of independent noise on a smooth curve, from its second differences.

    A second difference of such noise has six times its variance; the median makes it robust
    (Gasser, Sroka, Jennen-Steinmetz 1986). 0 for fewer than three values.
    """
    if len(values) < 3:
        return 0.0
    return float(1.4826 * np.median(np.abs(np.diff(values, 2))) / np.sqrt(6.0))
