"""One HTML page of several runs: a table of them, charts that overlay them, what was found. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import Any

import msgspec

from compactor.record import Record
from reports import blocks
from reports.chartdata import chart_data
from reports.comparison import table
from reports.comparison.casting import Cast, cast_of
from reports.comparison.comparing import Compared
from reports.comparison.meanline import band_of
from reports.comparison.means import Tracks
from reports.comparison.overlays import LineKey, Overlay, overlay
from reports.comparison.result import ComparedRun, Comparison
from reports.page import ChartBlock, chart_block, render_template
from reports.theme import DARK, LIGHT
from reports.view import ChartView, chart_views
from reports.wording import count, number, one_line

_SCRIPT = Path(__file__).parent / "runs.js"


@dataclass(frozen=True)
class RunRow:
    """A row of the table of runs: the run's stroke, and its cells."""

    light: str
    dark: str
    dash: str
    best: bool
    cells: list[table.Cell]


@dataclass(frozen=True)
class RunFindings:
    """What was found in one run."""

    label: str
    findings: list[blocks.FindingBlock]


def render_comparison(compared: Compared, tracks: Tracks = MappingProxyType({})) -> str:
    """The page of a comparison as HTML; ``tracks`` as of `overlay`."""
    comparison = compared.comparison
    drawn, cast = overlay(comparison, compared.records, tracks), cast_of(comparison)
    shown = _with_bands(drawn)
    views = chart_views(shown)
    tree, numbers = chart_data(shown, views)
    tree["epochs"] = {"statistics": []}
    for view, chart in zip(views, tree["charts"], strict=True):
        for line, told in zip(view.lines, chart["lines"], strict=True):
            stretches = line.info.non_finite.stretches
            told.update(_look(drawn, (view.key, line.name), stretches))
            if drawn.parts[view.key, line.name].thin:
                told.pop("smoothed", None)  # drawn strong, it would be in front of the others
    columns = table.columns_of(comparison)
    return render_template(
        "compare.html.j2",
        tree,
        numbers,
        script=_script(),
        title=f"{count(len(comparison.runs), 'run')} compared by {one_line(comparison.metric)}",
        comparison=comparison,
        verdict=_verdict(comparison),
        columns=columns,
        rows=[_row(run, place, columns, cast) for place, run in enumerate(comparison.runs)],
        group_columns=table.GROUP_COLUMNS,
        groups=table.group_rows(comparison.groups),
        said=[
            text for text in (table.target_text(comparison), table.alike_text(comparison)) if text
        ],
        notes=shown.notes,
        findings=[_found(run) for run in comparison.runs if run.findings],
        charts=_charts(shown, views, tree["charts"]),
    )


def _with_bands(drawn: Overlay) -> Record:
    """The record with the bands of its means, as the page draws bands."""
    charts = dict(drawn.record.charts)
    for (key, name), mean in drawn.means.items():
        if band := band_of(mean):
            bands = charts[key].bands | {name: band}
            charts[key] = msgspec.structs.replace(charts[key], bands=bands)
    return msgspec.structs.replace(drawn.record, charts=charts)


def _look(drawn: Overlay, line: LineKey, stretches: Sequence[tuple[int, int]]) -> dict[str, Any]:
    """How the script draws a line: its stroke, thin where it steps back, a star for the best alone.

    A stretch without numbers is marked where it begins: shaded, that of one run would cover all.
    """
    part = drawn.parts[line]
    look: dict[str, Any] = {
        "light": part.stroke.colour(LIGHT),
        "dark": part.stroke.colour(DARK),
        "dash": part.stroke.dash,
        "stretches": [(first, first) for first, _ in stretches],
    }
    if line not in drawn.leaders:
        look["judges"] = False
    if part.thin:
        look["crowded"] = True
    return look


def _charts(
    record: Record, views: Sequence[ChartView], charts: Sequence[dict[str, Any]]
) -> list[ChartBlock]:
    return [chart_block(record, view, chart) for view, chart in zip(views, charts, strict=True)]


def _row(run: ComparedRun, place: int, columns: Sequence[table.Column], cast: Cast) -> RunRow:
    stroke = cast.runs[run.label].stroke
    return RunRow(
        light=stroke.colour(LIGHT),
        dark=stroke.colour(DARK),
        dash=stroke.dash,
        best=place == 0 and run.best is not None,
        cells=[column.cells[place] for column in columns],
    )


def _verdict(comparison: Comparison) -> str:
    first = comparison.runs[0]
    good = "smallest" if comparison.mode == "min" else "largest"
    if first.best is None:
        return f"No run has a value of {comparison.metric} to judge it by."
    grave = sum(
        any(found.severity in {"critical", "warning"} for found in run.findings)
        for run in comparison.runs
    )
    said = f"{count(grave, 'run')} with things to look at" if grave else "nothing stands out"
    return f"{first.label} is best: {number(first.best.value)}, the {good} {comparison.metric}; {said}."


def _found(run: ComparedRun) -> RunFindings:
    return RunFindings(run.label, [blocks.finding_block(finding) for finding in run.findings])


@cache
def _script() -> str:
    return _SCRIPT.read_text(encoding="utf-8")
