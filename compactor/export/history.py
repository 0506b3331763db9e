"""Every row of a run, streamed in the order of `logwriter.read(path).rows()`.

That order is by rank, attempt, metric and sequence number, while the log lies in parts by sequence
number. So the rows of each attempt are counted by metric first; then as many metrics as memory
allows are gathered from all parts at a time. A metric too large for that is taken part by part.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pyarrow as pa

from logwriter import read
from logwriter.part import Part
from logwriter.runlog import ROWS_SCHEMA, RunLog, chunks, encode_metrics, load_part

BLOCK_ROWS = 1 << 17
_BUDGET_ROWS = 1 << 20  # about 50 MB, three times over while they are sorted
_METRIC = ROWS_SCHEMA.get_field_index("metric")
# names as plain text: a dictionary would carry names that no row of a block has
HISTORY_SCHEMA = ROWS_SCHEMA.set(_METRIC, ROWS_SCHEMA.field(_METRIC).with_type(pa.string()))


@dataclass(frozen=True)
class _Attempt:
    """The visible parts of one attempt of one rank, and how many values each metric has in them."""

    rank: int
    attempt: int
    parts: tuple[Part, ...]
    counts: Mapping[str, int]


@dataclass(frozen=True)
class History:
    """The effective history of a run at one moment, ready to be streamed.

    Attributes:
        rows: How many records there are, one for each value.
        budget: How many of them may be gathered at a time.
    """

    rows: int
    attempts: tuple[_Attempt, ...]
    budget: int = _BUDGET_ROWS

    def blocks(self) -> Iterator[pa.Table]:
        """The records in order, in tables of 131,072 rows (the last one has what is left).

        Yields:
            Tables of `HISTORY_SCHEMA`; values as they were logged, NaN and infinities included.

        Raises:
            DamagedError: A segment is gone or is no file any more.
        """
        tables = (table for each in self.attempts for table in _tables(each, self.budget))
        return (block.cast(HISTORY_SCHEMA) for block in _regroup(tables, BLOCK_ROWS))


def read_history(path: Path, metrics: Sequence[str] = ()) -> History:
    """Open the effective history of a run; rows that a later attempt hides are left out.

    Args:
        path: The run's folder.
        metrics: Only these; all if empty.

    Raises:
        NotARunError: There is no run at ``path``.
        UnknownMetricError: A metric was not logged.
        DamagedError: The log's bytes do not match their checksums.
        NewerFormatError: A newer everystep wrote the run.
    """
    log: RunLog = read(path)
    if metrics:
        log.require(metrics)
    found = []
    for (rank, attempt), group in groupby(log.parts(), key=lambda part: (part.rank, part.attempt)):
        parts = tuple(group)
        counts = _count(parts)
        chosen = {name: counts[name] for name in sorted(counts) if not metrics or name in metrics}
        found.append(_Attempt(rank, attempt, parts, chosen))
    return History(sum(sum(each.counts.values()) for each in found), tuple(found))


def _count(parts: Iterable[Part]) -> Counter[str]:
    counts: Counter[str] = Counter()
    for part in parts:
        columns = ["metric"] if part.hidden_from is None else ["metric", "seq"]
        for table in chunks(part, columns):
            names, codes = encode_metrics(table)
            found = np.bincount(codes, minlength=len(names)).tolist()
            counts.update({name: n for name, n in zip(names, found, strict=True) if n})
    return counts


def _tables(attempt: _Attempt, budget: int) -> Iterator[pa.Table]:
    for names in _batches(attempt.counts, budget):
        loaded: Iterable[pa.Table] = (load_part(part, names) for part in attempt.parts)
        if len(names) > 1:
            loaded = [_by_metric(pa.concat_tables(loaded), names)]
        for table in loaded:
            yield _with_writer(table, attempt.rank, attempt.attempt)


def _batches(counts: Mapping[str, int], budget: int) -> Iterator[list[str]]:
    """The names in their order, in groups of up to ``budget`` rows, or of one name."""
    batch: list[str] = []
    rows = 0
    for name, count in counts.items():
        if batch and rows + count > budget:
            yield batch
            batch, rows = [], 0
        batch.append(name)
        rows += count
    if batch:
        yield batch


def _by_metric(table: pa.Table, order: Sequence[str]) -> pa.Table:
    names, codes = encode_metrics(table)
    rank = {name: place for place, name in enumerate(order)}
    place = np.array([rank.get(name, -1) for name in names], dtype=np.int64)
    return table.take(pa.array(np.argsort(place[codes], kind="stable")))


def _with_writer(table: pa.Table, rank: int, attempt: int) -> pa.Table:
    numbers = [pa.repeat(pa.scalar(n, pa.int32()), table.num_rows) for n in (rank, attempt)]
    return pa.Table.from_arrays([*numbers, *table.columns], schema=ROWS_SCHEMA)


def _regroup(tables: Iterable[pa.Table], rows: int) -> Iterator[pa.Table]:
    """The same records in tables of ``rows``: how the log lies in parts leaves no trace."""
    waiting = ROWS_SCHEMA.empty_table()
    for table in tables:
        waiting = pa.concat_tables([waiting, table])
        while waiting.num_rows >= rows:
            yield waiting.slice(0, rows)
            waiting = waiting.slice(rows)
    if waiting.num_rows:
        yield waiting
