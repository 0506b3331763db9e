"""A line: all that one rank logged of one metric, as the scan leaves it. Plain values, no files."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np

from compactor.sampling.arrays import Floats, Ints, Mask
from compactor.sampling.pins import stretches

MOST_STRETCHES = 100
ATTEMPT_SHIFT = 40
"""A row's position in its rank's log: the attempt above these bits, the sequence number below."""
MEAN_RANK = -1
"""The rank of a line that is the mean over the ranks."""


@dataclass(frozen=True)
class Points:
    """Rows of one metric, as columns of shape ``(N,)``, by step, then position.

    Attributes:
        step: The step each row was logged at.
        position: The row's place in the log of its rank: attempts one after another, and in each
            the sequence numbers. No two rows share one.
        epoch: The row's epoch, where ``in_epoch``.
        in_epoch: Whether the row was logged inside an epoch.
        time: When each row was logged, in microseconds since 1970 (UTC).
        value: The values; NaN and infinities as they were logged.
    """

    step: Ints
    position: Ints
    epoch: Ints
    in_epoch: Mask
    time: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.step)

    def take(self, chosen: Ints | Mask | slice) -> "Points":
        """Some of the rows."""
        return replace(self, **{name: column[chosen] for name, column in vars(self).items()})

    def beside(self, position: int) -> tuple[int | None, int | None]:
        """The last row up to a place in the log, and the first one behind it."""
        order = np.argsort(self.position)
        after = int(np.searchsorted(self.position[order], position, side="right"))
        before = int(order[after - 1]) if after else None
        return before, int(order[after]) if after < len(order) else None

    def epoch_of(self, place: int) -> int | None:
        """The epoch of one row, if it has one."""
        return int(self.epoch[place]) if self.in_epoch[place] else None


class Place(NamedTuple):
    """A row: its value, its step, and its place in the log of its rank."""

    value: float
    step: int
    position: int


@dataclass(frozen=True)
class EpochStats:
    """What one metric came to in one epoch.

    Of an epoch that was repeated, the rows of the latest attempt that logged the metric in it; rows
    outside epochs are counted under ``epoch`` ``None``.

    Attributes:
        epoch: The epoch.
        rows: How many rows.
        finite: How many of them have a finite value.
        mean: Of the finite values; ``None`` without any, as are ``least`` and ``greatest``.
        std: Their standard deviation (of the population, not of a sample).
        least: The first row with the least finite value.
        greatest: The first row with the greatest.
        last: The value of the last row of the log, finite or not.
        step: The step of that row.
        position: The place of that row.
        first_step: The least step.
        last_step: The greatest step.
        first_time: When the first row was logged, in microseconds since 1970.
        last_time: When the last row was.
    """

    epoch: int | None
    rows: int
    finite: int
    mean: float | None
    std: float | None
    least: Place | None
    greatest: Place | None
    last: float
    step: int
    position: int
    first_step: int
    last_step: int
    first_time: int
    last_time: int


@dataclass(frozen=True)
class Buckets:
    """A line in up to a few thousand buckets of steps, in their order, as columns of shape ``(B,)``.

    A short line has a bucket a row. Statistics are those of a bucket's finite values, NaN without any.

    Attributes:
        first_step: The least step with a row.
        last_step: The greatest.
        rows: How many rows.
        finite: How many of them have a finite value.
        mean: Mean.
        variance: Of the population.
        minimum: The least value.
        maximum: The greatest.
        slope: Of the least-squares line through the values, a step; 0 where all are at one step.
        residual: Mean square distance from that line.
    """

    first_step: Ints
    last_step: Ints
    rows: Ints
    finite: Ints
    mean: Floats
    variance: Floats
    minimum: Floats
    maximum: Floats
    slope: Floats
    residual: Floats

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Gaps:
    """Rows without a finite value, by kind, and the stretches they form, as steps."""

    nan: int = 0
    positive_infinity: int = 0
    negative_infinity: int = 0
    count: int = 0
    stretches: tuple[tuple[int, int], ...] = ()


@dataclass(frozen=True)
class Line:
    """One metric of one rank.

    Attributes:
        metric: The metric's name.
        rank: Who logged it.
        rows: How many rows it has in the effective history.
        points: All of them where ``whole``; else the first, last, least and greatest row of each
            bucket of steps, the last row of each epoch, and the edges of stretches without a finite
            value.
        whole: Whether ``points`` are all rows.
        buckets: All rows, in buckets.
        epochs: By epoch, rows outside epochs first.
        gaps: Where it was not finite.
    """

    metric: str
    rank: int
    rows: int
    points: Points
    whole: bool
    buckets: Buckets
    epochs: tuple[EpochStats, ...]
    gaps: Gaps

    @property
    def finite(self) -> Mask:
        """Which of the points have a finite value."""
        return np.isfinite(self.points.value)

    @property
    def many_an_epoch(self) -> bool:
        """Whether several of its rows share an epoch."""
        return any(epoch.epoch is not None and epoch.rows > 1 for epoch in self.epochs)

    @property
    def competing(self) -> Mask:
        """Which of the points may be the best.

        Of a line with epochs, the rows in them; of an epoch that was repeated, those of the latest
        attempt at it. Of a line without epochs, all.
        """
        in_epochs = [each for each in self.epochs if each.epoch is not None]
        if not in_epochs:
            return np.ones(len(self.points), np.bool_)
        numbers = np.array([each.epoch for each in in_epochs])
        attempts = np.array([each.position >> ATTEMPT_SHIFT for each in in_epochs])
        place = np.minimum(np.searchsorted(numbers, self.points.epoch), len(numbers) - 1)
        current: Mask = attempts[place] == self.points.position >> ATTEMPT_SHIFT
        return self.points.in_epoch & current

    def extreme(self, mode: str, among: Mask | None = None) -> int | None:
        """The point with the least (``"min"``) or greatest (``"max"``) finite value.

        The first in the log wins among equals.

        Args:
            mode: ``"min"`` or ``"max"``.
            among: Only these points.

        Returns:
            An index into ``points``; ``None`` if no value is finite.
        """
        places = np.flatnonzero(self.finite if among is None else self.finite & among)
        if not len(places):
            return None
        values = self.points.value[places]
        winners = places[values == (values.min() if mode == "min" else values.max())]
        return int(winners[np.argmin(self.points.position[winners])])


def find_gaps(points: Points) -> Gaps:
    """The gaps of a line that is whole."""
    value = points.value
    first, last = stretches(np.isfinite(value))
    pairs = zip(points.step[first].tolist(), points.step[last].tolist(), strict=True)
    return Gaps(
        nan=int(np.isnan(value).sum()),
        positive_infinity=int(np.isposinf(value).sum()),
        negative_infinity=int(np.isneginf(value).sum()),
        count=len(first),
        stretches=tuple(pairs)[:MOST_STRETCHES],
    )
