"""A record in a terminal: how the run went, its charts as compact curves, and what was found.

The rows of a chart are those that the record draws, which hold every line's first, last, best,
least and greatest; the axis of values is the one that images and page have.
"""

import os
import sys
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import click
import numpy as np
from wcwidth import wrap

from compactor.record import Record
from compactor.store import read_record
from logwriter.cli.curves import (
    NARROWEST,
    Axis,
    Curve,
    Mark,
    Plot,
    Row,
    Screen,
    arrange,
    dot_columns,
    draw_plot,
    fold_rows,
    paint,
    screen_of,
)
from reports.blocks import FindingBlock, best_block, facts, finding_blocks, title, tone, verdict
from reports.view import ChartView, Line, chart_views, place_of
from reports.wording import number

_TONES = {"good": "good", "bad": "critical"}
_LINES = 10
_INDENT = 10
_MOST_BESTS = 3
_GAP_ROWS = 1024


def print_reports(sources: Iterable[Path | Record]) -> None:
    """Print each of them: a run's folder, its ``record.json`` or a `Record`.

    Raises:
        EverystepError: There is no record, or it cannot be read.
    """
    screen = screen_of(sys.stdout, os.environ)
    for place, source in enumerate(sources):
        record = source if isinstance(source, Record) else read_record(source)
        for row in [*([()] if place else []), *report_rows(record, screen)]:
            click.echo(paint(row, screen), color=screen.colour)


def report_rows(record: Record, screen: Screen) -> list[Row]:
    """The whole report, line by line, none of them wider than the terminal."""
    rows = [*_head(record, screen), ()]
    if screen.width < NARROWEST:
        rows += [*_paragraph(f"Too narrow for curves: they need {NARROWEST} columns.", screen), ()]
    else:
        blocks = [draw_plot(chart_plot(view, screen), screen) for view in chart_views(record)]
        rows += [*arrange(blocks, screen), ()] if blocks else []
    found = finding_blocks(record)
    if found:
        rows += [[("Findings", "title")]]
        rows += [row for finding in found for row in _finding(finding, screen)]
        rows.append(())
    rest = list(record.notes)
    if record.not_drawn:
        rest.insert(0, f"Not drawn: {', '.join(record.not_drawn)}")
    for text in rest:
        rows += _paragraph(text, screen, style="quiet")
    return rows if rows[-1] else rows[:-1]


def chart_plot(view: ChartView, screen: Screen) -> Plot:
    """A chart as it is drawn in a terminal."""
    points = [step for points in view.chart.lines.values() for step, _ in points]
    marked = [line.best.step for line in view.lines if line.best]
    gaps = [step for line in view.lines for gap in line.info.non_finite.stretches for step in gap]
    steps = [*points, *marked, *gaps] or [0]
    span = min(steps), max(steps)
    scale = view.scale
    axis = None
    if view.values.size:
        low, high = float(view.values.min()), float(view.values.max())
        axis = Axis(low, high, scale.kind, scale.threshold * scale.unit)
    units = view.units if len(view.units) == 1 else []
    remark = replace(scale, unit=1.0, offset=0.0).remark
    return Plot(
        title=view.title,
        curves=[_curve(view, line, span, screen) for line in view.lines],
        span=span,
        axis=axis,
        remark=", ".join([*units, *([remark] if remark else [])]),
        captions=list(_captions(view)),
        lines=_LINES,
    )


def _curve(view: ChartView, line: Line, span: tuple[int, int], screen: Screen) -> Curve:
    """One line; where it is not finite, whether or not the record draws a row there, is a gap."""
    drawn = np.array([step for step, _ in view.chart.lines[line.name]], dtype=np.int64)
    gaps = [
        np.unique(np.linspace(first, last, min(_GAP_ROWS, last - first + 1)).astype(np.int64))
        for first, last in line.info.non_finite.stretches
    ]
    steps = np.concatenate([drawn, *gaps])
    values = np.concatenate([line.values, np.full(len(steps) - len(drawn), np.nan)])
    columns = fold_rows(steps, values, span, dot_columns(screen))
    mark = Mark(line.best.step, line.best.value) if line.best else None
    return Curve(line.name, columns, mark)


def _captions(view: ChartView) -> Iterator[str]:
    if view.nothing:
        yield view.nothing
    best = [(line.name, line.best) for line in view.lines if line.best]
    for name, point in best[:_MOST_BESTS]:
        whose = f"{name} " if len(view.lines) > 1 else ""
        yield f"★ {whose}best {number(point.value)} · {place_of(point)}"
    if len(best) > _MOST_BESTS:
        yield f"★ and {len(best) - _MOST_BESTS:,} more"
    yield from view.notes


def _head(record: Record, screen: Screen) -> list[Row]:
    """Name, verdict, best point, and the run in numbers."""
    run = record.run
    rows = _paragraph(title(run), screen, style="title")
    rows += _paragraph(verdict(record), screen, style=_TONES.get(tone(run.status), "warning"))
    if run.error:
        rows += _paragraph(run.error, screen)
    if record.best:
        best = best_block(record.best)
        rows += _paragraph(f"★ best {best.metric} {best.value} · {best.where}", screen)
    said = " · ".join(f"{name.lower()} {value}" for name, value in facts(record))
    return rows + _paragraph(said, screen, style="quiet")


def _finding(finding: FindingBlock, screen: Screen) -> list[Row]:
    where = [finding.rule, finding.metric, *([finding.where] if finding.where else [])]
    first, *rest = _paragraph(" · ".join(where), screen, indent=_INDENT)
    severity = screen.safe(finding.severity)[: _INDENT - 1].ljust(_INDENT)
    known = finding.severity if finding.severity in {"critical", "warning"} else "info"
    text = first[0][0].removeprefix(" " * _INDENT)
    return [
        [(severity, known), (text, "")],
        *rest,
        *_paragraph(finding.text, screen, indent=_INDENT),
        *_paragraph(finding.advice, screen, indent=_INDENT, style="quiet"),
    ]


def _paragraph(text: str, screen: Screen, *, indent: int = 0, style: str = "") -> list[Row]:
    space = " " * indent
    lines = wrap(screen.safe(text), screen.width, initial_indent=space, subsequent_indent=space)
    return [[(line, style)] for line in lines]
