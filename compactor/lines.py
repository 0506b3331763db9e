"""A line: all that one rank logged of one metric, as the scan leaves it. Plain values, no files."""

from dataclasses import dataclass, replace

import numpy as np

from compactor.sampling.arrays import Floats, Ints, Mask
from compactor.sampling.pins import stretches

MOST_STRETCHES = 100
ATTEMPT_SHIFT = 40
"""A row's position in its rank's log: the attempt above these bits, the sequence number below."""


@dataclass(frozen=True)
class Points:
    """Rows of one metric, as columns of shape ``(N,)``, by step, then position.

    Attributes:
        step: The step each row was logged at.
        position: The row's place in the log of its rank: attempts one after another, and in each
            the sequence numbers. No two rows share one.
        epoch: The row's epoch, where ``in_epoch``.
        in_epoch: Whether the row was logged inside an epoch.
        value: The values; NaN and infinities as they were logged.
    """

    step: Ints
    position: Ints
    epoch: Ints
    in_epoch: Mask
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


@dataclass(frozen=True)
class EpochMean:
    """What one metric came to in one epoch.

    Of an epoch that was repeated, the rows of the latest attempt that logged the metric in it.
    ``mean`` is that of the finite values, correctly rounded; ``None`` without any. ``position`` and
    ``step`` are those of the last row of the log; rows outside epochs are counted under ``epoch``
    ``None``.
    """

    epoch: int | None
    rows: int
    finite: int
    mean: float | None
    first_step: int
    last_step: int
    position: int
    step: int


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
        epochs: By epoch, rows outside epochs first.
        gaps: Where it was not finite.
    """

    metric: str
    rank: int
    rows: int
    points: Points
    whole: bool
    epochs: tuple[EpochMean, ...]
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
