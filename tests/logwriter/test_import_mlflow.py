"""MLflow's folders and its database: the same runs, read without MLflow."""

import math
import sqlite3
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from importedrows import column, rows, steps_and_values

from logwriter import read
from logwriter.errors import EverystepError
from logwriter.importing import import_log
from logwriter.importing.formats import detect, mlflow
from logwriter.importing.interleaving import Point, interleave
from logwriter.importing.items import Skipped
from logwriter.importing.records import Row
from logwriter.importing.source import look

START = 1_700_000_000_000
TABLES = """
    CREATE TABLE experiments (experiment_id INTEGER PRIMARY KEY, name TEXT);
    CREATE TABLE runs (
        run_uuid TEXT PRIMARY KEY, name TEXT, status TEXT, start_time BIGINT, lifecycle_stage TEXT,
        experiment_id INTEGER
    );
    CREATE TABLE metrics (
        key TEXT, value FLOAT, timestamp BIGINT, run_uuid TEXT, step BIGINT, is_nan BOOLEAN,
        PRIMARY KEY (key, timestamp, step, run_uuid, value, is_nan)
    );
    CREATE TABLE params (key TEXT, value TEXT, run_uuid TEXT);
    CREATE TABLE tags (key TEXT, value TEXT, run_uuid TEXT);
"""


def write(path: Path, text: str) -> None:
    """A file, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def folder_of(tmp_path: Path, run: str = "a1", status: int = 3, **metrics: str) -> Path:
    """MLflow's folder with one run; a metric's ``__`` is a ``/``."""
    experiment = tmp_path / "mlruns" / "7"
    write(experiment / "meta.yaml", "experiment_id: '7'\nname: digits\nlifecycle_stage: active\n")
    meta = f"run_id: {run}\nrun_name: x\nstatus: {status}\nlifecycle_stage: active\n"
    write(experiment / run / "meta.yaml", meta)
    write(experiment / run / "params" / "opt" / "lr", "0.001")
    write(experiment / run / "tags" / "mlflow.runName", "first: a 'try'")
    write(experiment / run / "tags" / "team", "blue")
    (experiment / run / "metrics").mkdir()
    for name, text in metrics.items():
        write(experiment / run / "metrics" / name.replace("__", "/"), text)
    return tmp_path / "mlruns"


def database_of(tmp_path: Path, metrics: list[tuple[Any, ...]], status: str = "FINISHED") -> Path:
    """MLflow's database with one run: ``(key, value, timestamp, step, is_nan)``."""
    path = tmp_path / "mlflow.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(TABLES)
        database.execute("INSERT INTO experiments VALUES (7, 'digits')")
        database.execute("INSERT INTO runs VALUES ('a1', 'x', ?, ?, 'active', 7)", (status, START))
        database.execute("INSERT INTO params VALUES ('opt/lr', '0.001', 'a1')")
        tags = [("mlflow.runName", "first: a 'try'", "a1"), ("team", "blue", "a1")]
        database.executemany("INSERT INTO tags VALUES (?, ?, ?)", tags)
        database.executemany("INSERT INTO metrics VALUES (?, ?, ?, 'a1', ?, ?)", metrics)
        database.commit()
    return path


def check_the_run(path: Path) -> None:
    """What both stores hold of the same run."""
    found = steps_and_values(path)
    assert [step for step, _ in found] == [1, 1, 2, 2]
    assert found[0][1] == {"loss": 0.5, "train/acc": 0.25}
    assert found[1][1] == {"val": math.inf}
    assert math.isnan(found[2][1]["loss"])
    assert found[3][1] == {"loss": -math.inf}
    moments = [moment.timestamp() * 1000 for moment in column(path, "time")]
    assert moments == [START, START + 5, START + 10, START + 10]
    state = read(path).state
    assert state.config == {"opt/lr": "0.001"}
    assert state.tags == ["team=blue"]
    assert state.name == "first: a 'try'"
    assert state.status == "completed"
    started = state.attempts[0].started
    assert started is not None
    assert started.environment["mlflow.experiment"] == "digits"


def test_a_folder(tmp_path: Path) -> None:
    """Values of the same time and step are a row; metrics interleave; nothing is changed."""
    mlruns = folder_of(
        tmp_path,
        loss=f"{START} 0.5 1\n{START + 10} nan 2\n{START + 10} -inf 2\n",
        train__acc=f"{START} 0.25 1\n",
        val=f"{START + 5} inf 1\n",
    )
    for number, place in enumerate((mlruns, mlruns / "7", mlruns / "7" / "a1")):
        assert detect(look(place)).name == "mlflow"
        (done,) = import_log(place, tmp_path / f"run{number}")
        check_the_run(done.path)


def test_a_database(tmp_path: Path) -> None:
    """The same, with NaN and infinities as MLflow stores them; nothing is written beside it."""
    large = sys.float_info.max
    path = database_of(
        tmp_path,
        [
            ("loss", 0.5, START, 1, 0),
            ("train/acc", 0.25, START, 1, 0),
            ("loss", 0.0, START + 10, 2, 1),
            ("loss", -large, START + 10, 2, 0),
            ("val", large, START + 5, 1, 0),
        ],
    )
    assert detect(look(path)).name == "mlflow"
    (done,) = import_log(path, tmp_path / "run")
    check_the_run(done.path)
    assert any("largest floats were read as infinities" in note for note in done.notes)
    assert sorted(each.name for each in tmp_path.iterdir()) == ["mlflow.db", "run"]


@settings(deadline=None, max_examples=20)
@given(values=st.lists(st.floats(), min_size=1, max_size=20))
def test_values_keep_every_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    """Written as MLflow writes them, by Python's shortest form."""
    log = "".join(f"{START + n} {value} {n}\n" for n, value in enumerate(values))
    place = tmp_path_factory.mktemp("mlflow")
    (done,) = import_log(folder_of(place, loss=log), place / "run")
    np.testing.assert_array_equal(read(done.path).series("loss")[1], values)


def test_several_runs_are_runs_and_one_without_rows_spoils_none(tmp_path: Path) -> None:
    """Each by its name; deleted ones are told, and the trash is left alone."""
    mlruns = folder_of(tmp_path, "a1", loss=f"{START} 0.5 1\n")
    folder_of(tmp_path, "b2", 4, loss=f"{START} 0.5 1\n")
    folder_of(tmp_path, "c3", 1)
    write(mlruns / "7" / "b2" / "tags" / "mlflow.runName", "../second")
    deleted = "status: 4\nlifecycle_stage: deleted\n"
    write(mlruns / "7" / "b2" / "meta.yaml", deleted)
    write(mlruns / ".trash" / "9" / "d4" / "meta.yaml", "status: 3\n")
    faults: dict[str, str] = {}
    first, second = import_log(
        mlruns, tmp_path / "runs", failed=lambda name, why: faults.update({name: str(why)})
    )
    assert [each.path.parent for each in (first, second)] == [tmp_path / "runs"] * 2
    assert read(second.path).state.status == "failed"
    assert "MLflow counts this run as deleted" in second.notes
    assert list(faults) == ["first: a 'try'"]
    assert "no row" in faults["first: a 'try'"]


@pytest.mark.parametrize(
    ("status", "wanted"),
    [
        ("FINISHED", "completed"),
        ("FAILED", "failed"),
        ("KILLED", "failed"),
        ("RUNNING", "unfinished"),
    ],
)
def test_how_a_run_ended(tmp_path: Path, status: str, wanted: str) -> None:
    """A run that still ran when the store was copied has no end."""
    path = database_of(tmp_path, [("loss", 0.5, START, 1, 0)], status)
    (done,) = import_log(path, tmp_path / "run")
    assert read(done.path).state.status == wanted


def test_lines_that_cannot_be_read(tmp_path: Path) -> None:
    """Cut, or of other columns: named by file and line, and never read as less than they were."""
    log = f"{START} 0.5 100\n{START} abc 101\n{START} 0.25\n\n{START + 1} 0.75 102\n{START} 0.5 1"
    (done,) = import_log(folder_of(tmp_path, a__loss=log), tmp_path / "run")
    assert [step for step, _ in steps_and_values(done.path)] == [100, 102]
    assert [where.partition(":")[0] for where in done.skipped_first] == [
        f"a/loss, line {number}" for number in (2, 3, 6)
    ]
    assert done.skipped_first[-1].endswith("it was cut")


def test_old_lines_without_a_step(tmp_path: Path) -> None:
    """Their step is 0, as MLflow reads them, and that is told."""
    (done,) = import_log(
        folder_of(tmp_path, loss=f"{START} 0.5\n{START + 1} 0.25\n"), tmp_path / "r"
    )
    assert steps_and_values(done.path) == [(0, {"loss": 0.5}), (0, {"loss": 0.25})]
    assert any("steps: 0" in note for note in done.notes)


def test_a_resumed_run_is_another_attempt(tmp_path: Path) -> None:
    """Its steps fall, while time goes on."""
    log = "".join(f"{START + n} 0.5 {step}\n" for n, step in enumerate((1, 2, 3, 2, 3)))
    (done,) = import_log(folder_of(tmp_path, loss=log, acc=log), tmp_path / "run")
    assert done.attempts == 2
    assert [(attempt, step) for attempt, step, _ in rows(done.path)] == [
        *((0, 1), (0, 2), (0, 3)),
        *((1, 2), (1, 3)),
    ]


def test_more_metrics_than_a_process_may_have_files(tmp_path: Path) -> None:
    """Files are open only while they are read."""
    import resource

    names = [f"m{n}" for n in range(200)]
    mlruns = folder_of(tmp_path, "a1", 3, **dict.fromkeys(names, f"{START} 0.5 1\n"))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (150, hard))
    try:
        (done,) = import_log(mlruns, tmp_path / "run")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert steps_and_values(done.path) == [(1, dict.fromkeys(names, 0.5))]


def test_a_write_ahead_log_is_told(tmp_path: Path) -> None:
    """What is only there is not read."""
    path = database_of(tmp_path, [("loss", 0.5, START, 1, 0)])
    (tmp_path / "mlflow.db-wal").write_bytes(b"not empty")
    (done,) = import_log(path, tmp_path / "run")
    assert any("mlflow.db-wal beside it was not read" in note for note in done.notes)


def test_a_damaged_database_is_an_error(tmp_path: Path) -> None:
    """It says that SQLite cannot read it, not that it is a text."""
    (tmp_path / "mlflow.db").write_bytes(b"SQLite format 3\0" + b"\xff" * 5000)
    assert not mlflow.detects(look(tmp_path / "mlflow.db"))
    with pytest.raises(EverystepError, match="neither MLflow's folder"):
        import_log(tmp_path / "mlflow.db", tmp_path / "run", format="mlflow")


def test_unreadable_meta_is_an_error_of_that_run_only(tmp_path: Path) -> None:
    """With the file, and why; that of the experiment is only told."""
    mlruns = folder_of(tmp_path, loss=f"{START} 0.5 1\n")
    write(mlruns / "7" / "meta.yaml", "name: [\n")
    (done,) = import_log(mlruns, tmp_path / "run")
    assert done.skipped_first[0].startswith("meta.yaml of the experiment: ")
    write(mlruns / "7" / "a1" / "meta.yaml", "status: [\n")
    with pytest.raises(EverystepError, match=r"a1/meta\.yaml is no YAML"):
        import_log(mlruns, tmp_path / "other")


def test_other_folders_are_none(tmp_path: Path) -> None:
    """A folder with a meta.yaml, and a project that holds mlruns among others."""
    write(tmp_path / "project" / "meta.yaml", "a: 1\n")
    assert not mlflow.detects(look(tmp_path / "project"))
    folder_of(tmp_path / "project", loss=f"{START} 0.5 1\n")
    assert not mlflow.detects(look(tmp_path / "project"))


def slowly(metrics: dict[str, list[Point]]) -> list[tuple[int, int | None, str, float]]:
    """Every value by time, round, step, and its number among equals; then metrics in their order."""
    placed = []
    for order, (metric, points) in enumerate(metrics.items()):
        turn = last = 0
        seen: list[tuple[int, int, int]] = []
        for point in points:
            turn += point.time is None and point.step < last
            last = point.step
            place = (point.time or 0, turn, point.step)
            placed.append((*place, seen.count(place), order, metric, point))
            seen.append(place)
    placed.sort(key=lambda each: each[:5])
    return [(each[6].step, each[6].time, each[5], each[6].value) for each in placed]


@settings(deadline=None, max_examples=60)
@given(
    metrics=st.dictionaries(
        st.sampled_from("abc"),
        st.lists(st.tuples(st.integers(0, 3), st.floats(allow_nan=False)), max_size=8),
    ),
    timed=st.booleans(),
)
def test_interleaving_equals_a_slow_sort(
    metrics: dict[str, list[tuple[int, float]]], timed: bool
) -> None:
    """Where each file is in the order of its times; no row has a metric twice."""
    points = {
        metric: [
            Point(step, value, (place // 2) if timed else None)
            for place, (step, value) in enumerate(sorted(logged) if timed else logged)
        ]
        for metric, logged in metrics.items()
    }
    found = list(interleave(points))
    assert not any(isinstance(each, Skipped) for each in found)
    flat = [
        (each.step, each.time, metric, value)
        for each in found
        if isinstance(each, Row)
        for metric, value in each.values.items()
    ]
    assert flat == slowly(points)
