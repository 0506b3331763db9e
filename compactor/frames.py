"""Tables of a record, in Arrow: the epochs, the drawn points, the findings and the bests. Pure."""

from collections.abc import Callable
from typing import Any, Literal

import pyarrow as pa

from compactor.export.table import to_table
from compactor.record import Record
from logwriter.frames import column_names

Table = Literal["epochs", "points", "findings", "best"]

NULLABLE: dict[Table, tuple[str, ...]] = {
    "epochs": (),
    "points": ("rank",),
    "findings": ("step", "last_step"),
    "best": ("epoch",),
}
"""The columns of integers that may be null."""

_EPOCHS = pa.schema(
    [
        pa.field("epoch", pa.int64(), nullable=False),
        pa.field("first_step", pa.int64(), nullable=False),
        pa.field("last_step", pa.int64(), nullable=False),
        pa.field("ended", pa.bool_(), nullable=False),
        pa.field("seconds", pa.float64()),
    ]
)
_FINDINGS = pa.schema(
    [
        pa.field("rule", pa.string(), nullable=False),
        pa.field("severity", pa.string(), nullable=False),
        pa.field("metric", pa.string(), nullable=False),
        pa.field("rank", pa.int32(), nullable=False),
        pa.field("step", pa.int64()),
        pa.field("last_step", pa.int64()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("advice", pa.string(), nullable=False),
    ]
)
_BEST = pa.schema(
    [
        pa.field("metric", pa.string(), nullable=False),
        pa.field("mode", pa.string(), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
        pa.field("step", pa.int64(), nullable=False),
        pa.field("epoch", pa.int64()),
        pa.field("per", pa.string(), nullable=False),
    ]
)


def record_table(record: Record, table: Table) -> pa.Table:
    """One table of a record. `Record.to_pandas` says what each holds.

    Raises:
        ValueError: There is no such table.
    """
    if table not in _TABLES:
        raise ValueError(f"a record has no table {table!r}; it has {', '.join(_TABLES)}")
    return _TABLES[table](record)


def _epochs(record: Record) -> pa.Table:
    names = column_names(record.epoch_columns, _EPOCHS.names)
    metrics = [pa.field(name, pa.float64()) for name in names]
    columns = _columns(record.epochs, _EPOCHS) + [
        pa.array([epoch.values.get(metric) for epoch in record.epochs], pa.float64())
        for metric in record.epoch_columns
    ]
    return pa.Table.from_arrays(columns, schema=pa.schema([*_EPOCHS, *metrics]))


def _findings(record: Record) -> pa.Table:
    return pa.Table.from_arrays(_columns(record.findings, _FINDINGS), schema=_FINDINGS)


def _best(record: Record) -> pa.Table:
    bests = record.best_by_metric
    names = pa.array(list(bests), pa.string())
    rest = pa.schema(list(_BEST)[1:])
    return pa.Table.from_arrays([names, *_columns(list(bests.values()), rest)], schema=_BEST)


def _columns(parts: list[Any], schema: pa.Schema) -> list[pa.Array]:
    return [pa.array([getattr(part, field.name) for part in parts], field.type) for field in schema]


_TABLES: dict[str, Callable[[Record], pa.Table]] = {
    "epochs": _epochs,
    "points": to_table,
    "findings": _findings,
    "best": _best,
}
