"""What stands around the axes of a chart, laid out before anything is drawn.

All measures are points (1/72 inch), so that panels side by side share their baselines and nothing
overlaps.
"""

from dataclasses import dataclass, field

from reports import changes, flags, stretches, ticks, typeset
from reports.changes import Change
from reports.courses import Course, courses_of
from reports.marks import Style
from reports.steps import StepAxis, step_axis
from reports.stretches import Rows
from reports.view import ChartView, Line

LEAST_LEFT, RIGHT, BOTTOM = 60.0, 18.0, 40.0
TITLE_SIZE, TITLE_HEIGHT = 12.0, 21.0
LEGEND_SIZE, LEGEND_ROW, SAMPLE = 9.0, 15.0, 30.0
NOTE_SIZE, NOTE_ROW = 7.5, 10.5
TOP = 10.0

_MOST_NAMES = 12
_MOST_NOTE_LINES, _MOST_CAPTION_LINES = 4, 3
_NAME_ROOM, _FEW_NAMES = 165.0, 4
_TICK_SIZE, _BESIDE_TICKS = 9.0, 30.0
_GAP = 16.0


@dataclass(frozen=True)
class LegendEntry:
    """A line in the legend: what is written, and how far from the left in which row."""

    line: Line
    text: str
    across: float
    row: int


@dataclass(frozen=True)
class Note:
    """A line of small print; ``heard`` is one that must not be overlooked."""

    text: str
    heard: bool = False


@dataclass(frozen=True)
class Furniture:
    """A chart, and what stands around its axes."""

    view: ChartView
    left: float
    courses: list[Course]
    title: str
    legend: list[LegendEntry]
    more_names: str | None
    axis: StepAxis
    phases: Rows = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    notes: list[Note] = field(default_factory=list)

    @property
    def above(self) -> float:
        """Points from the top of the panel to the axes."""
        rows = max((entry.row for entry in self.legend), default=-1) + 1 + bool(self.more_names)
        return TOP + TITLE_HEIGHT + rows * LEGEND_ROW + stretches.phase_height(self.phases) + 4.0

    @property
    def notes_down(self) -> float:
        """Points from the axes down to the first note."""
        return BOTTOM + (changes.HEIGHT if self.changes else 0.0)

    @property
    def below(self) -> float:
        """Points from the axes to the bottom of the panel."""
        return self.notes_down + (len(self.notes) * NOTE_ROW + 4.0 if self.notes else 0.0)


def left_of(view: ChartView) -> float:
    """Points from the left of a panel to its axes: room for the tick labels and the y label."""
    labels = ticks.value_ticks(view.scale, view.bounds).labels
    widest = max((typeset.width(label, _TICK_SIZE) for label in labels), default=0.0)
    return max(LEAST_LEFT, widest + _BESIDE_TICKS)


def furnish(view: ChartView, style: Style, width: float, left: float) -> Furniture:
    """Lay out what stands around the axes of a panel.

    Args:
        view: The chart.
        style: How it will be drawn.
        width: The width of the whole panel.
        left: From its left to the axes, at least what `left_of` says.
    """
    room = width - left - RIGHT
    legend = _lay_legend(view, room)
    missing = len(view.lines) - len(legend)
    drawn = not view.nothing
    axis = step_axis(view, stretched=style.stretched)
    courses = courses_of(view) if drawn else []
    return Furniture(
        view,
        left,
        courses,
        title=typeset.shorten(view.title, TITLE_SIZE, room, "bold"),
        legend=legend,
        more_names=f"and {missing:,} more lines" if missing else None,
        axis=axis,
        phases=stretches.phase_rows(style.phases, axis, room) if drawn else [],
        changes=changes.changes_of(view, style.epochs) if drawn else [],
        notes=_notes(view, courses, style, room),
    )


def _notes(view: ChartView, courses: list[Course], style: Style, room: float) -> list[Note]:
    """Findings first, a paragraph each, and then everything else in one."""
    heard = flags.captions(view, style.findings) if courses else []
    lines = [
        Note(line, heard=True)
        for caption in heard
        for line in typeset.wrap(caption, NOTE_SIZE, room, _MOST_CAPTION_LINES)
    ]
    said = [*view.notes, *_said_of_courses(courses)]
    resumed = stretches.said_of_attempts(style.resumed)
    if resumed and courses:
        said.append(resumed)
    wrapped = typeset.wrap(" · ".join(said), NOTE_SIZE, room, _MOST_NOTE_LINES)
    return lines + [Note(line) for line in wrapped]


def _said_of_courses(courses: list[Course]) -> list[str]:
    """What is strong and what is shaded, once for all lines of which it is the same."""
    ways = dict.fromkeys(course.said for course in courses if course.said)
    said = []
    for way in ways:
        names = [course.line.name for course in courses if course.said == way]
        of = f" of {', '.join(names)}" if len(courses) > 1 and len(names) <= 2 else ""
        said.append(f"strong line{of}: {way}")
    if any(course.band for course in courses):
        said.append("shaded: least to greatest of all rows")
    return said


def _lay_legend(view: ChartView, room: float) -> list[LegendEntry]:
    entries: list[LegendEntry] = []
    across, row = 0.0, 0
    most = min(_NAME_ROOM if len(view.lines) > _FEW_NAMES else room, room - SAMPLE)
    for line in view.lines[:_MOST_NAMES]:
        text = typeset.shorten(line.name, LEGEND_SIZE, most)
        wide = SAMPLE + typeset.width(text, LEGEND_SIZE)
        if across and across + wide > room:
            across, row = 0.0, row + 1
        entries.append(LegendEntry(line, text, across, row))
        across += wide + _GAP
    return entries
