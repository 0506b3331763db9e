"""Best points, marked on their lines and labelled beside them, off what is drawn."""

import math
from collections.abc import Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import withStroke

from compactor.record import Point
from reports import labels, typeset
from reports.courses import Course
from reports.marks import Style
from reports.view import ChartView, Line, place_of
from reports.wording import number

BEST_LABEL = "best"

_MOST_LABELS = 3
_LABEL_SIZE, _HALO = 8.5, 2.5
_DESCENT = 0.25 * _LABEL_SIZE
_LABEL_HEIGHT = 1.1 * _LABEL_SIZE + 2 * _HALO
_LEADER, _FARTHEST = 18.0, 40.0
_SPACING, _FAINT_SPACING = 1.0, 3.0
"""Points between the places where a stroke is counted as crossing a label."""


def mark_best(
    axes: Axes,
    view: ChartView,
    courses: Sequence[Course],
    style: Style,
    covered: Sequence[labels.Box] = (),
) -> None:
    """Each line's best point, on the line; the first few with value and place beside them.

    Of the lines of one metric, as several ranks have, the first is labelled: it decides. Where there
    is no room near its point, only the label of the line that is judged by is drawn.

    Args:
        axes: Where the lines are drawn already.
        view: The chart.
        courses: How its lines run.
        style: How to draw.
        covered: Boxes in pixels that labels keep off.
    """
    ordered = sorted(view.lines, key=lambda line: not style.judges(line))
    marked = [(line, line.best) for line in ordered if line.best]
    first = {line.info.metric: line for line, _ in reversed(marked)}
    for line, best in reversed(marked):
        decides = style.judges(line) and first[line.info.metric] is line
        colour = style.colour(view, line)
        _draw_best_marker(axes, line, _spot(best, view), colour, style, monitored=decides)
    ink = _ink(axes, courses, view)
    taken = [*covered, *(_around(axes, _spot(best, view)) for _, best in marked)]
    labelled = [(line, best) for line, best in marked if first[line.info.metric] is line]
    for line, best in labelled[:_MOST_LABELS]:
        text = f"best {number(best.value)} · {place_of(best)}"
        spot = _spot(best, view)
        judged = style.judges(line)
        box = _place_label(axes, text, line, spot, style, ink=ink, taken=taken)
        if not judged and _distance(axes, spot, box) > _FARTHEST:
            continue
        weight, colour = (
            ("bold", style.theme.ink) if judged else ("normal", style.colour(view, line))
        )
        _draw_label(axes, text, spot, box, style, weight=weight, colour=colour)
        taken.append(box)


def _draw_best_marker(
    axes: Axes,
    line: Line,
    spot: tuple[float, float],
    colour: str,
    style: Style,
    *,
    monitored: bool,
) -> None:
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
        arrowprops=leader if _distance(axes, spot, box) > _LEADER else None,
        annotation_clip=False,
        zorder=6,
    )


def _distance(axes: Axes, spot: tuple[float, float], box: labels.Box) -> float:
    """From a point to a label, in points."""
    x, y = _pixels(axes, spot)
    across = max(box.left - x, x - box.right, 0.0)
    up = max(box.bottom - y, y - box.top, 0.0)
    return math.hypot(across, up) / _pixels_a_point(axes)


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


def _ink(axes: Axes, courses: Sequence[Course], view: ChartView) -> labels.Points:
    """Where strokes lie that a label had better not cover: strong ones count, faint ones little."""
    traces, unit = [], _pixels_a_point(axes)
    for course in courses:
        weighed = [(course.line.values, _FAINT_SPACING if course.faint else _SPACING)]
        if course.strong is not None:
            weighed.append((course.strong, _SPACING))
        for values, spacing in weighed:
            finite = np.isfinite(values)
            if finite.any():
                drawn = np.column_stack((course.line.steps, values / view.scale.unit))[finite]
                traces.append(labels.trace(axes.transData.transform(drawn), spacing * unit))
    return np.concatenate(traces) if traces else np.empty((0, 2))
