"""One chart in its rectangle of a figure: title, legend, axes and the notes beneath.

All measures are points (1/72 inch) and known before anything is drawn, so that panels side by side
share their baselines and nothing overlaps.
"""

from dataclasses import dataclass, field

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from compactor.record import Phase
from reports import gaps, marks, ticks, typeset
from reports.marks import Style
from reports.view import ChartView, Line

LEAST_LEFT, RIGHT, BOTTOM = 60.0, 18.0, 40.0

_TITLE_SIZE, _TITLE_HEIGHT = 12.0, 21.0
_LEGEND_SIZE, _LEGEND_ROW = 9.0, 15.0
_NOTE_SIZE, _NOTE_ROW = 7.5, 10.5
_MOST_NAMES = 12
_MOST_NOTE_LINES = 4
_NAME_ROOM, _FEW_NAMES = 165.0, 4
_SAMPLE, _STROKE = 30.0, 24.0
_TICK_SIZE, _BESIDE_TICKS = 9.0, 30.0
_GAP = 16.0
_FROM_ZERO = 0.1


@dataclass(frozen=True)
class LegendEntry:
    """A line in the legend: what is written, and how far from the left in which row."""

    line: Line
    text: str
    across: float
    row: int


@dataclass(frozen=True)
class Furniture:
    """What stands around the axes of a panel."""

    view: ChartView
    left: float
    title: str | None = None
    legend: list[LegendEntry] = field(default_factory=list)
    more_names: str | None = None
    phases: list[tuple[Phase, int]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def above(self) -> float:
        """Points from the top of the panel to the axes."""
        rows = max((entry.row for entry in self.legend), default=-1) + 1 + bool(self.more_names)
        title = _TITLE_HEIGHT if self.title else 0.0
        return 10.0 + title + rows * _LEGEND_ROW + marks.phase_height(self.phases) + 4.0

    @property
    def below(self) -> float:
        """Points from the axes to the bottom of the panel."""
        return BOTTOM + (len(self.notes) * _NOTE_ROW + 4.0 if self.notes else 0.0)


@dataclass(frozen=True)
class Frame:
    """Where a panel lies in its figure, from the figure's lower left, and how far in its axes."""

    left: float
    bottom: float
    width: float
    height: float
    above: float
    below: float
    inside: float

    @property
    def axes_size(self) -> tuple[float, float]:
        """The width and height of the axes."""
        return self.width - self.inside - RIGHT, self.height - self.above - self.below


def left_of(view: ChartView) -> float:
    """Points from the left of a panel to its axes: room for the tick labels and the y label."""
    labels = ticks.value_ticks(view.scale, view.bounds).labels
    widest = max((typeset.width(label, _TICK_SIZE) for label in labels), default=0.0)
    return max(LEAST_LEFT, widest + _BESIDE_TICKS)


def furnish(
    view: ChartView, style: Style, width: float, left: float, *, bare: bool = False
) -> Furniture:
    """Lay out what stands around the axes of a panel ``width`` points wide.

    Args:
        view: The chart.
        style: How it will be drawn.
        width: The width of the whole panel.
        left: From its left to the axes, at least what `left_of` says.
        bare: Leave out title, legend and notes, for a page that says them itself.
    """
    room = width - left - RIGHT
    first, last = _step_limits(view)
    phases = marks.phase_rows(style.phases, first, last, room) if not view.nothing else []
    if bare:
        return Furniture(view, left, phases=phases)
    legend = _lay_legend(view, room)
    missing = len(view.lines) - len(legend)
    return Furniture(
        view,
        left,
        title=typeset.shorten(view.title, _TITLE_SIZE, room, "bold"),
        legend=legend,
        more_names=f"and {missing:,} more lines" if missing else None,
        phases=phases,
        notes=typeset.wrap(" · ".join(view.notes), _NOTE_SIZE, room, _MOST_NOTE_LINES),
    )


def draw_panel(figure: Figure, frame: Frame, furniture: Furniture, style: Style) -> Axes:
    """Draw one chart into its frame."""
    wide, high = figure.get_size_inches() * 72
    across, up = frame.axes_size
    left, bottom = frame.left + frame.inside, frame.bottom + frame.below
    axes = figure.add_axes((left / wide, bottom / high, across / wide, up / high))
    view = furniture.view
    if view.nothing:
        _say_nothing(axes, view.nothing, style)
    else:
        _draw_data(axes, view, furniture.phases, style, room=frame.axes_size)
    _draw_heading(axes, furniture, frame, style)
    _draw_notes(axes, furniture, frame, style)
    return axes


def _draw_data(
    axes: Axes,
    view: ChartView,
    phases: list[tuple[Phase, int]],
    style: Style,
    *,
    room: tuple[float, float],
) -> None:
    scale = view.scale
    if scale.kind == "symlog":
        axes.set_yscale("symlog", linthresh=scale.threshold)
    else:
        axes.set_yscale(scale.kind)
    axes.set_xlim(*_step_limits(view))
    axes.set_ylim(*view.bounds)
    ticks.dress_steps(axes.xaxis, room=room[0])
    ticks.dress_values(axes.yaxis, ticks.value_ticks(scale, view.bounds))
    axes.set_xlabel(typeset.shorten(view.x_label, 9, room[0]), labelpad=5)
    axes.set_ylabel(typeset.shorten(view.y_label, 9, room[1]), labelpad=6)
    marks.draw_lines(axes, view, style)
    gaps.mark_non_finite(axes, view, style)
    marks.mark_phases(axes, phases, style)
    marks.mark_best(axes, view, style)


def _say_nothing(axes: Axes, why: str, style: Style) -> None:
    axes.set_axis_off()
    axes.text(
        0.5,
        0.5,
        why,
        transform=axes.transAxes,
        ha="center",
        va="center",
        fontsize=11,
        color=style.theme.muted,
    )


def _draw_heading(axes: Axes, furniture: Furniture, frame: Frame, style: Style) -> None:
    top = frame.above - 10.0
    if furniture.title:
        _write(
            axes, furniture.title, (0, top - _TITLE_SIZE), _TITLE_SIZE, style.theme.ink, bold=True
        )
        top -= _TITLE_HEIGHT
    for entry in furniture.legend:
        up = top - (entry.row + 1) * _LEGEND_ROW + 4.0
        sample = marks.legend_handle(entry.line, furniture.view, style)
        _draw_sample(axes, sample, frame, (entry.across, up + _LEGEND_SIZE * 0.36))
        _write(axes, entry.text, (entry.across + _SAMPLE, up), _LEGEND_SIZE, style.theme.ink)
    if furniture.more_names:
        rows = max(entry.row for entry in furniture.legend) + 2
        _write(
            axes, furniture.more_names, (0, top - rows * _LEGEND_ROW + 4.0), 9, style.theme.muted
        )


def _draw_sample(axes: Axes, sample: Line2D, frame: Frame, offset: tuple[float, float]) -> None:
    left = frame.left + frame.inside + offset[0]
    up = frame.bottom + frame.height - frame.above + offset[1]
    sample.set_data([left / 72, (left + _STROKE) / 72], [up / 72, up / 72])
    sample.set_transform(axes.figure.dpi_scale_trans)
    axes.figure.add_artist(sample)


def _draw_notes(axes: Axes, furniture: Furniture, frame: Frame, style: Style) -> None:
    _, high = frame.axes_size
    for row, note in enumerate(furniture.notes):
        down = BOTTOM + 4.0 + row * _NOTE_ROW
        _write(axes, note, (0, -high - down), _NOTE_SIZE, style.theme.muted)


def _write(
    axes: Axes,
    text: str,
    offset: tuple[float, float],
    size: float,
    colour: str,
    *,
    bold: bool = False,
) -> None:
    axes.annotate(
        text,
        xy=(0, 1),
        xycoords="axes fraction",
        xytext=offset,
        textcoords="offset points",
        fontsize=size,
        fontweight="bold" if bold else "normal",
        color=colour,
        annotation_clip=False,
    )


def _lay_legend(view: ChartView, room: float) -> list[LegendEntry]:
    entries: list[LegendEntry] = []
    across, row = 0.0, 0
    most = _NAME_ROOM if len(view.lines) > _FEW_NAMES else room - _SAMPLE
    for line in view.lines[:_MOST_NAMES]:
        text = typeset.shorten(line.name, _LEGEND_SIZE, most)
        wide = _SAMPLE + typeset.width(text, _LEGEND_SIZE)
        if across and across + wide > room:
            across, row = 0.0, row + 1
        entries.append(LegendEntry(line, text, across, row))
        across += wide + _GAP
    return entries


def _step_limits(view: ChartView) -> tuple[float, float]:
    steps = np.concatenate([line.steps for line in view.lines] or [np.zeros(1)])
    marked = [
        edge for line in view.lines for pair in line.info.non_finite.stretches for edge in pair
    ]
    marked += [line.best.step for line in view.lines if line.best]
    every = np.concatenate((steps, np.array(marked, dtype=np.float64)))
    first, last = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    if 0 < first < last * _FROM_ZERO:
        first = 0.0
    room = (last - first) * 0.02 or max(1.0, abs(last) * 0.01)
    return first - room, last + room
