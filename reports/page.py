"""HTML pages: each a single file that needs no network and no other file.

Everything from the record goes through Jinja's escaping or stands as data in a JSON block that no
text can end. A content security policy forbids whatever might slip through: of all scripts only the
two of this package run, known by their hashes, and nothing is loaded from anywhere. The charts are
drawn by Apache ECharts (Li et al., 2018, doi:10.1016/j.visinf.2018.04.011), which the page carries.
"""

import base64
import hashlib
import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from compactor.record import Record
from reports import blocks, tables
from reports.chartdata import chart_data, findings_of
from reports.view import ChartView, Line, chart_views, place_of
from reports.wording import clock, number, one_line, whole

_HERE = Path(__file__).parent
_STATIC = _HERE / "static"
_SCRIPTS = (
    "numbers",
    "unpack",
    "series",
    "scales",
    "marks",
    "scene",
    "option",
    "tip",
    "chart",
    "gestures",
    "tools",
    "epochs",
    "start",
)
"""Our own scripts, in the order in which they build on each other."""


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
    """What the page says around a chart."""

    title: str
    description: str
    legend: list[LegendEntry]
    figures: list[tables.Row]
    findings: list[blocks.FindingBlock]
    notes: list[str]


def render_page(record: Record) -> str:
    """The page of a run as HTML."""
    views = chart_views(record)
    tree, numbers = chart_data(record, views)
    tree["epochs"] = tables.epoch_data(record)
    return render_template(
        "page.html.j2",
        tree,
        numbers,
        record=record,
        run=record.run,
        title=one_line(blocks.title(record.run)),
        best=blocks.best_block(record.best) if record.best else None,
        charts=[
            chart_block(record, view, chart)
            for view, chart in zip(views, tree["charts"], strict=True)
        ],
    )


def render_template(
    template: str, tree: Any, numbers: str, *, script: str | None = None, **values: Any
) -> str:
    """A page with its styles, its scripts, and the policy that lets only those run.

    Args:
        template: Its name among the templates.
        tree: What the scripts draw from.
        numbers: The text that `Place` values in the tree point into.
        script: A script of the page's own, run last; the shared ones are in its scope.
        values: What else the template shows; all of it is escaped.
    """
    library = _library()
    scripts = _scripts(script)
    return (
        _environment()
        .get_template(template)
        .render(
            blocks=blocks,
            tables=tables,
            clock=clock,
            whole=whole,
            policy=_policy(library, scripts),
            css=_ours("page.css"),
            tree=json_block(tree),
            numbers=numbers,
            library=library,
            script=scripts,
            **values,
        )
    )


def json_block(tree: Any) -> Markup:
    """``tree`` as JSON that can stand in a script element: no text in it ends the element.

    Raises:
        ValueError: A number in it is not finite.
    """
    text = json.dumps(tree, allow_nan=False, separators=(",", ":"))
    for character in "<>&":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return Markup(text)  # noqa: S704 - no character that HTML knows is left


def chart_block(record: Record, view: ChartView, chart: dict[str, Any]) -> ChartBlock:
    """What stands around a chart, from its view and its part of the script's tree."""
    return ChartBlock(
        title=view.title,
        description=view.description,
        legend=[
            _legend_entry(line, drawn)
            for line, drawn in zip(view.lines, chart["lines"], strict=True)
        ],
        figures=[tables.line_row(line) for line in view.lines],
        findings=[blocks.finding_block(finding) for finding in findings_of(record, view)],
        notes=view.notes,
    )


def _legend_entry(line: Line, drawn: dict[str, Any]) -> LegendEntry:
    said = f"best {number(line.best.value)} at {place_of(line.best)}" if line.best else None
    return LegendEntry(
        name=line.name,
        light=drawn["light"],
        dark=drawn["dark"],
        dash=drawn["dash"],
        said=said,
        exact=f"{line.best.value!r} at step {whole(line.best.step)}" if line.best else None,
    )


def _policy(*scripts: str) -> str:
    """The content security policy under which exactly these scripts run."""
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    hashes = " ".join(f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests)
    return (
        f"default-src 'none'; script-src {hashes}; style-src 'unsafe-inline'; img-src data:; "
        "base-uri 'none'; form-action 'none'"
    )


@cache
def _library() -> Markup:
    return _ours("echarts/echarts.common.min.js")


@cache
def _scripts(own: str | None) -> Markup:
    parts = [_ours(f"js/{name}.js") for name in _SCRIPTS]
    if own is not None:
        parts.append(Markup(own))  # noqa: S704 - a file of this package
    return Markup("\n").join([Markup('(() => {\n"use strict";'), *parts, Markup("})();")])


def _ours(name: str) -> Markup:
    text = (_STATIC / name).read_text(encoding="utf-8")
    return Markup(text)  # noqa: S704 - our own file; everything from the record stays escaped


@cache
def _environment() -> Environment:
    return Environment(
        loader=FileSystemLoader(_HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
