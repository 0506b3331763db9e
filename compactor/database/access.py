"""Putting records into a database and getting them back: the one place that talks to it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from sqlalchemy import (
    URL,
    Connection,
    Text,
    cast,
    create_engine,
    func,
    inspect,
    select,
)
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool
from sqlalchemy.schema import CreateTable

from compactor.database.address import DatabaseError, parse_address, shown
from compactor.database.table import TABLE, row, runs, upsert
from compactor.record import Record
from compactor.store import decode
from logwriter.errors import DamagedError

_CONNECT_SECONDS = 10
_LOCKED_SECONDS = 60
_CREATION_LOCK = int.from_bytes(b"everystp", "big")  # any number that others do not take


def store(record: Record, address: str | URL) -> None:
    """Put a record into a database, in the place of an earlier one of the same run.

    The table is made if it is not there. A reader sees the earlier row or the new one, whole.

    Args:
        record: What `compactor.compact` returned or `compactor.store.read_record` read.
        address: As `parse_address` takes it, or what it returned.

    Raises:
        DatabaseError: The address means nothing, the database's driver is missing, it cannot be
            reached, it refuses, or its table has another shape.
    """
    with _connected(address) as connection:
        dialect = connection.dialect.name
        if _has_right_table(connection):
            connection.execute(upsert(row(record, dialect), dialect))
            return
        if dialect == "postgresql":
            # two that make the table at once would collide, in spite of IF NOT EXISTS
            connection.execute(select(func.pg_advisory_xact_lock(_CREATION_LOCK)))
        connection.execute(CreateTable(runs, if_not_exists=True))
        connection.execute(upsert(row(record, dialect), dialect))


def load(address: str | URL, run_id: str) -> Record | None:
    """Get a run's record from a database.

    Args:
        address: As `store` takes it.
        run_id: The run's id, `RunInfo.id`.

    Returns:
        The record, or ``None`` if the database has none of that run. From PostgreSQL the keys of
        its mappings, such as ``charts``, come in another order than they were stored in.

    Raises:
        DatabaseError: As of `store`; or nothing was stored there yet.
        NewerFormatError: A newer everystep stored it.
        DamagedError: What is stored there is no record.
    """
    url = _url(address)
    if url.get_backend_name() == "sqlite" and "uri" not in url.query:
        _check_file(url)
    with _connected(url) as connection:
        if not _has_right_table(connection):
            raise DatabaseError(
                f"{shown(url)}: it has no table {TABLE}; `everystep compact RUN --store` makes it"
            )
        found = connection.scalar(select(cast(runs.c.record, Text)).where(runs.c.id == run_id))
    if found is None:
        return None
    where = f"{shown(url)}, run {run_id}"
    try:
        return decode(found.encode(), where)
    except msgspec.MsgspecError as error:
        raise DamagedError(
            f"{where}: not a record ({error}); `everystep compact RUN --store` stores it again"
        ) from error


def _url(address: str | URL) -> URL:
    return address if isinstance(address, URL) else parse_address(address)


def _check_file(url: URL) -> None:
    """Refuse a file that is not there: SQLite would make an empty one."""
    if url.database is not None and not Path(url.database).exists():
        raise DatabaseError(f"{shown(url)}: there is no such file; check the path")


@contextmanager
def _connected(address: str | URL) -> Iterator[Connection]:
    """A connection, in a transaction that commits at the end of the block, or rolls back."""
    url = _url(address)
    try:
        engine = create_engine(
            url,
            poolclass=NullPool,
            json_serializer=lambda value: msgspec.json.encode(value).decode(),
            connect_args=_patience(url),
            hide_parameters=True,
        )
        with engine.begin() as connection:
            yield connection
    except ModuleNotFoundError as error:
        raise DatabaseError(
            f"{shown(url)}: the driver {error.name} is not installed; "
            "pip install 'everystep[store]'"
        ) from error
    except SQLAlchemyError as error:
        raise DatabaseError(f"{shown(url)}: {_reason(error)}") from error


def _patience(url: URL) -> dict[str, int]:
    """How long to wait for a server, or for another process that writes to the same file."""
    if url.get_backend_name() == "sqlite":
        return {} if "timeout" in url.query else {"timeout": _LOCKED_SECONDS}
    return {} if "connect_timeout" in url.query else {"connect_timeout": _CONNECT_SECONDS}


def _reason(error: SQLAlchemyError) -> str:
    """What the database said, in one line; never the statement or what was bound in it."""
    said = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    lines = str(said).strip().splitlines()
    return lines[0] if lines else type(said).__name__


def _has_right_table(connection: Connection) -> bool:
    """Whether the table is there; one of the same name and another shape is an error."""
    seen = inspect(connection)
    if not seen.has_table(TABLE):
        return False
    there = {column["name"] for column in seen.get_columns(TABLE)}
    missing = [name for name in runs.columns.keys() if name not in there]  # noqa: SIM118  no dict
    keys = [seen.get_pk_constraint(TABLE)["constrained_columns"]]
    keys += [each["column_names"] for each in seen.get_unique_constraints(TABLE)]
    if missing or ["id"] not in keys:
        fault = f"lacks {', '.join(missing)}" if missing else "has no primary key id"
        raise DatabaseError(
            f"{shown(connection.engine.url)}: the table {TABLE} {fault}, so it is not everystep's; "
            "rename it, or store in another database"
        )
    return True
