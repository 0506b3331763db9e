"""When a run was first as good as a value.

What competes is what competed for the run's best: one value an epoch where the best is that of an
epoch, else rows. An epoch reaches a value when its last row was logged. The moment is exact where
the record draws every row; else the log is asked, and where there is none, the drawn points.
"""

import math
from collections.abc import Callable
from pathlib import Path

import msgspec
import numpy as np

from compactor.record import Epoch, Record
from logwriter.rundir import is_run
from reports.comparison.judging import Judge
from reports.comparison.lines import DrawnLine, drawn_line
from reports.comparison.logged import Rows, logged_rows
from reports.comparison.result import Reached, RunBest
from reports.scale import Floats


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
    return _find(record, folder, line, best, lambda rows: _first_good(rows, best, judge, target))


def _find(
    record: Record,
    folder: Path | None,
    line: DrawnLine | None,
    best: RunBest,
    place: Callable[[Rows], int | None],
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
        rows = logged_rows(record, folder, line.info.metric, line.info.rank)
    else:
        exact, rows = False, _drawn(line)
    found = place(rows)
    if found is None:
        return Reached(step=best.step, epoch=best.epoch, seconds=None, exact=False)
    moment = _moment(rows, found, epoch, exact=exact)
    untimed = record.run.seconds is None and moment.seconds == 0  # all its rows have one time
    return msgspec.structs.replace(moment, seconds=None) if untimed else moment


def _moment(rows: Rows, place: int, epoch: int | None, *, exact: bool) -> Reached:
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


def _last_of(rows: Rows, epoch: int | None) -> int | None:
    if epoch is None:
        return None
    inside = np.flatnonzero(np.floor(rows.epoch) == epoch)
    return int(inside[-1]) if inside.size else None


def _first_good(rows: Rows, best: RunBest, judge: Judge, target: float) -> int | None:
    """The first row as good as the target; where a metric has epochs, rows outside do not compete."""
    good = rows.value <= target if judge.mode == "min" else rows.value >= target
    competing = np.isfinite(rows.value) & (np.isfinite(rows.epoch) | (best.epoch is None))
    places = np.flatnonzero(good & competing)
    return int(places[0]) if places.size else None


def _drawn(line: DrawnLine) -> Rows:
    steps, values = zip(*line.points, strict=True) if line.points else ((), ())
    along, none = line.along, [None] * len(steps)
    return Rows(
        np.array(steps, dtype=np.int64),
        _floats(along.epoch if along else none),
        _floats(along.seconds if along else none),
        _floats(values),
    )


def _floats(values: object) -> Floats:
    return np.array(values, dtype=np.float64)
