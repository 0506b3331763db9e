"""Specifications for Vega-Lite (6), with their data inside."""

from collections.abc import Iterator, Sequence
from typing import Any

from compactor.export.curves import Axis, Curve, Plot, plots
from compactor.record import Record

SCHEMA = "https://vega.github.io/schema/vega-lite/v6.json"
_MARKS: dict[str, dict[str, Any]] = {
    "ranges": {"type": "area", "interpolate": "step-after", "opacity": 0.18},
    "behind": {"type": "line", "strokeWidth": 1.5, "opacity": 0.35},
    "smoothed": {"type": "line", "strokeWidth": 2},
    "points": {"type": "line", "strokeWidth": 1.5},
    "alone": {"type": "point", "filled": True, "size": 20, "opacity": 1},
    "best": {"type": "point", "filled": True, "size": 80, "opacity": 1, "tooltip": True},
}
_WIDTH, _HEIGHT = 640, 320


def to_vega_lite(record: Record, *, x: Axis = "step") -> dict[str, Any]:
    """A specification for each chart.

    The fields of its data have fixed names; the names of lines and metrics are values of them. A
    gap is ``null``. Behind a line that leaves rows out lies the range of all its rows.

    Args:
        record: The record.
        x: What the horizontal axis counts.

    Returns:
        The specifications by the charts' keys.

    Raises:
        ExportError: The record does not say at which epoch or second its points lie.
    """
    return {key: _specification(plot) for key, plot in plots(record, x).items()}


def _specification(plot: Plot) -> dict[str, Any]:
    smoothed = [curve for curve in plot.curves if curve.smoothed]
    others = [curve for curve in plot.curves if not curve.smoothed]
    data = {
        "ranges": [row for curve in plot.curves for row in _range_rows(curve)],
        "behind": [row for curve in smoothed for row in _point_rows(curve, curve.values)],
        "smoothed": [row for curve in smoothed for row in _point_rows(curve, curve.smoothed)],
        "points": [row for curve in others for row in _point_rows(curve, curve.values)],
        "alone": [row for curve in plot.curves for row in _alone_rows(curve)],
        "best": [row for curve in plot.curves for row in _best_rows(curve)],
    }
    used = {name: rows for name, rows in data.items() if rows}
    used = used or {"points": []}  # which still gives the chart its axes
    return {
        "$schema": SCHEMA,
        "title": plot.title,
        "width": _WIDTH,
        "height": _HEIGHT,
        "datasets": used,
        "encoding": _encoding(plot),
        "layer": [_layer(name) for name in used],
    }


def _encoding(plot: Plot) -> dict[str, Any]:
    scale = {"type": "log"} if plot.logarithmic else {"zero": False}
    colours = {
        "domain": [curve.name for curve in plot.curves],
        "range": [curve.colour for curve in plot.curves],
    }
    return {
        "x": {
            "field": "x",
            "type": "quantitative",
            "title": plot.x_label,
            "scale": {"zero": False, "nice": False},
        },
        "y": {"type": "quantitative", "title": plot.y_label, "scale": scale},
        "color": {
            "field": "line",
            "type": "nominal",
            "title": None,
            "scale": colours,
            "legend": {"symbolOpacity": 1},
        },
    }


def _layer(name: str) -> dict[str, Any]:
    y: dict[str, Any] = {"y": {"field": "value"}}
    if name == "ranges":
        y = {"y": {"field": "least"}, "y2": {"field": "greatest"}}
    return {"data": {"name": name}, "mark": _MARKS[name], "encoding": y}


def _point_rows(curve: Curve, values: Sequence[float | None]) -> Iterator[dict[str, Any]]:
    for at, value in zip(curve.x, values, strict=True):
        yield {"line": curve.name, "x": at, "value": value}


def _alone_rows(curve: Curve) -> Iterator[dict[str, Any]]:
    rows = zip(_point_rows(curve, curve.values), curve.alone, strict=True)
    return (row for row, alone in rows if alone)


def _range_rows(curve: Curve) -> Iterator[dict[str, Any]]:
    for at, least, greatest in curve.band:
        yield {"line": curve.name, "x": at, "least": least, "greatest": greatest}


def _best_rows(curve: Curve) -> Iterator[dict[str, Any]]:
    if curve.best_place is not None:
        at, value = curve.best_place
        yield {"line": curve.name, "x": at, "value": value}
