"""The one place that talks to DuckDB: whole lines, and single rows of long ones.

The fold (`compactor.fold`) reads every row once, and leaves cells. What is wanted of rows themselves
comes from here: all rows of lines that are short, or of a long line that a policy or a filter asks
for, and the rows beside a place in the log. Results never depend on the number of
threads, or on which rows are sealed.

DuckDB runs inside this process, fetches no extensions and writes no files. Paths and names reach it
as values, never as SQL.
"""

import glob
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from compactor.reading import queries
from compactor.reading.lines import ATTEMPT_SHIFT, Points
from logwriter.errors import EverystepError
from logwriter.part import Part
from logwriter.segments import SCHEMA

_NEVER_HIDDEN = 2**62
_OWNER = ("rank", "attempt", "hidden")
_TAIL = pa.schema(
    [
        *(field if field.name != "metric" else pa.field("metric", pa.string()) for field in SCHEMA),
        *(pa.field(name, pa.int64()) for name in _OWNER),
    ]
)
_CONFIG = {
    "autoinstall_known_extensions": False,
    "autoload_known_extensions": False,
    "allow_community_extensions": False,
    "python_enable_replacements": False,
    "temp_directory": "",
}


class Logged(NamedTuple):
    """One logged value, and the step it was logged at."""

    step: int
    value: float


@contextmanager
def open_source(
    parts: Sequence[Part], threads: int | None = None, memory: int | None = None
) -> Iterator["Source"]:
    """Open the rows of a run.

    Args:
        parts: All parts, hidden ones too, with ``hidden_from`` set.
        threads: How many DuckDB may use; without it, as many as there are processors.
        memory: How many bytes DuckDB may use; most of the machine's without it.

    Raises:
        EverystepError: A segment vanished or cannot be read, or the memory does not suffice; also
            later, while questions are asked.
        KeyboardInterrupt: The user does not want to wait; likewise.
    """
    config: dict[str, Any] = dict(_CONFIG)
    if threads is not None:
        config["threads"] = threads
    if memory is not None:
        config["memory_limit"] = f"{memory}B"
    with _translated(), duckdb.connect(config=config) as connection:
        yield Source(connection, parts)


@contextmanager
def _translated() -> Iterator[None]:
    """Turn what DuckDB raises into what everystep raises."""
    try:
        yield
    except duckdb.InterruptException as error:
        raise KeyboardInterrupt from error
    except duckdb.OutOfMemoryException as error:
        raise EverystepError(
            f"there is not enough memory to scan the rows ({_first_line(error)}); free some, or "
            "read the run on a machine with more"
        ) from error
    except duckdb.Error as error:
        raise EverystepError(
            f"the rows cannot be scanned ({_first_line(error)}); `everystep verify RUN` tells "
            "whether the log is whole"
        ) from error
    except RuntimeError as error:
        if "Query interrupted" not in str(error):
            raise
        raise KeyboardInterrupt from error


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]


class Source:
    """A run's rows, open for questions. Made by `open_source`."""

    def __init__(self, connection: duckdb.DuckDBPyConnection, parts: Sequence[Part]) -> None:
        self._connection = connection
        self._connection.execute("SET enable_progress_bar = false")  # it would go to stdout
        self._parts = parts
        self._patterns = {part.path: _pattern(part.path) for part in parts if part.path}
        self._seen: Sequence[Part] | None = None

    def _seeing(self, parts: Sequence[Part]) -> duckdb.DuckDBPyConnection:
        """DuckDB, once it sees the rows of these parts: it opens the files of all that it sees."""
        if parts != self._seen:
            for part in parts:
                part.wait()
            self._show(parts)
            self._seen = parts
        return self._connection

    def _show(self, parts: Sequence[Part]) -> None:
        """Let DuckDB see some rows, and no others."""
        sealed = [(part, part.path) for part in parts if part.path is not None]
        tails = [_tail(part, part.table) for part in parts if part.table is not None]
        views = []
        if sealed:
            paths = {"paths": [self._patterns[path] for _, path in sealed]}
            self._connection.execute("SET VARIABLE paths = $paths", paths)
            owners = {name: [_owner(part)[name] for part, _ in sealed] for name in _OWNER}
            self._connection.execute(queries.FILES, {"file": list(range(len(sealed))), **owners})
            views.append(queries.SEALED)
        if tails or not sealed:  # to hand it a table makes DuckDB import pandas, where that is
            self._keep("tails", pa.concat_tables([_TAIL.empty_table(), *tails]))
            views.append(queries.UNSEALED)
        self._connection.execute(f"{queries.EVERYTHING} {' UNION ALL '.join(views)}")
        self._connection.execute(queries.LOGGED)

    def points(self, wanted: Sequence[tuple[int, str]]) -> list[Points]:
        """All rows of some lines.

        Args:
            wanted: Rank and metric of each.
        """
        if not wanted:
            return []
        connection = self._seeing(self._parts)
        ranks, metrics = (list(column) for column in zip(*wanted, strict=True))
        plan = {"line": list(range(len(wanted))), "rank": ranks, "metric": metrics}
        connection.execute(queries.LINES, plan)
        columns = connection.execute(queries.POINTS).fetchnumpy()
        ends = np.searchsorted(columns["line"], np.arange(len(wanted) + 1))
        epoch = np.ma.asarray(columns["epoch"])
        rows = Points(
            columns["step"],
            columns["position"],
            epoch.filled(0),
            ~np.ma.getmaskarray(epoch),
            columns["time"],
            columns["value"],
        )
        return [rows.take(slice(*pair)) for pair in pairwise(ends.tolist())]

    def beside(
        self, rank: int, position: int, low: int, high: int
    ) -> dict[str, tuple[Logged | None, Logged | None]]:
        """The rows beside a place in a rank's log.

        Args:
            rank: Whose log.
            position: The place.
            low: No row before this position need be looked at.
            high: No row behind this one need be.

        Returns:
            By metric, the last row up to ``position`` and the first one behind it.
        """
        attempt_low, first = divmod(low, 1 << ATTEMPT_SHIFT)
        attempt_high, last = divmod(high, 1 << ATTEMPT_SHIFT)
        if attempt_low != attempt_high:
            first, last = 0, _NEVER_HIDDEN
        reach = {"low": low, "high": high, "first": first, "last": last}
        near = [part for part in self._parts if part.rank == rank and _reaches(part, low, high)]
        rows = self._rows(near, queries.BESIDE, {"rank": rank, "position": position, **reach})
        return {metric: (_logged(before), _logged(behind)) for metric, before, behind in rows}

    def _keep(self, name: str, table: pa.Table) -> None:
        """Copy an Arrow table into DuckDB."""
        self._connection.register("incoming", table)
        self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS FROM incoming")
        self._connection.unregister("incoming")

    def _rows(
        self, parts: Sequence[Part], sql: str, asked: dict[str, Any]
    ) -> list[tuple[Any, ...]]:
        """What DuckDB answers when it looks at the rows of some parts."""
        return self._seeing(parts).execute(sql, asked).fetchall()


def _pattern(path: Path) -> str:
    """The path as DuckDB takes it: for a pattern, and a ``~`` or ``file:`` at its front for more.

    Raises:
        EverystepError: Its bytes are not UTF-8, which DuckDB needs.
    """
    pattern = glob.escape(str(path.absolute()))
    try:
        pattern.encode()
    except UnicodeEncodeError as error:
        raise EverystepError(
            f"{str(path)!a}: the name is not UTF-8, so DuckDB cannot scan the rows; rename or "
            "move the run"
        ) from error
    return pattern


def _logged(row: dict[str, Any] | None) -> Logged | None:
    return None if row is None else Logged(**row)


def _reaches(part: Part, low: int, high: int) -> bool:
    """Whether any of a part's rows can be between two positions."""
    first, end = ((part.attempt << ATTEMPT_SHIFT) + seq for seq in part.stretch)
    return first <= high and end > low


def _owner(part: Part) -> dict[str, int]:
    hidden = _NEVER_HIDDEN if part.hidden_from is None else part.hidden_from
    return {"rank": part.rank, "attempt": part.attempt, "hidden": hidden}


def _tail(part: Part, table: pa.Table) -> pa.Table:
    """The unsealed rows of a part, with their owner beside them."""
    for name, number in _owner(part).items():
        table = table.append_column(name, pa.repeat(pa.scalar(number, pa.int64()), len(table)))
    return table.cast(_TAIL)
