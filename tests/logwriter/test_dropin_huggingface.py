"""The callback for the Trainer of Hugging Face, with one that trains."""

import logging
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from killed import die, is_killed_in, one_thread
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
)

from logwriter import read
from logwriter.errors import RunExistsError
from logwriter.huggingface import EverystepCallback

STEPS_AN_EPOCH = 4


class At(TrainerCallback):  # type: ignore[misc]
    """Does something at a step, before it is logged."""

    def __init__(self, step: int, what: Any) -> None:
        self.step, self.what = step, what

    def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002
        """The Trainer calls it."""
        if state.global_step == self.step:
            self.what()


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


def examples(count: int) -> list[dict[str, Any]]:
    """Words that say by their first whether they are of one class or of the other."""
    words = torch.randint(0, 20, (count, 6), generator=torch.Generator().manual_seed(count))
    return [{"input_ids": each, "labels": int(each[0] > 9)} for each in words]


def trainer(folder: Path, *callbacks: TrainerCallback, **options: Any) -> Trainer:
    """Of a tiny model with random weights; logs each step as it is."""
    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=20,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=1,
        intermediate_size=8,
    )
    given = {
        "output_dir": str(folder / "out"),
        "num_train_epochs": 2,
        "per_device_train_batch_size": 8,
        "logging_steps": 1,
        "logging_nan_inf_filter": False,
        "eval_strategy": "epoch",
        "save_strategy": "epoch",
        "report_to": "none",
        "use_cpu": True,
        "disable_tqdm": True,
        "dataloader_pin_memory": False,
    }
    return Trainer(
        BertForSequenceClassification(config),
        TrainingArguments(**{**given, **options}),
        train_dataset=examples(8 * STEPS_AN_EPOCH),
        eval_dataset=examples(8),
        callbacks=list(callbacks),
    )


def logged(run: Path, metric: str) -> list[tuple[int, float]]:
    """Steps and values of a metric in the run."""
    steps, values = read(run).series(metric)
    return list(zip(steps.tolist(), values.tolist(), strict=True))


def in_history(entries: list[dict[str, Any]], metric: str) -> list[tuple[int, float]]:
    """Steps and values of a metric, as the Trainer keeps them."""
    return [(entry["step"], entry[metric]) for entry in entries if metric in entry]


def test_a_training_appears_complete_and_in_order(run_path: Path) -> None:
    """All that the Trainer keeps in its history, to the bit, and the epochs, which it does not."""
    one = trainer(run_path.parent, EverystepCallback(run_path), learning_rate=0.01)
    one.train()
    log = read(run_path)
    history = one.state.log_history
    assert set(log.metrics) == {name for entry in history for name in entry} - {"step"}
    for metric in log.metrics:
        assert logged(run_path, metric) == in_history(history, metric)
    assert [step for step, _ in logged(run_path, "loss")] == list(range(1, 9))
    rows = log.rows().to_pylist()
    assert all(row["epoch"] == (row["step"] - 1) // STEPS_AN_EPOCH for row in rows)
    epochs = [(each.epoch, each.seconds is not None) for each in log.state.last.epochs]
    assert epochs == [(0, True), (1, True)]
    assert log.state.status == "completed"
    assert log.state.config["learning_rate"] == 0.01
    assert log.state.config["model"]["hidden_size"] == 8


def test_checkpoints_are_told_with_their_score_and_which_was_the_best(run_path: Path) -> None:
    """By the metric that the Trainer chooses by, which the run watches, too."""
    one = trainer(
        run_path.parent,
        EverystepCallback(run_path),
        metric_for_best_model="loss",
        load_best_model_at_end=True,
        learning_rate=0.05,
    )
    one.train()
    state = read(run_path).state
    assert (state.monitor, state.mode) == ("eval_loss", "min")
    told = state.last.checkpoints
    assert [(each.step, each.epoch) for each in told] == [(4, 0), (8, 1)]
    assert all(Path(each.path).is_dir() for each in told)
    scores = [value for _, value in logged(run_path, "eval_loss")]
    assert [each.facts["score"] for each in told] == scores
    bests = [each.path for each in told if each.facts.get("best")]
    assert bests[-1] == one.state.best_model_checkpoint


def test_a_training_that_was_killed_goes_on_in_the_same_run(run_path: Path) -> None:
    """From its checkpoint: what came after that is hidden, and nothing is there twice."""
    whole = trainer(run_path.parent / "whole", EverystepCallback(run_path.parent / "other"))
    whole.train()

    def train() -> None:
        trainer(run_path.parent, EverystepCallback(run_path), At(7, die)).train()

    assert is_killed_in(train)
    assert [step for step, _ in logged(run_path, "loss")] == [1, 2, 3, 4, 5, 6]
    trainer(run_path.parent, EverystepCallback(run_path)).train(resume_from_checkpoint=True)
    assert logged(run_path, "loss") == logged(run_path.parent / "other", "loss")
    state = read(run_path).state
    assert [each.status for each in state.attempts] == ["unfinished", "completed"]
    assert [each.epoch for each in state.last.epochs] == [1]


def test_a_loss_that_is_not_a_number_is_logged_as_it_is(run_path: Path) -> None:
    """The Trainer would have put the one before in its place."""
    one = trainer(run_path.parent, EverystepCallback(run_path))

    def spoil() -> None:
        with torch.no_grad():
            next(iter(one.model.parameters())).fill_(math.nan)

    one.add_callback(At(5, spoil))
    one.train()
    losses = [value for _, value in logged(run_path, "loss")]
    assert [math.isnan(loss) for loss in losses] == [False] * 5 + [True] * 3


def test_a_training_that_failed_is_told_of_when_the_next_begins(run_path: Path) -> None:
    """The Trainer does not tell of exceptions."""

    def fail() -> None:
        raise ValueError("no more")

    callback = EverystepCallback(run_path)
    first = trainer(run_path.parent, callback, At(6, fail))
    with pytest.raises(ValueError, match="no more"):
        first.train()
    trainer(run_path.parent, callback).train()
    log = read(run_path)
    assert [each.status for each in log.state.attempts] == ["failed", "completed"]
    assert [step for step, _ in logged(run_path, "loss")] == list(range(1, 9))


def test_evaluating_after_the_training_hides_nothing(run_path: Path) -> None:
    """Nor does a prediction, or an evaluation by a later program."""
    one = trainer(run_path.parent, EverystepCallback(run_path), num_train_epochs=1)
    one.train()
    before = read(run_path).rows().num_rows
    one.evaluate()
    one.predict(examples(8))
    trainer(run_path.parent, EverystepCallback(run_path, resume=True)).evaluate()
    log = read(run_path)
    assert log.rows().num_rows > before
    assert log.rows().num_rows == log.rows(attempts="all").num_rows
    assert [step for step, _ in logged(run_path, "eval_loss")] == [4, 4, 5]
    assert [step for step, _ in logged(run_path, "test_loss")] == [4]
    assert {each.status for each in log.state.attempts} == {"completed"}


def test_evaluating_before_the_training_hides_nothing(run_path: Path) -> None:
    """Both begin at step 0."""
    one = trainer(run_path.parent, EverystepCallback(run_path), num_train_epochs=1)
    one.evaluate()
    one.train()
    assert [step for step, _ in logged(run_path, "eval_loss")] == [0, 4]
    assert [step for step, _ in logged(run_path, "loss")] == [1, 2, 3, 4]


def test_a_path_that_holds_a_run_is_refused_before_training(run_path: Path) -> None:
    """Unless all of it may be hidden, as when a job starts again before its first checkpoint."""
    options = {"num_train_epochs": 1, "save_strategy": "no", "eval_strategy": "no"}
    trainer(run_path.parent, EverystepCallback(run_path), **options).train()
    with pytest.raises(RunExistsError, match="resume=True"):
        trainer(run_path.parent, EverystepCallback(run_path), **options).train()
    trainer(run_path.parent, EverystepCallback(run_path, resume=True), **options).train()
    assert [step for step, _ in logged(run_path, "loss")] == [1, 2, 3, 4]


def test_without_a_path_each_training_is_a_run_of_its_own(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As a search for hyper-parameters needs it."""
    monkeypatch.setenv("EVERYSTEP_DIR", str(run_path))
    options = {"num_train_epochs": 1, "save_strategy": "no", "eval_strategy": "no"}
    one = trainer(run_path.parent, EverystepCallback(), **options)
    one.train()
    one.train()
    assert [len(logged(run, "loss")) for run in run_path.iterdir()] == [4, 4]


def test_what_raw_steps_need_is_said_once(run_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """With the arguments to set, and not where they are set."""
    options = {"num_train_epochs": 1, "save_strategy": "no", "eval_strategy": "no"}
    trainer(run_path.parent, EverystepCallback(run_path / "raw"), **options).train()
    assert "raw steps" not in caplog.text
    callback = EverystepCallback(run_path / "means", resume=True)
    means = {**options, "logging_steps": 2, "logging_nan_inf_filter": True}
    for _ in range(2):
        trainer(run_path.parent, callback, **means).train()
    said = [each.getMessage() for each in caplog.records if each.levelno == logging.WARNING]
    (advice,) = [each for each in said if "raw steps" in each]
    assert "logging_steps=1, logging_nan_inf_filter=False" in advice
    assert "mean over several steps, and losses that are NaN or infinite are replaced" in advice


def test_only_the_first_process_logs_unless_all_are_wanted(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each into a folder of its own."""
    monkeypatch.setattr(TrainingArguments, "process_index", 1)
    monkeypatch.setattr(TrainingArguments, "world_size", 2)
    options = {"num_train_epochs": 1, "save_strategy": "no", "eval_strategy": "no"}

    def train(callback: EverystepCallback) -> None:
        one = trainer(run_path.parent, callback, **options)
        one.is_world_process_zero = lambda: False
        one.state.is_world_process_zero = False
        callback.on_train_begin(one.args, one.state, one.control, model=one.model)
        callback.on_log(one.args, one.state, one.control, {"loss": 1.0})
        callback.on_train_end()

    train(EverystepCallback(run_path))
    assert not run_path.exists()
    train(EverystepCallback(run_path, all_ranks=True))
    state = read(run_path).state
    assert (state.ranks, state.world_size) == ([1], 2)
