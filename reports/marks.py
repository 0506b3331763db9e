"""What is drawn inside the axes: lines and bands. All from values, none moved.

A ``null`` breaks its line; nothing is interpolated over it. A value without a drawn neighbour gets
a dot, since no stroke would show it. The points of a noisy line are thin and faint behind its
strong line, and its band fainter still, so that sparse lines on top of them stay readable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from compactor.record import Epoch, Finding, Phase
from reports.courses import Band, Course
from reports.theme import Stroke, Theme
from reports.view import ChartView, Line

STRONG_LABEL, BAND_LABEL = "strong", "band"

_SPARSE = 60
_MANY_POINTS = 20_000


@dataclass(frozen=True)
class Style:
    """How to draw the charts of one record, and what to tell in all of them.

    ``monitor`` is the metric judged by, ``judge`` the rank that decided (``None``: their mean, or
    whichever); ``resumed`` the steps where an attempt took over;
    ``stretched`` says to give early steps more room.
    """

    theme: Theme
    strokes: Mapping[tuple[str, str], Stroke]
    phases: Sequence[Phase]
    monitor: str | None
    findings: Sequence[Finding] = ()
    resumed: Sequence[int] = ()
    epochs: Sequence[Epoch] = ()
    stretched: bool = False
    judge: int | None = None

    def colour(self, view: ChartView, line: Line) -> str:
        """The colour of a line."""
        return self.strokes[view.key, line.name].colour(self.theme)

    def dash(self, view: ChartView, line: Line) -> str:
        """The dash of a line: its own, turned on by its colour in a theme without colours."""
        return self.strokes[view.key, line.name].dash_in(self.theme)

    def judges(self, line: Line) -> bool:
        """Whether the run's best is decided by this line."""
        return line.info.metric == self.monitor and self.judge in {None, line.info.rank}


def draw_lines(axes: Axes, view: ChartView, courses: Sequence[Course], style: Style) -> None:
    """Every line: its band, its points, and its strong line where the points are faint."""
    rasterized = sum(line.values.size for line in view.lines) > _MANY_POINTS
    for course in courses:
        line, colour = course.line, style.colour(view, course.line)
        if course.band:
            _draw_band(axes, course.band, line.name, view, colour)
        (drawn,) = axes.plot(line.steps, line.values / view.scale.unit, label=line.name)
        drawn.set(**_stroke(course, view, style), rasterized=rasterized)
        if course.strong is not None:
            axes.plot(
                line.steps,
                course.strong / view.scale.unit,
                label=f"{STRONG_LABEL}: {line.name}",
                color=colour,
                linestyle=style.dash(view, line),
                linewidth=1.7 * style.theme.weight,
                path_effects=[withStroke(linewidth=3.0, foreground=style.theme.background)],
                zorder=2.6,
            )
        if line.alone.any():
            axes.plot(
                line.steps[line.alone],
                line.values[line.alone] / view.scale.unit,
                linestyle="none",
                marker="o",
                markersize=4,
                color=colour,
                zorder=drawn.get_zorder(),
            )


def legend_handle(line: Line, view: ChartView, style: Style) -> Line2D:
    """A sample of a line for the legend, heavy enough to show its colour."""
    look: dict[str, Any] = {"color": style.colour(view, line), "linestyle": style.dash(view, line)}
    return Line2D([], [], linewidth=2.0 * style.theme.weight, **look)


def _draw_band(axes: Axes, band: Band, name: str, view: ChartView, colour: str) -> None:
    unit = view.scale.unit
    axes.fill_between(
        band.steps,
        np.append(band.least, band.least[-1]) / unit,
        np.append(band.greatest, band.greatest[-1]) / unit,
        step="post",
        label=f"{BAND_LABEL}: {name}",
        facecolor=colour,
        edgecolor="none",
        linewidth=0,
        alpha=0.16,
        zorder=1.0,
    )


def _stroke(course: Course, view: ChartView, style: Style) -> dict[str, Any]:
    line, weight = course.line, style.theme.weight
    look: dict[str, Any] = {
        "color": style.colour(view, line),
        "linestyle": style.dash(view, line),
        "linewidth": 1.3 * weight,
        "zorder": 2.4,
    }
    if course.faint:
        return look | {
            "linewidth": 0.6,
            "alpha": style.theme.faint,
            "zorder": 2.2,
            "linestyle": "solid",
        }
    if line.finite.sum() <= _SPARSE:
        return look | {
            "linewidth": 1.7 * weight,
            "marker": "o",
            "markersize": 3.2 * weight,
            "zorder": 3,
        }
    return look
