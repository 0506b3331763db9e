"""What a format finds in a source: frozen values, in the order of the source."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Ints: TypeAlias = npt.NDArray[np.int64]
Floats: TypeAlias = npt.NDArray[np.float64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Rows:
    """Rows as they were logged, some thousands at a time.

    Attributes:
        step: Shape ``(n,)``.
        values: Each metric's values, shape ``(n,)``; NaN and infinities are values.
        given: Where a metric has a value at all, shape ``(n,)``; a metric that is not in it has one in
            every row.
        epoch: Shape ``(n,)``, with `logwriter.journal.NO_EPOCH` outside epochs; ``None``: no epochs.
        time: Microseconds since 1970, shape ``(n,)``; ``None``: the source does not say.
    """

    step: Ints
    values: Mapping[str, Floats]
    given: Mapping[str, Mask] = field(default_factory=dict)
    epoch: Ints | None = None
    time: Ints | None = None

    def __len__(self) -> int:
        return len(self.step)

    def where(self, metric: str) -> Mask:
        """Where the metric has a value."""
        return self.given.get(metric, np.ones(len(self), np.bool_))

    def part(self, start: int, stop: int) -> "Rows":
        """The rows from one to before another."""
        return self._take(slice(start, stop))

    def with_values(self) -> "Rows":
        """The rows that have any value."""
        if not self.values:
            return self.part(0, 0)
        if not all(metric in self.given for metric in self.values):
            return self
        some = np.any([self.given[metric] for metric in self.values], axis=0)
        return self if some.all() else self._take(some)

    def _take(self, piece: slice | Mask) -> "Rows":
        return Rows(
            self.step[piece],
            {name: column[piece] for name, column in self.values.items()},
            {name: mask[piece] for name, mask in self.given.items()},
            None if self.epoch is None else self.epoch[piece],
            None if self.time is None else self.time[piece],
        )


@dataclass(frozen=True)
class Facts:
    """What the source says of the run. Later facts replace earlier ones of the same key."""

    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)
    tags: tuple[str, ...] = ()
    monitor: str | None = None
    mode: str | None = None


@dataclass(frozen=True)
class Restart:
    """From here on another attempt logs, whatever its steps: what it repeats hides what came before."""


@dataclass(frozen=True)
class Told:
    """A message of the run. ``time`` as in `Rows`."""

    text: str
    step: int
    level: str = "info"
    time: int | None = None


@dataclass(frozen=True)
class Saved:
    """A checkpoint that the run saved."""

    path: str
    step: int
    epoch: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)
    time: int | None = None


@dataclass(frozen=True)
class Skipped:
    """Something that could not be read: where, such as ``line 17``, and why."""

    where: str
    why: str


@dataclass(frozen=True)
class Noted:
    """What was decided about the source, such as which column the steps are."""

    text: str


@dataclass(frozen=True)
class Ended:
    """How the run ended.

    ``completed`` (the default), ``failed``, or ``unfinished``: it did not come to its end.
    """

    status: str
    error: str | None = None


Item: TypeAlias = Rows | Facts | Restart | Told | Saved | Skipped | Noted | Ended
