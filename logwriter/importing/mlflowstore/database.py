"""MLflow's database, read by the standard library's SQLite: read-only, and nothing is written beside it.

MLflow stores NaN as a mark and infinities as the largest floats; both are read as what they were. What a
server has not yet moved out of its write-ahead log is not there to be read, and is told.
"""

import math
import sqlite3
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.interleaving import Point, together
from logwriter.importing.items import Item, Noted, Skipped
from logwriter.importing.mlflowstore.run import NAME_TAG, end_of, facts_of
from logwriter.importing.moments import Clock
from logwriter.importing.records import Row, gather
from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Options, Source

MAGIC = b"SQLite format 3\0"
_TABLES = {"runs", "metrics", "params", "tags", "experiments"}
_RUNS = """
    SELECT run_uuid, coalesce(
        (SELECT value FROM tags WHERE key = ? AND tags.run_uuid = runs.run_uuid), name, run_uuid
    ), counted, latest
    FROM runs LEFT JOIN (
        SELECT run_uuid, count(*) AS counted, max(timestamp) AS latest FROM metrics GROUP BY run_uuid
    ) USING (run_uuid)
    ORDER BY experiment_id, start_time, run_uuid
"""
_RUN = """
    SELECT runs.status, runs.lifecycle_stage, experiments.name
    FROM runs LEFT JOIN experiments USING (experiment_id) WHERE run_uuid = ?
"""
_METRICS = """
    SELECT key, value, is_nan, step, timestamp FROM metrics WHERE run_uuid = ?
    ORDER BY timestamp, step, rowid
"""


def is_mlflow(path: Path) -> bool:
    """Whether an SQLite database has MLflow's tables."""
    try:
        with _reading(path) as database:
            names = {name for (name,) in database.execute("SELECT name FROM sqlite_master")}
    except EverystepError:
        return False
    return names >= _TABLES


def runs_in(path: Path, options: Options) -> list[Source]:
    """The runs, by experiment and start; how much each has logged is part of what tells it apart.

    Raises:
        EverystepError: The database is unreadable.
    """
    with _reading(path) as database:
        found = database.execute(_RUNS, (NAME_TAG,)).fetchall()
    return [
        Source(path, name, (), options, part=f"{run} {counted} {latest}")
        for run, name, counted, latest in found
    ]


def items_of(source: Source) -> Iterator[Item]:
    """What one run logged.

    Raises:
        EverystepError: The database is unreadable.
    """
    run = source.part.partition(" ")[0]
    waiting = source.path.with_name(f"{source.path.name}-wal")
    if waiting.is_file() and waiting.stat().st_size:
        yield Noted(
            f"{waiting.name} beside it was not read: stop MLflow's server, or let SQLite take it in by "
            f"`sqlite3 {source.path.name} 'PRAGMA wal_checkpoint'`, to import what is in it"
        )
    with _reading(source.path) as database:
        status, stage, experiment = database.execute(_RUN, (run,)).fetchone()
        params = dict(database.execute("SELECT key, value FROM params WHERE run_uuid = ?", (run,)))
        tags = dict(database.execute("SELECT key, value FROM tags WHERE run_uuid = ?", (run,)))
        yield facts_of(run_id=run, experiment=experiment, params=params, tags=tags)
        if stage == "deleted":
            yield Noted("MLflow counts this run as deleted")
        yield from gather(_rows(database, run))
        yield end_of(status)


def _rows(database: sqlite3.Connection, run: str) -> Iterator[Row | Item]:
    sayings = Sayings()
    clock = Clock("MLflow's", sayings)
    for each in together(_points(database, run, clock, sayings)):
        yield from sayings.notes()
        yield each


def _points(
    database: sqlite3.Connection, run: str, clock: Clock, sayings: Sayings
) -> Iterator[tuple[str, Point | Skipped]]:
    for key, stored, is_nan, step, timestamp in database.execute(_METRICS, (run,)):
        value = math.nan if is_nan else stored
        if not isinstance(value, (int, float)) or not isinstance(step, int):
            yield key, Skipped(f"metric {key!r} at {step!r}", f"{value!r} is no number")
            continue
        if abs(value) == sys.float_info.max:
            value = math.copysign(math.inf, value)
            sayings.say("the largest floats were read as infinities, which MLflow stores like that")
        yield key, Point(step, float(value), clock.read(timestamp))


@contextmanager
def _reading(path: Path) -> Iterator[sqlite3.Connection]:
    """The database, for reading as it is; immutable, so that SQLite makes no file beside it.

    Raises:
        EverystepError: It is unreadable.
    """
    try:
        uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
        with closing(sqlite3.connect(uri, uri=True)) as database:
            yield database
    except sqlite3.Error as error:
        raise EverystepError(f"{path}: SQLite cannot read it: {error}") from error
