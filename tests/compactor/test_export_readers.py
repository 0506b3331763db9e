"""The log in other tools: sealed segments as they lie, and the effective history as an export.

Each snippet is one that the documentation shows, and gives what `read` gives, bit by bit.
"""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.dataset
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from compactor.cli.export import export
from logwriter import Run, read

COLUMNS = ["metric", "seq", "step", "epoch", "time", "value"]
VALUES = [0.1, -0.0, math.nan, math.inf, -math.inf, 5e-324, 1 / 3]


@pytest.fixture
def run(run_path: Path) -> Path:
    """Two attempts, of which the second hides rows of the first; several segments; epochs in some."""
    with Run(run_path) as writer:
        for step in range(60):
            writer.log({"train/loss": VALUES[step % 7], "lr": step / 3}, step=step)
            if step % 25 == 24:
                writer.flush()
    with Run(run_path, resume=40) as writer:
        for _ in writer.epochs(2):
            for _ in range(5):
                writer.log({"train/loss": 0.5, "损失": -1.0})
    return run_path


def files(run: Path) -> str:
    """What matches the sealed segments of all attempts."""
    return f"{run}/writers/*/*.parquet"


def every_row(run: Path) -> list[tuple[Any, ...]]:
    """The oracle: all attempts, hidden rows, too."""
    return comparable(read(run).rows(attempts="all").select(COLUMNS))


def comparable(table: pa.Table) -> list[tuple[Any, ...]]:
    """Rows in any order as sorted tuples: values by their bits, times in microseconds."""
    columns = {name: table.column(name) for name in COLUMNS}
    metric = columns["metric"].cast(pa.string()).to_pylist()
    value = columns["value"].to_numpy().astype(np.float64).view(np.int64).tolist()
    time = columns["time"].cast(pa.timestamp("us", "UTC")).cast(pa.int64()).to_pylist()
    seq, step, epoch = (
        [
            None if each is None or math.isnan(each) else int(each)
            for each in columns[name].to_pylist()
        ]
        for name in ("seq", "step", "epoch")
    )
    rows = zip(metric, seq, step, epoch, time, value, strict=True)
    return sorted(rows, key=lambda each: (*each[:2], each[4]))


def test_pyarrow_reads_the_segments(run: Path) -> None:
    """As a dataset, or one by one."""
    found = pa.dataset.dataset(sorted(map(str, run.glob("writers/*/*.parquet"))))
    assert len(found.files) > 3
    assert comparable(found.to_table()) == every_row(run)


def test_pandas_reads_the_segments(run: Path) -> None:
    """With the engine pyarrow."""
    paths = sorted(run.glob("writers/*/*.parquet"))
    frame = pd.concat(pd.read_parquet(path, engine="pyarrow") for path in paths)
    assert comparable(pa.Table.from_pandas(frame)) == every_row(run)


def test_polars_reads_the_segments(run: Path) -> None:
    """Lazily."""
    assert comparable(pl.scan_parquet(files(run)).collect().to_arrow()) == every_row(run)


def test_duckdb_reads_the_segments(run: Path) -> None:
    """Which SQL can then ask."""
    import duckdb

    assert comparable(duckdb.read_parquet(files(run)).to_arrow_table()) == every_row(run)


def test_the_effective_history_is_one_file_for_all_of_them(run: Path, tmp_path: Path) -> None:
    """Which `everystep export --to parquet --full` writes; hidden rows are not in it."""
    import duckdb

    path = tmp_path / "rows.parquet"
    arguments = [str(run), "--to", "parquet", "--full", "-o", str(path)]
    assert CliRunner().invoke(export, arguments, catch_exceptions=False).exit_code == 0
    effective = comparable(read(run).rows())
    assert len(effective) < len(every_row(run))
    assert comparable(pq.read_table(path)) == effective
    assert comparable(pa.Table.from_pandas(pd.read_parquet(path))) == effective
    assert comparable(pl.read_parquet(path).to_arrow()) == effective
    assert comparable(duckdb.read_parquet(str(path)).to_arrow_table()) == effective


@pytest.mark.parametrize("vectorised", ["true", "false"])
def test_spark_reads_the_segments(run: Path, vectorised: str) -> None:
    """With its vectorised reader and without."""
    spark_sql = pytest.importorskip("pyspark.sql")
    builder = spark_sql.SparkSession.builder.master("local[1]")
    settings = {
        "spark.ui.enabled": "false",
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.parquet.enableVectorizedReader": vectorised,
    }
    for name, value in settings.items():
        builder = builder.config(name, value)
    spark = builder.getOrCreate()
    try:
        found = spark.read.parquet(files(run)).selectExpr(
            "metric", "seq", "step", "epoch", "unix_micros(time) AS time", "value"
        )
        rows = [row.asDict() for row in found.collect()]
    finally:
        spark.stop()
    table = pa.Table.from_pylist(rows)
    times = table.column("time").cast(pa.timestamp("us", "UTC"))
    assert comparable(table.set_column(4, "time", times)) == every_row(run)
