"""The callback for Keras, with models that train on PyTorch."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from killed import die, is_killed_in, one_thread

os.environ["KERAS_BACKEND"] = "torch"

import keras

from logwriter import read
from logwriter.errors import RunExistsError
from logwriter.keras import EverystepCallback

BATCHES = 4

pytestmark = pytest.mark.filterwarnings(
    "ignore:__array__ implementation:DeprecationWarning"  # Keras reads its variables so
)


class At(keras.callbacks.Callback):  # type: ignore[misc]
    """Does something after a batch, counted from 0 over all epochs."""

    def __init__(self, batch: int, what: Any) -> None:
        super().__init__()
        self.left, self.what = batch, what

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
        """Keras calls it."""
        if self.left == 0:
            self.what()
        self.left -= 1


@pytest.fixture(autouse=True)
def _seed() -> Iterator[None]:
    keras.utils.set_random_seed(0)
    with one_thread():
        yield


def a_model(rate: Any = 0.1) -> Any:
    """Two layers, to tell positive sums from negative ones."""
    layers = [keras.Input((4,)), keras.layers.Dense(8), keras.layers.Dense(1, "sigmoid")]
    model = keras.Sequential(layers, name="small")
    model.compile(keras.optimizers.SGD(rate), "binary_crossentropy", metrics=["accuracy"])
    return model


def fit(model: Any, *callbacks: Any, **options: Any) -> Any:
    """Four batches of eight an epoch, in order, and eight examples to validate on."""
    x = np.random.default_rng(0).normal(size=(40, 4)).astype("float32")
    y = (x.sum(1) > 0).astype("float32")
    given = {"batch_size": 8, "epochs": 3, "shuffle": False, "verbose": 0}
    held = {"validation_data": (x[32:], y[32:])}
    return model.fit(x[:32], y[:32], callbacks=list(callbacks), **{**given, **held, **options})


def test_a_training_appears_complete_and_in_order(run_path: Path) -> None:
    """Epochs as Keras's own history has them, to the bit; each at its last step."""
    model = a_model()
    history = fit(model, EverystepCallback(run_path)).history
    assert "compute_loss" not in vars(model)
    log = read(run_path)
    for metric, values in history.items():
        steps, logged = log.series(metric)
        assert logged.tolist() == values
        assert steps.tolist() == [3, 7, 11]
    assert log.series("batch/loss")[0].tolist() == list(range(3 * BATCHES))
    rows = log.rows().to_pylist()
    assert all(row["epoch"] == row["step"] // BATCHES for row in rows)
    epochs = [(each.epoch, each.seconds is not None) for each in log.state.last.epochs]
    assert epochs == [(0, True), (1, True), (2, True)]
    assert log.state.status == "completed"
    config = log.state.config
    assert (config["model"], config["epochs"], config["parameters"]) == ("small", 3, 49)
    assert config["optimizer"]["learning_rate"] == pytest.approx(0.1)


def test_the_loss_of_a_batch_is_that_of_the_batch(run_path: Path) -> None:
    """Not the running mean, which is what Keras hands out; other metrics say that they are one."""
    means: list[float] = []
    losses: list[float] = []
    model = a_model()

    class Listens(keras.callbacks.Callback):  # type: ignore[misc]
        def on_train_batch_end(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002
            means.append(logs["loss"])

    compute = model.compute_loss

    def keep(*given: Any, **named: Any) -> Any:
        loss = compute(*given, **named)
        if named["training"]:
            losses.append(loss.item())
        return loss

    model.compute_loss = keep
    fit(model, EverystepCallback(run_path), Listens())
    log = read(run_path)
    assert log.series("batch/loss")[1].tolist() == losses
    assert losses != means
    assert "running/accuracy" in log.metrics
    assert "running/loss" not in log.metrics
    assert model.compute_loss is keep


def test_a_loss_that_cannot_be_seen_is_logged_as_the_running_mean(run_path: Path) -> None:
    """As in a training step of one's own that does not ask the model for its loss."""

    class Own(keras.Model):  # type: ignore[misc]
        def call(self, x: Any) -> Any:
            return x

        def train_step(self, data: Any) -> dict[str, Any]:  # noqa: ARG002
            self.done = getattr(self, "done", 0) + 1
            return {"loss": 1 / self.done}

    model = Own()
    model.compile(optimizer=None)
    fit(model, EverystepCallback(run_path), epochs=1, validation_data=None)
    log = read(run_path)
    assert log.series("running/loss")[1].tolist() == [1, 1 / 2, 1 / 3, 1 / 4]
    assert log.metrics == ["loss", "running/loss"]


def test_the_learning_rate_is_the_one_that_the_batch_was_trained_with(run_path: Path) -> None:
    """After the batch, Keras already has the next one's."""
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([4, 8], [0.5, 0.25, 0.125])
    fit(a_model(schedule), EverystepCallback(run_path))
    rates = read(run_path).series("learning_rate")[1].tolist()
    assert rates == [0.5] * 5 + [0.25] * 4 + [0.125] * 3


def test_a_training_that_was_killed_goes_on_in_the_same_run(run_path: Path) -> None:
    """From what Keras backed up: what came after that is hidden, and nothing is there twice."""
    backup = keras.callbacks.BackupAndRestore(str(run_path.parent / "backup"))

    def train() -> None:
        fit(a_model(), EverystepCallback(run_path), backup, At(9, die))

    assert is_killed_in(train)
    assert read(run_path).series("batch/loss")[0].tolist() == list(range(10))
    fit(a_model(), EverystepCallback(run_path, resume=True), backup)
    log = read(run_path)
    assert log.series("batch/loss")[0].tolist() == list(range(12))
    assert log.series("val_loss")[0].tolist() == [3, 7, 11]
    assert [each.status for each in log.state.attempts] == ["unfinished", "completed"]
    assert [each.epoch for each in log.state.last.epochs] == [2]


def test_a_fit_that_failed_is_told_of_when_the_next_begins(run_path: Path) -> None:
    """Keras does not tell of exceptions. Steps and epochs go on."""

    def fail() -> None:
        raise ValueError("no more")

    callback, model = EverystepCallback(run_path), a_model()
    with pytest.raises(ValueError, match="no more"):
        fit(model, callback, At(5, fail))
    fit(model, callback, epochs=1)
    log = read(run_path)
    assert [each.status for each in log.state.attempts] == ["failed", "completed"]
    assert log.series("batch/loss")[0].tolist() == list(range(10))
    assert [each.epoch for each in log.state.last.epochs] == [2]
    assert log.state.last.messages[0].text == "fit again: Keras's epoch 0 is epoch 2 of the run"


def test_a_second_fit_goes_on_counting_even_with_another_optimizer(run_path: Path) -> None:
    """As in fine-tuning, where the model is compiled again."""
    callback, model = EverystepCallback(run_path), a_model()
    fit(model, callback, epochs=2)
    model.compile("sgd", "binary_crossentropy")
    fit(model, callback, epochs=1)
    log = read(run_path)
    assert log.series("batch/loss")[0].tolist() == list(range(12))
    assert log.series("val_loss")[0].tolist() == [3, 7, 11]
    rows = [row for row in log.rows().to_pylist() if row["metric"] == "val_loss"]
    assert [row["epoch"] for row in rows] == [0, 1, 2]


def test_the_run_is_at_hand_while_training(run_path: Path) -> None:
    """What no callback can see is said by hand."""
    callback = EverystepCallback(run_path)

    def save() -> None:
        assert callback.run is not None
        callback.run.checkpoint("model.keras", score=1)

    fit(a_model(), callback, At(5, save))
    assert callback.run is None
    (told,) = read(run_path).state.last.checkpoints
    assert (told.path, told.step, told.epoch, told.facts) == ("model.keras", 5, 1, {"score": 1})


def test_a_path_that_holds_a_run_is_refused_before_training(run_path: Path) -> None:
    """Unless it is to go on."""
    fit(a_model(), EverystepCallback(run_path), epochs=1)
    model = a_model()
    with pytest.raises(RunExistsError, match="resume=True"):
        fit(model, EverystepCallback(run_path), epochs=1)
    assert "compute_loss" not in vars(model)


def test_several_callbacks_see_the_loss_and_leave_the_model_as_it_was(
    run_path: Path, tmp_path: Path
) -> None:
    """Also one whose training failed before, and never ended."""

    def fail() -> None:
        raise ValueError("no more")

    broken, model = EverystepCallback(tmp_path / "broken"), a_model()
    with pytest.raises(ValueError, match="no more"):
        fit(model, broken, At(1, fail))
    fit(model, EverystepCallback(run_path), EverystepCallback(tmp_path / "other"), epochs=1)
    one, other = read(run_path), read(tmp_path / "other")
    assert one.series("batch/loss")[1].tolist() == other.series("batch/loss")[1].tolist()
    assert one.series("batch/loss")[0].size == BATCHES
    fit(model, broken, epochs=1)
    assert "compute_loss" not in vars(model)


def test_the_loss_of_a_validation_is_not_that_of_a_batch(run_path: Path) -> None:
    """Where the model trains without ``compute_loss``, and this does not say what it is called for."""

    class OwnStep(keras.Sequential):  # type: ignore[misc]
        def train_step(self, data: Any) -> Any:  # noqa: ARG002  Keras calls it
            return {"loss": 1.0}

        def compute_loss(
            self, x: Any = None, y: Any = None, y_pred: Any = None, sample_weight: Any = None
        ) -> Any:
            return super().compute_loss(x, y, y_pred, sample_weight)

    model = OwnStep([keras.Input((4,)), keras.layers.Dense(1, "sigmoid")])
    model.compile("sgd", "binary_crossentropy")
    fit(model, EverystepCallback(run_path), epochs=2)
    log = read(run_path)
    assert "batch/loss" not in log.metrics
    assert log.series("running/loss")[0].tolist() == list(range(2 * BATCHES))


def test_an_optimizer_that_cannot_describe_itself_is_told_by_name(run_path: Path) -> None:
    """The training does not fail for it."""

    class Mine(keras.optimizers.SGD):  # type: ignore[misc]
        def get_config(self) -> Any:
            raise NotImplementedError

    model = a_model()
    model.compile(Mine(0.1), "binary_crossentropy")
    fit(model, EverystepCallback(run_path), epochs=1)
    assert read(run_path).state.config["optimizer"] == "Mine"
