"""What a record shows of itself in a notebook: how the run went, its first charts, its epochs.

As `logwriter.notebook`, whose drawing it uses: a fragment without script or style sheet, bounded in
size, every name escaped.
"""

import math
from collections.abc import Sequence

import numpy as np

from compactor.record import Best, Chart, Epoch, Finding, Record
from logwriter.notebook import markup, or_fault
from logwriter.notebook.columns import Fold, Trace
from logwriter.notebook.picture import MOST_LINES, picture

MOST_CHARTS = 4
MOST_COLUMNS = 6
_FIRST_EPOCHS, _LAST_EPOCHS = 5, 5
_GRAVITY = ("critical", "warning", "info")


def show_record(record: Record) -> str:
    """The record as HTML."""
    return or_fault(lambda: _html(record), "record")


def _html(record: Record) -> str:
    charts = list(record.charts.values())[:MOST_CHARTS]
    return markup.fragment(
        markup.heading(record.run.name or record.run.id, record.run.status),
        markup.lines(_facts(record)),
        markup.lines(map(_finding, sorted(record.findings, key=_gravity))),
        markup.side_by_side(_chart_picture(chart) for chart in charts if any(chart.lines.values())),
        _epochs(record),
        markup.lines([*_left_out(record), *record.notes]),
    )


def _facts(record: Record) -> list[str]:
    run = record.run
    size = [f"{run.steps:,} steps, {run.rows:,} rows"]
    if len(run.attempts) > len(run.ranks):
        size.append(f"{len(run.attempts):,} attempts")
    if run.world_size > 1:
        size.append(f"{len(run.ranks):,} of {run.world_size:,} ranks")
    if run.seconds is not None:
        size.append(f"took {markup.duration(run.seconds)}")
    facts = [", ".join(size)]
    if run.error:
        facts.append(f"ended with {run.error}")
    if record.best is not None:  # else a note says why
        facts.append(_best(record.best))
    return facts


def _best(best: Best) -> str:
    epoch = "" if best.epoch is None else f"epoch {best.epoch:,}, "
    value = markup.number(best.value)
    return f"best {best.metric} {value} at {epoch}step {best.step:,} ({best.mode}, by {best.per})"


def _gravity(finding: Finding) -> int:
    return _GRAVITY.index(finding.severity) if finding.severity in _GRAVITY else len(_GRAVITY)


def _finding(finding: Finding) -> str:
    return f"{finding.severity}: {finding.text}"


def _chart_picture(chart: Chart) -> str:
    steps = [points[end][0] for points in chart.lines.values() if points for end in (0, -1)]
    first, last = min(steps), max(steps)
    traces = [_trace(chart, name, first, last) for name in list(chart.lines)]
    drawn = list(chart.lines)[:MOST_LINES]
    broken = sum(chart.line_info[name].non_finite.total for name in drawn)
    return picture(chart.title, traces, first, last, f"{broken:,} not finite" if broken else "")


def _trace(chart: Chart, name: str, first: int, last: int) -> Trace:
    fold = Fold(first, last)
    points = chart.lines[name]
    fold.add(
        np.array([step for step, _ in points], dtype=np.int64),
        np.array([math.nan if value is None else value for _, value in points]),
    )
    for gap in chart.line_info[name].non_finite.stretches:
        fold.add_gap(*gap)
    best = chart.best_point.get(name)
    fold.best = None if best is None else (best.step, best.value)
    return fold.trace(name)


def _epochs(record: Record) -> str:
    epochs, columns = record.epochs, record.epoch_columns[:MOST_COLUMNS]
    if not epochs:
        return ""
    rows = [_row(epoch, columns) for epoch in epochs]
    if len(rows) > _FIRST_EPOCHS + _LAST_EPOCHS:
        gap = ["…"] * (len(columns) + 1)
        rows = [*rows[:_FIRST_EPOCHS], gap, *rows[-_LAST_EPOCHS:]]
    return markup.table(["epoch", *columns], rows)


def _row(epoch: Epoch, columns: Sequence[str]) -> list[str]:
    name = f"{epoch.epoch:,}" if epoch.ended else f"{epoch.epoch:,} (not ended)"
    return [name, *(markup.number(epoch.values.get(column)) for column in columns)]


def _left_out(record: Record) -> list[str]:
    """What there is more of, and where."""
    said = []
    charts, columns = len(record.charts), len(record.epoch_columns)
    if charts > MOST_CHARTS:
        said.append(f"{MOST_CHARTS} of {charts:,} charts are shown; `everystep report` draws all.")
    if columns > MOST_COLUMNS and record.epochs:
        said.append(
            f"{MOST_COLUMNS} of {columns:,} metrics are in the table; `.to_pandas()` has all."
        )
    return said
