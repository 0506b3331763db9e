"""Reading a run: finished, crashed or live. Arrow out; rows by rank, attempt, metric, sequence."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from logwriter import rundir
from logwriter.errors import NotARunError, UnknownMetricError
from logwriter.eventlog import read_events
from logwriter.events import Event
from logwriter.lock import is_held
from logwriter.part import Part, WriterLog
from logwriter.parts import Check, check_at_once, read_writer
from logwriter.rewind import hide_rewound, last_step
from logwriter.segments import SCHEMA
from logwriter.state import RunState

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

Attempts = Literal["effective", "all"]

ROWS_SCHEMA = pa.schema([pa.field("rank", pa.int32()), pa.field("attempt", pa.int32()), *SCHEMA])


def read(path: str | Path) -> "RunLog":
    """Open a run as it is at this moment.

    Sealed segments are checked against their announced checksums once; rows of a live run that are
    not sealed yet are copied, so that what was opened stays the same while the run goes on.

    Raises:
        NotARunError: There is no run at ``path``.
        DamagedError: Bytes contradict their checksums, or rows are missing.
        NewerFormatError: A newer everystep wrote the run.
    """
    return RunLog(Path(path))


class RunLog:
    """A run at one moment: its state, and its rows."""

    def __init__(self, path: Path, check: Check = check_at_once) -> None:
        """Read the events and find the rows of every writer of the run at ``path``.

        Args:
            path: The run's folder.
            check: Sees to it that sealed segments are checked: before this returns, as `read`
                promises, or before the rows of each are read. Which rows a later attempt hides
                may be read from segments that are not checked yet.
        """
        self.path = path
        logs = [
            read_writer(rundir.writer_path(path, writer), writer, check)
            for writer in rundir.list_writers(path)
        ]
        found = [log for log in logs if log is not None]
        if not found:
            raise NotARunError(
                f"{path}: its writer has not written anything yet, or died before it could"
            )
        self.writers: list[WriterLog] = hide_rewound(found)
        self.state = RunState(tuple(log.state for log in self.writers))

    def __repr__(self) -> str:
        rows = sum(log.rows for log in self.writers)
        plural = "" if rows == 1 else "s"
        return f"<RunLog {str(self.path)!r}: {self.state.status}, {rows:,} row{plural}>"

    def _repr_html_(self) -> str:
        """For notebooks: how the run stands, small curves, and the metrics in numbers."""
        from logwriter.notebook import show_log  # noqa: PLC0415  where there is a notebook

        return show_log(self)

    @property
    def events(self) -> list[Event]:
        """All events of all writers, by rank, then attempt, in the order they were written."""
        folders = (rundir.writer_path(self.path, log.state.writer) for log in self.writers)
        return [event for folder in folders for event in read_events(folder / rundir.EVENTS)[0]]

    @cached_property
    def metrics(self) -> list[str]:
        """The names of all metrics that were logged, sorted by code points."""
        names: set[str] = set()
        for part in self.parts("all"):
            table = part.table
            if table is None:
                part.wait()
                with part.open() as file:
                    table = pq.ParquetFile(file).read(columns=["metric"])
            names.update(pc.unique(table.column("metric")).to_pylist())
        return sorted(names)

    @property
    def is_live(self) -> bool:
        """Whether a process on this machine is writing to the run now."""
        folders = (rundir.writer_path(self.path, log.state.writer) for log in self.writers)
        return any(is_held(folder) for folder in folders)

    def parts(
        self, attempts: Attempts = "effective", ranks: Sequence[int] | None = None
    ) -> list[Part]:
        """Where the rows are: what a scan needs.

        Args:
            attempts: ``"effective"`` marks what later attempts hide (``Part.hidden_from``) and
                leaves out parts hidden as a whole; ``"all"`` hides nothing.
            ranks: Only these ranks.
        """
        chosen = [
            part
            for log in self.writers
            if ranks is None or log.state.writer.rank in ranks
            for part in log.parts
        ]
        if attempts == "all":
            return [_unhidden(part) for part in chosen]
        return [p for p in chosen if p.hidden_from is None or p.first_seq < p.hidden_from]

    def rows(
        self,
        metrics: Iterable[str] | None = None,
        attempts: Attempts = "effective",
        ranks: Sequence[int] | None = None,
    ) -> pa.Table:
        """The rows in long format, one record a value.

        Args:
            metrics: Only these metrics.
            attempts: ``"effective"`` leaves out what later attempts hide; ``"all"`` keeps it.
            ranks: Only these ranks.

        Returns:
            Columns ``rank``, ``attempt``, ``metric``, ``seq``, ``step``, ``epoch`` (null where
            none), ``time`` (UTC, microseconds) and ``value``, ordered by rank, attempt, metric and
            sequence number.

        Raises:
            UnknownMetricError: A metric was asked for that was not logged.
        """
        wanted = None if metrics is None else sorted(set(metrics))
        if wanted is not None:
            self.require(wanted)
        parts = self.parts(attempts, ranks)
        tables = [ROWS_SCHEMA.empty_table()]
        for (rank, attempt), group in groupby(parts, key=lambda part: (part.rank, part.attempt)):
            tables.append(_with_writer(_by_metric(group, wanted), rank, attempt))
        return pa.concat_tables(tables).unify_dictionaries()

    def to_polars(
        self,
        metrics: Iterable[str] | None = None,
        *,
        attempts: Attempts = "effective",
        ranks: Sequence[int] | None = None,
        wide: bool = False,
    ) -> "pl.DataFrame":
        """The rows as a Polars frame.

        Args:
            metrics: As for `rows`.
            attempts: Likewise.
            ranks: Likewise.
            wide: ``False``: the table of `rows`, ``metric`` as ``Categorical``. ``True``: columns
                ``rank``, ``step`` and a ``Float64`` for each metric, a row a step of a rank, sorted;
                null where the metric was not logged. Of rows that repeat a step the last one counts.
                A metric called ``rank`` or ``step`` is the column ``rank (metric)``.

        Raises:
            UnknownMetricError: A metric was asked for that was not logged.
            ImportError: Polars is not installed.
        """
        from logwriter import frames  # noqa: PLC0415  frames builds on this module

        return frames.rows_to_polars(self, metrics, attempts, ranks, wide=wide)

    def to_pandas(
        self,
        metrics: Iterable[str] | None = None,
        *,
        attempts: Attempts = "effective",
        ranks: Sequence[int] | None = None,
        wide: bool = False,
    ) -> "pd.DataFrame":
        """The rows as a pandas frame.

        Args:
            metrics: As for `rows`.
            attempts: Likewise.
            ranks: Likewise.
            wide: ``False``: the table of `rows`, with ``metric`` a category, ``epoch`` a nullable
                ``Int64``, ``time`` a ``datetime64[us, UTC]``, other numbers NumPy's. ``True``: a
                ``float64`` column for each metric, indexed by ``rank`` and ``step``, sorted: so
                ``.loc[0].plot()`` draws rank 0. NaN where the metric was not logged, or was NaN. Of
                rows that repeat a step the last one counts.

        Raises:
            UnknownMetricError: A metric was asked for that was not logged.
            ImportError: pandas is not installed.
        """
        from logwriter import frames  # noqa: PLC0415  frames builds on this module

        return frames.rows_to_pandas(self, metrics, attempts, ranks, wide=wide)

    def series(
        self, metric: str, rank: int | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64]]:
        """Steps and values of one metric in the effective history, in log order.

        Args:
            metric: The metric's name.
            rank: Whose rows; without one, those of the lowest rank that logged the metric.

        Returns:
            Two arrays of shape (n,).

        Raises:
            UnknownMetricError: The metric was not logged (by this rank).
        """
        table = self.rows([metric], ranks=None if rank is None else [rank])
        if rank is None and table.num_rows:
            table = table.filter(pc.field("rank") == table.column("rank")[0])
        return table.column("step").to_numpy(), table.column("value").to_numpy()

    def last_step(self, rank: int) -> int | None:
        """The largest step of a rank's effective history; ``None`` without rows."""
        return last_step(self.parts(ranks=[rank]))

    def require(self, metrics: Iterable[str]) -> None:
        """Make sure that all of these metrics were logged.

        Raises:
            UnknownMetricError: One was not.
        """
        known = self.metrics
        missing = sorted(set(metrics).difference(known))
        if missing:
            logged = ", ".join(known[:20]) + (", ..." if len(known) > 20 else "") or "none"
            raise UnknownMetricError(f"{self.path}: no metric {missing[0]!r}; logged are: {logged}")


def _unhidden(part: Part) -> Part:
    return replace(part, hidden_from=None)


def _by_metric(parts: Iterable[Part], wanted: Sequence[str] | None) -> pa.Table:
    """The rows of one writer, metric by metric. Inside a part they are sorted already."""
    tables = [load_part(part, wanted) for part in parts]
    if len(tables) == 1:
        return tables[0]
    table = pa.concat_tables(tables)
    names, codes = encode_metrics(table)
    place = np.empty(len(names), dtype=np.int32)
    place[sorted(range(len(names)), key=names.__getitem__)] = np.arange(len(names))
    return table.take(pa.array(np.argsort(place[codes], kind="stable")))


def encode_metrics(table: pa.Table) -> tuple[list[str], npt.NDArray[np.int32]]:
    """The names of a table's metrics, and the index of each record's, (n,), among them."""
    column = table.column("metric").unify_dictionaries()
    if not column.num_chunks:
        return [], np.empty(0, dtype=np.int32)
    codes = [np.from_dlpack(chunk.indices) for chunk in column.chunks]
    return column.chunk(0).dictionary.to_pylist(), np.concatenate(codes)


def chunks(part: Part, columns: Sequence[str]) -> Iterator[pa.Table]:
    """The visible rows of a part, in pieces that are sorted and small enough for any memory."""
    if part.table is not None:
        yield _visible(part.table.select(columns), part)
        return
    part.wait()
    with part.open() as opened:
        file = pq.ParquetFile(opened, page_checksum_verification=True)
        for group in range(file.num_row_groups):
            yield _visible(file.read_row_group(group, columns=list(columns)), part)


def _visible(table: pa.Table, part: Part) -> pa.Table:
    hidden = part.hidden_from
    return table if hidden is None else table.filter(pc.field("seq") < hidden)


def load_part(part: Part, wanted: Sequence[str] | None) -> pa.Table:
    """The visible rows of a part in the segments' schema: of all metrics, or the wanted ones."""
    condition = None if wanted is None else pc.field("metric").isin(pa.array(wanted, pa.string()))
    if part.hidden_from is not None:
        visible = pc.field("seq") < part.hidden_from
        condition = visible if condition is None else condition & visible
    if part.table is not None:
        return part.table if condition is None else part.table.filter(condition)
    part.wait()
    with part.open() as file:
        if condition is None:  # filters import pandas, too: see `logwriter.arrow`
            return pq.ParquetFile(file, page_checksum_verification=True).read()
        return pq.read_table(file, filters=condition, page_checksum_verification=True)


def _with_writer(table: pa.Table, rank: int, attempt: int) -> pa.Table:
    count = table.num_rows
    columns = [pa.repeat(pa.scalar(number, pa.int32()), count) for number in (rank, attempt)]
    return pa.Table.from_arrays([*columns, *table.columns], schema=ROWS_SCHEMA)
