"""Tables of drawn points and of the whole history: nothing is lost, and nothing but the rows shows."""

import csv
import dataclasses
import datetime as dt
import io
import math
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import chart, digits, record

from compactor.export import history as history_module
from compactor.export import read_history, to_table, write_csv, write_parquet
from compactor.export.history import HISTORY_SCHEMA, History, _batches, _regroup
from compactor.export.table import TABLE_SCHEMA
from compactor.export.writing import write_file
from compactor.record import Along
from logwriter import Run, read
from logwriter.errors import NotARunError, UnknownMetricError
from logwriter.runlog import ROWS_SCHEMA

HOSTILE = "=cmd()|'/C calc'!A0,\"q\"\r\n</script>损失"


def as_csv(tables: Iterable[pa.Table], schema: pa.Schema) -> list[list[str]]:
    """What another CSV reader makes of it."""
    sink = io.BytesIO()
    write_csv(tables, schema, sink)
    return list(csv.reader(io.StringIO(sink.getvalue().decode(), newline="")))


def joined(history: History) -> pa.Table:
    """All blocks in one."""
    return pa.concat_tables([HISTORY_SCHEMA.empty_table(), *history.blocks()])


def rows_of(path: Path, metrics: Sequence[str] | None = None) -> pa.Table:
    """The oracle: all rows at once, their metrics as plain text."""
    return read(path).rows(metrics).cast(HISTORY_SCHEMA)


def identical(one: pa.Table, other: pa.Table) -> bool:
    """Equal, down to the bits of NaN."""
    return bool(bits(one).equals(bits(other)))


def bits(table: pa.Table) -> pa.Table:
    """The table with its values as integers."""
    values = pa.array(table.column("value").to_numpy().view("int64"))
    return table.set_column(table.schema.get_field_index("value"), "value", values)


def test_the_table_holds_every_drawn_point() -> None:
    """In the order of charts, lines and steps; what is unknown or not finite is null."""
    made = chart(
        "loss",
        {"train": [(0, 2.0), (7, math.nan)], "all": [(3, 0.1)]},
        infos={"all": {"rank": None}},
    )
    along = {"train": Along(seconds=[0.25, 1.5], epoch=[None, 0.5])}
    table = to_table(record({HOSTILE: msgspec.structs.replace(made, along=along)}))
    assert table.schema.equals(TABLE_SCHEMA)
    assert [list(row.values()) for row in table.to_pylist()] == [
        [HOSTILE, "train", "train/loss", 0, 0, None, 0.25, 2.0],
        [HOSTILE, "train", "train/loss", 0, 7, 0.5, 1.5, None],
        [HOSTILE, "all", "all/loss", None, 3, None, None, 0.1],
    ]
    assert as_csv([table], TABLE_SCHEMA) == [
        TABLE_SCHEMA.names,
        [HOSTILE, "train", "train/loss", "0", "0", "", "0.25", "2"],
        [HOSTILE, "train", "train/loss", "0", "7", "0.5", "1.5", ""],
        [HOSTILE, "all", "all/loss", "", "3", "", "", "0.1"],
    ]


def test_a_record_without_charts_is_a_table_without_rows() -> None:
    """With its header."""
    assert as_csv([to_table(record())], TABLE_SCHEMA) == [TABLE_SCHEMA.names]


@pytest.mark.parametrize("write", [write_csv, write_parquet])
def test_the_same_table_is_the_same_bytes(write: Any) -> None:
    """Twice."""
    sinks = [io.BytesIO(), io.BytesIO()]
    for sink in sinks:
        write([to_table(digits())], TABLE_SCHEMA, sink)
    assert sinks[0].getvalue() == sinks[1].getvalue()


@settings(deadline=None, max_examples=100)
@given(st.lists(st.floats()), st.text(st.characters(codec="utf-8")))
def test_csv_reads_back_as_what_was_written(values: list[float], name: str) -> None:
    """Names character by character, numbers bit by bit; NaN and infinities as words."""
    table = pa.table({"name": [name] * len(values), "value": pa.array(values, pa.float64())})
    header, *rows = as_csv([table], table.schema)
    assert header == ["name", "value"]
    assert [row[0] for row in rows] == [name] * len(values)
    back = [float(row[1]) for row in rows]
    assert list(map(repr, back)) == [repr(value) for value in values]


def log_history(path: Path) -> None:
    """Three attempts of two ranks, of which the second hides rows; some rows are not sealed."""
    with Run(path, rank=0, world_size=2) as run:
        for step in range(40):
            run.log({"b": step / 7, "a": math.nan if step % 9 == 0 else -step}, step=step)
            if step % 10 == 9:
                run.flush()
    with Run(path, rank=0, world_size=2, resume=20) as run:
        for epoch in run.epochs(2):
            for step in range(5):
                run.log({HOSTILE: math.inf, "b": epoch + step}, step=21 + 5 * epoch + step)
    with Run(path, rank=1, world_size=2) as run:
        run.log({"c": -math.inf, "b": 1.0}, step=3)
        run.flush()
        run.log({"a": 2.0}, step=4)


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """That run."""
    path = tmp_path_factory.mktemp("export") / "run"
    log_history(path)
    return path


@pytest.mark.parametrize("budget", [1, 30, 10**6])
@pytest.mark.parametrize("metrics", [[], ["b"], [HOSTILE, "a"], ["c", "b", "a"]])
def test_the_history_is_what_read_gives(logged: Path, metrics: list[str], budget: int) -> None:
    """In the same order, whether metrics are gathered one by one, some at a time or all at once."""
    history = dataclasses.replace(read_history(logged, metrics), budget=budget)
    expected = rows_of(logged, metrics or None)
    assert identical(joined(history), expected)
    assert history.rows == expected.num_rows > 0


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(1, 9), max_size=8), st.integers(1, 12))
def test_metrics_are_gathered_up_to_the_budget(counts: list[int], budget: int) -> None:
    """Each once and in order; more than the budget only where one metric has more."""
    named = {f"m{place}": count for place, count in enumerate(counts)}
    batches = list(_batches(named, budget))
    assert [name for batch in batches for name in batch] == list(named)
    sizes = [sum(map(named.__getitem__, batch)) for batch in batches]
    assert all(len(b) == 1 or n <= budget for b, n in zip(batches, sizes, strict=True))
    for size, batch in zip(sizes, batches[1:], strict=False):
        assert size + named[batch[0]] > budget, "one more would have fitted"


def test_a_live_run_is_read_as_it_is(tmp_path: Path) -> None:
    """Rows that are not sealed are there, and sealing them changes no byte of the export."""
    with Run(tmp_path / "run") as run:
        for step in range(300):
            run.log({"a": step / 3, "b": 1.0}, step=step)
        before = exported(tmp_path / "run")
        run.flush()
        assert exported(tmp_path / "run") == before
        assert identical(joined(read_history(tmp_path / "run")), rows_of(tmp_path / "run"))


def exported(path: Path) -> tuple[bytes, bytes]:
    """The history of a run as CSV and as Parquet."""
    sinks = io.BytesIO(), io.BytesIO()
    for write, sink in zip((write_csv, write_parquet), sinks, strict=True):
        write(read_history(path).blocks(), HISTORY_SCHEMA, sink)
    return sinks[0].getvalue(), sinks[1].getvalue()


def test_parquet_keeps_every_bit_and_csv_spells_what_is_not_finite(logged: Path) -> None:
    """With the columns that read gives."""
    text, data = exported(logged)
    assert identical(pq.read_table(io.BytesIO(data)), rows_of(logged))
    header, *rows = csv.reader(io.StringIO(text.decode(), newline=""))
    assert header == ["rank", "attempt", "metric", "seq", "step", "epoch", "time", "value"]
    assert {row[2] for row in rows} == {"a", "b", "c", HOSTILE}
    values = rows_of(logged).column("value").to_pylist()
    assert [repr(float(row[7])) for row in rows] == list(map(repr, values))
    assert {row[7] for row in rows} >= {"nan", "inf", "-inf"}
    times = [dt.datetime.strptime(row[6], "%Y-%m-%d %H:%M:%S.%f%z") for row in rows]
    assert times == rows_of(logged).column("time").to_pylist()
    assert {row[5] for row in rows} == {"", "0", "1"}


def test_blocks_do_not_tell_how_the_log_lies_in_parts(
    logged: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All are full but the last."""
    monkeypatch.setattr(history_module, "BLOCK_ROWS", 16)
    history = dataclasses.replace(read_history(logged), budget=1)
    sizes = [block.num_rows for block in history.blocks()]
    assert set(sizes[:-1]) == {16}
    assert sum(sizes) == history.rows


@settings(deadline=None, max_examples=50, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.integers(0, 9), max_size=8), st.integers(1, 12))
def test_regrouping_keeps_rows_and_order(sizes: list[int], rows: int) -> None:
    """Whatever the sizes."""
    count = sum(sizes)
    columns: list[Any] = [[0] * count, [0] * count, ["m"] * count]
    columns += [list(range(count))] * 4 + [[0.5] * count]
    arrays = [pa.array(c, f.type) for c, f in zip(columns, HISTORY_SCHEMA, strict=True)]
    whole = pa.Table.from_arrays(arrays, schema=HISTORY_SCHEMA).cast(ROWS_SCHEMA)
    starts = [sum(sizes[:place]) for place in range(len(sizes))]
    cut = [whole.slice(start, size) for start, size in zip(starts, sizes, strict=True)]
    found = list(_regroup(cut, rows))
    assert pa.concat_tables([ROWS_SCHEMA.empty_table(), *found]).equals(whole)
    assert all(table.num_rows == rows for table in found[:-1])
    assert all(table.num_rows for table in found)


def test_a_history_that_is_not_there_is_an_error(logged: Path, tmp_path: Path) -> None:
    """Told before anything is written."""
    with pytest.raises(UnknownMetricError, match="no metric 'x'"):
        read_history(logged, ["b", "x"])
    with pytest.raises(NotARunError):
        read_history(tmp_path)


def test_a_file_is_whole_or_what_it_was(tmp_path: Path) -> None:
    """A link is followed; what fails leaves nothing behind."""
    target, link = tmp_path / "a" / "b.csv", tmp_path / "link.csv"
    write_file(target, lambda sink: sink.write(b"old"))
    link.symlink_to(target)

    def fail(sink: Any) -> None:
        sink.write(b"half")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write_file(link, fail)
    assert target.read_bytes() == b"old"
    write_file(link, lambda sink: sink.write(b"new"))
    assert (link.is_symlink(), target.read_bytes()) == (True, b"new")
    assert sorted(path.name for path in target.parent.iterdir()) == ["b.csv"]
