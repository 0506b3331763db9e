"""The last rows of a run, and those that come after them, without disturbing the writer."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from logwriter.parts import Part
from logwriter.rundir import WriterId
from logwriter.runlog import RunLog, load_part, read


@dataclass(frozen=True)
class Row:
    """One logged row, or those of its values that were asked for. ``time``: µs since 1970."""

    rank: int
    attempt: int
    seq: int
    step: int
    epoch: int | None
    time: int
    values: dict[str, float]


def last_rows(log: RunLog, count: int, metrics: Sequence[str] | None = None) -> list[Row]:
    """The last ``count`` rows of each rank's last attempt, in log order.

    Raises:
        UnknownMetricError: A metric was asked for that was not logged.
    """
    if metrics:
        log.require(metrics)
    rows: list[Row] = []
    for rank in log.state.ranks:
        found: list[Row] = []
        for part in reversed(log.parts(ranks=[rank])):
            found = _rows(part, metrics, part.first_seq)[-(count - len(found)) :] + found
            if len(found) >= count:
                break
        rows += found
    return rows


def follow(path: Path, count: int, metrics: Sequence[str] | None, every: float) -> Iterator[Row]:
    """The last ``count`` rows of each rank, then each new row, until the run no longer lives.

    Args:
        path: The run.
        count: How many rows to begin with.
        metrics: Only rows, and values, of these metrics.
        every: Seconds between two looks.

    Raises:
        UnknownMetricError: A metric was asked for that was not logged.
    """
    live = True
    log = read(path)
    seen = {_writer(part): part.first_seq + part.rows for part in log.parts("all")}
    yield from last_rows(log, count, metrics)
    while live:
        live = log.is_live  # before the look, so that the last look comes after the end
        time.sleep(every if live else 0)
        log = read(path)
        for part in log.parts():
            start = seen.get(_writer(part), 0)
            if part.first_seq + part.rows > start:
                yield from _rows(part, metrics, start)
                seen[_writer(part)] = part.first_seq + part.rows


def _writer(part: Part) -> WriterId:
    return WriterId(part.rank, part.attempt)


def _rows(part: Part, metrics: Sequence[str] | None, start: int) -> list[Row]:
    """The rows of a part from ``start`` on, with their values put together again."""
    table = load_part(part, metrics or None).filter(pc.field("seq") >= start)
    table = table.sort_by("seq")
    rows: dict[int, Row] = {}
    times = table.column("time").cast(pa.int64()).to_pylist()
    columns = (
        table.column(name).to_pylist() for name in ("seq", "step", "epoch", "metric", "value")
    )
    for at, seq, step, epoch, metric, value in zip(times, *columns, strict=True):
        row = rows.setdefault(seq, Row(part.rank, part.attempt, seq, step, epoch, at, {}))
        row.values[metric] = value
    return list(rows.values())
