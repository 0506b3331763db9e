"""Tables as data frames, for people who work in pandas or Polars.

Arrow in, a frame out, with the same rows in the same order. Neither library is loaded, or needed,
before a frame of it is asked for.
"""

from collections.abc import Iterable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logwriter.runlog import Attempts, RunLog, encode_metrics

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

WIDE_INDEX = ("rank", "step")


def rows_to_polars(
    log: RunLog,
    metrics: Iterable[str] | None,
    attempts: Attempts,
    ranks: Sequence[int] | None,
    *,
    wide: bool,
) -> "pl.DataFrame":
    """See `RunLog.to_polars`."""
    return to_polars(_rows(log, metrics, attempts, ranks, wide=wide))


def rows_to_pandas(
    log: RunLog,
    metrics: Iterable[str] | None,
    attempts: Attempts,
    ranks: Sequence[int] | None,
    *,
    wide: bool,
) -> "pd.DataFrame":
    """See `RunLog.to_pandas`."""
    table = _rows(log, metrics, attempts, ranks, wide=wide)
    if not wide:
        return to_pandas(table, nullable=["epoch"])
    frame = to_pandas(table).set_index(list(WIDE_INDEX))
    return frame.rename_axis(columns="metric")


def to_polars(table: pa.Table) -> "pl.DataFrame":
    """The table as a Polars frame: dictionaries become ``Categorical``, null stays null.

    Raises:
        ImportError: Polars is not installed.
    """
    frame: pl.DataFrame = _load("polars").from_arrow(table)
    return frame


def to_pandas(table: pa.Table, *, nullable: Iterable[str] = ()) -> "pd.DataFrame":
    """The table as a pandas frame.

    Args:
        table: What to convert.
        nullable: Columns of integers that may be null: they become pandas' ``Int32`` or ``Int64``
            and keep ``<NA>`` apart from numbers. Other integers stay NumPy's.

    Returns:
        Dictionaries are categories, those that occur, sorted by code points; times are
        ``datetime64[us, UTC]``; a null float is NaN.

    Raises:
        ImportError: pandas is not installed.
    """
    pandas = _load("pandas")
    frame: pd.DataFrame = table.to_pandas()
    for name in nullable:
        kind = {pa.int32(): pandas.Int32Dtype(), pa.int64(): pandas.Int64Dtype()}
        frame[name] = table.column(name).to_pandas(types_mapper=kind.get)
    for field in table.schema:
        if pa.types.is_dictionary(field.type):
            names = sorted(frame[field.name].cat.remove_unused_categories().cat.categories)
            frame[field.name] = frame[field.name].cat.set_categories(names)
    return frame


def widen(rows: pa.Table, metrics: Iterable[str] | None = None) -> pa.Table:
    """Rows in long format with a column for each metric.

    Of rows that share rank, step and metric the last one logged counts: the last of the latest
    attempt.

    Args:
        rows: In the schema and order of `RunLog.rows`.
        metrics: Which columns to make, also where there is no row; by default those that have one.

    Returns:
        Columns ``rank``, ``step``, then the metrics by code points, ordered by rank and step; null
        where the metric was not logged. Names are those of `column_names`.
    """
    names, codes = encode_metrics(rows)
    rank, step = rows.column("rank").to_numpy(), rows.column("step").to_numpy()
    first, place = _places(rank, step)
    values = rows.column("value").to_numpy()
    order = np.argsort(codes, kind="stable")
    starts = np.searchsorted(codes[order], np.arange(len(names) + 1))
    found = {
        name: order[start:end]
        for name, start, end in zip(names, starts[:-1], starts[1:], strict=True)
        if start < end
    }
    wanted = sorted(found if metrics is None else set(metrics))
    columns = [pa.array(rank[first]), pa.array(step[first])]
    for name in wanted:
        own = found.get(name, np.empty(0, dtype=np.int64))
        column, missing = np.zeros(len(first)), np.ones(len(first), dtype=bool)
        column[place[own]] = values[own]  # of a place named twice, the later value stays
        missing[place[own]] = False
        columns.append(pa.array(column, mask=missing))
    return pa.Table.from_arrays(columns, names=[*WIDE_INDEX, *column_names(wanted, WIDE_INDEX)])


def column_names(metrics: Iterable[str], taken: Sequence[str]) -> list[str]:
    """The metrics' names; one that is ``taken`` already, such as ``step``, becomes ``step (metric)``."""
    metrics = list(metrics)
    used = {*taken, *metrics}
    names = []
    for metric in metrics:
        name = metric
        if metric in taken:
            while name in used:
                name += " (metric)"
            used.add(name)
        names.append(name)
    return names


def _rows(
    log: RunLog,
    metrics: Iterable[str] | None,
    attempts: Attempts,
    ranks: Sequence[int] | None,
    *,
    wide: bool,
) -> pa.Table:
    wanted = None if metrics is None else list(metrics)
    rows = log.rows(wanted, attempts, ranks)
    return widen(rows, wanted) if wide else rows


def _places(
    rank: npt.NDArray[np.int32], step: npt.NDArray[np.int64]
) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
    """Where each pair of rank and step first stands, in order; and which of them each record has."""
    order = np.lexsort((step, rank))
    rank, step = rank[order], step[order]
    is_new = np.ones(len(order), dtype=bool)
    is_new[1:] = (np.diff(rank) != 0) | (step[1:] != step[:-1])
    place = np.empty(len(order), dtype=np.intp)
    place[order] = np.cumsum(is_new) - 1
    return order[is_new], place


def _load(library: str) -> Any:
    try:
        return import_module(library)
    except ImportError as error:
        raise ImportError(
            f"{library} is not installed: `pip install 'everystep[{library}]'`, or use Arrow's "
            "tables as they are: `rows()`"
        ) from error
