"""Charts as lines to draw, the same for every chart library. Pure: a record in, values out."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from compactor.export.colours import colours_of
from compactor.record import Chart, Point, Record
from logwriter.errors import EverystepError

Axis = Literal["step", "epoch", "seconds"]
Band: TypeAlias = list[tuple[float, float, float]]
_SECONDS_LABEL = "seconds since the start"
_LOG_FROM = 1e3
_LOW_SHARE = 0.02


class ExportError(EverystepError):
    """Raised when a record does not hold what an export was asked for."""


@dataclass(frozen=True)
class Curve:
    """One line of a chart.

    Attributes:
        name: The line's name.
        metric: The metric it shows.
        colour: As ``#rrggbb``.
        steps: The step of each point.
        x: Where each point stands on the axis.
        values: The value of each point, ``None`` where it is not finite.
        smoothed: The filtered value of each point; empty if there is no filtered line.
        band: ``(x, least, greatest)`` of all rows from there to the next entry; the last entry
            closes the band. Empty where every row is drawn.
        best: The best point, if there is one.
        best_index: Which of the points it is, if it is one of them.
    """

    name: str
    metric: str
    colour: str
    steps: list[int]
    x: list[float]
    values: list[float | None]
    smoothed: list[float | None]
    band: Band
    best: Point | None
    best_index: int | None

    @property
    def best_place(self) -> tuple[float, float] | None:
        """Where to mark the best point."""
        if self.best is None or self.best_index is None:
            return None
        return self.x[self.best_index], self.best.value

    @property
    def alone(self) -> list[bool]:
        """Which points have a value and no neighbour that has one: no stroke would show them."""
        there = [False, *(value is not None for value in self.values), False]
        return [
            here and not before and not after
            for before, here, after in zip(there, there[1:], there[2:], strict=False)
        ]


@dataclass(frozen=True)
class Plot:
    """One chart: its texts and lines, and which kind of y axis suits them."""

    title: str
    x_label: str
    y_label: str
    curves: tuple[Curve, ...]

    @property
    def logarithmic(self) -> bool:
        """Whether the values ask for a logarithmic axis.

        They do where all are positive and the largest point is over a thousand times the small
        ones. A lone tiny value does not count as small: it would squeeze the others.
        """
        points = sorted(_drawn_points(self.curves))
        edges = (edge for curve in self.curves for _, *pair in curve.band for edge in pair)
        if not points or points[0] <= 0 or any(edge <= 0 for edge in edges):
            return False
        return points[-1] / _LOG_FROM > points[int(_LOW_SHARE * (len(points) - 1))]


def plots(record: Record, x: Axis = "step") -> dict[str, Plot]:
    """The charts of a record by their keys.

    Args:
        record: The record.
        x: What the horizontal axis counts. By epoch, points outside epochs are left out.

    Raises:
        ExportError: The record does not say at which epoch or second its points lie.
    """
    return {key: _plot(key, chart, x) for key, chart in record.charts.items()}


def _plot(key: str, chart: Chart, x: Axis) -> Plot:
    colours = colours_of(chart.line_info)
    labels = {"step": chart.x_label, "epoch": "epoch", "seconds": _SECONDS_LABEL}
    return Plot(
        title=chart.title,
        x_label=labels[x],
        y_label=chart.y_label,
        curves=tuple(_curve(key, chart, name, colours[name], x) for name in chart.lines),
    )


def _curve(key: str, chart: Chart, name: str, colour: str, x: Axis) -> Curve:
    points = chart.lines[name]
    places = _places(key, chart, name, x)
    shown = [place for place, at in enumerate(places) if at is not None]
    steps = [points[place][0] for place in shown]
    kept = [at for at in places if at is not None]
    best = chart.best_point.get(name)
    smoothed = dict(chart.smoothed.get(name, []))
    return Curve(
        name=name,
        metric=chart.line_info[name].metric,
        colour=colour,
        steps=steps,
        x=kept,
        values=[points[place][1] for place in shown],
        smoothed=[smoothed.get(step) for step in steps] if smoothed else [],
        band=_band(chart.bands.get(name, []), dict(zip(steps, kept, strict=True)), x),
        best=best,
        best_index=steps.index(best.step) if best is not None and best.step in steps else None,
    )


def _places(key: str, chart: Chart, name: str, x: Axis) -> Sequence[float | None]:
    points = chart.lines[name]
    if x == "step":
        return [step for step, _ in points]
    along = chart.along.get(name)
    found = None if along is None else along.seconds if x == "seconds" else along.epoch
    if points and (found is None or len(found) != len(points)):
        raise ExportError(
            f"chart {key!r}, line {name!r}: the record does not say at which {x} its points lie; "
            "export by step, or `everystep compact RUN` to make the record again"
        )
    if points and all(place is None for place in found or []):
        raise ExportError(
            f"chart {key!r}, line {name!r}: none of its rows lies in an epoch; export by step or "
            "by seconds"
        )
    return found or []


def _band(band: Sequence[tuple[float, float, float]], at: Mapping[int, float], x: Axis) -> Band:
    """A band on the axis, closed at the last point; ``at`` has the place of each drawn step."""
    if not (band and at):
        return []
    moved = list(band) if x == "step" else _between(band, list(at.items()))
    return [*moved, (list(at.values())[-1], *moved[-1][1:])] if moved else []


def _between(
    band: Sequence[tuple[float, float, float]], points: Sequence[tuple[int, float]]
) -> Band:
    """A band between drawn points: elsewhere than by step, only their places are known.

    Between two points it takes in every entry that reaches there, which only widens it.
    """
    starts = [start for start, *_ in band]
    moved: Band = []
    for (step, place), (end, _) in pairwise(points):
        first = max(bisect_right(starts, step) - 1, 0)
        reaching = band[first : bisect_left(starts, end)]
        edges = [edge for _, *pair in reaching for edge in pair]
        if edges and (not moved or moved[-1][1:] != (min(edges), max(edges))):
            moved.append((place, min(edges), max(edges)))
    return moved


def outline(band: Band) -> Iterator[tuple[float, float]]:
    """The outline of a band as a closed polygon: along the greatest values, back along the least."""
    stretches = [(start, end, *edge) for (start, *edge), (end, *_) in pairwise(band)]
    for start, end, _, high in stretches:
        yield start, high
        yield end, high
    for start, end, low, _ in reversed(stretches):
        yield end, low
        yield start, low
    if stretches:
        yield stretches[0][0], stretches[0][3]


def unique_name(wanted: str, taken: set[str]) -> str:
    """A name that no other series of the chart has; it is added to ``taken``."""
    while wanted in taken:
        wanted += " *"
    taken.add(wanted)
    return wanted


def _drawn_points(curves: Sequence[Curve]) -> Iterator[float]:
    for curve in curves:
        yield from (value for value in curve.values if value is not None)
        yield from (value for value in curve.smoothed if value is not None)
        if curve.best is not None:
            yield curve.best.value
