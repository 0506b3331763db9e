"""What the script of a page draws from: a tree for JSON, and the numbers of all lines, packed. Pure.

Texts that a canvas shows are on one line and short; the page says them in full. Names are values
here, never keys, so that none can stand for something else in the script.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from compactor.record import Along, Finding, Phase, Record
from reports.marks import Style
from reports.packing import Packing, Place, outward, rounded
from reports.theme import DARK, LIGHT, Theme, strokes_of
from reports.view import ChartView, Line, place_of
from reports.wording import number, one_line, slug

SHORT = 60
PHASE = 24
FINDINGS_MARKED = 9

Tree = dict[str, Any]


def chart_data(record: Record, views: Sequence[ChartView]) -> tuple[Tree, str]:
    """Everything the script needs to draw the charts.

    Args:
        record: The record.
        views: Its charts, in the order they are shown.

    Returns:
        The tree, ready for JSON, and the text that its `Place` values point into.
    """
    packing = Packing()
    light, dark = (
        Style(theme, strokes_of(record), record.phases, record.best.metric if record.best else None)
        for theme in (LIGHT, DARK)
    )
    tree = {
        "themes": {theme.name: _theme(theme) for theme in (LIGHT, DARK)},
        "phases": [_phase(phase) for phase in sorted(record.phases, key=lambda each: each.step)],
        "attempts": _attempts(record),
        "charts": [
            {
                "title": shortened(view.title),
                "file": slug(view.key),
                "xLabel": shortened(view.x_label),
                "yLabel": shortened(_y_label(view)),
                "positive": bool((view.values > 0).any()),
                "logY": view.scale.kind == "log",
                "unit": view.scale.unit,
                "findings": [_mark(finding) for finding in findings_of(record, view)],
                "lines": [_line(view, line, light, dark, packing) for line in view.lines],
            }
            for view in views
        ],
    }
    return tree, packing.text


def findings_of(record: Record, view: ChartView) -> list[Finding]:
    """What was found at a step of a chart's lines, the first nine, in the order of the record."""
    shown = {line.info.metric for line in view.lines}
    found = (f for f in record.findings if f.metric in shown and f.step is not None)
    return list(found)[:FINDINGS_MARKED]


def shortened(text: str, length: int = SHORT) -> str:
    """``text`` on one line, with an ellipsis if it is longer than ``length`` characters."""
    line = one_line(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _line(view: ChartView, line: Line, light: Style, dark: Style, packing: Packing) -> Tree:
    tree: Tree = {
        "name": shortened(line.name),
        "light": light.colour(view, line),
        "dark": dark.colour(view, line),
        "dash": light.strokes[view.key, line.name].dash,
        "judges": light.judges(line),
        "below": line.smaller_is_better is not False,
        "crowded": line.crowded,
        "rows": line.info.raw_points,
        "step": packing.add_growing(line.steps),
        "value": packing.add(rounded(line.values)),
        "stretches": line.info.non_finite.stretches,
    }
    if line.best:
        text = f"best {number(line.best.value)} · {place_of(line.best)}"
        tree["best"] = {"step": line.best.step, "value": line.best.value, "text": text}
    if line.name in view.chart.along:
        tree |= _along(view.chart.along[line.name], packing)
    if band := view.chart.bands.get(line.name):
        tree["band"] = _band(band, packing)
    if smoothed := view.chart.smoothed.get(line.name):
        values = [np.nan if value is None else value for _, value in smoothed]
        tree["smoothed"] = packing.add(rounded(np.array(values, dtype=np.float64)))
        tree["smoothing"] = line.info.smoothing or "smoothed"
    return tree


def _along(along: Along, packing: Packing) -> Mapping[str, Place]:
    """Milliseconds since the start, and epochs where there are some."""
    seconds = np.array(along.seconds, dtype=np.float64)
    places = {"ms": packing.add_growing(np.rint(seconds * 1000))}
    epochs = np.array([np.nan if e is None else e for e in along.epoch], dtype=np.float64)
    if np.isfinite(epochs).any():
        places["epoch"] = packing.add(epochs.astype(np.float32).astype(np.float64))
    return places


def _band(band: Sequence[tuple[int, float, float]], packing: Packing) -> Mapping[str, Place]:
    step, low, high = (np.array(column, dtype=np.float64) for column in zip(*band, strict=True))
    low, high = outward(low, high)
    return {
        "step": packing.add_growing(step),
        "least": packing.add(low),
        "greatest": packing.add(high),
    }


def _theme(theme: Theme) -> Mapping[str, str]:
    names = ("background", "ink", "muted", "grid", "rule", "trouble")
    return {name: getattr(theme, name) for name in names}


def _phase(phase: Phase) -> Tree:
    return {"name": shortened(phase.name, PHASE), "step": phase.step}


def _attempts(record: Record) -> list[Tree]:
    """Where an attempt of the lowest rank took over from the one before it."""
    rank = min(record.run.ranks, default=0)
    return [
        {"name": f"attempt {attempt.attempt}", "step": attempt.resumed_from}
        for attempt in record.run.attempts
        if attempt.rank == rank and attempt.resumed_from is not None
    ]


def _mark(finding: Finding) -> Tree:
    return {
        "rule": shortened(finding.rule.replace("_", " ")),
        "severity": finding.severity,
        "step": finding.step,
        "last": finding.last_step,
    }


def _y_label(view: ChartView) -> str:
    """As the axis is labelled where it is linear; the script says so where it is not."""
    label = view.chart.y_label.strip()
    remarks = [f"× {view.scale.unit:.0e}"] if view.scale.unit != 1 else []
    if len(view.units) == 1 and view.units[0].lower() not in label.lower():
        remarks.insert(0, view.units[0])
    return f"{label} ({', '.join(remarks)})".strip() if remarks else label
