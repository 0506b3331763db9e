"""Rows to compact, as parts in memory and on disk."""

import itertools
from collections.abc import Callable, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from logwriter.part import Part
from logwriter.segments import SCHEMA

Logged = tuple[str, int, int, int | None, float]
"""Metric, sequence number, step, epoch, value."""
MakeParts = Callable[..., list[Part]]


def _table(rows: Sequence[Logged]) -> pa.Table:
    metric, seq, step, epoch, value = zip(*sorted(rows, key=lambda r: (r[0], r[1])), strict=True)
    columns = {
        "metric": pa.array(metric).dictionary_encode(),
        "seq": seq,
        "step": step,
        "epoch": epoch,
        "time": [1_000_000 * number for number in seq],
        "value": value,
    }
    arrays = [
        pa.array(columns[field.name], field.type) for field in SCHEMA if field.name != "metric"
    ]
    return pa.Table.from_arrays([columns["metric"], *arrays], schema=SCHEMA)


@pytest.fixture
def make_parts(tmp_path: Path) -> MakeParts:
    """A function that cuts rows into parts: ``cuts`` are first sequence numbers of further parts.

    The first ``sealed`` parts are Parquet files, the others tables.
    """
    numbers = itertools.count()

    def make(
        rows: Sequence[Logged],
        *,
        cuts: Sequence[int] = (),
        sealed: int = 0,
        rank: int = 0,
        attempt: int = 0,
        hidden_from: int | None = None,
    ) -> list[Part]:
        parts = []
        for place, (start, end) in enumerate(itertools.pairwise([0, *cuts, 2**60])):
            inside = [row for row in rows if start <= row[1] < end]
            if not inside:
                continue
            table, path = _table(inside), None
            if place < sealed:
                path = tmp_path / f"part[{next(numbers)}]*.parquet"
                pq.write_table(table, path)
            count = max(row[1] for row in inside) + 1 - start
            held = table if path is None else None
            parts.append(Part(rank, attempt, start, count, path, held, hidden_from=hidden_from))
        return parts

    return make


@pytest.fixture
def run_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a run, outside any launcher's environment."""
    for name in ("RANK", "WORLD_SIZE", "SLURM_PROCID", "SLURM_NTASKS", "EVERYSTEP_MODE"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "run"
