"""Rows from records: what a source logged at one step, as a mapping of metrics to numbers.

For sources that come as objects one by one. What comes in columns already needs none of it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from logwriter.importing.items import Item, Rows
from logwriter.journal import NO_EPOCH

RECORDS_A_CHUNK = 8192
_DEEPEST = 8


@dataclass(frozen=True, slots=True)
class Row:
    """One record. ``time`` in microseconds since 1970; all records of a source have one, or none."""

    step: int
    values: Mapping[str, float]
    epoch: int | None = None
    time: int | None = None


def gather(found: Iterable[Row | Item]) -> Iterator[Item]:
    """The records as `Rows`, some thousands at a time; items between them keep their places."""
    waiting: list[Row] = []
    for each in found:
        if isinstance(each, Row):
            waiting.append(each)
            if len(waiting) < RECORDS_A_CHUNK:
                continue
        if waiting:
            yield _rows(waiting)
            waiting = []
        if not isinstance(each, Row):
            yield each
    if waiting:
        yield _rows(waiting)


def numbers_of(entry: Mapping[str, Any], *, but: Collection[str] = ()) -> dict[str, float]:
    """The numbers in an object, by name; those in objects inside it as ``outer/inner``.

    Truth values count as 0 and 1. ``null``, texts and lists are no numbers.

    Args:
        entry: As a JSON reader gives it.
        but: Names to leave out, of the outermost object.
    """
    return dict(_numbers({key: value for key, value in entry.items() if key not in but}, "", 0))


def _numbers(entry: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, float]]:
    for key, value in entry.items():
        if isinstance(value, (int, float)):
            yield f"{prefix}{key}", _as_float(value)
        elif isinstance(value, Mapping) and depth < _DEEPEST:
            yield from _numbers(value, f"{prefix}{key}/", depth + 1)


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return float("inf") if value > 0 else float("-inf")


def _rows(records: list[Row]) -> Rows:
    count = len(records)
    values: dict[str, np.ndarray] = {}
    given: dict[str, np.ndarray] = {}
    for place, record in enumerate(records):
        for metric, value in record.values.items():
            if metric not in values:
                values[metric], given[metric] = np.zeros(count), np.zeros(count, np.bool_)
            values[metric][place] = value
            given[metric][place] = True
    epochs = [NO_EPOCH if record.epoch is None else record.epoch for record in records]
    times = [record.time for record in records]
    return Rows(
        step=np.array([record.step for record in records], np.int64),
        values=values,
        given={metric: mask for metric, mask in given.items() if not mask.all()},
        epoch=np.array(epochs, np.int64) if any(e != NO_EPOCH for e in epochs) else None,
        time=None if None in times else np.array(times, np.int64),
    )
