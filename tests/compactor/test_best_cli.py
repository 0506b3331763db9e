"""The command ``best``, as people and programs meet it."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from compactor.cli.best import best
from logwriter import Run


@pytest.fixture
def run(run_path: Path) -> Path:
    """Two ranks that log several times an epoch, and save a checkpoint at its end."""
    for rank in (0, 1):
        with Run(run_path, rank=rank, world_size=2) as writer:
            for epoch in writer.epochs(3):
                for batch in range(2):
                    writer.log({"loss": 3.0 - epoch + 4 * rank * epoch + batch, "acc": epoch / 4})
                writer.checkpoint(f"{rank}-{epoch}.pt")
    return run_path


def told(run: Path, *arguments: str) -> list[str]:
    """The lines that the command prints."""
    arguments = (str(run), "--monitor", "loss", *arguments)
    result = CliRunner().invoke(best, arguments, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_the_checkpoint_the_row_and_the_other_metrics_are_told(run: Path) -> None:
    """All that a person wants to know before going on."""
    lines = told(run)
    assert lines[0].startswith("Best loss: 1.5 at epoch 2, step 5")
    assert lines[1:5] == [
        "Checkpoint saved there: 0-2.pt (step 5)",
        "The row at that step:",
        "  acc   0.5",
        "  loss  2",
    ]
    assert lines[5] == "The best of the other metrics:"
    assert lines[6].split() == ["metric", "mode", "value", "step", "epoch", "per"]
    assert lines[8].split() == ["acc", "max", "0.5", "5", "2", "epoch", "mean"]


def test_another_rank_the_mean_and_min_delta_are_told(run: Path) -> None:
    """What is not as usual is said."""
    assert told(run, "--rank", "1")[1] == "Decided by rank 1"
    mean = told(run, "--rank", "mean", "--min-delta", "0.25")
    assert mean[0].startswith("Best loss: 3.5 at epoch 0, step 1")
    assert mean[1].startswith("Decided by the mean over the ranks")
    assert mean[2] == "Better than what came before by more than 0.25"
    assert told(run, "--rank", "all") == told(run)


def test_what_competes_can_be_asked_for(run: Path) -> None:
    """Rows by themselves, or another value of the epoch."""
    assert told(run, "--per", "step")[0].startswith("Best loss: 1 at epoch 2, step 4")
    assert told(run, "--of", "max")[0].startswith("Best loss: 2 at epoch 2, step 5")


def test_programs_get_the_best_of_every_metric_beside_the_runs(run: Path) -> None:
    """The run's best point is as the record holds it."""
    found = json.loads("\n".join(told(run, "--json", "--rank", "1")))
    assert (found["value"], found["rank"], found["checkpoint"]["path"]) == (3.5, 1, "1-0.pt")
    assert found["best_by_metric"]["loss"]["value"] == 3.5
    assert found["best_by_metric"]["acc"] == {
        "mode": "max",
        "value": 0.5,
        "step": 5,
        "epoch": 2,
        "per": "epoch mean",
    }


def test_a_name_does_not_steer_the_terminal(run_path: Path) -> None:
    """Neither a metric's nor a checkpoint's."""
    with Run(run_path) as writer:
        writer.log({"loss": 1.0, "\x1b[2J/acc": 1.0})
        writer.checkpoint("\x1b[31m.pt")
    lines = told(run_path)
    assert not any("\x1b" in line for line in lines)
    assert any(r"\x1b[31m.pt" in line for line in lines)
    assert any(r"\x1b[2J/acc  max" in line for line in lines)
