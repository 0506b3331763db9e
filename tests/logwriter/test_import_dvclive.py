"""DVCLive's folders, of today and of older versions."""

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from importedrows import column, rows, steps_and_values

from logwriter import read
from logwriter.errors import EverystepError
from logwriter.importing import import_log
from logwriter.importing.formats import detect, dvclive
from logwriter.importing.source import look


def folder_of(tmp_path: Path, metrics: dict[str, str], place: str = "plots/metrics") -> Path:
    """A folder with a file a metric."""
    for name, text in metrics.items():
        path = tmp_path / "dvclive" / place / f"{name}.tsv"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path / "dvclive"


@pytest.mark.parametrize("place", ["plots/metrics", "scalars", ""])
def test_a_folder(tmp_path: Path, place: str) -> None:
    """Metrics of one step are a row; folders are parts of names, where today's versions make them."""
    loss = "step\tloss\n0\t0.5\n1\tnan\n"
    source = folder_of(tmp_path, {"loss": loss, "acc": "step\tacc\n1\t0.25\n"}, place)
    (source / "params.yaml").write_text("lr: 0.001\nmodel:\n  layers: 3\n")
    assert detect(look(source)).name == "dvclive"
    (done,) = import_log(source, tmp_path / "run")
    (_, first), (step, second) = steps_and_values(done.path)
    assert first == {"loss": 0.5}
    assert (step, second["acc"], np.isnan(second["loss"])) == (1, 0.25, True)
    state = read(done.path).state
    assert state.config == {"lr": 0.001, "model": {"layers": 3}}
    assert state.name == "dvclive"


def test_folders_are_parts_of_names(tmp_path: Path) -> None:
    """``train/loss`` lies in ``train/loss.tsv``, under the column ``loss``."""
    source = folder_of(tmp_path, {"train/loss": "step\tloss\n0\t0.5\n"})
    (done,) = import_log(source, tmp_path / "run")
    assert done.metrics == ("train/loss",)


def test_a_name_that_is_no_text(tmp_path: Path) -> None:
    """Its bytes are shown, and nothing is lost."""
    folder = tmp_path / "dvclive" / "plots" / "metrics"
    folder.mkdir(parents=True)
    for byte in (b"\xfe", b"\xff"):
        (folder / os.fsdecode(b"a" + byte + b".tsv")).write_bytes(b"step\ta" + byte + b"\n1\t2\n")
    (done,) = import_log(tmp_path / "dvclive", tmp_path / "run")
    assert steps_and_values(done.path) == [(1, {r"a\xfe": 2.0, r"a\xff": 2.0})]


def test_timestamps_are_times(tmp_path: Path) -> None:
    """Milliseconds since 1970, and told; order is by time."""
    source = folder_of(
        tmp_path,
        {
            "a": "timestamp\tstep\ta\n1700000000000\t5\t0.5\n1700000000020\t1\t0.25\n",
            "b": "timestamp\tstep\tb\n1700000000010\t9\t0.75\n",
        },
    )
    (done,) = import_log(source, tmp_path / "run", keep_restarts=True)
    assert [step for step, _ in steps_and_values(done.path)] == [5, 9, 1]
    assert [round(moment.timestamp() * 1000) % 1000 for moment in column(done.path, "time")] == [
        *(0, 10, 20)
    ]
    assert any("milliseconds since 1970" in note for note in done.notes)


@settings(deadline=None, max_examples=20)
@given(values=st.lists(st.floats(), min_size=1, max_size=20))
def test_values_keep_every_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    """Written as Python's csv writes them."""
    place = tmp_path_factory.mktemp("dvclive")
    log = "step\tloss\r\n" + "".join(f"{n}\t{value}\r\n" for n, value in enumerate(values))
    (done,) = import_log(folder_of(place, {"loss": log}), place / "run")
    np.testing.assert_array_equal(read(done.path).series("loss")[1], values)


def test_a_run_written_twice_is_two_attempts(tmp_path: Path) -> None:
    """Steps fall in every file: all of the second run comes after all of the first."""
    log = "step\t{0}\n" + "".join(f"{step}\t0.5\n" for step in (0, 1, 2, 0, 1))
    source = folder_of(tmp_path, {name: log.format(name) for name in ("a", "b")})
    (done,) = import_log(source, tmp_path / "run")
    assert [(attempt, step, len(found)) for attempt, step, found in rows(done.path)] == [
        *((0, 0, 2), (0, 1, 2), (0, 2, 2)),
        *((1, 0, 2), (1, 1, 2)),
    ]


def test_lines_that_cannot_be_read(tmp_path: Path) -> None:
    """Cut, too short, of text, headers again; empty files and a byte order mark are no fault."""
    log = "\ufeffstep\tloss\n0\t0.5\n1\tbad\n2\nstep\tloss\n3\t0.25\n4\t0.1"
    source = folder_of(tmp_path, {"loss": log, "empty": ""})
    (done,) = import_log(source, tmp_path / "run")
    assert steps_and_values(done.path) == [(0, {"loss": 0.5}), (3, {"loss": 0.25})]
    assert [where.partition(":")[0] for where in done.skipped_first] == [
        f"loss.tsv, line {number}" for number in (3, 4, 7)
    ]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("learn_error", "iter\tLogloss\n0\t0.5\n"),
        ("loss", "step\tother\n0\t0.5\n"),
        ("loss", "x\n"),
    ],
)
def test_other_tables_are_none(tmp_path: Path, name: str, text: str) -> None:
    """A file whose columns are not the step and its own name is another tool's."""
    source = folder_of(tmp_path, {name: text}, "")
    assert not dvclive.detects(look(source))
    with pytest.raises(EverystepError, match="no folder of DVCLive"):
        import_log(source, tmp_path / "run", format="dvclive")


def test_unreadable_parameters_are_left_out(tmp_path: Path) -> None:
    """With the file, and why; the rows are read."""
    source = folder_of(tmp_path, {"loss": "step\tloss\n0\t0.5\n"})
    (source / "params.yaml").write_text("- 1\n- 2\n")
    (one,) = import_log(source, tmp_path / "run")
    assert one.rows == 1
    assert "parameters are left out" in one.notes[0]
    assert "params.yaml holds no mapping" in one.notes[0]


def test_yaml_without_its_reader_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only where there is a YAML file to read."""
    monkeypatch.setitem(__import__("sys").modules, "yaml", None)
    source = folder_of(tmp_path, {"loss": "step\tloss\n0\t0.5\n"})
    (one,) = import_log(source, tmp_path / "run")
    assert one.notes == ()
    (source / "params.yaml").write_text("lr: 1\n")
    (told,) = import_log(source, tmp_path / "other")
    assert "pip install 'everystep[yaml]'" in told.notes[0]
