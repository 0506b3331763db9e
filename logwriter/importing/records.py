"""Rows from records: what a source logged at one step, as a mapping of metrics to numbers.

For sources that come as objects one by one. What comes in columns already needs none of it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeGuard

import numpy as np

from logwriter.events import readable
from logwriter.importing.items import Ints, Item, Rows, Skipped
from logwriter.journal import NO_EPOCH

RECORDS_A_CHUNK = 8192
_DEEPEST = 8
_LONGEST_WHOLE = 40
_BEYOND = 1 << 63


@dataclass(frozen=True, slots=True)
class Row:
    """One record. ``time`` in microseconds since 1970; without one, that of the record before."""

    step: int
    values: Mapping[str, float]
    epoch: int | None = None
    time: int | None = None


def gather(found: Iterable[Row | Item]) -> Iterator[Item]:
    """The records as `Rows`, some thousands at a time; items between them keep their places."""
    waiting: list[Row] = []
    time: int | None = None
    for each in found:
        if isinstance(each, Row) and not _fits(each):
            yield Skipped(
                f"a row at step {as_float(each.step):.3e}",
                "its step or epoch has more than 64 bits",
            )
            continue
        if isinstance(each, Row):
            waiting.append(each)
            if len(waiting) < RECORDS_A_CHUNK:
                continue
        if waiting:
            yield (rows := _rows(waiting, time))
            time = time if rows.time is None else int(rows.time[-1])
            waiting = []
        if not isinstance(each, Row):
            yield each
    if waiting:
        yield _rows(waiting, time)


def numbers_of(entry: Mapping[str, Any], *, but: Collection[str] = ()) -> dict[str, float]:
    """The numbers in an object, by name; those in objects inside it as ``outer/inner``.

    Truth values count as 0 and 1. ``null``, texts and lists are no numbers.

    Args:
        entry: As a JSON reader gives it.
        but: Names to leave out, of the outermost object.
    """
    kept = {key: value for key, value in entry.items() if key not in but}
    return {name: as_float(leaf) for name, leaf in leaves_of(kept).items() if is_number(leaf)}


def leaves_of(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Everything in an object that is no object itself; that of inner ones as ``outer/inner``."""
    return dict(_leaves(entry, "", 0))


def is_number(leaf: Any) -> TypeGuard[float]:
    """Whether it is a number, or a truth value."""
    return isinstance(leaf, (int, float))


def number_in(text: str) -> float | None:
    """The number that a text is, with blanks around it; ``None`` if it is none.

    ``nan`` and ``inf``, in any spelling that Python reads, are numbers. ``1_000`` is none.
    """
    try:
        return None if "_" in text else float(text)
    except ValueError:
        return None


def whole(value: Any) -> int | None:
    """The whole number that a value is: ``7``, ``7.0`` or ``"7"``, within 64 bits; else ``None``."""
    if isinstance(value, str):
        digits = value.strip().isdecimal() and len(value) < _LONGEST_WHOLE
        value = int(value) if digits else number_in(value)
    if isinstance(value, float):
        value = int(value) if value.is_integer() else None
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    return value if -_BEYOND < value < _BEYOND else None


def as_float(value: float) -> float:
    """The number as a float; an integer beyond all floats is infinite."""
    try:
        return float(value)
    except OverflowError:  # an integer of hundreds of digits
        return float("inf") if value > 0 else float("-inf")


def _leaves(entry: Mapping[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in entry.items():
        if not isinstance(value, Mapping):
            yield f"{prefix}{key}", value
        elif depth < _DEEPEST:
            yield from _leaves(value, f"{prefix}{key}/", depth + 1)


def _fits(row: Row) -> bool:
    return -_BEYOND < row.step < _BEYOND and -_BEYOND < (row.epoch or 0) < _BEYOND


def _times(records: list[Row], before: int | None) -> Ints | None:
    """A record without a time has that of the one before; the first ones, of the first that has one."""
    known = (record.time for record in records if record.time is not None)
    last = next(known, None) if before is None else before
    if last is None:
        return None
    times = np.empty(len(records), np.int64)
    for place, record in enumerate(records):
        last = last if record.time is None else record.time
        times[place] = last
    return times


def _rows(records: list[Row], before: int | None) -> Rows:
    count = len(records)
    values: dict[str, np.ndarray] = {}
    given: dict[str, np.ndarray] = {}
    for place, record in enumerate(records):
        for metric, value in record.values.items():
            if metric not in values:
                values[metric], given[metric] = np.zeros(count), np.zeros(count, np.bool_)
            values[metric][place] = value
            given[metric][place] = True
    values = {readable(metric): column for metric, column in values.items()}
    given = {readable(metric): mask for metric, mask in given.items()}
    epochs = [NO_EPOCH if record.epoch is None else record.epoch for record in records]
    return Rows(
        step=np.array([record.step for record in records], np.int64),
        values=values,
        given={metric: mask for metric, mask in given.items() if not mask.all()},
        epoch=np.array(epochs, np.int64) if any(e != NO_EPOCH for e in epochs) else None,
        time=_times(records, before),
    )
