"""Choosing charts and metrics of a record."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from compactor.export.curves import ExportError
from compactor.record import Chart, Record
from logwriter.errors import UnknownMetricError

_NAMED = 20


def select(record: Record, *, charts: Sequence[str] = (), metrics: Sequence[str] = ()) -> Record:
    """The record with only some of its charts and lines; its other parts are as they were.

    Args:
        record: The record.
        charts: Only these charts, by key; all if empty.
        metrics: Only lines of these metrics, and charts that have one; all if empty.

    Raises:
        ExportError: The record has no such chart, or has a metric but does not draw it.
        UnknownMetricError: The run has no such metric.
    """
    for key in charts:
        if key not in record.charts:
            raise ExportError(f"there is no chart {key!r}; the record has {_listed(record.charts)}")
    chosen = {key: chart for key, chart in record.charts.items() if not charts or key in charts}
    if metrics:
        _check_metrics(record, metrics)
        chosen = {key: _with_lines(chart, metrics) for key, chart in chosen.items()}
        chosen = {key: chart for key, chart in chosen.items() if chart.lines}
        if not chosen:
            raise ExportError(
                f"{_listed(charts)} draws none of {_listed(metrics)}; leave --chart or --metric out"
            )
    return msgspec.structs.replace(record, charts=chosen)


def _check_metrics(record: Record, metrics: Sequence[str]) -> None:
    charts = record.charts.values()
    drawn = {info.metric: None for chart in charts for info in chart.line_info.values()}
    for metric in metrics:
        if metric in drawn:
            continue
        if metric in record.not_drawn:
            raise ExportError(
                f"metric {metric!r} is not among the charts of the record; `everystep compact RUN "
                "--charts N` draws more of them, and `everystep export RUN --to csv --full` has every metric"
            )
        raise UnknownMetricError(f"no metric {metric!r}; drawn are: {_listed(drawn)}")


def _with_lines(chart: Chart, metrics: Collection[str]) -> Chart:
    kept = {name for name, info in chart.line_info.items() if info.metric in metrics}
    fields = ("lines", "best_point", "line_info", "bands", "means", "smoothed", "along")
    return msgspec.structs.replace(
        chart,
        **{
            field: {name: part for name, part in getattr(chart, field).items() if name in kept}
            for field in fields
        },
    )


def _listed(names: Iterable[str]) -> str:
    known = list(names)
    shown = ", ".join(map(repr, known[:_NAMED])) + (", ..." if len(known) > _NAMED else "")
    return shown or "none"
