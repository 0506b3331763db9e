"""From a record to matplotlib figures, and from figures to bytes. Pure: no files, no pyplot.

The same record and theme give the same bytes: sizes are fixed, no date is written, the identifiers
in an SVG come from a fixed salt, and a user's own matplotlib settings do not apply. They are set
aside while a figure is made or saved, and then are what they were.
"""

import io
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

import matplotlib.style
import numpy as np
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from compactor.record import Record
from reports import fonts, typeset
from reports.courses import courses_of
from reports.furniture import LEAST_LEFT, Furniture, furnish, left_of
from reports.marks import Style
from reports.panel import Frame, draw_panel
from reports.sizes import SCREEN, Size
from reports.steps import asks_for_stretching
from reports.stretches import resumptions
from reports.theme import Theme, matplotlib_settings, strokes_of
from reports.view import ChartView, chart_views, place_of
from reports.wording import count, duration, number

Steps = Literal["auto", "linear", "log"]
SOFTWARE = "everystep"
_EMPTY_HEIGHT = 120.0
_NOTE_LINES = 3
_COMPRESSION = 3
"""A screen's worth of strokes takes half the time of zlib's usual 6, and a tenth more bytes."""

_PATH = re.compile(r' d="([^"]*)"')
_COMMAND = re.compile(r"\s*([A-Za-z])\s*")
_DECIMALS = re.compile(r"-?\d+\.\d{3,}")


def style_of(record: Record, theme: Theme, *, steps: Steps = "auto") -> Style:
    """How the charts of ``record`` are drawn in ``theme``.

    All of them have one kind of step axis, so that they can be read side by side: by itself, the
    one that the first chart asks for.
    """
    stretched = steps == "log"
    for view in chart_views(record)[:1] if steps == "auto" else ():
        logarithmic = view.scale.kind == "log"
        stretched = asks_for_stretching(courses_of(view), logarithmic=logarithmic)
    return Style(
        theme,
        strokes_of(record),
        record.phases,
        record.best.metric if record.best else None,
        findings=record.findings,
        resumed=resumptions(record.run.attempts),
        epochs=record.epochs,
        stretched=stretched,
        judge=record.best.rank if record.best else None,
    )


def chart_figure(view: ChartView, style: Style, size: Size = SCREEN) -> Figure:
    """One chart with its title, legend and notes."""
    width, height = size.chart
    with _settings(style.theme):
        furniture = furnish(view, style, width, left_of(view))
        whole = (width, height if size.fixed else height + _extra((furniture,)))
        figure = _figure(whole, size.chart_dpi)
        frame = _frame((furniture,), furniture.left, (0.0, 0.0), whole)
        draw_panel(figure, frame, furniture, style)
    return figure


def dashboard_figure(record: Record, style: Style, size: Size = SCREEN) -> Figure:
    """The charts of a run on one sheet, two in a row, as many as the size has room for."""
    views = chart_views(record)
    shown = views[: size.most]
    columns = 1 if len(shown) == 1 else 2
    width = _sheet_width(size, columns)
    panel_width = (width - 2 * size.margin) / columns
    lefts = [
        max(map(left_of, shown[column::columns]), default=LEAST_LEFT) for column in range(columns)
    ]
    heading = _heading(record, len(views), size.most, width - 2 * size.margin - lefts[0])
    with _settings(style.theme):
        panels = [
            furnish(view, style, panel_width, lefts[place % columns])
            for place, view in enumerate(shown)
        ]
        rows = [panels[start : start + columns] for start in range(0, len(panels), columns)]
        above = size.margin + sum(line_size * 1.5 for _, line_size, _ in heading) + 8.0
        heights = _row_heights(rows, size, above)
        whole = size.sheet or (width, above + sum(heights) + size.margin)
        figure = _figure(whole, size.sheet_dpi)
        _draw_sheet_heading(figure, heading, (size.margin + lefts[0], size.margin), style)
        top = whole[1] - above
        for row, height in zip(rows, heights, strict=False):
            top -= height
            for place, furniture in enumerate(row):
                left = size.margin + place * panel_width
                frame = _frame(row, furniture.left, (left, top), (panel_width, height))
                draw_panel(figure, frame, furniture, style)
    return figure


def png_bytes(figure: Figure, theme: Theme) -> bytes:
    """The figure as PNG, at its own resolution."""
    return draw_png(figure, theme)()


def draw_png(figure: Figure, theme: Theme) -> Callable[[], bytes]:
    """Draw the figure at its own resolution; what comes back compresses it, in any thread.

    That leaves the interpreter to others for most of its time.
    """
    canvas = FigureCanvasAgg(figure)
    with _settings(theme):
        canvas.draw()  # type: ignore[no-untyped-call]
    pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
    about = PngInfo()
    about.add_text("Software", SOFTWARE)
    dpi = (figure.dpi, figure.dpi)

    def compress() -> bytes:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(
            stream, format="png", compress_level=_COMPRESSION, pnginfo=about, dpi=dpi
        )
        return stream.getvalue()

    return compress


def pdf_bytes(figure: Figure, theme: Theme) -> bytes:
    """The figure as PDF, with its letters as text."""
    stream = io.BytesIO()
    signed = {"Creator": SOFTWARE, "Producer": None, "CreationDate": None}
    with _settings(theme):
        figure.savefig(stream, format="pdf", dpi=300, metadata=signed)
    return stream.getvalue()


def svg_text(figure: Figure, theme: Theme) -> str:
    """The figure as SVG, its coordinates to a hundredth of a point and its letters as shapes."""
    stream = io.StringIO()
    silent = {"Date": None, "Creator": SOFTWARE, "Format": None, "Type": None}
    with _settings(theme):
        figure.savefig(stream, format="svg", dpi=200, metadata=silent)
    return _PATH.sub(_shorten_path, stream.getvalue())


def _sheet_width(size: Size, columns: int) -> float:
    if size.sheet:
        return size.sheet[0]
    return 2 * size.margin + (2 * size.panel[0] if columns == 2 else 1.28 * size.panel[0])


def _row_heights(rows: list[list[Furniture]], size: Size, above: float) -> list[float]:
    """How high each row of panels is; on a sheet of fixed size they share what is left."""
    heights = [size.panel[1] + _extra(row) for row in rows] or [_EMPTY_HEIGHT]
    if size.sheet is None:
        return heights
    left = size.sheet[1] - above - size.margin
    return [left / len(heights)] * len(heights)


def _extra(row: Sequence[Furniture]) -> float:
    """What the furniture of a row takes beyond a title, one row of names and one line of notes."""
    return max(max(f.above - 50.0, 0.0) + max(f.below - 55.0, 0.0) for f in row)


def _frame(
    row: Sequence[Furniture], inside: float, corner: tuple[float, float], size: tuple[float, float]
) -> Frame:
    above, below = max(f.above for f in row), max(f.below for f in row)
    return Frame(*corner, *size, above, below, inside)


def _heading(record: Record, charts: int, most: int, room: float) -> list[tuple[str, float, str]]:
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
    if charts > most:
        said.append(f"The first {most} of {charts:,} charts are shown.")
    notes = typeset.wrap(" · ".join(said), 9, room, _NOTE_LINES)
    return lines + [(note, 9.0, "trouble" if record.notes else "muted") for note in notes]


def _draw_sheet_heading(
    figure: Figure,
    heading: list[tuple[str, float, str]],
    corner: tuple[float, float],
    style: Style,
) -> None:
    wide, high = figure.get_size_inches() * 72
    left, down = corner
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
    with matplotlib.style.context(matplotlib_settings(theme, fonts.families()), after_reset=True):
        yield


def _shorten_path(path: re.Match[str]) -> str:
    rounded = _DECIMALS.sub(_hundredths, path[1].strip())
    tight = ",".join(_COMMAND.sub(r"\1", rounded).split())
    return f' d="{tight}"'


def _hundredths(match: re.Match[str]) -> str:
    return f"{float(match[0]):.2f}".rstrip("0").rstrip(".")
