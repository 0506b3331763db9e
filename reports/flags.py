"""Findings where they happen: small numbered marks in the axes, explained beneath them.

Severities differ in colour and in shape: a square is critical, a disc a warning, and a ring says
something worth knowing. No more than three are marked, the severest first; the rest are counted.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes

from compactor.record import Finding
from reports.courses import Course
from reports.labels import Box
from reports.marks import Style
from reports.view import ChartView
from reports.wording import count, one_line

FINDING_LABEL = "finding"

_MOST = 3
_SEVERITIES = ("critical", "warning", "info")
_SHAPES = {"critical": "s", "warning": "o", "info": "o"}
_MARK_SIZE, _NUMBER_SIZE = 10.0, 7.0
_APART, _DOWN = 13.0, 9.0


@dataclass(frozen=True)
class Mark:
    """A finding and the number it has in its chart."""

    number: int
    finding: Finding


def marks_of(view: ChartView, findings: Sequence[Finding]) -> list[Mark]:
    """The findings about the lines of a chart that begin at a step, the severest three, in order."""
    chosen = sorted(_about(view, findings), key=_severity)[:_MOST]
    chosen.sort(key=lambda finding: (finding.step or 0, _severity(finding)))
    return [Mark(number, finding) for number, finding in enumerate(chosen, start=1)]


def captions(view: ChartView, findings: Sequence[Finding]) -> list[str]:
    """What each mark stands for, a sentence each, and how many findings have none."""
    shown = marks_of(view, findings)
    said = [f"[{mark.number}] {one_line(mark.finding.text)}" for mark in shown]
    more = len(_about(view, findings)) - len(shown)
    return [*said, f"{count(more, 'more finding')} not marked"] if more else said


def draw_marks(axes: Axes, view: ChartView, courses: Sequence[Course], style: Style) -> list[Box]:
    """A numbered mark at the top of the axes, and a hair line from it down to the curve.

    Returns:
        What the marks cover, in pixels, for labels to keep off.
    """
    covered = []
    unit = axes.figure.dpi / 72
    room, high = axes.bbox.width / unit, axes.bbox.height / unit
    nearest = -np.inf
    for mark in marks_of(view, style.findings):
        step = float(mark.finding.step or 0)
        across = (float(axes.transData.transform((step, 1.0))[0]) - axes.bbox.x0) / unit
        place = nearest = max(min(max(across, 0.0), room), nearest + _APART)
        colour = severity_colour(mark.finding.severity, style)
        down = _value_at(mark, courses, view, step)
        if down is not None:
            axes.plot(
                [step, step],
                [down, axes.get_ylim()[1]],
                color=colour,
                linewidth=0.7,
                alpha=0.7,
                zorder=1.8,
                label=f"{FINDING_LABEL} {mark.number}: from",
            )
        _draw_mark(axes, mark, (place / room, 1 - _DOWN / high), colour, style)
        half = _APART / 2 * unit
        top = axes.bbox.y1 - (_DOWN * unit + half)
        left = axes.bbox.x0 + place * unit - half
        covered.append(Box(left, top, 2 * half, axes.bbox.y1 - top))
    return covered


def severity_colour(severity: str, style: Style) -> str:
    """The colour of a finding in the theme."""
    theme = style.theme
    return {"critical": theme.trouble, "warning": theme.warning}.get(severity, theme.muted)


def _draw_mark(
    axes: Axes, mark: Mark, place: tuple[float, float], colour: str, style: Style
) -> None:
    ring = mark.finding.severity not in ("critical", "warning")
    background = style.theme.background
    axes.plot(
        [place[0]],
        [place[1]],
        transform=axes.transAxes,
        linestyle="none",
        marker=_SHAPES.get(mark.finding.severity, "o"),
        markersize=_MARK_SIZE,
        markerfacecolor=background if ring else colour,
        markeredgecolor=colour if ring else background,
        markeredgewidth=1.0,
        label=f"{FINDING_LABEL} {mark.number}",
        clip_on=False,
        zorder=7,
    )
    axes.annotate(
        str(mark.number),
        xy=place,
        xycoords="axes fraction",
        ha="center",
        va="center_baseline",
        fontsize=_NUMBER_SIZE,
        fontweight="bold",
        color=colour if ring else background,
        annotation_clip=False,
        zorder=8,
    )


def _about(view: ChartView, findings: Sequence[Finding]) -> list[Finding]:
    return [each for each in findings if each.step is not None and view.line_of(each) is not None]


def _value_at(mark: Mark, courses: Sequence[Course], view: ChartView, step: float) -> float | None:
    line = view.line_of(mark.finding)
    for course in courses:
        if course.line is line and course.line.finite.any():
            finite = np.isfinite(course.leading)
            value = np.interp(step, course.line.steps[finite], course.leading[finite])
            return float(value / view.scale.unit)
    return None


def _severity(finding: Finding) -> int:
    known = finding.severity in _SEVERITIES
    return _SEVERITIES.index(finding.severity) if known else len(_SEVERITIES)
