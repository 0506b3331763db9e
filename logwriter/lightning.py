"""Lightning's logger: every metric that a LightningModule logs, in a run.

    from logwriter.lightning import EverystepLogger

    trainer = Trainer(logger=EverystepLogger("runs/first"), log_every_n_steps=1)

For ``lightning`` and for ``pytorch_lightning``. Lightning logs one step in 50 unless
``log_every_n_steps`` says otherwise, and asks tensors on a GPU for their numbers, which waits for it.
``self.logger.experiment.log({"loss": loss}, self.global_step)`` in ``training_step`` does not, and logs
every step.

- Rows have Lightning's step. Its ``epoch``, which it mixes into the metrics, becomes the row's epoch,
  and is no metric; an ``epoch`` of your own that is not whole stays one. What ``validate`` and ``test``
  log belongs to no epoch, and to the last step of the training.
- Epochs begin and end as the Trainer says: the logger joins its callbacks when training starts.
- Checkpoints go to ``RUN/checkpoints`` unless their callback has a ``dirpath``. Each is recorded with its
  path, epoch, the metric it was chosen by, its score, and ``best`` if none was better so far.
- The attempt ends when ``fit``, ``validate`` or ``test`` does: completed, or failed with the exception.
  The next one with the same logger is an attempt of its own, which hides nothing of it.
"""

import os
import sys
from argparse import Namespace
from collections.abc import Mapping
from importlib import import_module
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, SupportsIndex, Unpack

from logwriter.dropin import ALONE, LARGEST, Attempts, FrameworkRun, RunOptions, missing
from logwriter.hyperparameters import opened

_HOMES = ("lightning.pytorch", "pytorch_lightning")

if TYPE_CHECKING:
    from lightning.pytorch.callbacks import Callback
    from lightning.pytorch.loggers.logger import DummyExperiment, Logger
    from lightning.pytorch.utilities import rank_zero_only
else:

    def _home() -> str:
        """Which of the two packages: the one that the program uses, else one that is installed."""
        loaded = [home for home in _HOMES if home in sys.modules]
        there = loaded or [home for home in _HOMES if find_spec(home.partition(".")[0])]
        if not there:
            raise missing("Lightning", "lightning")
        return there[0]

    _loggers = import_module(f"{_home()}.loggers.logger")
    Logger, DummyExperiment = _loggers.Logger, _loggers.DummyExperiment
    Callback = import_module(f"{_home()}.callbacks").Callback
    rank_zero_only = import_module(f"{_home()}.utilities").rank_zero_only


class EverystepLogger(Logger):
    """Logs to a run. One logger serves one training; copies of it log to the same run.

    Under a distributed strategy the first rank logs, or with ``all_ranks`` each, in a folder of its
    own. Where processes are spawned or forked, do not use ``experiment`` before they are: the run
    belongs to the process that opened it.

    Args:
        path: The run's folder; without one, a fresh folder under ``EVERYSTEP_DIR``.
        resume: As `Run` takes it. ``True``, to go on from a checkpoint: what earlier attempts logged
            from the first new row's step on is hidden, not deleted.
        all_ranks: Whether each rank logs; then ``path`` is needed.
        options: What `Run` takes besides, such as ``monitor`` and ``config``.

    Raises:
        TypeError: `Run` takes no such option.

    When the Trainer sets up, `Run` may raise, as for a path that holds a run already. Logging does not.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        resume: bool | SupportsIndex = False,
        all_ranks: bool = False,
        **options: Unpack[RunOptions],
    ) -> None:
        super().__init__()
        self.attempts = Attempts(path, options)
        self._resume = resume
        self._all_ranks = all_ranks
        self._hyperparams: dict[str, Any] = {}
        self._is_outside = False
        self._trained_to = -1
        self._failure: BaseException | None = None

    @property
    def experiment(self) -> Any:
        """The open `Run`, opened if need be; on ranks that do not log, something that does nothing."""
        return self._run() or DummyExperiment()

    @property
    def name(self) -> str:
        """The name of the run's folder; empty while it has none."""
        return self.attempts.path.name if self.attempts.path else ""

    @property
    def version(self) -> str:
        """None: the folder of a run is its own version."""
        return ""

    @property
    def save_dir(self) -> str | None:
        """The folder that the run's folder lies in."""
        return str(self.attempts.path.parent) if self.attempts.path else None

    @property
    def log_dir(self) -> str | None:
        """The run's folder."""
        return str(self.attempts.path) if self.attempts.path else None

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Log one row; without a step, the run counts."""
        run = self._run()
        if run is None:
            return
        values = dict(metrics)
        if self._is_outside:
            values.pop("epoch", None)
            run.log(values, None if step is None else self.attempts.step_outside(step))
        elif _is_whole(values.get("epoch")):
            run.log_in(int(values.pop("epoch")), values, step)
        else:
            run.log(values, step)

    def log_hyperparams(
        self,
        params: Mapping[str, Any] | Namespace | None,
        *_: Any,
        **more: Any,
    ) -> None:
        """Add to the run's configuration, now or when the run is opened."""
        found = {**opened(params or {}), **more}
        self._hyperparams |= found
        run = self.attempts.current
        if run is not None and found:
            run.update_config(found)

    def log_graph(self, model: Any, input_array: Any = None) -> None:  # noqa: ARG002  Lightning's
        """Join the Trainer's callbacks, to hear of epochs; Lightning calls this when it starts."""
        try:
            trainer = model.trainer
        except (AttributeError, RuntimeError):
            return  # called by hand, outside of a Trainer
        self._is_outside = trainer.state.fn != "fit"
        callbacks = trainer.callbacks
        if not any(isinstance(each, _Listener) and each.logger is self for each in callbacks):
            callbacks.insert(0, _Listener(self))

    def go_back_to(self, step: int) -> None:
        """Training begins at this step: hide what earlier attempts have logged of it and after it."""
        run, reached = self.attempts.current, self.attempts.reached
        if run is None:
            return
        was_there = reached is not None and (step < reached or step <= self._trained_to)
        if was_there or run.is_unplaced:
            run.begin_at(step)

    def train_at(self, step: int) -> None:
        """A batch begins: what is told or saved in it belongs to this step, before it is logged."""
        self._trained_to = step
        run = self.attempts.current
        if run is not None and step > run.reached:
            run.stay_at(step)

    def fail(self, error: BaseException) -> None:
        """The Trainer was stopped by this; other callbacks may still save a checkpoint before `finalize`."""
        self._failure = error

    def after_save_checkpoint(self, checkpoint_callback: Any) -> None:
        """Record the checkpoint that was just saved."""
        run = self._run()
        told = vars(checkpoint_callback)  # other callbacks than Lightning's may have less to tell
        path = told.get("_last_checkpoint_saved") or told.get("last_model_path")
        if run is None or not path:
            return
        monitor = told.get("monitor")
        facts = {
            "monitor": monitor,
            "score": told.get("best_k_models", {}).get(path, told.get("current_score")),
            "best": (monitor and told.get("best_model_path") == path) or None,
            "global_step": told.get("_last_global_step_saved"),
        }
        run.checkpoint(path, **{key: fact for key, fact in facts.items() if fact is not None})

    def finalize(self, status: str) -> None:
        """End the attempt. ``finished`` is what Lightning says before SLURM takes the job back."""
        failure, self._failure = self._failure, None
        if failure is not None:
            self.attempts.fail(failure)
        elif status == "finished":
            if self.attempts.current is not None:
                self.attempts.current.flush()
        else:
            self.attempts.end("completed" if status == "success" else status)

    def _run(self) -> FrameworkRun | None:
        """The open attempt; ``None`` on ranks that do not log."""
        if rank_zero_only.rank and not self._all_ranks:
            return None
        run = self.attempts.current
        return run or self.attempts.go_on(resume=self._resume, **self._describe())

    def _describe(self) -> dict[str, Any]:
        """What an attempt is told, besides where it begins."""
        return {
            "ranks": _find_ranks() if self._all_ranks else ALONE,
            "config": self._hyperparams,
        }


class _Listener(Callback):
    """Tells a logger's run what only callbacks hear."""

    def __init__(self, logger: EverystepLogger) -> None:
        self.logger = logger

    def on_train_start(self, trainer: Any, *_: Any) -> None:
        # a checkpoint is saved before its batch is counted, and Lightning counts it later than here
        stepped = _next_step(trainer)
        self.logger.go_back_to(max(stepped, min(trainer.global_step, stepped + 1)))

    def on_train_batch_start(self, trainer: Any, *_: Any) -> None:
        self.logger.train_at(_next_step(trainer))

    def on_train_epoch_start(self, trainer: Any, *_: Any) -> None:
        run = self.logger.attempts.current
        if run is not None:
            run.begin_epoch(trainer.current_epoch)

    def on_train_epoch_end(self, *_: Any) -> None:
        run = self.logger.attempts.current
        if run is not None:
            run.end_epoch()

    def on_exception(self, _: Any, __: Any, exception: BaseException) -> None:
        self.logger.fail(exception)


def _next_step(trainer: Any) -> int:
    """The step that Lightning gives to what it logs of the next batch."""
    step: int = getattr(trainer.fit_loop.epoch_loop, "_batches_that_stepped", trainer.global_step)
    return step


def _is_whole(number: Any) -> bool:
    """Whether it is a number that epochs can have."""
    is_number = isinstance(number, int) or (isinstance(number, float) and number.is_integer())
    return is_number and abs(number) < LARGEST


def _find_ranks() -> tuple[int, int] | None:
    """Rank and world size as PyTorch knows them; ``None`` if only the environment does."""
    from torch import distributed  # noqa: PLC0415  Lightning has loaded it

    if distributed.is_available() and distributed.is_initialized():
        return distributed.get_rank(), distributed.get_world_size()
    return None
