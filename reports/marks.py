"""What is drawn inside the axes: lines, gaps, best points, phases. All from values, none moved.

A ``null`` breaks its line; nothing is interpolated over it. A value without a drawn neighbour gets
a dot, since no stroke would show it. Crowded lines are thin and a little transparent, so that the
sparse ones on top of them stay readable.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from compactor.record import Phase, Point
from reports import labels, typeset
from reports.theme import Stroke, Theme
from reports.view import ChartView, Line, place_of
from reports.wording import number

BEST_LABEL = "best"

_SPARSE = 60
_MANY_POINTS = 20_000
_MOST_LABELS = 4
_LABEL_SIZE, _HALO = 8.5, 2.5
_DESCENT = 0.25 * _LABEL_SIZE
_LABEL_HEIGHT = 1.1 * _LABEL_SIZE + 2 * _HALO
_LEADER = 18.0
_PHASE_SIZE = 8.0
_PHASE_ROW = 10.0
_PHASE_ROWS = 3


@dataclass(frozen=True)
class Style:
    """How to draw the charts of one record: theme, strokes, phases, and the metric judged by."""

    theme: Theme
    strokes: Mapping[tuple[str, str], Stroke]
    phases: Sequence[Phase]
    monitor: str | None

    def colour(self, view: ChartView, line: Line) -> str:
        """The colour of a line."""
        return self.strokes[view.key, line.name].colour(self.theme)

    def judges(self, line: Line) -> bool:
        """Whether the run's best is decided by this line."""
        return line.info.metric == self.monitor


def draw_lines(axes: Axes, view: ChartView, style: Style) -> None:
    """Every line, the crowded ones beneath the sparse."""
    rasterized = sum(line.values.size for line in view.lines) > _MANY_POINTS
    for line in view.lines:
        (drawn,) = axes.plot(line.steps, line.values / view.scale.unit, label=line.name)
        drawn.set(**_stroke(line, view, style), rasterized=rasterized)
        if line.alone.any():
            axes.plot(
                line.steps[line.alone],
                line.values[line.alone] / view.scale.unit,
                linestyle="none",
                marker="o",
                markersize=4,
                color=style.colour(view, line),
                zorder=drawn.get_zorder(),
            )


def legend_handle(line: Line, view: ChartView, style: Style) -> Line2D:
    """A sample of a line for the legend, heavy enough to show its colour."""
    look = _stroke(line, view, style) | {"alpha": 1.0, "linewidth": 2.0, "marker": ""}
    return Line2D([], [], **look)


def phase_rows(
    phases: Sequence[Phase], first: float, last: float, room: float
) -> list[tuple[Phase, int]]:
    """Which row above the axes each phase's name fits into, lowest first.

    Args:
        phases: The phases of the run.
        first: The first step of the axes.
        last: The last.
        room: How wide the axes are, in points.

    Returns:
        The phases that begin within the axes and whose name fits into one of three rows.
    """
    ends = [-np.inf] * _PHASE_ROWS
    rows = []
    for phase in sorted(phases, key=lambda phase: phase.step):
        if not first <= phase.step <= last:
            continue
        begin = (phase.step - first) / (last - first) * room
        wide = typeset.width(_phase_name(phase), _PHASE_SIZE)
        row = next((row for row, end in enumerate(ends) if end <= begin), None)
        if row is None or begin + wide > room + 10:
            continue
        ends[row] = begin + wide + 8
        rows.append((phase, row))
    return rows


def mark_phases(axes: Axes, rows: list[tuple[Phase, int]], style: Style) -> None:
    """A light line where each phase begins, and the names of those that fit above the axes."""
    first, last = axes.get_xlim()
    for phase in style.phases:
        if first <= phase.step <= last:
            axes.axvline(phase.step, color=style.theme.rule, linewidth=0.8, linestyle=(0, (4, 3)))
    for phase, row in rows:
        axes.annotate(
            _phase_name(phase),
            xy=(phase.step, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 3 + row * _PHASE_ROW),
            textcoords="offset points",
            fontsize=_PHASE_SIZE,
            color=style.theme.muted,
            annotation_clip=False,
        )


def phase_height(rows: list[tuple[Phase, int]]) -> float:
    """How much room the names of the phases take above the axes, in points."""
    return (max(row for _, row in rows) + 1) * _PHASE_ROW + 3 if rows else 0.0


def mark_best(axes: Axes, view: ChartView, style: Style) -> None:
    """Each line's best point, on the line; the first few with value and place beside them."""
    ordered = sorted(view.lines, key=lambda line: not style.judges(line))
    marked = [(line, line.best) for line in ordered if line.best]
    for line, best in marked:
        _draw_best_marker(axes, line, _spot(best, view), view, style)
    ink = _ink(axes, view)
    taken = [_around(axes, _spot(best, view)) for _, best in marked]
    for line, best in marked[:_MOST_LABELS]:
        text = f"best {number(best.value)} · {place_of(best)}"
        spot = _spot(best, view)
        judged = style.judges(line)
        box = _place_label(axes, text, line, spot, style, ink=ink, taken=taken)
        weight, colour = (
            ("bold", style.theme.ink) if judged else ("normal", style.colour(view, line))
        )
        _draw_label(axes, text, spot, box, style, weight=weight, colour=colour)
        taken.append(box)


def _stroke(line: Line, view: ChartView, style: Style) -> dict[str, Any]:
    look: dict[str, Any] = {
        "color": style.colour(view, line),
        "linestyle": style.strokes[view.key, line.name].dash,
        "linewidth": 1.3,
        "zorder": 2.4,
    }
    if line.finite.sum() <= _SPARSE:
        return look | {"linewidth": 1.7, "marker": "o", "markersize": 3.2, "zorder": 3}
    if line.crowded:
        return look | {"linewidth": 0.8, "alpha": 0.65, "zorder": 2.2}
    return look


def _draw_best_marker(
    axes: Axes, line: Line, spot: tuple[float, float], view: ChartView, style: Style
) -> None:
    colour, monitored = style.colour(view, line), style.judges(line)
    axes.plot(
        [spot[0]],
        [spot[1]],
        label=f"{BEST_LABEL}: {line.name}",
        linestyle="none",
        marker="*" if monitored else "o",
        markersize=12 if monitored else 6,
        markerfacecolor=colour if monitored else style.theme.background,
        markeredgecolor=style.theme.background if monitored else colour,
        markeredgewidth=0.8 if monitored else 1.6,
        clip_on=False,
        zorder=5,
    )


def _place_label(
    axes: Axes,
    text: str,
    line: Line,
    spot: tuple[float, float],
    style: Style,
    *,
    ink: labels.Points,
    taken: list[labels.Box],
) -> labels.Box:
    unit = _pixels_a_point(axes)
    weight = "bold" if style.judges(line) else "normal"
    bounds = axes.bbox
    return labels.place(
        _pixels(axes, spot),
        ((typeset.width(text, _LABEL_SIZE, weight) + 2 * _HALO) * unit, _LABEL_HEIGHT * unit),
        labels.Box(bounds.x0, bounds.y0, bounds.width, bounds.height),
        ink=ink,
        taken=taken,
        below=line.smaller_is_better is not False,
        unit=unit,
    )


def _draw_label(
    axes: Axes,
    text: str,
    spot: tuple[float, float],
    box: labels.Box,
    style: Style,
    *,
    weight: str,
    colour: str,
) -> None:
    unit = _pixels_a_point(axes)
    x, y = _pixels(axes, spot)
    across = max(box.left - x, x - box.right, 0.0)
    up = max(box.bottom - y, y - box.top, 0.0)
    leader = {"arrowstyle": "-", "color": style.theme.muted, "linewidth": 0.7, "shrinkB": 5}
    axes.annotate(
        text,
        xy=spot,
        xytext=((box.left - x) / unit + _HALO, (box.bottom - y) / unit + _HALO + _DESCENT),
        textcoords="offset points",
        fontsize=_LABEL_SIZE,
        fontweight=weight,
        color=colour,
        path_effects=[withStroke(linewidth=_HALO, foreground=style.theme.background)],
        arrowprops=leader if math.hypot(across, up) > _LEADER * unit else None,
        annotation_clip=False,
        zorder=6,
    )


def _spot(best: Point, view: ChartView) -> tuple[float, float]:
    return float(best.step), best.value / view.scale.unit


def _pixels_a_point(axes: Axes) -> float:
    return float(axes.figure.dpi) / 72


def _pixels(axes: Axes, point: tuple[float, float]) -> tuple[float, float]:
    x, y = axes.transData.transform(point)
    return float(x), float(y)


def _around(axes: Axes, spot: tuple[float, float]) -> labels.Box:
    x, y = _pixels(axes, spot)
    reach = 5 * _pixels_a_point(axes)
    return labels.Box(x - reach, y - reach, 2 * reach, 2 * reach)


def _ink(axes: Axes, view: ChartView) -> labels.Points:
    drawn = [
        np.column_stack((line.steps, line.values / view.scale.unit))[line.finite]
        for line in view.lines
        if line.finite.any()
    ]
    traces = [labels.trace(axes.transData.transform(points), 3.0) for points in drawn]
    return np.concatenate(traces) if traces else np.empty((0, 2))


def _phase_name(phase: Phase) -> str:
    return typeset.shorten(phase.name, _PHASE_SIZE, 110)
