"""A record as a report shows it: arrays to draw, charts in order, and sentences that go with them.

What a figure and the page both say is said here once. Pure: values in, values out.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from compactor.record import Best, Chart, Finding, LineInfo, NonFinite, Point, Record
from reports.scale import Floats, Scale, choose_scale, limits
from reports.wording import MINUS, count, listing, number, span, whole

LOSS_WORDS = frozenset({"loss"})
ACCURACY_WORDS = frozenset({"acc", "accuracy", "top1", "f1", "auc", "map", "bleu", "reward"})

_STRETCHES_NAMED = 3
_MANY, _ROUGH = 300, 8.0
_ROOM, _LABEL_ROOM = 0.07, 0.16


@dataclass(frozen=True)
class Line:
    """One line of a chart; ``values`` is NaN where the record has ``null``."""

    name: str
    steps: Floats
    values: Floats
    info: LineInfo
    best: Point | None

    @cached_property
    def finite(self) -> npt.NDArray[np.bool_]:
        """Where there is a value to draw."""
        return np.isfinite(self.values)

    @cached_property
    def alone(self) -> npt.NDArray[np.bool_]:
        """Where a value has no drawn neighbour, so that no stroke would show it."""
        padded = np.concatenate(([False], self.finite, [False]))
        return self.finite & ~padded[:-2] & ~padded[2:]

    @property
    def crowded(self) -> bool:
        """Whether its strokes run into a band, as those of noise over many points do."""
        values = self.values[self.finite]
        if values.size <= _MANY:
            return False
        with np.errstate(over="ignore"):
            return float(np.abs(np.diff(values)).sum()) > _ROUGH * float(np.ptp(values))

    @property
    def smaller_is_better(self) -> bool | None:
        """By the goal of the metric, else by where its best point lies; ``None`` if unknown."""
        if self.info.goal in {"min", "max"}:
            return self.info.goal == "min"
        if self.best is None or self.info.minimum is None or self.info.maximum is None:
            return None
        if self.info.minimum.value == self.info.maximum.value:
            return None
        return self.best.value == self.info.minimum.value


@dataclass(frozen=True)
class ChartView:
    """A chart, ready to draw."""

    key: str
    chart: Chart
    lines: tuple[Line, ...]

    @classmethod
    def of(cls, key: str, chart: Chart) -> "ChartView":
        """The view of one chart of a record."""
        lines = (_line(chart, name) for name in chart.lines)
        return cls(key, chart, tuple(lines))

    @cached_property
    def title(self) -> str:
        """The title, or the chart's key where it has none."""
        return self.chart.title.strip() or self.key

    @cached_property
    def values(self) -> Floats:
        """All finite values that are drawn, best points included."""
        drawn = [line.values[line.finite] for line in self.lines]
        best = [line.best.value for line in self.lines if line.best]
        return np.concatenate([*drawn, np.array(best, dtype=np.float64)])

    @cached_property
    def scale(self) -> Scale:
        """The y axis that shows all of them."""
        return choose_scale(self.values)

    @cached_property
    def bounds(self) -> tuple[float, float]:
        """Where the y axis begins and ends, in multiples of the scale's unit."""
        return limits(self.values, self.scale, self.room)

    @property
    def room(self) -> tuple[float, float]:
        """How much of the y axis to leave free below and above, for the labels of best points."""
        sides = [line.smaller_is_better is not False for line in self.lines if line.best]
        return (
            _LABEL_ROOM if True in sides else _ROOM,
            _LABEL_ROOM if False in sides else _ROOM,
        )

    @property
    def x_label(self) -> str:
        """What the steps count."""
        return self.chart.x_label.strip() or "step"

    @property
    def y_label(self) -> str:
        """What the values are, with their unit and, unless it is linear, the kind of axis."""
        label = self.chart.y_label.strip()
        remarks = [self.scale.remark] if self.scale.remark else []
        if len(self.units) == 1 and self.units[0].lower() not in label.lower():
            remarks.insert(0, self.units[0])
        return f"{label} ({', '.join(remarks)})".strip() if remarks else label

    @property
    def units(self) -> list[str]:
        """The units that lines of the chart have, each once."""
        return list(dict.fromkeys(line.info.unit for line in self.lines if line.info.unit))

    @cached_property
    def nothing(self) -> str | None:
        """Why there is nothing to draw, where that is so."""
        if self.values.size:
            return None
        amounts = [_amounts(line.info.non_finite) for line in self.lines]
        said = [text for text in amounts if text]
        return f"no finite value: {listing(said)}" if said else "no point to draw"

    @cached_property
    def notes(self) -> list[str]:
        """What must be said of the chart: its own notes, what is left out, what was no number."""
        notes = [self.chart.note] if self.chart.note else []
        for line in self.lines:
            if len(self.units) > 1 and line.info.unit:
                notes.append(f"{line.name}: in {line.info.unit}")
            notes += [f"{line.name}: {text}" for text in _line_notes(line.info)]
        return notes

    def line_of(self, finding: Finding) -> Line | None:
        """The line that a finding is about: of its metric and rank, else of the mean over the ranks."""
        own = [line for line in self.lines if line.info.metric == finding.metric]
        of_rank = (line for line in own if line.info.rank == finding.rank)
        mean = (line for line in own if line.info.rank is None)
        return next(of_rank, None) or next(mean, None)

    @property
    def description(self) -> str:
        """The chart in words, for those who do not see it."""
        said = [f"Line chart of {self.title} by {self.x_label}."]
        said += [f"{line.name}: {_course(line)}." for line in self.lines]
        return " ".join(said)


def chart_views(record: Record) -> list[ChartView]:
    """The charts in the order they are shown: loss, accuracy, then as the record has them."""
    views = [ChartView.of(key, chart) for key, chart in record.charts.items()]
    loss, others = _first_with(LOSS_WORDS, views)
    accuracy, others = _first_with(ACCURACY_WORDS, others)
    return loss + accuracy + others


def place_of(point: Point | Best) -> str:
    """``epoch 12`` or, where no epoch is known, ``step 4,300``."""
    return f"step {whole(point.step)}" if point.epoch is None else f"epoch {whole(point.epoch)}"


def _line(chart: Chart, name: str) -> Line:
    points = chart.lines[name]
    steps = np.array([step for step, _ in points], dtype=np.float64)
    values = np.array([np.nan if value is None else value for _, value in points], dtype=np.float64)
    return Line(name, steps, values, chart.line_info[name], chart.best_point.get(name))


def _first_with(
    words: frozenset[str], views: list[ChartView]
) -> tuple[list[ChartView], list[ChartView]]:
    """The first chart named by one of ``words``, if any, and all the others."""
    for place, view in enumerate(views):
        if words & _words(view.key, view.chart.title):
            return [view], views[:place] + views[place + 1 :]
    return [], views


def _words(*texts: str) -> set[str]:
    return {word for text in texts for word in re.split(r"[^a-z0-9]+", text.lower())}


def _line_notes(info: LineInfo) -> Iterable[str]:
    if info.note:
        yield info.note
    if info.drawn_points < info.raw_points and info.policy != "all":
        yield f"{info.drawn_points:,} of {info.raw_points:,} points drawn"
    if info.repeated_steps:
        yield f"{count(info.repeated_steps, 'row')} not drawn, as another of the same step is"
    if info.non_finite.total:
        yield f"{_amounts(info.non_finite)}, {_stretches(info.non_finite)}"


def _amounts(missing: NonFinite) -> str:
    kinds = (
        (missing.nan, "NaN"),
        (missing.positive_infinity, "+∞"),
        (missing.negative_infinity, f"{MINUS}∞"),
    )
    return ", ".join(f"{amount:,} {kind}" for amount, kind in kinds if amount)


def _stretches(missing: NonFinite) -> str:
    named = [span(first, last) for first, last in missing.stretches[:_STRETCHES_NAMED]]
    more = missing.stretch_count - len(named)
    if not named:
        return "at steps not recorded"
    if more > 0:
        unmarked = missing.stretch_count - len(missing.stretches)
        named.append(
            f"{more:,} more" + (f" ({unmarked:,} of them unmarked)" if unmarked > 0 else "")
        )
    alone = len(named) == 1 and missing.stretches[0][0] == missing.stretches[0][1]
    return f"at {'step' if alone else 'steps'} {listing(named)}"


def _course(line: Line) -> str:
    info = line.info
    if info.first is None or info.last is None:
        return _amounts(info.non_finite) or "no value"
    course = f"{count(info.raw_points, 'value')}, from {number(info.first.value)}"
    course += f" to {number(info.last.value)}"
    if line.best:
        course += f", best {number(line.best.value)} at {place_of(line.best)}"
    if info.non_finite.total:
        course += f", {_amounts(info.non_finite)}"
    return course
