"""The tracker for accelerate, with an Accelerator that trains."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from accelerate import Accelerator
from accelerate.state import AcceleratorState, PartialState
from killed import die, is_killed_in, one_thread

from logwriter import read
from logwriter.accelerate import EverystepTracker
from logwriter.errors import RunExistsError


@pytest.fixture(autouse=True)
def _alone() -> Iterator[None]:
    """Accelerate keeps what it found out about the process in its classes."""
    with one_thread():
        yield
    AcceleratorState._reset_state(reset_partial_state=True)


def train(tracker: EverystepTracker, *, steps: range = range(12), die_at: int = -1) -> list[float]:
    """Fit a line; returns the loss of each step."""
    torch.manual_seed(0)
    accelerator = Accelerator(log_with=tracker, cpu=True)
    accelerator.init_trackers("line", config={"lr": 0.1})
    model: Any = torch.nn.Linear(4, 1)
    model, optimizer = accelerator.prepare(model, torch.optim.SGD(model.parameters(), 0.1))
    losses = []
    for step in steps:
        x = torch.randn(8, 4)
        loss = (model(x) - x.sum(1, keepdim=True)).square().mean()
        accelerator.backward(loss)
        optimizer.step()
        optimizer.zero_grad()
        losses.append(loss.item())
        accelerator.log({"train/loss": loss.detach()}, step=step)
        if step == die_at:
            die()
    accelerator.end_training()
    return losses


def test_a_training_appears_complete_and_in_order(run_path: Path) -> None:
    """Every loss to the bit, at its step."""
    losses = train(EverystepTracker(run_path, monitor="train/loss"))
    log = read(run_path)
    steps, logged = log.series("train/loss")
    assert logged.tolist() == losses
    assert steps.tolist() == list(range(12))
    assert log.state.config == {"lr": 0.1}
    assert (log.state.status, log.state.monitor) == ("completed", "train/loss")


def test_a_training_that_was_killed_goes_on_in_the_same_run(run_path: Path) -> None:
    """What came after its checkpoint is hidden, and nothing is there twice."""
    assert is_killed_in(lambda: train(EverystepTracker(run_path), die_at=7))
    assert read(run_path).series("train/loss")[0].tolist() == list(range(8))
    losses = train(EverystepTracker(run_path, resume=True), steps=range(5, 12))
    log = read(run_path)
    steps, logged = log.series("train/loss")
    assert steps.tolist() == list(range(12))
    assert logged[5:].tolist() == losses
    assert [each.status for each in log.state.attempts] == ["unfinished", "completed"]


def test_a_path_that_holds_a_run_is_refused_before_training(run_path: Path) -> None:
    """Unless it is to go on."""
    train(EverystepTracker(run_path))
    with pytest.raises(RunExistsError, match="resume=True"):
        train(EverystepTracker(run_path))


def test_texts_are_messages_and_mappings_are_metrics_with_long_names(run_path: Path) -> None:
    """As other trackers take them."""
    accelerator = Accelerator(log_with=EverystepTracker(run_path), cpu=True)
    accelerator.init_trackers("any")
    accelerator.log({"a": 1, "loss": {"train": 2.0, "val": 3.0}, "note": "warm"}, step=4)
    accelerator.log({"a": 2})
    accelerator.end_training()
    log = read(run_path)
    assert log.metrics == ["a", "loss/train", "loss/val"]
    assert [each.tolist() for each in log.series("a")] == [[4, 4], [1, 2]]
    (said,) = log.state.last.messages
    assert (said.text, said.step) == ("note: warm", 4)


def test_the_run_is_at_hand_for_epochs_and_checkpoints(run_path: Path) -> None:
    """By accelerate's own way."""
    accelerator = Accelerator(log_with=EverystepTracker(run_path), cpu=True)
    accelerator.init_trackers("any")
    run = accelerator.get_tracker("everystep", unwrap=True)
    for _ in run.epochs(2):
        accelerator.log({"a": 1})
    run.checkpoint("model.pt")
    accelerator.end_training()
    state = read(run_path).state
    assert [each.epoch for each in state.last.epochs] == [0, 1]
    assert [each.path for each in state.last.checkpoints] == ["model.pt"]


def test_only_the_main_process_logs_unless_all_are_wanted(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each into a folder of its own."""
    state = PartialState(cpu=True)
    monkeypatch.setattr(PartialState, "is_main_process", False)
    monkeypatch.setattr(PartialState, "use_distributed", True)
    monkeypatch.setattr(state, "process_index", 1)
    monkeypatch.setattr(state, "num_processes", 2)

    def log_with(tracker: EverystepTracker) -> None:
        tracker.start()
        tracker.store_init_configuration({"lr": 1})
        tracker.log({"a": 1}, step=0)
        tracker.finish()

    quiet = EverystepTracker(run_path)
    log_with(quiet)
    assert quiet.tracker is None
    assert not run_path.exists()
    log_with(EverystepTracker(run_path, all_ranks=True))
    found = read(run_path).state
    assert (found.ranks, found.world_size, found.config) == ([1], 2, {"lr": 1})
