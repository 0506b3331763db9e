"""The commands, as people and programs meet them."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from compactor import compaction
from compactor.batch import PROCESS_BYTES
from compactor.cli.best import best
from compactor.cli.compact import compact
from compactor.database import load
from compactor.reading.scan import Progress
from compactor.record import Record
from logwriter import Run
from logwriter.errors import NotARunError
from reports.cli import main


@pytest.fixture
def run(run_path: Path) -> Path:
    """A run with a best epoch."""
    with Run(run_path, name="digits") as writer:
        for epoch in writer.epochs(3):
            writer.log({"val/loss": abs(epoch - 1) + 0.5, "val/acc": float("nan")})
    return run_path


def test_compact_tells_what_it_found_and_wrote(run: Path) -> None:
    """For people."""
    result = CliRunner().invoke(compact, [str(run)], catch_exceptions=False)
    assert result.output.splitlines() == [
        "digits: completed, 3 rows, 2 charts",
        (
            "Best val/loss: 0.5 at epoch 1, step 1 (min of 3; metric: the usual name; "
            "direction: inferred from the name)"
        ),
        (
            "Critical: val/acc is NaN in 3 rows of 3, and never finite. Look at the batch and the "
            "gradient norm at the first of these steps; logarithms, divisions and exponentials of "
            "extreme values, half precision, and a learning rate that is too high are the usual causes."
        ),
        f"Written to {run / 'record.json'}",
    ]
    assert (run / "record.json").exists()


def test_compact_prints_json_for_programs(run: Path, tmp_path: Path) -> None:
    """A summary, and where the record lies."""
    output = tmp_path / "out.json"
    arguments = [str(run), "--json", "--output", str(output), "--charts", "1"]
    result = CliRunner().invoke(compact, arguments, catch_exceptions=False)
    summary = json.loads(result.output)
    assert summary["record"] == str(output)
    assert summary["best"]["epoch"] == 1
    assert (summary["charts"], summary["not_drawn"]) == (["loss"], ["val/acc"])
    assert not (run / "record.json").exists()


def test_what_is_asked_for_reaches_the_compaction(
    run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each option of the command is an argument of `compact`."""
    asked = {
        "--monitor": "val/acc",
        "--mode": "max",
        "--per": "epoch",
        "--of": "last",
        "--rank": "0",
        "--min-delta": "0.25",
        "--policy": "piecewise:0=1,10=2",
        "--policy-for": "train:a=b=uniform",
        "--max-points": "50",
        "--charts": "1",
        "--smooth": "ema:0.9",
        "--threads": "1",
        "--memory": "2GB",
        "--output": str(run / "other.json"),
    }
    flat = [word for pair in asked.items() for word in pair]
    given: dict[str, Any] = {}
    whole = compaction.compact

    def spy(path: Path, *, progress: Progress, **how: Any) -> Record:
        given.update(how)
        return whole(path, progress=progress)

    monkeypatch.setattr(compaction, "compact", spy)
    CliRunner().invoke(compact, [str(run), *flat, "--no-cache"], catch_exceptions=False)
    assert given == {
        "monitor": "val/acc",
        "mode": "max",
        "per": "epoch",
        "of": "last",
        "ranks": 0,
        "min_delta": 0.25,
        "policy": "piecewise:0=1,10=2",
        "policies": {"train:a=b": "uniform"},
        "max_points": 50,
        "charts": 1,
        "smooth": "ema:0.9",
        "threads": 1,
        "memory": 2 * 10**9 - PROCESS_BYTES,
        "output": run / "other.json",
        "cache": False,
    }


def test_best_prints_the_whole_row_and_writes_nothing(run: Path) -> None:
    """A value that is not finite is said to be so."""
    result = CliRunner().invoke(best, [str(run)], catch_exceptions=False)
    assert result.output.splitlines()[1:] == [
        "The row at that step:",
        "  val/acc   not finite",
        "  val/loss  0.5",
    ]
    assert not (run / "record.json").exists()


def test_best_prints_json_for_programs(run: Path) -> None:
    """As the record holds it."""
    result = CliRunner().invoke(best, [str(run), "--json", "--mode", "max"], catch_exceptions=False)
    found = json.loads(result.output)
    assert (found["value"], found["step"], found["mode_chosen_by"]) == (1.5, 0, "the argument")


def test_an_empty_output_is_a_slip(run: Path) -> None:
    """Told before the run is read."""
    result = CliRunner().invoke(compact, [str(run), "--output", ""])
    assert result.exit_code == 2
    assert "give the name of a file" in result.output
    with pytest.raises(ValueError, match="output is ''; give the name of a file"):
        compaction.compact(run, output="")


SLIPS = {
    "--policy=best": "there is no policy",
    "--policy-for=lr": "has no METRIC=POLICY",
    "--policy-for==uniform": "has no METRIC=POLICY",
    "--policy-for=lr=best": "there is no policy",
    "--smooth=much": "much",
    "--rank=first": "'first' is no rank",
    "--rank=-1": "'-1' is no rank",
    "--min-delta=-1": "is no difference",
    "--min-delta=nan": "is no difference",
    "--memory=much": "'much' is no size",
    "--max-points=15": "is not in the range",
    "--per=batch": "is not one of",
    "--of=median": "is not one of",
    "--threads=0": "is not in the range",
    "--jobs=0": "is not in the range",
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_told_before_anything_is_read(slip: str, run: Path) -> None:
    """As one of usage."""
    result = CliRunner().invoke(compact, [str(run), slip])
    assert result.exit_code == 2
    assert SLIPS[slip] in result.stderr
    assert not (run / "record.json").exists()


def test_compact_stores_the_record_where_it_is_told(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """In ``everystep.db`` here, if nothing is said."""
    monkeypatch.chdir(tmp_path)
    record = compaction.compact(run)
    for arguments, address in [
        ([str(run), "--store"], "everystep.db"),
        (["--store", "sqlite:///other.sqlite", str(run)], "other.sqlite"),
        ([str(run), "--store", "--json"], "everystep.db"),
    ]:
        result = CliRunner().invoke(compact, arguments, catch_exceptions=False)
        assert result.exit_code == 0
        assert load(address, record.run.id) == record
        Path(address).unlink()


def test_a_database_that_does_not_answer_costs_no_record(run: Path) -> None:
    """The record is written, the fault is told, and no password is."""
    address = "postgresql://user:s3cret@127.0.0.1:1/db?password=s3cret"
    result = CliRunner().invoke(main, ["compact", str(run), "--store", address])
    assert result.exit_code == 1
    assert "user:***@127.0.0.1:1/db: connection" in result.stderr
    assert "s3cret" not in result.output
    assert (run / "record.json").exists()


def test_an_address_that_means_nothing_is_told_first(run: Path) -> None:
    """Before the run is read."""
    result = CliRunner().invoke(main, ["compact", str(run), "--store", "s3cret@host"])
    assert result.exit_code == 1
    assert "the database is neither a URL nor a path" in result.stderr
    assert "s3cret" not in result.output
    assert not (run / "record.json").exists()


def test_names_do_not_steer_the_terminal(run_path: Path) -> None:
    """Control characters in a metric's or a run's name are shown, not obeyed."""
    with Run(run_path, name="a\x1b[2Jb") as writer:
        writer.log({"val/loss\x1b[31m": 1.0, "\x1b]0;x\x07": 2.0})
    arguments = [str(run_path), "--monitor", "val/loss\x1b[31m", "--mode", "min"]
    for command in (compact, best):
        result = CliRunner().invoke(command, arguments, catch_exceptions=False)
        assert "\x1b" not in result.output
        assert "\x07" not in result.output
        assert r"val/loss\x1b[31m" in result.output


@pytest.mark.parametrize("command", [compact, best])
def test_help_shows_an_example(command: object) -> None:
    """One that works as it stands."""
    result = CliRunner().invoke(command, ["--help"])  # type: ignore[arg-type]
    assert "Example: everystep" in result.output


@pytest.mark.parametrize("command", [compact, best])
def test_errors_are_left_to_the_assembled_command_line(command: object, tmp_path: Path) -> None:
    """It turns them into messages in one place."""
    result = CliRunner().invoke(command, [str(tmp_path / "none")])  # type: ignore[arg-type]
    assert isinstance(result.exception, NotARunError)
