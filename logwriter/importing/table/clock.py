"""Which column of a table holds times, and what they are in microseconds since 1970.

What is a time, `logwriter.importing.moments` says; the first of a column tells how the others are read. A
row without a time has that of the row before.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from logwriter.importing.items import Floats, Ints, Mask
from logwriter.importing.moments import EARLIEST, LATEST, UNITS, date_in, since_1970
from logwriter.importing.table.chunks import Chunk

_ISO, _TYPED = "ISO 8601", "timestamps"


@dataclass(frozen=True)
class Clock:
    """Reads times from one column."""

    column: str
    unit: str

    @property
    def described(self) -> str:
        """How the times are read."""
        known = self.unit in UNITS
        how = f"{self.unit} since 1970" if known else f"{self.unit}, UTC unless they say otherwise"
        return f"times are those of column {self.column!r}: {how}"

    def read(self, chunk: Chunk) -> tuple[Ints, Mask]:
        """The times, and where there are some, each of shape ``(n,)``."""
        if typed := chunk.instants(self.column):
            return typed
        if self.unit == _ISO:
            return _from_iso(chunk.labels(self.column))
        column = chunk.numbers(self.column)
        return _from_numbers(column.values, column.given, UNITS[self.unit])


def find_clock(chunk: Chunk, column: str) -> Clock | None:
    """A clock, if the column holds times."""
    if chunk.instants(column):
        return Clock(column, _TYPED)
    labels = [label for label in chunk.labels(column) if label]
    if labels and _moment(labels[0]) is not None:
        return Clock(column, _ISO)
    numbers = chunk.numbers(column)
    for unit, factor in UNITS.items():
        _, good = _from_numbers(numbers.values, numbers.given, factor)
        if good.any() and good[int(np.argmax(numbers.given))]:
            return Clock(column, unit)
    return None


def _from_numbers(values: Floats, given: Mask, factor: int) -> tuple[Ints, Mask]:
    good = given & (values >= EARLIEST * factor) & (values < LATEST * factor)
    kept = np.where(good, values, 0.0)
    micros = kept * (10**6 // factor) if factor <= 10**6 else kept / 10**3
    return np.rint(micros).astype(np.int64), good


def _from_iso(labels: Sequence[str]) -> tuple[Ints, Mask]:
    moments = [_moment(label) for label in labels]
    given = np.array([moment is not None for moment in moments], np.bool_)
    return np.array([moment or 0 for moment in moments], np.int64), given


def _moment(label: str) -> int | None:
    """Microseconds since 1970 of a date and time of day."""
    moment = date_in(label)
    return None if moment is None else since_1970(moment)
