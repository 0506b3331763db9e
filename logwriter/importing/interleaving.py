"""One order for metrics that were logged into files of their own: by time, then step; rows put together.

Each metric's values keep the order of its file, whatever their times and steps. Values of several metrics
with the same time and step become one row. Without times, a step that falls begins a new round: all
of it comes after the rounds before. Memory: one value a metric.
"""

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from operator import itemgetter
from typing import TypeAlias

from logwriter.importing.items import Skipped
from logwriter.importing.records import Row

_Keyed: TypeAlias = "tuple[tuple[int, int, int, int], str, Point | Skipped]"


@dataclass(frozen=True, slots=True)
class Point:
    """One value of a metric. ``time`` in microseconds since 1970, where it has one."""

    step: int
    value: float
    time: int | None = None


def interleave(metrics: Mapping[str, Iterable[Point | Skipped]]) -> Iterator[Row | Skipped]:
    """The rows of all metrics; what could not be read stands near its place."""
    keyed = (_keyed(metric, points) for metric, points in metrics.items())
    merged = heapq.merge(*keyed, key=itemgetter(0))
    return together((metric, point) for _, metric, point in merged)


def together(points: Iterable[tuple[str, Point | Skipped]]) -> Iterator[Row | Skipped]:
    """Rows of values that follow one another with the same time and step."""
    values: dict[str, float] = {}
    at: tuple[int, int | None] = (0, None)
    for metric, point in points:
        if isinstance(point, Skipped):
            yield point
            continue
        if values and (metric in values or (point.step, point.time) != at):
            yield Row(at[0], values, None, at[1])
            values = {}
        at = point.step, point.time
        values[metric] = point.value
    if values:
        yield Row(at[0], values, None, at[1])


def _keyed(metric: str, points: Iterable[Point | Skipped]) -> Iterator[_Keyed]:
    """Each point with its place: time, round, step, and which of several of the same."""
    key, last = (0, 0, 0, 0), 0
    for point in points:
        if isinstance(point, Point):
            turn = key[1] + (point.time is None and point.step < last)
            place = (point.time or 0, turn, point.step)
            key = (*place, key[3] + 1 if place == key[:3] else 0)
            last = point.step
        yield key, metric, point
