"""When a run was first as good as a value.

What competes is what competed for the run's best: one value an epoch where the best is that of an
epoch, else rows. An epoch reaches a value when its last row was logged. The moment is exact where
the record draws every row; else the log is asked, and where there is none, the drawn points.
"""

import datetime as dt
import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from compactor.record import Epoch, Record
from logwriter import read
from logwriter.rundir import is_run
from logwriter.runlog import chunks
from reports.comparison.judging import Judge
from reports.comparison.lines import DrawnLine, drawn_line
from reports.comparison.result import Reached, RunBest
from reports.scale import Floats

_COLUMNS = ["metric", "seq", "step", "epoch", "time", "value"]


@dataclass(frozen=True)
class _Rows:
    """Rows of one metric in the order of the log; ``epoch`` is NaN where there is none."""

    step: Floats
    epoch: Floats
    seconds: Floats
    value: Floats


def reached(
    record: Record, folder: Path | None, best: RunBest | None, judge: Judge, target: float
) -> Reached | None:
    """The first moment at which a run was at least as good as ``target``; ``None`` if it never was.

    Args:
        record: The run.
        folder: Where its log may lie.
        best: Its best point by ``judge``.
        judge: What good means.
        target: The value.

    Raises:
        EverystepError: The log is needed and cannot be read.
    """
    if best is None or not judge.at_least(best.value, target):
        return None
    line = drawn_line(record, judge.metric)
    if best.per.startswith("epoch"):
        epoch = _first_epoch(record, best, judge, target)
        return _find(record, folder, line, best, lambda rows: _last_of(rows, epoch), epoch=epoch)
    return _find(record, folder, line, best, lambda rows: _first_good(rows, judge, target))


def _find(
    record: Record,
    folder: Path | None,
    line: DrawnLine | None,
    best: RunBest,
    place: Callable[[_Rows], int | None],
    *,
    epoch: int | None = None,
) -> Reached:
    """The row that ``place`` picks, of all rows where they can be had."""
    if line is None:
        return Reached(step=best.step, epoch=best.epoch, seconds=None, exact=False)
    exact = True
    if line.whole and line.along is not None:
        rows = _drawn(line)
    elif folder is not None and is_run(folder) and line.info.rank is not None:
        rows = _logged(record, folder, line)
    else:
        exact, rows = False, _drawn(line)
    found = place(rows)
    if found is None:
        return Reached(step=best.step, epoch=best.epoch, seconds=None, exact=False)
    return _moment(rows, found, epoch, exact=exact)


def _moment(rows: _Rows, place: int, epoch: int | None, *, exact: bool) -> Reached:
    own, seconds = rows.epoch[place], rows.seconds[place]
    if epoch is None and math.isfinite(own):
        epoch = math.floor(own)
    return Reached(
        step=int(rows.step[place]),
        epoch=epoch,
        seconds=float(seconds) if math.isfinite(seconds) else None,
        exact=exact,
    )


def _first_epoch(record: Record, best: RunBest, judge: Judge, target: float) -> int | None:
    """The first epoch as good as the target; that of the best where no table tells of others."""
    for epoch in record.epochs:
        value = _value(epoch, judge.metric, best.per)
        if value is not None and judge.at_least(value, target):
            return epoch.epoch
    return best.epoch


def _value(epoch: Epoch, metric: str, per: str) -> float | None:
    """What competed in an epoch; one that did not end has a value only where it is single."""
    known = epoch.metrics.get(metric)
    if known is None:
        return epoch.values.get(metric) if epoch.ended else None
    if not epoch.ended and known.rows > 1:
        return None
    competing: float | None = getattr(known, per.removeprefix("epoch").strip() or "mean")
    return competing


def _last_of(rows: _Rows, epoch: int | None) -> int | None:
    if epoch is None:
        return None
    inside = np.flatnonzero(np.floor(rows.epoch) == epoch)
    return int(inside[-1]) if inside.size else None


def _first_good(rows: _Rows, judge: Judge, target: float) -> int | None:
    good = rows.value <= target if judge.mode == "min" else rows.value >= target
    places = np.flatnonzero(good & np.isfinite(rows.value))
    return int(places[0]) if places.size else None


def _drawn(line: DrawnLine) -> _Rows:
    steps, values = zip(*line.points, strict=True) if line.points else ((), ())
    along, none = line.along, [None] * len(steps)
    return _Rows(
        _floats(steps),
        _floats(along.epoch if along else none),
        _floats(along.seconds if along else none),
        _floats(values),
    )


def _logged(record: Record, folder: Path, line: DrawnLine) -> _Rows:
    start = dt.datetime.fromisoformat(record.run.started).timestamp()
    table = pa.concat_tables([_empty(), *_tables(folder, line.info.metric, line.info.rank or 0)])
    return _Rows(
        _column(table, "step"),
        _column(table, "epoch"),
        _column(table, "time") / 1e6 - start,
        _column(table, "value"),
    )


def _tables(folder: Path, metric: str, rank: int) -> Iterator[pa.Table]:
    """The rows of one metric, attempt by attempt, without those that a later attempt hides."""
    for part in read(folder).parts(ranks=[rank]):
        for table in chunks(part, _COLUMNS):
            own = table.filter(pc.equal(table.column("metric").cast(pa.string()), metric))
            yield own.select(_empty().column_names).cast(_empty().schema)


def _empty() -> pa.Table:
    types = [("step", pa.int64()), ("epoch", pa.int64()), ("time", pa.timestamp("us", "UTC"))]
    return pa.schema([*types, ("value", pa.float64())]).empty_table()


def _column(table: pa.Table, name: str) -> Floats:
    column = table.column(name)
    if pa.types.is_timestamp(column.type):
        column = column.cast(pa.int64())
    values: Floats = pc.cast(column, pa.float64()).to_numpy()
    return values


def _floats(values: object) -> Floats:
    return np.array(values, dtype=np.float64)
