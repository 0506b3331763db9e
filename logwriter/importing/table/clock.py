"""Which column of a table holds times, and what they are in microseconds since 1970.

A number is a time if it lies between 1990 and 2100 in seconds, milliseconds, microseconds or nanoseconds
since 1970; smaller numbers are seconds that went by, which are a metric. A text is a time if it is
ISO 8601; without a zone it counts as UTC. A row without a time has that of the row before.
"""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from logwriter.importing.items import Floats, Ints, Mask
from logwriter.importing.table.chunks import Chunk

_EARLIEST, _LATEST = 631_152_000, 4_102_444_800  # 1990 and 2100, in seconds since 1970
_UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
_ISO, _TYPED = "ISO 8601", "timestamps"
_SINCE_1970 = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Clock:
    """Reads times from one column."""

    column: str
    unit: str

    @property
    def described(self) -> str:
        """How the times are read."""
        known = self.unit in _UNITS
        how = f"{self.unit} since 1970" if known else f"{self.unit}, UTC unless they say otherwise"
        return f"times are those of column {self.column!r}: {how}"

    def read(self, chunk: Chunk) -> tuple[Ints, Mask]:
        """The times, and where there are some, each of shape ``(n,)``."""
        if typed := chunk.instants(self.column):
            return typed
        if self.unit == _ISO:
            return _from_iso(chunk.labels(self.column))
        column = chunk.numbers(self.column)
        return _from_numbers(column.values, column.given, _UNITS[self.unit])


def find_clock(chunk: Chunk, column: str) -> Clock | None:
    """A clock, if the column holds times."""
    if chunk.instants(column):
        return Clock(column, _TYPED)
    labels = [label for label in chunk.labels(column) if label]
    if labels and _moment(labels[0]) is not None:
        return Clock(column, _ISO)
    numbers = chunk.numbers(column)
    for unit, factor in _UNITS.items():
        _, good = _from_numbers(numbers.values, numbers.given, factor)
        if good.any() and good[int(np.argmax(numbers.given))]:
            return Clock(column, unit)
    return None


def _from_numbers(values: Floats, given: Mask, factor: int) -> tuple[Ints, Mask]:
    good = given & (values >= _EARLIEST * factor) & (values < _LATEST * factor)
    kept = np.where(good, values, 0.0)
    micros = kept * (10**6 // factor) if factor <= 10**6 else kept / 10**3
    return np.rint(micros).astype(np.int64), good


def _from_iso(labels: Sequence[str]) -> tuple[Ints, Mask]:
    moments = [_moment(label) for label in labels]
    given = np.array([moment is not None for moment in moments], np.bool_)
    return np.array([moment or 0 for moment in moments], np.int64), given


def _moment(label: str) -> int | None:
    """Microseconds since 1970 of an ISO 8601 text."""
    if "-" not in label[1:]:
        return None
    try:
        moment = dt.datetime.fromisoformat(label)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=dt.UTC)
    return (moment - _SINCE_1970) // dt.timedelta(microseconds=1)
