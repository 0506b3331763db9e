"""One HTML page of a run: a single file that needs no network, no script and no other file.

Everything from the record goes through Jinja's escaping, and a content security policy forbids
whatever might slip through it: the page may show the images it carries and nothing else. Each chart
is there twice, for light and for dark, and the reader's setting chooses.
"""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from compactor.record import Record
from reports import blocks
from reports.figures import page_figure, style_of, svg_text
from reports.marks import Style
from reports.theme import DARK, LIGHT
from reports.view import ChartView, Line, chart_views, place_of
from reports.wording import clock, number, one_line, whole

_HERE = Path(__file__).parent
_PLAIN_IN_URI = "!$'()*+,-./:;=?@_~"
"""What stays as it is in a data URI, besides letters and digits. A space would end a ``srcset``."""


@dataclass(frozen=True)
class LegendEntry:
    """A line as the page's legend shows it."""

    name: str
    light: str
    dark: str
    dash: str
    said: str | None
    exact: str | None


@dataclass(frozen=True)
class ChartBlock:
    """A chart on the page; ``light`` and ``dark`` are data URIs, sizes are CSS pixels."""

    title: str
    legend: list[LegendEntry]
    light: str
    dark: str
    alt: str
    width: int
    height: int
    notes: list[str]


def render_page(record: Record) -> str:
    """The page of a run as HTML."""
    css = (_HERE / "static" / "page.css").read_text(encoding="utf-8")
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            blocks=blocks,
            record=record,
            run=record.run,
            title=one_line(blocks.title(record.run)),
            best=blocks.best_block(record.best) if record.best else None,
            charts=_chart_blocks(record),
            clock=clock,
            whole=whole,
            css=Markup(css),  # noqa: S704 - our own file; everything from the record stays escaped
        )
    )


def _chart_blocks(record: Record) -> list[ChartBlock]:
    light, dark = style_of(record, LIGHT), style_of(record, DARK)
    return [_chart_block(view, light, dark) for view in chart_views(record)]


def _chart_block(view: ChartView, light: Style, dark: Style) -> ChartBlock:
    figure = page_figure(view, light)
    wide, high = figure.get_size_inches() * 96
    return ChartBlock(
        title=view.title,
        legend=[_legend_entry(view, line, light, dark) for line in view.lines],
        light=_data_uri(svg_text(figure, light.theme)),
        dark=_data_uri(svg_text(page_figure(view, dark), dark.theme)),
        alt=view.description,
        width=round(wide),
        height=round(high),
        notes=view.notes,
    )


def _legend_entry(view: ChartView, line: Line, light: Style, dark: Style) -> LegendEntry:
    said = f"best {number(line.best.value)} at {place_of(line.best)}" if line.best else None
    return LegendEntry(
        name=line.name,
        light=light.colour(view, line),
        dark=dark.colour(view, line),
        dash=light.strokes[view.key, line.name].dash,
        said=said,
        exact=f"{line.best.value!r} at step {whole(line.best.step)}" if line.best else None,
    )


def _data_uri(svg: str) -> str:
    return "data:image/svg+xml," + quote(" ".join(svg.split()), safe=_PLAIN_IN_URI)


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
