"""Rows as they were logged: in the order of the log, whole, however they lie in parts."""

import math
import struct
from itertools import groupby
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from compactor.export import logged
from compactor.export.logged import Count, LoggedRow, logged_rows
from logwriter import Run, read


@pytest.fixture
def run(run_path: Path) -> Path:
    """Rows of many mixtures of keys, of two attempts, sealed and not; the second hides some."""
    with Run(run_path) as writer:
        for _ in writer.epochs(1):
            for step in range(30):
                names = [name for place, name in enumerate("dacb") if step % (place + 2)]
                writer.log(dict.fromkeys([*names, "损失"], step / 7), step=step)
                if step % 13 == 12:
                    writer.flush()
    with Run(run_path, resume=20) as writer:
        for step in range(21, 40):
            writer.log({"a": math.nan, "z": -step}, step=step)
    return run_path


def plainly(path: Path, metrics: list[str] | None) -> list[LoggedRow]:
    """The slow twin: all values, sorted into rows."""
    table = read(path).rows(metrics)
    times = table.column("time").cast(pa.int64())
    values: list[dict[str, Any]] = table.set_column(6, "time", times).to_pylist()
    values.sort(key=lambda each: (each["attempt"], each["seq"], each["metric"]))
    rows = []
    for _, group in groupby(values, key=lambda each: (each["attempt"], each["seq"])):
        of = list(group)
        names, found = [each["metric"] for each in of], [each["value"] for each in of]
        first = of[0]
        rows.append(LoggedRow(first["time"], first["step"], first["epoch"], tuple(names), found))
    return rows


def bits(rows: list[LoggedRow]) -> list[tuple[object, ...]]:
    """Rows that compare by the bits of their values."""
    return [(*row[:4], struct.pack(f"{len(row.values)}d", *row.values)) for row in rows]


@pytest.mark.parametrize("at_once", [1, 7, 1 << 14])
@pytest.mark.parametrize("metrics", [None, ["a"], ["b", "z"]])
def test_rows_come_back_as_they_were_logged(
    run: Path, metrics: list[str] | None, at_once: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Hidden ones are left out, and so are rows without a metric that was asked for."""
    monkeypatch.setattr(logged, "_ROWS_AT_ONCE", at_once)
    found = list(logged_rows(read(run).parts(), metrics or ()))
    assert len(found) > 15
    assert bits(found) == bits(plainly(run, metrics))


def test_what_is_counted_is_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """In pieces, and the rest at the end."""
    monkeypatch.setattr(logged, "_TOLD_EVERY", 4)
    told: list[int] = []
    count = Count(told.append)
    for step in range(10):
        count.add(LoggedRow(1, step, None, ("a", "b"), [1.0, 2.0]))
    count.tell()
    assert (count.rows, count.values, told) == (10, 20, [4, 4, 2])
