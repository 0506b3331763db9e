"""A callback for Keras 3: every batch and every epoch of ``fit``, in a run.

    from logwriter.keras import EverystepCallback

    model.fit(x, y, callbacks=[EverystepCallback("runs/first")])

- What Keras hands to callbacks at a batch are running means over the epoch: they are logged as
  ``running/accuracy`` and so on. They cannot be undone exactly, but with PyTorch as the backend, without
  ``jit_compile``, the loss of the batch itself is seen where the model computes it: ``batch/loss``.
- An epoch's row has Keras's own names, ``loss``, ``accuracy``, ``val_loss``; it belongs to the epoch's last
  step. ``learning_rate`` is logged with each batch on PyTorch, and with each epoch elsewhere.
- Steps count batches; a model that was trained before goes on after its optimizer's ``iterations``.
- A second ``fit`` with the same callback goes on in the same run, as a new attempt: steps go on, and
  epochs that Keras counts again get the numbers that follow (a message in the run says so).
- Keras does not tell of exceptions. If one ends the program the run has ``failed``; if it is caught, the
  run stays open until the next ``fit`` or the end of the program (``exited``).
- What `ModelCheckpoint` saves cannot be seen from another callback: say it by ``callback.run.checkpoint``.
  Nor is ``evaluate`` logged that is not part of ``fit``.
"""

import os
import weakref
from collections.abc import Mapping
from typing import Any, Unpack

from logwriter.dropin import Attempts, FrameworkRun, RunOptions, missing

try:
    import keras
except ModuleNotFoundError as error:
    raise missing("Keras", "keras") from error


class EverystepCallback(keras.callbacks.Callback):
    """Logs to a run; under a launcher each rank to a folder of its own, which needs ``path``.

    Args:
        path: The run's folder; without one, a fresh folder under ``EVERYSTEP_DIR``.
        resume: Whether to go on with a run that is there: after the step that the model has reached,
            what was logged later is hidden, not deleted.
        options: What `Run` takes besides, such as ``monitor`` and ``config``.

    Raises:
        TypeError: `Run` takes no such option.

    When the first epoch begins, `Run` may raise, as for a path that holds a run already. Logging does
    not.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        resume: bool = False,
        **options: Unpack[RunOptions],
    ) -> None:
        super().__init__()
        self._attempts = Attempts(path, options)
        self._resume = resume
        self._loss: Any = None
        self._rate: Any = None
        self._batches = 0
        """Batches done, of this and earlier fits."""
        self._last_batch = -1
        self._last_epoch = -1
        self._epoch_shift = 0
        self._has_defined = False
        self._watched: Any = None

    @property
    def run(self) -> FrameworkRun | None:
        """The open run, to log more to; ``None`` before the first epoch and after training."""
        return self._attempts.current

    def on_train_begin(self, logs: Any = None) -> None:  # noqa: ARG002  Keras's
        """Prepare; callbacks that restore a model may come later, so nothing is opened yet."""
        self._attempts.end("failed", error="broken off: fit began again before it had ended")

    def on_epoch_begin(self, epoch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras's
        """Begin an epoch; the first one opens an attempt."""
        run = self.run or self._begin(epoch)
        self._last_batch = -1
        self._last_epoch = epoch + self._epoch_shift
        run.begin_epoch(self._last_epoch)

    def on_train_batch_begin(self, batch: int, logs: Any = None) -> None:  # noqa: ARG002  Keras's
        """Remember the learning rate: after the batch it is that of the next."""
        self._loss = None  # what was computed since the last batch was a validation
        if self._watched is not None:
            self._rate = _learning_rate(self.model)

    def on_train_batch_end(self, batch: int, logs: Mapping[str, Any] | None = None) -> None:
        """Log one row."""
        run = self.run
        if run is None:
            return
        self._batches += batch - self._last_batch  # several at once with steps_per_execution
        self._last_batch = batch
        values = {f"running/{name}": value for name, value in (logs or {}).items()}
        if self._loss is not None:
            values.pop("running/loss", None)
            values = {"batch/loss": self._loss, **values}
        if self._rate is not None:
            values["learning_rate"] = self._rate
        if not self._has_defined:
            self._has_defined = True
            _define(run, values)
        run.log(values, self._batches - 1)

    def on_epoch_end(self, epoch: int, logs: Mapping[str, Any] | None = None) -> None:  # noqa: ARG002
        """Log the epoch's row, and end it."""
        run = self.run
        if run is None:
            return
        values = dict(logs or {})
        if self._rate is not None:
            values.pop("learning_rate", None)  # each batch has it
        elif (rate := _learning_rate(self.model)) is not None:
            values["learning_rate"] = rate
        run.log(values, max(0, self._batches - 1))
        run.end_epoch()

    def on_train_end(self, logs: Any = None) -> None:  # noqa: ARG002  Keras's
        """End the attempt."""
        if self._watched is not None:
            _unwatch_loss(self._watched, self)
            self._watched = None
        self._attempts.end()

    def take_loss(self, loss: Any) -> None:
        """What the model's ``compute_loss`` found."""
        self._loss = loss

    def _begin(self, epoch: int) -> FrameworkRun:
        """Open an attempt, after the steps that the model, or this callback, has gone."""
        self._epoch_shift = 0
        self._has_defined = False
        optimizer = self.model.optimizer
        trained = 0 if optimizer is None else int(optimizer.iterations)
        if self._attempts.reached is None:
            self._batches = trained
        run = self._attempts.go_on(
            resume=trained - 1 if self._resume else False, ranks=None, config=self._describe()
        )
        if keras.backend.backend() == "torch" and not self.model.jit_compile:
            self._watched = self.model
            _watch_loss(self.model, self)
        if epoch <= self._last_epoch:
            self._epoch_shift = self._last_epoch + 1 - epoch
            run.message(
                f"fit again: Keras's epoch {epoch} is epoch {self._last_epoch + 1} of the run"
            )
        return run

    def _describe(self) -> dict[str, Any]:
        """What is known of the training, as configuration."""
        model = self.model
        facts = {"model": model.name, **(self.params or {})}
        if model.built:
            facts["parameters"] = model.count_params()
        if model.optimizer is not None:
            facts["optimizer"] = _describe_optimizer(model.optimizer)
        return facts


def _watch_loss(model: Any, callback: EverystepCallback) -> None:
    """Let the model's own ``compute_loss`` leave its result with the callback, too.

    One wrapper serves all callbacks: fits end in any order, or not at all.
    """
    replaced = vars(model).get("compute_loss")
    listeners = getattr(replaced, "listeners", None)
    if listeners is None:
        original, listeners = model.compute_loss, weakref.WeakSet[EverystepCallback]()

        def compute_loss(*arguments: Any, **named: Any) -> Any:
            loss = original(*arguments, **named)
            for each in list(listeners):
                each.take_loss(loss)
            return loss

        vars(compute_loss).update(listeners=listeners, replaced=replaced)
        model.compute_loss = compute_loss
    listeners.add(callback)


def _unwatch_loss(model: Any, callback: EverystepCallback) -> None:
    """Once nobody listens, leave the model as it was: with its class's method, or one of its own."""
    wrapper = vars(model).get("compute_loss")
    listeners = getattr(wrapper, "listeners", None)
    if listeners is None:
        return  # somebody else's by now
    listeners.discard(callback)
    if not listeners:
        del model.compute_loss
        if wrapper.replaced is not None:
            model.compute_loss = wrapper.replaced


def _describe_optimizer(optimizer: Any) -> Any:
    """Its configuration; the name of its class, where it cannot tell."""
    try:
        return optimizer.get_config()
    except Exception:  # noqa: BLE001  whatever a class of the user's does: training goes on
        return type(optimizer).__name__


def _define(run: FrameworkRun, values: Mapping[str, Any]) -> None:
    """Draw what is logged of batches on the charts of their epochs."""
    for name in values:
        line, _, metric = name.partition("/")
        if metric:
            run.define(name, chart=metric, line=line)
            run.define(metric, chart=metric, line="train")


def _learning_rate(model: Any) -> Any:
    """The optimizer's rate now, as the backend's tensor; ``None`` without an optimizer."""
    if model.optimizer is None:
        return None
    return keras.ops.convert_to_tensor(model.optimizer.learning_rate)
