"""The commands, as people and programs meet them."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from compactor import compaction
from compactor.cli.best import best
from compactor.cli.compact import compact
from logwriter import Run
from logwriter.errors import NotARunError


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
