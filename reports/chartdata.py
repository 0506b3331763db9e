"""What the script of a page draws from: a tree for JSON, and the numbers of all lines, packed. Pure.

Texts that a canvas shows are on one line and short; the page says them in full. Names are values
here, never keys, so that none can stand for something else in the script.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from compactor.record import Along, Finding, Phase, Record
from compactor.sampling.closer import closer
from reports.courses import Course, courses_of
from reports.marks import Style
from reports.packing import Packing, Place, outward, rounded
from reports.scale import Floats
from reports.theme import DARK, LIGHT, Theme, strokes_of
from reports.view import ChartView, place_of
from reports.wording import number, one_line, slug

SHORT = 60
PHASE = 24
FINDINGS_MARKED = 9

_EYE_BITS = 14
_UNSEEN = 2.0**-_EYE_BITS
_EPOCH_PARTS = 1e6

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
    light, dark = (_style(record, theme) for theme in (LIGHT, DARK))
    look = (light, dark)
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
                "findings": [_mark(view, finding) for finding in findings_of(record, view)],
                "lines": [_line(view, each, look, packing) for each in courses_of(view)],
            }
            for view in views
        ],
    }
    return tree, packing.text


def _style(record: Record, theme: Theme) -> Style:
    best = record.best
    monitor, judge = (best.metric, best.rank) if best else (None, None)
    return Style(theme, strokes_of(record), record.phases, monitor, judge=judge)


def findings_of(record: Record, view: ChartView) -> list[Finding]:
    """What was found at a step of a chart's lines, the first nine, in the order of the record."""
    found = (f for f in record.findings if f.step is not None and view.line_of(f) is not None)
    return list(found)[:FINDINGS_MARKED]


def shortened(text: str, length: int = SHORT) -> str:
    """``text`` on one line, with an ellipsis if it is longer than ``length`` characters."""
    line = one_line(text)
    return line if len(line) <= length else line[: length - 1].rstrip() + "…"


def _line(view: ChartView, course: Course, look: tuple[Style, Style], packing: Packing) -> Tree:
    """One line; ``look`` is that in light and in dark."""
    line, (light, dark) = course.line, look
    tree: Tree = {
        "name": shortened(line.name),
        "light": light.colour(view, line),
        "dark": dark.colour(view, line),
        "dash": light.strokes[view.key, line.name].dash,
        "judges": light.judges(line),
        "below": line.smaller_is_better is not False,
        "crowded": line.crowded,
        "rows": line.info.raw_points,
        "complete": line.info.drawn_points >= line.info.raw_points,
        "step": packing.add_growing(line.steps),
        "value": packing.add(rounded(line.values)),
        "stretches": line.info.non_finite.stretches,
    }
    if line.best:
        text = f"best {number(line.best.value)} · {place_of(line.best)}"
        tree["best"] = {"step": line.best.step, "value": line.best.value, "text": text}
    if line.name in view.chart.along:
        tree |= _along(view.chart.along[line.name], line.steps, packing)
    if band := view.chart.bands.get(line.name):
        tree["band"] = _band(band, packing)
    if course.strong is not None:
        relative = view.scale.kind == "log"
        if course.means:
            tree["means"] = {
                "at": packing.add(coarse(course.means.at, relative=True)),
                "value": packing.add(coarse(course.means.value, relative=relative)),
                "smooth": packing.add(coarse(course.means.smooth, relative=relative)),
            }
        else:
            tree["smoothed"] = packing.add(coarse(course.strong, relative=relative))
        tree["smoothing"] = (course.said or "").removeprefix("smoothed ")
    return tree


def coarse(curve: Floats, *, relative: bool) -> Floats:
    """A curve with as short fractions as no eye can tell from it, so that it packs well.

    Args:
        curve: Values; NaN stays.
        relative: Whether small values count as much as large ones, as on a logarithmic axis.

    Returns:
        Values no further off than 2^-14 of their size, else than 2^-14 of what the curve spans.
    """
    low, high = float(np.nanmin(curve)) / 2, float(np.nanmax(curve)) / 2  # no overflow
    bits = _EYE_BITS
    if not relative and high > low:
        bits += max(0, math.ceil(math.log2(max(-low, high) / (high - low))))
    fraction, exponent = np.frexp(curve)
    with np.errstate(over="ignore", under="ignore"):
        short = np.ldexp(np.rint(np.ldexp(fraction, bits)), exponent - bits)
    return np.where(np.isfinite(short), short, curve)


def _along(along: Along, steps: Floats, packing: Packing) -> Tree:
    """Milliseconds since the start, and epochs where there are some."""
    seconds = np.array(along.seconds, dtype=np.float64)
    tree: Tree = {"ms": packing.add_growing(np.rint(seconds * 1000))}
    epochs = np.array([np.nan if e is None else e for e in along.epoch], dtype=np.float64)
    if np.isfinite(epochs).any():
        tree["epoch"] = _epochs(epochs, steps, packing)
    return tree


def _epochs(epochs: Floats, steps: Floats, packing: Packing) -> Place | Tree:
    """Epochs grow evenly with the steps of each: where few places tell them all, only those.

    The places and their epochs, straight lines between them; else all epochs.
    """
    if len(epochs) > 2 and np.isfinite(epochs).all():
        ends = np.array([0, len(epochs) - 1])
        kept = closer(steps, epochs, ends, len(epochs) // 2, _EPOCH_PARTS)
        off = float(np.abs(np.interp(steps, steps[kept], epochs[kept]) - epochs).max())
        if off * _EPOCH_PARTS <= float(np.ptp(epochs)):
            places = kept.astype(np.float64)
            return {"at": packing.add_growing(places), "epoch": packing.add(epochs[kept])}
    return packing.add(epochs.astype(np.float32).astype(np.float64))


def _band(band: Sequence[tuple[int, float, float]], packing: Packing) -> Mapping[str, Place]:
    """Its ends, a little further out where that is not seen and packs better."""
    step, low, high = (np.array(column, dtype=np.float64) for column in zip(*band, strict=True))
    span = high.max() / 2 - low.min() / 2  # no overflow
    wider = outward(low, high)
    if max(np.max(low / 2 - wider[0] / 2), np.max(wider[1] / 2 - high / 2)) <= _UNSEEN * span:
        low, high = wider
    return {
        "step": packing.add_growing(step),
        "least": packing.add(low),
        "greatest": packing.add(high),
    }


def _theme(theme: Theme) -> Mapping[str, str]:
    names = ("background", "ink", "muted", "grid", "rule", "trouble", "warning")
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


def _mark(view: ChartView, finding: Finding) -> Tree:
    line = view.line_of(finding)
    return {
        "line": next(place for place, each in enumerate(view.lines) if each is line),
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
