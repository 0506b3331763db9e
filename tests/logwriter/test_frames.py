"""Rows as pandas and Polars frames: the same rows, exact types, and the wide form against a twin."""

import math
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pandas as pd
import polars as pl
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwriter import Run, read
from logwriter.errors import UnknownMetricError
from logwriter.frames import column_names, to_pandas, widen
from logwriter.runlog import ROWS_SCHEMA

Logged = tuple[int, int, str, int, float]
"""Rank, attempt, metric, step, value; in the order they were logged."""


def to_rows(logged: list[Logged]) -> pa.Table:
    """A table as `RunLog.rows` gives it."""
    numbered = sorted((*row[:3], seq, *row[3:]) for seq, row in enumerate(logged))
    columns = list(zip(*numbered, strict=True)) or [()] * 6
    rank, attempt, metric, seq, step, value = columns
    names = pa.array(metric, pa.string()).dictionary_encode()
    times = [datetime(2026, 11, 21, tzinfo=UTC)] * len(numbered)
    cells = [rank, attempt, names, seq, step, [None] * len(numbered), times, value]
    arrays = [
        pa.array(cell, field.type) if cell is not names else names
        for cell, field in zip(cells, ROWS_SCHEMA, strict=True)
    ]
    return pa.Table.from_arrays(arrays, schema=ROWS_SCHEMA)


def widen_slowly(logged: list[Logged]) -> dict[tuple[int, int], dict[str, float]]:
    """Each step of each rank with its metrics: what later attempts say counts, then later rows."""
    found: dict[tuple[int, int], dict[str, float]] = {}
    for rank, _, metric, step, value in sorted(logged, key=lambda row: row[:2]):
        found.setdefault((rank, step), {})[metric] = value
    return dict(sorted(found.items()))


@pytest.fixture
def run(run_path: Path) -> Path:
    """Two epochs of three steps, then one row outside any epoch."""
    with Run(run_path) as run:
        for epoch in run.epochs(2):
            for batch in range(3):
                run.log({"loss": 1.0 / (1 + batch), "lr": 0.1})
            run.log({"acc": math.nan if epoch else 0.5})
        run.log({"loss": math.inf}, step=9)
    return run_path


def test_the_long_pandas_frame_has_the_types_it_promises(run: Path) -> None:
    """And the rows of `rows`, in their order."""
    log = read(run)
    frame, rows = log.to_pandas(), log.rows()
    assert {name: str(kind) for name, kind in frame.dtypes.items()} == {
        "rank": "int32",
        "attempt": "int32",
        "metric": "category",
        "seq": "int64",
        "step": "int64",
        "epoch": "Int64",
        "time": "datetime64[us, UTC]",
        "value": "float64",
    }
    assert list(frame["metric"].cat.categories) == ["acc", "loss", "lr"]
    epochs = [None if value is pd.NA else value for value in frame["epoch"]]
    assert epochs == rows.column("epoch").to_pylist()
    assert None in epochs
    assert 1 in epochs
    for name in ("rank", "attempt", "metric", "seq", "step", "time"):
        assert frame[name].tolist() == rows.column(name).to_pylist()
    assert frame["value"].to_numpy().tobytes() == rows.column("value").to_numpy().tobytes()


def test_the_long_polars_frame_is_the_table_of_rows(run: Path) -> None:
    """With null where there is no epoch, and NaN where NaN was logged."""
    log = read(run)
    frame = log.to_polars()
    assert dict(frame.schema) == {
        "rank": pl.Int32(),
        "attempt": pl.Int32(),
        "metric": pl.Categorical(),
        "seq": pl.Int64(),
        "step": pl.Int64(),
        "epoch": pl.Int64(),
        "time": pl.Datetime("us", "UTC"),
        "value": pl.Float64(),
    }
    assert repr(frame.rows()) == repr(pl.DataFrame(log.rows()).rows())
    assert frame["epoch"].null_count() == 1
    assert frame["value"].is_nan().sum() == 1


def test_categories_are_those_that_occur_by_code_points(run_path: Path) -> None:
    """A frame of one metric does not know the others, and when each was first logged is no matter."""
    with Run(run_path) as run:
        run.log({"b": 1.0, "c": 1.0})
        run.flush()
        run.log({"a": 1.0})
    assert list(read(run_path).to_pandas()["metric"].cat.categories) == ["a", "b", "c"]
    assert list(read(run_path).to_pandas(["c"])["metric"].cat.categories) == ["c"]


def test_the_wide_frames_have_a_row_a_step(run: Path) -> None:
    """Ready for ``.loc[0].plot()``; Polars tells what was not logged from NaN."""
    wide = read(run).to_pandas(wide=True)
    assert wide.index.names == ["rank", "step"]
    assert wide.columns.tolist() == ["acc", "loss", "lr"]
    assert wide.loc[0].index.tolist() == [0, 1, 2, 3, 4, 5, 9]
    assert wide.loc[(0, 4), "loss"] == 0.5
    polars = read(run).to_polars(wide=True)
    assert polars.columns == ["rank", "step", "acc", "loss", "lr"]
    assert repr(polars["acc"].to_list()) == "[None, None, 0.5, None, None, nan, None]"


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.integers(0, 2),
            st.sampled_from(["loss", "acc", "step", "é"]),
            st.integers(-3, 3) | st.sampled_from([-(2**63), 2**63 - 1]),
            st.floats(),
        ),
        max_size=40,
    )
)
def test_the_wide_form_is_that_of_a_slow_twin(logged: list[Logged]) -> None:
    """Bit for bit, NaN included."""
    table = widen(to_rows(logged))
    expected = widen_slowly(logged)
    keys = list(zip(*(table.column(n).to_pylist() for n in ("rank", "step")), strict=True))
    assert keys == list(expected)
    metrics = sorted({row[2] for row in logged})
    assert table.column_names[2:] == [n if n != "step" else "step (metric)" for n in metrics]
    for place, metric in enumerate(metrics, start=2):
        values = table.column(place).to_pylist()
        assert repr(values) == repr([row.get(metric) for row in expected.values()])


def test_of_repeated_steps_the_last_attempt_counts(run_path: Path) -> None:
    """What a resume hides is not there, unless all attempts are asked for."""
    with Run(run_path) as run:
        for value in range(4):
            run.log({"loss": float(value), "old": 1.0})
    with Run(run_path, resume=1) as run:
        run.log({"loss": 20.0})
    log = read(run_path)
    assert log.to_pandas(["loss"], wide=True)["loss"].tolist() == [0.0, 1.0, 20.0]
    everything = log.to_pandas(["loss"], attempts="all", wide=True)
    assert everything["loss"].tolist() == [0.0, 1.0, 20.0, 3.0]


def test_a_metric_that_was_asked_for_is_a_column_without_rows_too(run_path: Path) -> None:
    """All of its rows are hidden."""
    with Run(run_path) as run:
        run.log({"loss": 1.0}, step=0)
        run.log({"rare": 1.0}, step=5)
    with Run(run_path, resume=0) as run:
        run.log({"loss": 2.0})
    assert read(run_path).to_polars(["rare", "loss"], wide=True)["rare"].to_list() == [None, None]
    with pytest.raises(UnknownMetricError, match="no metric 'other'"):
        read(run_path).to_pandas(["other"])


@pytest.mark.parametrize("wide", [False, True])
def test_an_empty_run_is_an_empty_frame(run_path: Path, wide: bool) -> None:
    """Of the same columns."""
    with Run(run_path):
        pass
    log = read(run_path)
    assert len(log.to_pandas(wide=wide)) == 0
    assert log.to_polars(wide=wide).height == 0
    assert ("value" in log.to_pandas(wide=wide)) is not wide


def test_ranks_are_told_apart(run_path: Path) -> None:
    """Each has its own rows; ``ranks`` chooses."""
    for rank in range(2):
        with Run(run_path, rank=rank, world_size=2) as run:
            run.log({"loss": float(rank)})
    log = read(run_path)
    assert log.to_pandas(wide=True)["loss"].to_dict() == {(0, 0): 0.0, (1, 0): 1.0}
    assert log.to_polars(ranks=[1], wide=True).rows() == [(1, 0, 1.0)]


def test_names_that_are_taken_get_a_name_of_their_own() -> None:
    """Also where that is taken, too."""
    names = ["rank", "rank (metric)", "loss"]
    assert column_names(names, ["rank", "step"]) == [
        "rank (metric) (metric)",
        "rank (metric)",
        "loss",
    ]


def test_null_integers_stay_integers() -> None:
    """A float would round large ones."""
    table = pa.table({"step": pa.array([2**62 + 1, None]), "plain": [1, 2]})
    frame = to_pandas(table, nullable=["step"])
    assert frame["step"].tolist() == [2**62 + 1, pd.NA]
    assert frame["plain"].dtype == "int64"


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_a_missing_library_is_named_with_what_installs_it(
    run: Path, monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    """As the extra of that name."""
    monkeypatch.setitem(sys.modules, library, None)
    log = read(run)
    with pytest.raises(ImportError, match=rf"pip install 'everystep\[{library}\]'"):
        getattr(log, f"to_{library}")()


def test_nothing_but_frames_needs_their_libraries(run: Path, tmp_path: Path) -> None:
    """Reading and showing a run works where neither is installed, and one frame without the other."""
    for absent in ("pandas", "matplotlib"):
        (tmp_path / f"{absent}.py").write_text("raise ModuleNotFoundError(__name__)\n")
    code = (
        f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nfrom logwriter import read\n"
        f"log = read({str(run)!r}); log.rows(); assert 'loss' in log._repr_html_()\n"
        "assert 'polars' not in sys.modules\nassert len(log.to_polars()) == 15"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
