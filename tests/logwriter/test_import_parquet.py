"""Parquet and Feather files become runs, with the bits of every number."""

import datetime as dt
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tabled import column, notes, points

from logwriter.errors import EverystepError, NothingLoggedError
from logwriter.importing import import_log

START = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)


def written(folder: Path, columns: dict[str, Any], name: str = "log.parquet", **how: Any) -> Path:
    """A file of these columns."""
    table = pa.table(columns)
    if name.endswith("parquet"):
        pq.write_table(table, folder / name, **how)
    else:
        pyarrow.feather.write_feather(table, str(folder / name), **how)
    return folder / name


@settings(deadline=None, max_examples=25)
@given(
    rows=st.lists(st.tuples(st.none() | st.floats(), st.none() | st.floats(width=32)), min_size=1),
    name=st.sampled_from(["log.parquet", "log.feather"]),
)
def test_columns_of_random_numbers_come_back_bit_for_bit(
    rows: list[tuple[float | None, float | None]], name: str
) -> None:
    """Null is nothing, NaN is a value, and float32 widens."""
    rows = [*rows, (0.5, 0.5)]
    columns = {
        "step": pa.array(range(len(rows)), pa.int32()),
        "a": pa.array([a for a, _ in rows], pa.float64()),
        "b": pa.array([b for _, b in rows], pa.float32()),
    }
    expected = [
        (n, metric, np.float64(value).tobytes())
        for n, row in enumerate(rows)
        for metric, value in zip("ab", row, strict=True)
        if value is not None
    ]
    with tempfile.TemporaryDirectory() as folder:
        (one,) = import_log(written(Path(folder), columns, name), Path(folder) / "run")
        found = [
            (step, metric, np.float64(value).tobytes()) for step, metric, value in points(one.path)
        ]
    assert found == expected


def test_columns_have_their_roles_by_name_and_type(tmp_path: Path) -> None:
    """A timestamp is the time; an index of pandas and texts are left out; truth values are 1 and 0."""
    columns = {
        "Unnamed: 0": [0, 1, 2],
        "global_step": [10, 20, 30],
        "epoch": [1, 1, 2],
        "timestamp": [START, None, START + dt.timedelta(microseconds=7)],
        "a": [0.5, None, math.inf],
        "ok": [True, False, None],
        "tag": ["x", "y", "z"],
    }
    (one,) = import_log(written(tmp_path, columns), tmp_path / "run")
    assert points(one.path) == [
        (10, "a", 0.5),
        (10, "ok", 1.0),
        (20, "ok", 0.0),
        (30, "a", math.inf),
    ]
    assert column(one.path, "epoch", "a") == [1, 2]
    assert column(one.path, "time", "ok") == [START, START]
    assert column(one.path, "time", "a")[1] == START + dt.timedelta(microseconds=7)
    assert "columns of other types are left out: 'tag'" in notes(one)
    assert one.format == "parquet"


def test_row_groups_are_read_one_after_another(tmp_path: Path) -> None:
    """Every row in its order, a fallen step in another group too; progress comes to the end."""
    steps = [*range(500), *range(300, 600)]
    told: list[int] = []
    path = written(tmp_path, {"step": steps, "a": steps}, row_group_size=64)
    (one,) = import_log(path, tmp_path / "run", progress=lambda count, _: told.append(count))
    assert column(one.path, "step", "a") == steps
    assert one.attempts == 2
    assert sum(told) == path.stat().st_size


def test_a_column_of_texts_splits_a_file(tmp_path: Path) -> None:
    """Dictionary columns too; rows keep their numbers for what is said of them."""
    columns = {
        "step": [0, 0, None, 1],
        "a": [1.0, 2.0, 3.0, 4.0],
        "run": pa.array(["x", "y", "y", "x"]).dictionary_encode(),
    }
    first, second = import_log(
        written(tmp_path, columns), tmp_path / "runs", split="run", step="step"
    )
    assert points(first.path) == [(0, "a", 1.0), (1, "a", 4.0)]
    assert points(second.path) == [(0, "a", 2.0)]
    assert second.skipped_first == ("row 3: it has no step",)


@pytest.mark.parametrize("name", ["log.parquet", "log.feather"])
def test_a_file_that_is_cut_is_refused_with_the_reason(tmp_path: Path, name: str) -> None:
    """Its end says where its columns are."""
    path = written(tmp_path, {"step": list(range(999)), "a": [0.5] * 999}, name)
    path.write_bytes(path.read_bytes()[:-200])
    with pytest.raises(EverystepError, match="it may be cut"):
        import_log(path, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_damaged_page_is_refused_and_leaves_no_run(tmp_path: Path) -> None:
    """The footer may be whole while a page is not; its checksum is looked at, where there is one."""
    columns = {"step": np.arange(9000), "a": np.random.default_rng(1).random(9000)}
    path = written(
        tmp_path, columns, compression="none", use_dictionary=False, write_page_checksum=True
    )
    data = bytearray(path.read_bytes())
    middle = len(data) // 2  # of numbers as they are, where any bits are a number
    data[middle : middle + 8] = bytes(8)
    path.write_bytes(data)
    with pytest.raises(EverystepError, match="cannot be read"):
        import_log(path, tmp_path / "run")
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_a_file_without_rows_holds_nothing(tmp_path: Path) -> None:
    """So does one without numbers."""
    empty: list[dict[str, Any]] = [{"step": [], "a": []}, {"step": [1], "a": ["x"]}]
    for columns in empty:
        with pytest.raises(NothingLoggedError, match="holds no row"):
            import_log(written(tmp_path, columns), tmp_path / "run")


def test_an_old_feather_file_is_refused(tmp_path: Path) -> None:
    """It is no longer read by anything current."""
    (tmp_path / "log.feather").write_bytes(b"FEA1" + bytes(64))
    with pytest.raises(EverystepError, match="version 1"):
        import_log(tmp_path / "log.feather", tmp_path / "run")
