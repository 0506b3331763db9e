"""Configurations for Chart.js (4). Plain JSON: no function is needed to draw them."""

from collections.abc import Iterator
from typing import Any

from compactor.export.curves import Axis, Curve, Plot, outline, plots, unique_name
from compactor.record import Record

_SHORT = {"maximumSignificantDigits": 3}
_FAINT, _BAND = "59", "2e"
"""Opacities, as the last two digits of ``#rrggbbaa``."""


def to_chartjs(record: Record, *, x: Axis = "step") -> dict[str, Any]:
    """A configuration for ``new Chart(canvas, ...)`` for each chart.

    A gap is ``null``; the best point is a dataset of its own, and so is the range of all rows of a
    line that leaves some out.

    Args:
        record: The record.
        x: What the horizontal axis counts.

    Returns:
        The configurations by the charts' keys.

    Raises:
        ExportError: The record does not say at which epoch or second its points lie.
    """
    return {key: _configuration(plot) for key, plot in plots(record, x).items()}


def _configuration(plot: Plot) -> dict[str, Any]:
    return {
        "type": "line",
        "data": {"datasets": list(_datasets(plot))},
        "options": {
            "animation": False,
            "responsive": True,
            "interaction": {"mode": "nearest", "axis": "x", "intersect": False},
            "plugins": {
                "title": {"display": True, "text": plot.title},
                "legend": {"position": "bottom"},
            },
            "scales": {
                "x": {"type": "linear", "title": {"display": True, "text": plot.x_label}},
                "y": {
                    "type": "logarithmic" if plot.logarithmic else "linear",
                    "title": {"display": True, "text": plot.y_label},
                    **({"ticks": {"format": _SHORT}} if plot.logarithmic else {}),
                },
            },
        },
    }


def _datasets(plot: Plot) -> Iterator[dict[str, Any]]:
    """The datasets from front to back."""
    names = {curve.name for curve in plot.curves}
    for curve in plot.curves:
        if curve.best_place is not None:
            yield {
                **_dataset(unique_name(f"{curve.name}, best", names), curve.colour),
                "data": _points([curve.best_place]),
                "pointRadius": 5,
                "showLine": False,
            }
        if curve.smoothed:
            yield {
                **_dataset(unique_name(f"{curve.name}, smoothed", names), curve.colour),
                "data": _points(zip(curve.x, curve.smoothed, strict=True)),
                "borderWidth": 2,
            }
        yield _line(curve)
    for curve in plot.curves:
        if curve.band:
            yield {
                **_dataset(unique_name(f"{curve.name}, range", names), curve.colour + _BAND),
                "data": _points(outline(curve.band)),
                "borderWidth": 0,
                "fill": "shape",
                "pointHitRadius": 0,
            }


def _line(curve: Curve) -> dict[str, Any]:
    faint = _FAINT if curve.smoothed else ""
    alone = curve.alone
    return {
        **_dataset(curve.name, curve.colour + faint),
        "data": _points(zip(curve.x, curve.values, strict=True)),
        "borderWidth": 1.5,
        "pointRadius": [2.5 * each for each in alone] if any(alone) else 0,
        "spanGaps": False,
    }


def _dataset(label: str, colour: str) -> dict[str, Any]:
    return {"label": label, "borderColor": colour, "backgroundColor": colour, "pointRadius": 0}


def _points(pairs: Any) -> list[dict[str, float | None]]:
    return [{"x": at, "y": value} for at, value in pairs]
