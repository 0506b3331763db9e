"""One chart in its rectangle of a figure: title, legend, axes, the strip and the notes beneath."""

from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from reports import bests, changes, flags, gaps, marks, stretches, ticks, typeset
from reports.furniture import (
    BOTTOM,
    LEGEND_ROW,
    LEGEND_SIZE,
    NOTE_ROW,
    NOTE_SIZE,
    RIGHT,
    SAMPLE,
    TITLE_HEIGHT,
    TITLE_SIZE,
    TOP,
    Furniture,
)
from reports.marks import Style

_STROKE = 24.0
_STRIP_DOWN = 11.0


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


def draw_panel(figure: Figure, frame: Frame, furniture: Furniture, style: Style) -> Axes:
    """Draw one chart into its frame."""
    across, up = frame.axes_size
    axes = _add_axes(figure, frame, frame.below, (across, up))
    if furniture.view.nothing:
        _say_nothing(axes, furniture.view.nothing, style)
    else:
        _draw_data(axes, furniture, style, room=frame.axes_size)
    if furniture.changes:
        up = frame.below - BOTTOM - _STRIP_DOWN - changes.AXES_HEIGHT
        strip = _add_axes(figure, frame, up, (across, changes.AXES_HEIGHT))
        furniture.axis.dress(strip)
        changes.draw_changes(strip, furniture.changes, furniture.view, style)
    _draw_heading(axes, furniture, frame, style)
    _draw_notes(axes, furniture, frame, style)
    return axes


def _add_axes(figure: Figure, frame: Frame, up: float, size: tuple[float, float]) -> Axes:
    wide, high = figure.get_size_inches() * 72
    left, bottom = frame.left + frame.inside, frame.bottom + up
    return figure.add_axes((left / wide, bottom / high, size[0] / wide, size[1] / high))


def _draw_data(
    axes: Axes, furniture: Furniture, style: Style, *, room: tuple[float, float]
) -> None:
    view, courses = furniture.view, furniture.courses
    scale = view.scale
    if scale.kind == "symlog":
        axes.set_yscale("symlog", linthresh=scale.threshold)
    else:
        axes.set_yscale(scale.kind)
    furniture.axis.dress(axes)
    axes.set_ylim(*view.bounds)
    ticks.dress_steps(axes.xaxis, furniture.axis, room=room[0])
    ticks.dress_values(axes.yaxis, ticks.value_ticks(scale, view.bounds))
    x_label = f"{view.x_label} (log scale)" if furniture.axis.stretched else view.x_label
    axes.set_xlabel(typeset.shorten(x_label, 9, room[0]), labelpad=5)
    axes.set_ylabel(typeset.shorten(view.y_label, 9, room[1]), labelpad=6)
    stretches.shade_phases(axes, style)
    stretches.shade_attempts(axes, style)
    marks.draw_lines(axes, view, courses, style)
    gaps.mark_non_finite(axes, view, style)
    stretches.name_phases(axes, furniture.phases, style)
    covered = flags.draw_marks(axes, view, courses, style)
    bests.mark_best(axes, view, courses, style, covered)


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
    top = frame.above - TOP
    ink = style.theme.ink
    _write(axes, furniture.title, (0, top - TITLE_SIZE), TITLE_SIZE, ink, bold=True)
    top -= TITLE_HEIGHT
    for entry in furniture.legend:
        up = top - (entry.row + 1) * LEGEND_ROW + 4.0
        sample = marks.legend_handle(entry.line, furniture.view, style)
        _draw_sample(axes, sample, frame, (entry.across, up + LEGEND_SIZE * 0.36))
        _write(axes, entry.text, (entry.across + SAMPLE, up), LEGEND_SIZE, ink)
    if furniture.more_names:
        rows = max(entry.row for entry in furniture.legend) + 2
        offset = (0, top - rows * LEGEND_ROW + 4.0)
        _write(axes, furniture.more_names, offset, LEGEND_SIZE, style.theme.muted)


def _draw_sample(axes: Axes, sample: Line2D, frame: Frame, offset: tuple[float, float]) -> None:
    left = frame.left + frame.inside + offset[0]
    up = frame.bottom + frame.height - frame.above + offset[1]
    sample.set_data([left / 72, (left + _STROKE) / 72], [up / 72, up / 72])
    sample.set_transform(axes.figure.dpi_scale_trans)
    axes.figure.add_artist(sample)


def _draw_notes(axes: Axes, furniture: Furniture, frame: Frame, style: Style) -> None:
    _, high = frame.axes_size
    for row, note in enumerate(furniture.notes):
        down = furniture.notes_down + 4.0 + row * NOTE_ROW
        colour = style.theme.ink if note.heard else style.theme.muted
        _write(axes, note.text, (0, -high - down), NOTE_SIZE, colour)


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
