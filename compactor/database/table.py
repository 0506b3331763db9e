"""The table of records, and what becomes of a record there.

Beside the document stand the columns by which runs are listed and sorted. On PostgreSQL the document
is JSONB, which keeps values but not their spelling: keys come in an order of its own, 1e16 as an
integer, −0.0 as 0.0; and it cannot hold the character U+0000, in whose place stands U+FFFD. SQLite
keeps the text: ``record.json`` without its indentation.
"""

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import JSON, BigInteger, Column, Double, Insert, MetaData, Table, Text
from sqlalchemy.dialects import postgresql, sqlite

from compactor.record import Record

TABLE = "everystep_runs"

runs = Table(
    TABLE,
    MetaData(),
    Column("id", Text, primary_key=True, comment="the run's id"),
    Column("name", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("best_step", BigInteger),
    Column("best_epoch", BigInteger),
    Column("best_value", Double),
    Column("record", JSON().with_variant(postgresql.JSONB(), "postgresql"), nullable=False),
)


def row(record: Record, dialect: str) -> dict[str, Any]:
    """A record as the values of its row, for ``"sqlite"`` or ``"postgresql"``."""
    columns: dict[str, Any] = {
        "id": record.run.id,
        "name": record.run.name,
        "status": record.run.status,
        "best_step": record.best_step,
        "best_epoch": record.best.epoch if record.best else None,
        "best_value": record.best.value if record.best else None,
        "record": msgspec.to_builtins(record),
    }
    return _without_nul(columns) if dialect == "postgresql" else columns


def upsert(values: Mapping[str, Any], dialect: str) -> Insert:
    """The one statement that puts a row in, or in the place of the one of the same run."""
    insert = postgresql.insert if dialect == "postgresql" else sqlite.insert
    statement = insert(runs).values(**values)
    changed = {name: statement.excluded[name] for name in values if name != "id"}
    return statement.on_conflict_do_update(index_elements=["id"], set_=changed)


def _without_nul(value: Any) -> Any:
    match value:
        case str():
            return value.replace("\0", "\ufffd")
        case dict():
            return {_without_nul(key): _without_nul(each) for key, each in value.items()}
        case list() | tuple():
            return [_without_nul(each) for each in value]
        case _:
            return value
