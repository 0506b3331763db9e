"""The drawn points as one table in long format: one record a point."""

import pyarrow as pa

from compactor.record import Chart, Record

TABLE_SCHEMA = pa.schema(
    [
        pa.field("chart", pa.string(), nullable=False),
        pa.field("line", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("rank", pa.int32()),
        pa.field("step", pa.int64(), nullable=False),
        pa.field("epoch", pa.float64()),
        pa.field("seconds", pa.float64()),
        pa.field("value", pa.float64()),
    ]
)


def to_table(record: Record) -> pa.Table:
    """Every drawn point, in the order of charts, lines and steps.

    Returns:
        Columns ``chart`` (its key), ``line``, ``metric``, ``rank`` (null for a mean over the
        ranks), ``step``, ``epoch`` (with the share of its steps that had passed; null outside
        epochs), ``seconds`` since the start of the run, and ``value``, null where it is not finite.
        ``epoch`` and ``seconds`` are null too where the record does not have them.
    """
    tables = [
        _line_table(key, chart, name)
        for key, chart in record.charts.items()
        for name in chart.lines
    ]
    return pa.concat_tables([TABLE_SCHEMA.empty_table(), *tables]).combine_chunks()


def _line_table(key: str, chart: Chart, name: str) -> pa.Table:
    points, info, along = chart.lines[name], chart.line_info[name], chart.along.get(name)
    count = len(points)
    columns = [
        [key] * count,
        [name] * count,
        [info.metric] * count,
        [info.rank] * count,
        [step for step, _ in points],
        [None] * count if along is None else along.epoch,
        [None] * count if along is None else along.seconds,
        [value for _, value in points],
    ]
    arrays = [
        pa.array(column, field.type) for column, field in zip(columns, TABLE_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=TABLE_SCHEMA)
