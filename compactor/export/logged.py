"""Rows as they were logged, one after another: what trackers take.

The log lies in parts, each sorted by metric. A part is put back into the order of its sequence numbers
and given out row by row, so memory holds one part, however long the run.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from logwriter.part import Part
from logwriter.runlog import RunLog, encode_metrics, load_part

_ROWS_AT_ONCE = 1 << 14
_TOLD_EVERY = 1 << 10


class LoggedRow(NamedTuple):
    """One row: ``time`` in microseconds since 1970, ``names`` by code points, a value for each."""

    time: int
    step: int
    epoch: int | None
    names: tuple[str, ...]
    values: list[float]


@dataclass(frozen=True)
class Written:
    """What an export left: its paths, how many rows and values are in them, and what to know of it."""

    paths: tuple[Path, ...]
    rows: int
    values: int
    notes: tuple[str, ...] = ()


class Count:
    """Counts what goes out, and tells of it now and then."""

    def __init__(self, tell: Callable[[int], object]) -> None:
        """Begin. ``tell`` is told of each number of rows that went out."""
        self._tell = tell
        self._told = 0
        self.rows = self.values = 0

    def add(self, row: LoggedRow) -> None:
        """One more row."""
        self.rows += 1
        self.values += len(row.values)
        if self.rows - self._told >= _TOLD_EVERY:
            self.tell()

    def tell(self) -> None:
        """Tell of what was not told yet."""
        self._tell(self.rows - self._told)
        self._told = self.rows


def begun(log: RunLog) -> int:
    """When the run began, in microseconds since 1970; 0 where its log does not say any more."""
    started = log.state.first.started
    return started.time if started else 0


def logged_rows(parts: Iterable[Part], metrics: Sequence[str] = ()) -> Iterator[LoggedRow]:
    """The visible rows of parts, in the order of the parts and of their sequence numbers.

    Args:
        parts: Of one rank, as `RunLog.parts` gives them.
        metrics: Only values of these, and rows that have one; all if empty.

    Yields:
        The rows. Values keep every bit, those of NaN included.

    Raises:
        DamagedError: A segment is gone or is no file any more.
    """
    for part in parts:
        yield from _rows_of(load_part(part, list(metrics) or None))


def _rows_of(table: pa.Table) -> Iterator[LoggedRow]:
    known, codes = encode_metrics(table)
    seq = table.column("seq").to_numpy()
    order = np.argsort(seq, kind="stable")  # the metrics of a row keep their order
    begins = np.flatnonzero(np.diff(seq[order], prepend=-1))
    edges = np.append(begins, len(order))
    layouts: dict[tuple[int, ...], tuple[str, ...]] = {}
    for first in range(0, len(begins), _ROWS_AT_ONCE):
        cuts = edges[first : first + _ROWS_AT_ONCE + 1]
        start, here = int(cuts[0]), order[cuts[0] : cuts[-1]]
        heads = table.take(pa.array(here[cuts[:-1] - start]))
        metric = codes[here].tolist()
        values = table.column("value").take(pa.array(here)).to_numpy().tolist()
        columns = (
            heads.column("time").cast(pa.int64()).to_pylist(),
            heads.column("step").to_pylist(),
            heads.column("epoch").to_pylist(),
            (cuts[:-1] - start).tolist(),
            (cuts[1:] - start).tolist(),
        )
        for time, step, epoch, begin, end in zip(*columns, strict=True):
            layout = tuple(metric[begin:end])
            if layout not in layouts:
                layouts[layout] = tuple(known[code] for code in layout)
            yield LoggedRow(time, step, epoch, layouts[layout], values[begin:end])
