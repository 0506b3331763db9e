"""Sealed segments: one schema, any reader, and the same rows before and after."""

from pathlib import Path

import duckdb
import numpy as np
import polars as pl
import pyarrow.parquet as pq
import pytest
from msgspec.structs import replace

from logwriter import Run, read
from logwriter.errors import DamagedError, NewerFormatError
from logwriter.segments import SCHEMA, Identity, check_identity, identify

COLUMNS = ["metric", "seq", "step", "epoch", "time", "value"]


def log_some(run: Run, rows: int = 2_000) -> None:
    """Rows of several layouts, with epochs, gaps in steps and values that are not finite."""
    for epoch in run.epochs(2):
        for number in range(rows // 2):
            run.log({"train/loss": 1 / (number + 1), "lr": 0.1})
        run.log({"val/loss": np.nan if epoch else 0.5})
    run.log({"val/loss": np.inf}, step=10**12)


def test_sealing_changes_nothing(run_path: Path) -> None:
    """All columns of all rows, in the same order, from the journal and from the segment."""
    with Run(run_path) as run:
        log_some(run)
        before = read(run_path).rows()
        assert not list(run_path.rglob("*.parquet"))
    after = read(run_path).rows()
    assert not list(run_path.rglob("*.wal"))
    for column in before.column_names:
        left, right = before.column(column), after.column(column)
        assert left.type == right.type
        if column == "value":
            assert left.to_numpy().tobytes() == right.to_numpy().tobytes()
        else:
            assert left.to_pylist() == right.to_pylist()


def test_a_segment_has_the_one_schema_and_its_encodings(run_path: Path) -> None:
    """Sorted by metric, then sequence number; compact encodings, checksummed pages."""
    with Run(run_path) as run:
        log_some(run)
    (path,) = run_path.rglob("*.parquet")
    file = pq.ParquetFile(path, page_checksum_verification=True)
    assert file.schema_arrow.remove_metadata().equals(SCHEMA)
    group = file.metadata.row_group(0)
    encodings = {group.column(k).path_in_schema: group.column(k).encodings for k in range(6)}
    assert "BYTE_STREAM_SPLIT" in encodings["value"]
    for column in ("seq", "step", "epoch", "time"):
        assert "DELTA_BINARY_PACKED" in encodings[column]
    assert group.column(0).compression == "ZSTD"
    table = file.read()
    order = list(
        zip(table.column("metric").to_pylist(), table.column("seq").to_pylist(), strict=True)
    )
    assert order == sorted(order)
    meta = file.schema_arrow.metadata[b"everystep"].decode()
    assert '"first_seq":0' in meta
    assert '"rank":0' in meta


def test_duckdb_polars_and_pandas_style_readers_see_the_rows(run_path: Path) -> None:
    """The documented two-liners, over the files as they stand."""
    with Run(run_path) as run:
        log_some(run)
    files = str(run_path / "writers/*/*.parquet")
    query = "SELECT count(*), min(value) FROM read_parquet($files) WHERE metric = 'train/loss'"
    assert duckdb.execute(query, {"files": files}).fetchall() == [(2_000, 1 / 1_000)]
    frame = pl.scan_parquet(files).filter(pl.col("metric") == "lr").collect()
    assert frame.columns == COLUMNS
    assert frame["value"].unique().to_list() == [0.1]


def test_a_metric_with_many_values_gets_row_groups_of_its_own(run_path: Path) -> None:
    """So that reading one metric skips the others."""
    with Run(run_path) as run:
        for number in range(140_000):
            run.log({"a": number, "b": 0.0})
    paths = sorted(run_path.rglob("*.parquet"))
    groups = [
        pq.read_metadata(path).row_group(k)
        for path in paths
        for k in range(pq.read_metadata(path).num_row_groups)
    ]
    assert max(group.num_rows for group in groups) <= 131_072
    assert np.array_equal(read(run_path).series("a")[1], np.arange(140_000.0))


def test_times_never_step_back(run_path: Path) -> None:
    """They come from one clock reading and the monotonic clock."""
    with Run(run_path) as run:
        for _ in range(5_000):
            run.log({"a": 1})
    times = read(run_path).rows(["a"]).column("time").cast("int64").to_numpy()
    assert (np.diff(times) >= 0).all()


def test_a_flipped_bit_in_a_segment_is_an_error_that_names_it(run_path: Path) -> None:
    """Anywhere in the file; the checksum of the whole is checked before anything is scanned."""
    with Run(run_path) as run:
        log_some(run)
    (path,) = run_path.rglob("*.parquet")
    data = path.read_bytes()
    for place in np.linspace(0, len(data) - 1, 40).astype(int):
        path.write_bytes(data[:place] + bytes([data[place] ^ 1]) + data[place + 1 :])
        with pytest.raises(DamagedError, match=path.name):
            read(run_path)
    path.write_bytes(data)
    assert read(run_path).rows().num_rows == 4_003


def test_a_segment_of_another_format_is_refused(run_path: Path) -> None:
    """With the next step; and a file that is no segment is not taken for one."""
    with Run(run_path) as run:
        log_some(run)
    (path,) = run_path.rglob("*.parquet")
    table = pq.read_table(path)
    newer = run_path / "newer.parquet"
    meta = table.schema.metadata[b"everystep"].replace(b'"format":1', b'"format":2')
    pq.write_table(table.replace_schema_metadata({b"everystep": meta}), newer)
    with pytest.raises(NewerFormatError, match="Install a newer everystep"):
        identify(newer)
    pq.write_table(table.replace_schema_metadata({}), newer)
    with pytest.raises(DamagedError, match="not a segment of everystep"):
        identify(newer)
    pq.write_table(table.replace_schema_metadata({b"everystep": b"{"}), newer)
    with pytest.raises(DamagedError, match="its metadata make no sense"):
        identify(newer)


def test_a_segment_belongs_to_one_run_writer_and_stretch(run_path: Path) -> None:
    """Its metadata say so; where a repair did not know the run, any will do."""
    with Run(run_path, rank=1, world_size=2) as run:
        run.log({"a": 1})
    (path,) = run_path.rglob("*.parquet")
    mine = identify(path)
    assert mine == Identity(run=run.id, rank=1, attempt=0, first_seq=0, last_seq=0)
    check_identity(path, mine)
    check_identity(path, replace(mine, run=""))
    for change in ({"run": "x"}, {"rank": 0}, {"attempt": 1}, {"first_seq": 1}, {"last_seq": 1}):
        with pytest.raises(DamagedError, match="do not belong here"):
            check_identity(path, replace(mine, **change))
