"""Options for Apache ECharts (5 and 6). Plain JSON: no function is needed to draw them."""

from collections.abc import Iterator
from typing import Any

from compactor.export.curves import Axis, Curve, Plot, outline, plots, unique_name
from compactor.record import Record

_FAINT, _BAND = 0.35, 0.18


def to_echarts(record: Record, *, x: Axis = "step") -> dict[str, Any]:
    """An ``option`` for ``chart.setOption`` for each chart.

    A gap is ``null``, and ``markPoint`` shows the best point. Where a line leaves rows out, a shape
    behind it shows how far they reach. It has the line's name, so that the legend hides both.

    Args:
        record: The record.
        x: What the horizontal axis counts.

    Returns:
        The options by the charts' keys.

    Raises:
        ExportError: The record does not say at which epoch or second its points lie.
    """
    return {key: _option(plot) for key, plot in plots(record, x).items()}


def _option(plot: Plot) -> dict[str, Any]:
    series = list(_series(plot))
    return {
        "animation": False,
        "title": {"text": plot.title},
        "legend": {
            "type": "scroll",
            "bottom": 0,
            "data": list(dict.fromkeys(each["name"] for each in series)),
        },
        "grid": {"left": 72, "right": 32, "top": 56, "bottom": 72},
        "tooltip": {"trigger": "axis"},
        "dataZoom": [{"type": "inside", "filterMode": "none"}],
        "xAxis": {
            "type": "value",
            "name": plot.x_label,
            "nameLocation": "middle",
            "nameGap": 28,
            "min": "dataMin",
            "max": "dataMax",
        },
        "yAxis": {
            "type": "log" if plot.logarithmic else "value",
            "name": plot.y_label,
            "scale": True,
        },
        "series": series,
    }


def _series(plot: Plot) -> Iterator[dict[str, Any]]:
    names = {curve.name for curve in plot.curves}
    for curve in plot.curves:
        yield _line(curve)
        if curve.band:
            yield _band(curve)
        if curve.smoothed:
            yield {
                "type": "line",
                "name": unique_name(f"{curve.name}, smoothed", names),
                "symbol": "none",
                "color": curve.colour,
                "lineStyle": {"width": 2},
                "data": [list(pair) for pair in zip(curve.x, curve.smoothed, strict=True)],
            }


def _line(curve: Curve) -> dict[str, Any]:
    line: dict[str, Any] = {
        "type": "line",
        "name": curve.name,
        "symbol": "none",
        "color": curve.colour,
        "lineStyle": {"width": 1.5, "opacity": _FAINT if curve.smoothed else 1},
        "connectNulls": False,
        "data": [
            {"value": [at, value], "symbol": "circle", "symbolSize": 5} if alone else [at, value]
            for at, value, alone in zip(curve.x, curve.values, curve.alone, strict=True)
        ],
    }
    if curve.best_place is not None:
        at, value = curve.best_place
        label = {"show": True, "position": "top", "formatter": f"{value:.6g}"}
        line["markPoint"] = {
            "symbol": "circle",
            "symbolSize": 9,
            "data": [{"name": "best", "coord": [at, value], "value": value, "label": label}],
        }
    return line


def _band(curve: Curve) -> dict[str, Any]:
    """A closed shape behind the line.

    Its two edges run in opposite directions, so that only what lies between them is filled, not
    what lies between them and the axis.
    """
    return {
        "type": "line",
        "name": curve.name,
        "symbol": "none",
        "silent": True,
        "tooltip": {"show": False},
        "color": curve.colour,
        "lineStyle": {"width": 0},
        "areaStyle": {"opacity": _BAND},
        "z": 1,  # lines have 2
        "data": [list(corner) for corner in outline(curve.band)],
    }
