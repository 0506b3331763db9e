"""The demonstration: what it says is what a second, plain logger saw."""

import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from compactor import compact
from logwriter import Run, read
from reports.cli import main
from reports.digits import MONITOR, Settings, one_thread, train


class Notebook:
    """A plain second logger: it hands everything on, and writes every number into a list."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.epoch = -1
        self.rows: list[tuple[int, dict[str, float]]] = []

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Note the row, then log it."""
        self.rows.append((self.epoch, {key: float(value) for key, value in values.items()}))
        self.run.log(values, step)

    def epochs(self, epochs: int) -> Iterator[int]:
        """Note the epoch."""
        for number in self.run.epochs(epochs):
            self.epoch = number
            yield number

    def phase(self, name: str) -> None:
        """Hand the phase on."""
        self.run.phase(name)


@pytest.mark.filterwarnings("ignore:Converting a tensor with requires_grad:UserWarning")
def test_the_best_epoch_is_the_argmin_that_a_plain_logger_saw(tmp_path: Path) -> None:
    """Values, epochs, counts: all from the second logger's list."""
    settings = Settings(epochs=15, lr=8e-3)
    with one_thread(), Run(tmp_path / "run", monitor=MONITOR, mode="min") as run:
        notebook = Notebook(run)
        steps = train(notebook, settings)
    record = compact(tmp_path / "run")
    losses = [(row[MONITOR], epoch) for epoch, row in notebook.rows if MONITOR in row]
    value, epoch = min(losses)
    assert record.best is not None
    assert (record.best.value, record.best.epoch) == (value, epoch)
    assert 0 < epoch < settings.epochs - 1, "it overfits: the best epoch is neither first nor last"
    assert record.run.rows == len(notebook.rows) == steps + settings.epochs
    raw = read(tmp_path / "run").series("train/loss")[1].tolist()
    assert raw == [row["train/loss"] for _, row in notebook.rows if "train/loss" in row]
    assert min(raw) < value, "the training loss fell below the best validation loss"


def test_the_demo_says_what_it_made(tmp_path: Path) -> None:
    """Best epoch, raw steps, the share of logging, and files that are there."""
    result = CliRunner().invoke(
        main, ["demo", str(tmp_path / "run"), "--epochs", "4", "--json"], catch_exceptions=False
    )
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["steps"] == 4 * math.ceil(round(0.4 * 1_797) / 8)
    assert facts["rows"] == facts["steps"] + 4
    assert facts["values"] == 4 * facts["steps"] + 2 * 4
    assert 0 < facts["logging_share"] < 1
    assert all(
        Path(file).stat().st_size > 0
        for file in [*facts["files"], facts["record"], facts["report"]]
    )
    assert json.loads(Path(facts["record"]).read_text())["best_step"] == facts["best_step"]


def test_the_demo_for_people(tmp_path: Path) -> None:
    """Five lines; and a folder that holds a run already is an error with a way on."""
    arguments = ["demo", str(tmp_path / "run"), "--epochs", "1"]
    result = CliRunner().invoke(main, arguments, catch_exceptions=False)
    words = [line.split("  ")[0] for line in result.stdout.splitlines()]
    assert words == ["Best epoch", "Raw steps", "Logging", "Record", "Report"]
    again = CliRunner().invoke(main, arguments)
    assert again.exit_code == 1
    assert "already holds a run" in again.stderr


def test_the_demo_without_torch_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Not a traceback, and nothing on disk."""
    monkeypatch.setattr("reports.demo.find_spec", lambda _: None)
    result = CliRunner().invoke(main, ["demo", str(tmp_path / "run")])
    assert result.exit_code == 1
    assert "pip install 'everystep[demo]'" in result.stderr
    assert not (tmp_path / "run").exists()
