"""The rows of one metric as a run's log has them, for what its record does not draw."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from compactor.record import Record
from logwriter import read
from logwriter.runlog import load_part
from reports.scale import Floats

Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Rows:
    """Rows in the order of the log; ``seconds`` count from the run's start, ``epoch`` is NaN for none."""

    step: Ints
    epoch: Floats
    seconds: Floats
    value: Floats


def logged_rows(record: Record, folder: Path, metric: str, rank: int) -> Rows:
    """The rows of a metric that no later attempt hides.

    Args:
        record: The run; says when it started.
        folder: Where its log lies.
        metric: Its name.
        rank: Whose rows.

    Raises:
        EverystepError: The log cannot be read.
    """
    start = dt.datetime.fromisoformat(record.run.started).timestamp()
    names = ["step", "epoch", "time", "value"]
    parts = [load_part(part, [metric]).select(names) for part in read(folder).parts(ranks=[rank])]
    if not parts:
        empty = np.empty(0)
        return Rows(empty.astype(np.int64), empty, empty, empty)
    table = pa.concat_tables(parts)
    return Rows(
        table.column("step").to_numpy(),
        _floats(table.column("epoch")),
        _floats(table.column("time").cast(pa.int64())) / 1e6 - start,
        _floats(table.column("value")),
    )


def _floats(column: pa.ChunkedArray) -> Floats:
    values: Floats = pc.cast(column, pa.float64()).to_numpy()
    return values
