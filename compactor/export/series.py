"""The plain list that a simple front end wants: one entry a line."""

from typing import Any

from compactor.export.curves import Axis, Curve, Plot, plots
from compactor.record import Record


def to_series(record: Record, *, x: Axis = "step") -> list[dict[str, Any]]:
    """Every line as ``title``, ``x``, ``y``, ``best_step``, ``best_value`` and ``best_index``.

    ``y`` is ``None`` where a value is not finite. ``best_index`` is the place of the best point in
    ``x``; the three are ``None`` for a line without one. Of a monitor that is averaged over its
    epochs, ``best_value`` is the mean, which need not be the value at that place.

    Args:
        record: The record.
        x: What ``x`` counts.

    Raises:
        ExportError: The record does not say at which epoch or second its points lie.
    """
    return [
        _entry(_title(plot, curve), curve)
        for plot in plots(record, x).values()
        for curve in plot.curves
    ]


def _title(plot: Plot, curve: Curve) -> str:
    return plot.title if len(plot.curves) == 1 else f"{plot.title}: {curve.name}"


def _entry(title: str, curve: Curve) -> dict[str, Any]:
    return {
        "title": title,
        "x": curve.x,
        "y": curve.values,
        "best_step": None if curve.best is None else curve.best.step,
        "best_value": None if curve.best is None else curve.best.value,
        "best_index": curve.best_index,
    }
