"""The one place that talks to DuckDB: a run's rows in, a `Line` for each metric and rank out.

The values are scanned once. Lines of up to 65,536 rows come back whole; longer ones as the rows
that matter in each bucket of steps, so that ten million rows never reach Python. Buckets are 2^k
steps wide and aligned to 0, ever finer towards step 0, so that they suit a logarithmic axis too. No
result depends on the number of threads, or on which rows are sealed: ties go to the first row of
the log, and sums are exact (`compactor.exact`). DuckDB takes NaN for the largest number, so
everything that compares values is told ``FILTER (isfinite(value))``.

DuckDB runs inside this process, fetches no extensions and writes no files. Paths and names reach it
as values, never as SQL.
"""

import glob
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import groupby
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import numpy as np
import pyarrow as pa

from compactor import queries
from compactor.exact import mean
from compactor.lines import ATTEMPT_SHIFT, MOST_STRETCHES, EpochMean, Gaps, Line, Points, find_gaps
from logwriter.errors import EverystepError
from logwriter.parts import Part
from logwriter.segments import SCHEMA

WHOLE_ROWS = 65_536
WHOLE_ROWS_TOGETHER = 1 << 22
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
def open_source(parts: Sequence[Part], threads: int | None = None) -> Iterator["Source"]:
    """Open the rows of a run.

    Args:
        parts: All parts, hidden ones too, with ``hidden_from`` set.
        threads: How many DuckDB may use; without it, as many as there are processors.

    Raises:
        EverystepError: A segment vanished or cannot be read, or the memory does not suffice; also
            later, while questions are asked.
        KeyboardInterrupt: The user does not want to wait; likewise.
    """
    config: dict[str, Any] = _CONFIG if threads is None else {**_CONFIG, "threads": threads}
    with _translated(), duckdb.connect(config=config) as connection:
        source = Source(connection)
        source.show(parts)
        yield source


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

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def show(self, parts: Sequence[Part]) -> None:
        """Let DuckDB see the rows."""
        self._connection.execute("SET enable_progress_bar = false")  # it would go to stdout
        sealed = [part for part in parts if part.path is not None]
        tails = [_tail(part, part.table) for part in parts if part.table is not None]
        self._keep("tails", pa.concat_tables([_TAIL.empty_table(), *tails]))
        views = [queries.UNSEALED]
        if sealed:
            paths = [_pattern(part.path) for part in parts if part.path is not None]
            self._connection.execute("SET VARIABLE paths = $paths", {"paths": paths})
            files = {"file": pa.array(range(len(sealed)), pa.uint64())}
            for name in _OWNER:
                files[name] = pa.array([_owner(part)[name] for part in sealed], pa.int64())
            self._keep("files", pa.table(files))
            views.append(queries.SEALED)
        self._connection.execute(f"CREATE TEMP VIEW everything AS {' UNION ALL '.join(views)}")
        self._connection.execute(queries.LOGGED)

    def lines(self, max_points: int = 2000) -> list[Line]:
        """Scan all values, once.

        Args:
            max_points: How many points a chart will draw of a line; lines that fit come back
                whole, long ones in two to four times as many buckets.

        Returns:
            The lines that have rows in the effective history, by rank, then metric.
        """
        sizes = self._rows(queries.SIZES)
        most = max(_whole_rows([size[2] for size in sizes]), max_points)
        plan = {
            "line": pa.array(range(len(sizes)), pa.int64()),
            "rank": pa.array([size[0] for size in sizes], pa.int64()),
            "metric": pa.array([size[1] for size in sizes], pa.string()),
            "whole": pa.array([size[2] <= most for size in sizes], pa.bool_()),
            "shift": pa.array(
                [_shift(low, high, 4 * max_points) for *_, low, high in sizes], pa.int32()
            ),
        }
        self._keep("lines", pa.table(plan))
        for query in (queries.WHOLE, queries.CELLS):
            self._connection.execute(query)
        self._connection.execute(queries.EDGES, {"most": MOST_STRETCHES})
        points, epochs, gaps = self._points(len(sizes)), self._epochs(), self._gaps()
        return [
            Line(
                metric,
                rank,
                rows,
                points[number],
                rows <= most,
                epochs[number],
                find_gaps(points[number]) if rows <= most else gaps[number],
            )
            for number, (rank, metric, rows, *_) in enumerate(sizes)
        ]

    def attempts(
        self, writers: Collection[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[int, int, int]]:
        """First step, first and last time (microseconds) of the rows of some attempts.

        Args:
            writers: Rank and attempt of each. One without rows is left out; hidden rows count.
        """
        if not writers:
            return {}
        asked = [(rank << 32) + attempt for rank, attempt in writers]
        rows = self._rows(queries.ATTEMPTS, {"writers": asked})
        return {(rank, attempt): tuple(ends) for rank, attempt, *ends in rows}

    def beside(
        self, rank: int, position: int, low: int, high: int
    ) -> dict[str, tuple[Logged | None, Logged | None]]:
        """The rows of long lines beside a place in a rank's log; `lines` must have run.

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
        rows = self._rows(queries.BESIDE, {"rank": rank, "position": position, **reach})
        return {metric: (_logged(before), _logged(behind)) for metric, before, behind in rows}

    def _points(self, count: int) -> list[Points]:
        columns = self._connection.execute(queries.POINTS).fetchnumpy()
        ends = np.searchsorted(columns["line"], np.arange(count + 1))
        epoch = np.ma.asarray(columns["epoch"])
        rows = Points(
            columns["step"],
            columns["position"],
            epoch.filled(0),
            ~np.ma.getmaskarray(epoch),
            columns["value"],
        )
        return [rows.take(slice(ends[number], ends[number + 1])) for number in range(count)]

    def _epochs(self) -> dict[int, tuple[EpochMean, ...]]:
        by_line = groupby(self._rows(queries.EPOCHS), key=lambda row: row[0])
        return {
            line: tuple(
                _epoch_mean(list(bands)) for _, bands in groupby(group, key=lambda row: row[1])
            )
            for line, group in by_line
        }

    def _gaps(self) -> dict[int, Gaps]:
        """The gaps of long lines."""
        found = {
            line: (count, tuple(zip(first, last, strict=True)))
            for line, count, first, last in self._rows(queries.STRETCHES)
        }
        return {
            line: Gaps(nan, above, below, *found.get(line, (0, ())))
            for line, nan, above, below in self._rows(queries.NOT_FINITE)
        }

    def _keep(self, name: str, table: pa.Table) -> None:
        """Copy an Arrow table into DuckDB."""
        self._connection.register("incoming", table)
        self._connection.execute(f"CREATE TEMP TABLE {name} AS FROM incoming")
        self._connection.unregister("incoming")

    def _rows(self, sql: str, asked: dict[str, Any] | None = None) -> list[tuple[Any, ...]]:
        return self._connection.execute(sql, asked or {}).fetchall()


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


def _owner(part: Part) -> dict[str, int]:
    hidden = _NEVER_HIDDEN if part.hidden_from is None else part.hidden_from
    return {"rank": part.rank, "attempt": part.attempt, "hidden": hidden}


def _tail(part: Part, table: pa.Table) -> pa.Table:
    """The unsealed rows of a part, with their owner beside them."""
    for name, number in _owner(part).items():
        table = table.append_column(name, pa.repeat(pa.scalar(number, pa.int64()), len(table)))
    return table.cast(_TAIL)


def _whole_rows(sizes: Iterable[int]) -> int:
    """How long a line may be to come back whole, so that all of them fit into memory."""
    sizes, most = list(sizes), WHOLE_ROWS
    while sum(size for size in sizes if size <= most) > WHOLE_ROWS_TOGETHER:
        most //= 2
    return most


def _shift(low: int, high: int, buckets: int) -> int:
    """The least k for which buckets of 2^k steps between two steps are at most ``buckets``."""
    shift = 0
    while (high >> shift) - (low >> shift) >= buckets:
        shift += 1
    return shift


def _epoch_mean(bands: list[tuple[Any, ...]]) -> EpochMean:
    """Put the windows of one line and epoch together."""
    finite = sum(row[4] for row in bands)
    sums = [(row[2], row[9]) for row in bands if row[9] is not None]
    position, step = max(row[7:9] for row in bands)
    return EpochMean(
        epoch=bands[0][1],
        rows=sum(row[3] for row in bands),
        finite=finite,
        mean=mean(sums, finite) if sums else None,
        first_step=min(row[5] for row in bands),
        last_step=max(row[6] for row in bands),
        position=position,
        step=step,
    )
