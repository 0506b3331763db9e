"""From a record to matplotlib figures, and from figures to bytes. Pure: no files, no pyplot.

The same record and theme give the same bytes: sizes are fixed, no date is written, the identifiers
in an SVG come from a fixed salt, and a user's own matplotlib settings do not apply. They are set
aside while a figure is made or saved, and then are what they were.
"""

import io
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from compactor.record import Record
from reports import typeset
from reports.marks import Style
from reports.panel import LEAST_LEFT, Frame, Furniture, draw_panel, furnish, left_of
from reports.theme import Theme, matplotlib_settings, strokes_of
from reports.view import ChartView, chart_views, place_of
from reports.wording import count, duration, number

SOFTWARE = "everystep"
CHART_SIZE = (576.0, 330.0)
CHART_DPI = 160
PAGE_CHART_SIZE = (400.0, 232.0)
DASHBOARD_DPI = 120
DASHBOARD_CHARTS = 12

_MARGIN = 26.0
_PANEL_WIDTH, _PANEL_HEIGHT = 500.0, 310.0
_EMPTY_HEIGHT = 120.0
_NOTE_LINES = 3

_PATH = re.compile(r' d="([^"]*)"')
_COMMAND = re.compile(r"\s*([A-Za-z])\s*")
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")


def style_of(record: Record, theme: Theme) -> Style:
    """How the charts of ``record`` are drawn in ``theme``."""
    monitor = record.best.metric if record.best else None
    return Style(theme, strokes_of(record), record.phases, monitor)


def chart_figure(view: ChartView, style: Style) -> Figure:
    """One chart with its title, legend and notes."""
    width, height = CHART_SIZE
    return _single(furnish(view, style, width, left_of(view)), style, (width, height), CHART_DPI)


def page_figure(view: ChartView, style: Style) -> Figure:
    """One chart for a page that writes title, legend and notes around it."""
    width, height = PAGE_CHART_SIZE
    bare = furnish(view, style, width, left_of(view), bare=True)
    return _single(bare, style, (width, height), 72)


def dashboard_figure(record: Record, style: Style) -> Figure:
    """All charts of a run on one sheet, two in a row, the first twelve of many."""
    views = chart_views(record)
    shown = views[:DASHBOARD_CHARTS]
    columns = 1 if len(shown) == 1 else 2
    width = 2 * _MARGIN + 2 * _PANEL_WIDTH if columns == 2 else 2 * _MARGIN + 640.0
    panel_width = (width - 2 * _MARGIN) / columns
    lefts = [
        max(map(left_of, shown[column::columns]), default=LEAST_LEFT) for column in range(columns)
    ]
    heading = _heading(record, len(views), width - 2 * _MARGIN - lefts[0])
    with _settings(style.theme):
        panels = [
            furnish(view, style, panel_width, lefts[place % columns])
            for place, view in enumerate(shown)
        ]
        rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
        above = _MARGIN + sum(size * 1.5 for _, size, _ in heading) + 8.0
        heights = [_PANEL_HEIGHT + _extra(row) for row in rows] or [_EMPTY_HEIGHT]
        figure = _figure((width, above + sum(heights) + _MARGIN), DASHBOARD_DPI)
        _draw_sheet_heading(figure, heading, _MARGIN + lefts[0], style)
        top = figure.get_size_inches()[1] * 72 - above
        for row, height in zip(rows, heights, strict=False):
            top -= height
            for place, furniture in enumerate(row):
                left = _MARGIN + place * panel_width
                frame = _frame(row, furniture.left, (left, top), (panel_width, height))
                draw_panel(figure, frame, furniture, style)
    return figure


def png_bytes(figure: Figure, theme: Theme) -> bytes:
    """The figure as PNG, at its own resolution."""
    stream = io.BytesIO()
    with _settings(theme):
        figure.savefig(stream, format="png", dpi=figure.dpi, metadata={"Software": SOFTWARE})
    return stream.getvalue()


def svg_text(figure: Figure, theme: Theme) -> str:
    """The figure as SVG, its coordinates to a hundredth of a point."""
    stream = io.StringIO()
    silent = {"Date": None, "Creator": None, "Format": None, "Type": None}
    with _settings(theme):
        figure.savefig(stream, format="svg", dpi=200, metadata=silent)
    return _PATH.sub(_shorten_path, stream.getvalue())


def _single(furniture: Furniture, style: Style, size: tuple[float, float], dpi: float) -> Figure:
    width, height = size
    with _settings(style.theme):
        whole = (width, height + _extra((furniture,)))
        figure = _figure(whole, dpi)
        frame = _frame((furniture,), furniture.left, (0.0, 0.0), whole)
        draw_panel(figure, frame, furniture, style)
    return figure


def _extra(row: Sequence[Furniture]) -> float:
    """What the furniture of a row takes beyond a title, one row of names and one line of notes."""
    return max(max(f.above - 50.0, 0.0) + max(f.below - 55.0, 0.0) for f in row)


def _frame(
    row: Sequence[Furniture], inside: float, corner: tuple[float, float], size: tuple[float, float]
) -> Frame:
    above, below = max(f.above for f in row), max(f.below for f in row)
    return Frame(*corner, *size, above, below, inside)


def _heading(record: Record, charts: int, room: float) -> list[tuple[str, float, str]]:
    """The lines above all charts: text, size, and which colour of the theme."""
    run = record.run
    facts = [run.status, count(run.steps, "step")]
    if run.seconds is not None:
        facts.append(duration(run.seconds))
    if record.best:
        best = record.best
        facts.append(f"best {best.metric} {number(best.value)} at {place_of(best)}")
    lines = [
        (typeset.shorten(run.name or run.id, 18, room, "bold"), 18.0, "ink"),
        (typeset.shorten(" · ".join(facts), 10.5, room), 10.5, "muted"),
    ]
    said = list(record.notes)
    if not charts:
        said.insert(0, "Nothing to draw: no metric has a chart.")
    if charts > DASHBOARD_CHARTS:
        said.append(f"The first {DASHBOARD_CHARTS} of {charts:,} charts are shown.")
    notes = typeset.wrap(" · ".join(said), 9, room, _NOTE_LINES)
    return lines + [(note, 9.0, "trouble" if record.notes else "muted") for note in notes]


def _draw_sheet_heading(
    figure: Figure, heading: list[tuple[str, float, str]], left: float, style: Style
) -> None:
    wide, high = figure.get_size_inches() * 72
    down = _MARGIN
    for text, size, colour in heading:
        down += size * 1.5
        figure.text(
            left / wide,
            1 - (down - size * 0.4) / high,
            text,
            fontsize=size,
            fontweight="bold" if size > 12 else "normal",
            color=getattr(style.theme, colour),
        )


def _figure(size: tuple[float, float], dpi: float) -> Figure:
    figure = Figure(figsize=(size[0] / 72, size[1] / 72), dpi=dpi)
    FigureCanvasAgg(figure)
    return figure


@contextmanager
def _settings(theme: Theme) -> Iterator[None]:
    with matplotlib.style.context(matplotlib_settings(theme, typeset.families()), after_reset=True):
        yield


def _shorten_path(path: re.Match[str]) -> str:
    rounded = _DECIMALS.sub(_hundredths, path[1].strip())
    tight = ",".join(_COMMAND.sub(r"\1", rounded).split())
    return f' d="{tight}"'


def _hundredths(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
