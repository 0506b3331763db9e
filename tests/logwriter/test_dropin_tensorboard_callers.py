"""Other loggers that hold a `SummaryWriter` work with this one in its place."""

import importlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tensorboard.compat.proto.event_pb2 import Event, LogMessage

from logwriter import read
from logwriter.tensorboard import SummaryWriter

summary: Any = importlib.import_module("torch.utils.tensorboard.summary")  # untyped


@pytest.fixture
def as_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks torch for a `SummaryWriter` gets this one."""
    monkeypatch.setattr("torch.utils.tensorboard.SummaryWriter", SummaryWriter)


def values_of(run: Path) -> dict[str, list[tuple[int, float]]]:
    """Steps and values by metric."""
    log = read(run)
    return {
        name: [(int(s), float(v)) for s, v in zip(*log.series(name), strict=True)]
        for name in log.metrics
    }


@pytest.mark.usefixtures("as_torch")
def test_lightning_s_logger(run_path: Path) -> None:
    """It hands hyper-parameters over as protocol buffers, saves after every step, and reopens."""
    loggers = importlib.import_module("lightning.fabric.loggers")
    logger = loggers.TensorBoardLogger(run_path.parent, name=run_path.name, version=0)
    logger.log_hyperparams({"lr": 0.1, "net": "mlp", "flag": True}, {"hp_metric": -1})
    for step in range(3):
        logger.log_metrics({"loss": 1.0 / (1 + step), "by": {"a": 1.0, "b": 2.0}}, step)
        logger.save()
    logger.finalize("success")
    logger.log_metrics({"test": 5.0}, 2)
    logger.finalize("success")
    run = run_path / "version_0"
    assert values_of(run) == {
        "hp_metric": [(0, -1.0)],
        "loss": [(0, 1.0), (1, 0.5), (2, 1 / 3)],
        "by/a": [(s, 1.0) for s in range(3)],
        "by/b": [(s, 2.0) for s in range(3)],
        "test": [(2, 5.0)],
    }
    assert read(run).state.config == {"lr": 0.1, "net": "mlp", "flag": True}


@pytest.mark.usefixtures("as_torch")
def test_accelerate_s_tracker(run_path: Path) -> None:
    """Numbers, words and dictionaries."""
    partial_state = importlib.import_module("accelerate").PartialState
    partial_state(cpu=True)
    tracking = importlib.import_module("accelerate.tracking")
    tracker = tracking.TensorBoardTracker(run_path.name, run_path.parent)
    tracker.start()
    tracker.store_init_configuration({"lr": 0.1})
    for step in range(3):
        tracker.log({"loss": 1.0, "word": "x", "by": {"a": 2.0}}, step=step)
    tracker.finish()
    partial_state._reset_state()  # other tests have their own
    assert values_of(run_path) == {
        "loss": [(s, 1.0) for s in range(3)],
        "by/a": [(s, 2.0) for s in range(3)],
    }
    (attempt,) = read(run_path).state.attempts
    assert attempt.config == {"lr": 0.1}
    assert [(m.text, m.step) for m in attempt.messages] == [("word: x", s) for s in range(3)]


def test_hugging_face_s_callback(run_path: Path) -> None:
    """It is handed the writer, and calls it as on a training."""
    integrations = importlib.import_module("transformers.integrations")
    trainer = importlib.import_module("transformers.trainer_callback")
    arguments = importlib.import_module("transformers").TrainingArguments(str(run_path.parent))
    state = trainer.TrainerState(is_world_process_zero=True)
    callback = integrations.TensorBoardCallback(SummaryWriter(run_path))
    callback.on_train_begin(arguments, state, None)
    for state.global_step in range(1, 4):
        callback.on_log(arguments, state, None, logs={"loss": 1.0, "eval_loss": 2.0})
    callback.on_train_end(arguments, state, None)
    assert values_of(run_path) == {
        "train/loss": [(s, 1.0) for s in range(1, 4)],
        "eval/loss": [(s, 2.0) for s in range(1, 4)],
    }
    (attempt,) = read(run_path).state.attempts
    assert [m.text for m in attempt.messages] == [f"args: {arguments.to_json_string()}"]


def test_ready_made_summaries_are_read(run_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Scalars of both styles, text, histograms and hyper-parameters; others are told once a kind."""
    with SummaryWriter(run_path) as log:
        file = log.file_writer
        assert file is not None
        file.add_summary(summary.scalar("old", 0.5), 3)
        file.add_summary(summary.scalar("new", 0.5, new_style=True), np.int64(4))
        file.add_summary(summary.scalar("double", 0.1, double_precision=True, new_style=True), 4)
        file.add_summary(summary.text("note", "said"), 5)
        file.add_summary(summary.histogram("h", np.arange(4.0), bins=[0, 1, 2, 3]), 6)
        for part in summary.hparams({"lr": 0.5, "n": None, "net": "mlp"}, {"best": 1.0}):
            file.add_summary(part)
        file.add_event(Event(summary=summary.scalar("event", 2.0)), 7)
        for _ in range(2):
            file.add_summary(summary.tensor_proto("t", torch.zeros(3)), 8)
            file.add_event(Event(log_message=LogMessage(message="x")), 8)
            file.add_graph((None, None))
        file.flush()
        file.reopen()
        file.close()
    found = values_of(run_path)
    assert {name: found[name] for name in ("old", "new", "double", "event")} == {
        "old": [(3, 0.5)],
        "new": [(4, 0.5)],
        "double": [(4, 0.1)],
        "event": [(7, 2.0)],
    }
    assert found["h/max"] == [(6, 3.0)]
    (attempt,) = read(run_path).state.attempts
    assert attempt.config == {"lr": 0.5, "net": "mlp"}
    assert [m.text for m in attempt.messages] == ["note: said"]
    told = [record.message for record in caplog.records]
    assert len(told) == 3
    assert "log_message" in told[1]


def test_a_writer_can_be_subclassed(run_path: Path) -> None:
    """What others override, and what they reach for."""

    class Prefixed(SummaryWriter):
        def add_scalar(self, tag: str, *rest: Any, **named: Any) -> None:
            super().add_scalar(f"mine/{tag}", *rest, **named)

    with Prefixed(run_path) as log:
        log.add_scalar("a", 1.0, global_step=2)
        log.run.define("mine/a", unit="m")
    assert values_of(run_path) == {"mine/a": [(2, 1.0)]}
