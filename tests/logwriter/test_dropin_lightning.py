"""The Lightning logger, with a Trainer that trains."""

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch
from killed import die, is_killed_in, one_thread
from lightning import pytorch as pl

from logwriter import read
from logwriter.errors import RunExistsError
from logwriter.lightning import EverystepLogger

BATCHES = 8

pytestmark = pytest.mark.filterwarnings(
    "ignore:`isinstance.treespec, LeafSpec.` is deprecated"  # Lightning, of PyTorch's
)


class FitsALine:
    """What a LightningModule does, of either package; it remembers each loss it had."""

    save_hyperparameters: Any
    hparams: Any
    parameters: Any
    log: Any

    def __init__(self, lr: float = 0.1, stop_at: int | None = None, how: Any = None) -> None:
        super().__init__()
        self.save_hyperparameters({"lr": lr})
        self.layer = torch.nn.Linear(4, 1)
        self.losses: list[float] = []
        self.stop_at, self.how = stop_at, how

    def training_step(self, batch: Any, _: int) -> Any:
        """One batch; it may be the last."""
        loss = self._loss(batch)
        if len(self.losses) == self.stop_at:
            self.how()
        self.losses.append(loss.item())
        self.log("train/loss", loss)
        self.log("mean_loss", loss, on_step=False, on_epoch=True)
        return loss

    def validation_step(self, batch: Any, _: int) -> None:
        """One batch."""
        self.log("val/loss", self._loss(batch))

    def test_step(self, batch: Any, _: int) -> None:  # noqa: PT019  no test of pytest's
        """One batch."""
        self.log("test/loss", self._loss(batch))

    def configure_optimizers(self) -> Any:
        """Plain descent."""
        return torch.optim.SGD(self.parameters(), self.hparams["lr"])

    def _loss(self, batch: Any) -> Any:
        return (self.layer(batch[0]) - batch[1]).square().mean()


class Line(FitsALine, pl.LightningModule):  # type: ignore[misc]
    """Of ``lightning``."""


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    torch.manual_seed(0)
    with one_thread():
        yield


@pytest.fixture
def data() -> Any:
    """Eight batches of four."""
    x = torch.randn(4 * BATCHES, 4)
    pairs = torch.utils.data.TensorDataset(x, x.sum(1, keepdim=True))
    return torch.utils.data.DataLoader(pairs, batch_size=4)


def trainer(logger: Any, package: Any = pl, **options: Any) -> Any:
    """A quiet trainer that logs every step."""
    quiet = {"enable_progress_bar": False, "enable_model_summary": False, "accelerator": "cpu"}
    given = {"max_epochs": 3, "log_every_n_steps": 1, "enable_checkpointing": False}
    return package.Trainer(logger=logger, **quiet, **{**given, **options})


@pytest.mark.parametrize("name", ["lightning.pytorch", "pytorch_lightning"])
def test_a_training_appears_complete_and_in_order(run_path: Path, data: Any, name: str) -> None:
    """Every loss to the bit, at Lightning's steps, with its epoch."""
    package = import_module(name)
    model = type("Line", (FitsALine, package.LightningModule), {})()
    trainer(EverystepLogger(run_path), package).fit(model, data, data)
    log = read(run_path)
    steps, losses = log.series("train/loss")
    assert losses.tolist() == model.losses
    assert steps.tolist() == list(range(3 * BATCHES))
    assert log.metrics == ["mean_loss", "train/loss", "val/loss"]
    rows = log.rows().to_pylist()
    assert all(row["epoch"] == row["step"] // BATCHES for row in rows)
    assert [row["step"] for row in rows if row["metric"] == "val/loss"] == [7, 15, 23]
    assert log.state.status == "completed"
    assert log.state.config == {"lr": 0.1}
    epochs = log.state.last.epochs
    assert [(each.epoch, each.seconds is not None) for each in epochs] == [
        (number, True) for number in range(3)
    ]


def test_checkpoints_lie_in_the_run_and_are_told_once_each(run_path: Path, data: Any) -> None:
    """With epoch, score, and which was the best so far."""
    saver = pl.callbacks.ModelCheckpoint(monitor="val/loss", mode="max", save_top_k=-1)
    logger = EverystepLogger(run_path)
    trainer(logger, enable_checkpointing=True, callbacks=[saver]).fit(Line(), data, data)
    log = read(run_path)
    told = log.state.last.checkpoints
    scores = log.series("val/loss")[1].tolist()
    assert [each.epoch for each in told] == [0, 1, 2]
    assert [each.facts["score"] for each in told] == scores
    assert [each.facts["global_step"] for each in told] == [8, 16, 24]
    assert scores == sorted(scores, reverse=True)
    assert [each.facts.get("best", False) for each in told] == [True, False, False]
    assert {Path(each.path) for each in told} == set((run_path / "checkpoints").iterdir())


@pytest.mark.filterwarnings("ignore:Checkpoint directory")  # is not empty, Lightning says: so be it
def test_a_training_that_was_killed_goes_on_in_the_same_run(run_path: Path, data: Any) -> None:
    """From its checkpoint: what came after that is hidden, and nothing is there twice."""
    saver = pl.callbacks.ModelCheckpoint(save_last=True)

    def train() -> None:
        model = Line(stop_at=13, how=die)
        logger = EverystepLogger(run_path)
        trainer(logger, enable_checkpointing=True, callbacks=[saver]).fit(model, data, data)

    assert is_killed_in(train)
    assert read(run_path).series("train/loss")[0].tolist() == list(range(13))
    model = Line()
    again = EverystepLogger(run_path, resume=True)
    trainer(again, enable_checkpointing=True, callbacks=[saver]).fit(
        model, data, data, ckpt_path=run_path / "checkpoints" / "last.ckpt"
    )
    log = read(run_path)
    steps, losses = log.series("train/loss")
    assert steps.tolist() == list(range(24))
    assert losses[8:].tolist() == model.losses
    assert [each.status for each in log.state.attempts] == ["unfinished", "completed"]


def test_a_training_that_fails_says_why(run_path: Path, data: Any) -> None:
    """And the epoch it failed in did not end."""

    def fail() -> None:
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        trainer(EverystepLogger(run_path)).fit(Line(stop_at=10, how=fail), data, data)
    last = read(run_path).state.last
    assert last.finished is not None
    assert (last.status, last.finished.error) == ("failed", "ValueError: no more")
    assert [each.seconds is not None for each in last.epochs] == [True, False]


def test_a_test_after_the_training_hides_nothing(run_path: Path, data: Any) -> None:
    """It is an attempt of its own, outside of all epochs, in this program or in a later one."""
    logger = EverystepLogger(run_path)
    first = trainer(logger)
    first.fit(Line(), data, data)
    before = read(run_path).rows().num_rows
    first.test(Line(), data, verbose=False)
    trainer(EverystepLogger(run_path, resume=True)).test(Line(), data, verbose=False)
    log = read(run_path)
    assert log.rows().num_rows == before + 2
    tests = [row for row in log.rows().to_pylist() if row["metric"] == "test/loss"]
    assert [row["epoch"] for row in tests] == [None, None]
    assert all(row["step"] >= 3 * BATCHES - 1 for row in tests)
    assert {each.status for each in log.state.attempts} == {"completed"}


def test_validating_before_the_training_hides_nothing_of_either(run_path: Path, data: Any) -> None:
    """Both begin at step 0."""
    one = trainer(EverystepLogger(run_path), max_epochs=1)
    model = Line()
    one.validate(model, data, verbose=False)
    one.fit(model, data, data)
    log = read(run_path)
    assert log.series("val/loss")[0].tolist() == [0, 7]
    assert log.series("train/loss")[1].tolist() == model.losses


def test_training_from_scratch_with_the_same_logger_hides_the_first_training(
    run_path: Path, data: Any
) -> None:
    """Steps do not run back and forth."""
    logger = EverystepLogger(run_path)
    trainer(logger).fit(Line(), data, data)
    model = Line(lr=0.2)
    trainer(logger, max_epochs=1).fit(model, data, data)
    steps, losses = read(run_path).series("train/loss")
    assert steps.tolist() == list(range(BATCHES))
    assert losses.tolist() == model.losses


def test_a_path_that_holds_a_run_is_refused_before_training(run_path: Path, data: Any) -> None:
    """Unless it is to go on."""
    trainer(EverystepLogger(run_path), max_epochs=1).fit(Line(), data, data)
    with pytest.raises(RunExistsError, match="resume=True"):
        trainer(EverystepLogger(run_path)).fit(Line(), data, data)


@pytest.mark.filterwarnings(
    "ignore:Checkpoint directory", "ignore:You're resuming from a checkpoint"
)
def test_a_checkpoint_is_told_at_the_last_step_that_it_holds(run_path: Path, data: Any) -> None:
    """Though it is saved before Lightning logs that step; going on from it hides no row that it holds."""
    steps = {"every_n_train_steps": 3, "save_top_k": -1, "save_last": True}
    logger = EverystepLogger(run_path)
    for epochs in (1, 2):
        saver = pl.callbacks.ModelCheckpoint(**steps)
        again = {"ckpt_path": run_path / "checkpoints" / "last.ckpt"} if epochs == 2 else {}
        one = trainer(logger, enable_checkpointing=True, callbacks=[saver], max_epochs=epochs)
        model = Line()
        one.fit(model, data, data, **again)
    log = read(run_path)
    told = [each for each in log.state.attempts[0].checkpoints if "last" not in each.path]
    assert [(each.step, each.facts["global_step"]) for each in told] == [(2, 3), (5, 6)]
    after = [each.step for each in log.state.last.checkpoints if "last" not in each.path]
    assert after == [8, 11, 14]
    steps_of, losses = log.series("train/loss")
    assert steps_of.tolist() == list(range(16))
    assert losses[6:].tolist() == model.losses


@pytest.mark.filterwarnings("ignore:Checkpoint directory")
def test_what_is_logged_before_the_first_batch_does_not_decide_what_is_hidden(
    run_path: Path, data: Any
) -> None:
    """The step that the training goes on at does."""

    class Told(Line):
        def on_train_start(self) -> None:
            self.logger.log_metrics({"size": 5.0}, 0)

    for epochs in (1, 2):
        saver = pl.callbacks.ModelCheckpoint(save_last=True)
        logger = EverystepLogger(run_path, resume=True)
        again = {"ckpt_path": run_path / "checkpoints" / "last.ckpt"} if epochs == 2 else {}
        one = trainer(logger, enable_checkpointing=True, callbacks=[saver], max_epochs=epochs)
        one.fit(Told(), data, data, **again)
    log = read(run_path)
    assert log.series("train/loss")[0].tolist() == list(range(16))
    assert log.series("size")[0].tolist() == [0, 0]


def test_a_checkpoint_saved_because_of_an_exception_belongs_to_the_attempt_that_failed(
    run_path: Path, data: Any
) -> None:
    """Lightning tells of it before it is saved."""

    def fail() -> None:
        raise ValueError("no more")

    saver = pl.callbacks.ModelCheckpoint(save_on_exception=True)
    one = trainer(EverystepLogger(run_path), enable_checkpointing=True, callbacks=[saver])
    with pytest.raises(ValueError, match="no more"):
        one.fit(Line(stop_at=5, how=fail), data, data)
    state = read(run_path).state
    assert [each.finished and each.finished.error for each in state.attempts] == [
        "ValueError: no more"
    ]
    assert [Path(each.path).name for each in state.last.checkpoints] == ["epoch=0-step=5.ckpt"]
