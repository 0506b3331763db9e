"""The command ``export``, as people and programs meet it."""

import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner, Result
from records import chart, digits, record

from compactor import compaction
from compactor.cli.export import export
from compactor.export import (
    json_bytes,
    to_chartjs,
    to_echarts,
    to_series,
    to_table,
    to_vega_lite,
    trackers,
)
from compactor.export.files import slug
from compactor.export.logged import Written
from compactor.record import Record
from compactor.store import write_record
from logwriter import Run, read
from logwriter.errors import NotARunError
from logwriter.runlog import RunLog


def ask(*arguments: object, **options: Any) -> Result:
    """Call the command; an exception is a failure."""
    given = list(map(str, arguments))
    return CliRunner().invoke(export, given, catch_exceptions=False, **options)


@pytest.fixture
def run(run_path: Path) -> Path:
    """A run with a record, of which nothing but its rows is the run's own."""
    with Run(run_path) as writer:
        for step in range(3):
            writer.log({"val/loss": 1.0 / (step + 1), "lr": float("nan")}, step=step)
    write_record(digits(), run_path / "record.json")
    return run_path


@pytest.fixture
def compacted(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The arguments of each call of `compact`, which writes a plain record instead."""
    calls: list[dict[str, Any]] = []

    def stand_in(path: Path, **arguments: Any) -> Record:
        del arguments["progress"]
        calls.append(dict(arguments))
        if arguments.get("policy") == "none":
            raise ValueError("there is no policy 'none'")
        write_record(digits(), Path(arguments.get("output") or path / "record.json"))
        return digits()

    monkeypatch.setattr(compaction, "compact", stand_in)
    return calls


@pytest.mark.parametrize(
    ("form", "exported"),
    [
        ("echarts", to_echarts),
        ("chartjs", to_chartjs),
        ("vega-lite", to_vega_lite),
        ("series", to_series),
    ],
)
def test_json_is_written_into_the_run(
    run: Path, form: str, exported: Callable[[Record], Any]
) -> None:
    """And the file is told."""
    assert ask(run, "--to", form).output == f"{run}/export/{form}.json\n"
    assert (run / "export" / f"{form}.json").read_bytes() == json_bytes(exported(digits()))


def test_a_table_of_drawn_points_is_csv_or_parquet(run: Path, tmp_path: Path) -> None:
    """One row a point."""
    points = to_table(digits())
    result = ask(run, "--to", "parquet", "-o", tmp_path / "new" / "p.parquet", "--json")
    assert pq.read_table(tmp_path / "new" / "p.parquet").equals(points)
    assert json.loads(result.output) == {
        "files": [str(tmp_path / "new" / "p.parquet")],
        "format": "parquet",
        "charts": ["lr", "acc", "loss"],
        "lines": 4,
        "points": points.num_rows,
    }
    assert ask(run, "--to", "csv", "-o", "-").output.count("\n") == points.num_rows + 1
    assert ask(run, "--to", "csv").output == f"{run}/export/points.csv\n"


def test_a_full_table_holds_the_log(run: Path, tmp_path: Path) -> None:
    """Read from its rows; the record has no say."""
    (run / "record.json").unlink()
    result = ask(run, "--to", "csv", "--full", "--metric", "lr", "-o", "-")
    assert [line.split(",")[-1] for line in result.output.splitlines()] == ['"value"', *3 * ["nan"]]
    result = ask(run, "--to", "parquet", "--full", "-o", f"{tmp_path}{os.sep}", "--json")
    assert json.loads(result.output) == {
        "files": [str(tmp_path / "rows.parquet")],
        "format": "parquet",
        "rows": 6,
    }
    exported = pq.read_table(tmp_path / "rows.parquet")
    assert exported.column("step").equals(read(run).rows().column("step"))


def test_standard_output_holds_the_export_alone(run: Path) -> None:
    """Nothing else is printed there."""
    result = ask(run, "--to", "series", "--metric", "val/loss", "-o", "-")
    (entry,) = json.loads(result.stdout)
    assert (entry["title"], entry["best_step"], entry["x"][entry["best_index"]]) == ("Loss", 69, 69)


def test_a_folder_gets_a_file_for_each_chart(run_path: Path, tmp_path: Path) -> None:
    """Named after a number and the letters of the chart: a name leads nowhere else."""
    names = ["../../etc/passwd", "/etc", "", "..", "\x00", "CON", "损失", "a" * 300]
    write_record(record({name: chart(name, {"x": [(0, 1.0)]}) for name in names}), run_path)
    folder = tmp_path / "charts"
    folder.mkdir()
    result = ask(run_path, "--to", "echarts", "-o", folder, "--json")
    assert [Path(name).name for name in json.loads(result.output)["files"]] == [
        "01-etc-passwd.json",
        "02-etc.json",
        "03-chart.json",
        "04-chart.json",
        "05-chart.json",
        "06-con.json",
        "07-chart.json",
        f"08-{'a' * 60}.json",
    ]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["charts", run_path.name]
    assert json.loads((folder / "06-con.json").read_bytes())["title"]["text"] == "CON"
    assert slug("Ünïcode / Loss") == "unicode-loss"


def test_a_run_without_a_record_is_compacted_first(
    run: Path, tmp_path: Path, compacted: list[dict[str, Any]]
) -> None:
    """The record is kept in the run unless the export goes elsewhere."""
    (run / "record.json").unlink()
    result = ask(run, "--to", "series", "-o", tmp_path / "s.json")
    assert "no record.json yet: compacting it first" in result.stderr
    assert not (run / "record.json").exists()
    ask(run, "--to", "series")
    assert (run / "record.json").exists()
    assert [list(call) for call in compacted] == [["output"], []]
    assert not ask(run, "--to", "series").stderr
    assert len(compacted) == 2


def test_what_is_asked_of_the_record_makes_one_for_this_export(
    run: Path, compacted: list[dict[str, Any]]
) -> None:
    """The run's own record stays as it is."""
    before = (run / "record.json").read_bytes()
    arguments = ["--monitor", "lr", "--mode", "max", "--policy", "uniform", "--max-points", "50"]
    ask(run, "--to", "series", *arguments)
    (call,) = compacted
    assert call.pop("output").parent != run
    assert call == {"monitor": "lr", "mode": "max", "policy": "uniform", "max_points": 50}
    assert (run / "record.json").read_bytes() == before
    result = ask(run, "--to", "series", "--policy", "none")
    assert (result.exit_code, "no policy 'none'" in result.output) == (2, True)


def test_a_record_older_than_the_log_is_said_to_be(run: Path) -> None:
    """It is exported all the same."""
    os.utime(run / "record.json", (0, 0))
    result = ask(run, "--to", "series", "-o", "-")
    assert "has gone on since its record.json was written" in result.stderr
    assert json.loads(result.stdout)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--to", "echarts", "--full"], "--full is for csv and parquet"),
        (["--to", "csv", "--full", "--chart", "loss"], "give --metric"),
        (["--to", "csv", "--full", "--max-points", "50"], "takes no --max-points"),
        (["--to", "csv", "--x", "epoch"], "--x is for charts"),
        (["--to", "parquet", "-o", "-"], "parquet is no text"),
        (["--to", "csv", "-o", "-", "--json"], "give one of them"),
        (["--to", "csv", "-o", ""], "--output is empty"),
        (["--to", "tensorboard", "--full"], "holds every row anyway"),
        (["--to", "wandb", "--chart", "loss"], "give --metric"),
        (["--to", "tensorboard", "--x", "epoch"], "--x is for charts"),
        (["--to", "wandb", "-o", "-"], "wandb is a folder of files"),
        (["--to", "wandb", "--policy", "uniform"], "takes no --policy"),
        (["--to", "tensorboard", "--mode", "max"], "takes no --mode"),
        ([], "Missing option '--to'"),
    ],
)
def test_what_makes_no_sense_together_is_refused(
    run: Path, arguments: list[str], said: str
) -> None:
    """Before anything is written."""
    result = ask(run, *arguments)
    assert (result.exit_code, said in result.output) == (2, True)
    assert not (run / "export").exists()


def test_a_record_can_be_exported_without_its_run(run: Path, tmp_path: Path) -> None:
    """It cannot be compacted anew."""
    lone = (run / "record.json").rename(tmp_path / "lone.json")
    assert ask(lone, "--to", "series").output == f"{tmp_path}/export/series.json\n"
    result = ask(lone, "--to", "series", "--mode", "max")
    assert (result.exit_code, "takes no --mode" in result.output) == (2, True)


def test_a_tracker_gets_a_folder(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its files are told, and what is worth knowing of them; W&B's summary gets the best point."""
    calls: list[dict[str, Any]] = []

    def stand_in(form: str, log: RunLog, folder: Path, **arguments: Any) -> Written:
        arguments.pop("tell")(log.parts()[0].rows)
        calls.append({"form": form, "folder": folder, **arguments})
        return Written((folder / "one", folder / "two"), 3, 6, ("steps are counted",))

    monkeypatch.setattr(trackers, "write_run", stand_in)
    result = ask(run, "--to", "tensorboard")
    folder = run / "export" / "tensorboard"
    assert result.stdout == f"{folder}/one\n{folder}/two\n"
    assert result.stderr == "steps are counted\n"
    result = ask(run, "--to", "wandb", "-o", tmp_path / "w", "--metric", "lr", "--json")
    assert json.loads(result.stdout) == {
        "files": [str(tmp_path / "w" / "one"), str(tmp_path / "w" / "two")],
        "format": "wandb",
        "rows": 3,
        "values": 6,
        "notes": ["steps are counted"],
    }
    assert calls == [
        {"form": "tensorboard", "folder": folder, "best": None, "metrics": ()},
        {"form": "wandb", "folder": tmp_path / "w", "best": digits().best, "metrics": ("lr",)},
    ]


def test_every_row_is_in_the_runs_folder_only(run: Path, tmp_path: Path) -> None:
    """A record has none, and a tracker's folder is no file."""
    for arguments in (["--to", "tensorboard"], ["--to", "csv", "--full"]):
        result = ask(run / "record.json", *arguments)
        assert (result.exit_code, "a record has no rows" in result.output) == (2, True)
    (tmp_path / "file").touch()
    result = ask(run, "--to", "tensorboard", "-o", tmp_path / "file")
    assert (result.exit_code, "takes a folder" in result.output) == (2, True)
    with pytest.raises(NotADirectoryError, match="is no folder"):
        ask(run, "--to", "csv", "-o", tmp_path / "file" / "points.csv")


def test_errors_are_left_to_the_assembled_command_line(tmp_path: Path) -> None:
    """It turns them into messages in one place."""
    for arguments in (["--to", "series"], ["--to", "csv", "--full"]):
        with pytest.raises(NotARunError):
            ask(tmp_path, *arguments)


def test_help_shows_examples() -> None:
    """Ones that work as they stand."""
    assert "everystep export runs/digits --to echarts" in ask("--help").output
