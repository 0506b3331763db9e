"""A callback for the Trainer of Hugging Face: all that it logs, evaluates and saves, in a run.

    from logwriter.huggingface import EverystepCallback

    args = TrainingArguments(..., report_to="none", logging_steps=1, logging_nan_inf_filter=False)
    Trainer(model, args, ..., callbacks=[EverystepCallback("runs/first")])

Raw steps need these arguments. Otherwise a row is the mean over ``logging_steps`` steps, 500 by default,
and the Trainer puts earlier losses in the place of those that are NaN or infinite; the callback says so
once. ``report_to="none"`` keeps other trackers from logging, too.

- Rows have the Trainer's ``global_step`` and its names: ``loss``, ``grad_norm``, ``eval_loss``. Its
  ``epoch`` is a fraction: it stays a metric, and the row's epoch is the one in progress, from 0.
- The configuration is that of the training, and under ``model`` that of the model.
- What decides over the best checkpoint (``metric_for_best_model``) is the run's monitor, unless one is given.
- Checkpoints are recorded with the metric and its value, and ``best`` if none was better so far.
- Resumed from a checkpoint, the training goes on in the same run, as a new attempt; what was logged
  after the checkpoint is hidden, not deleted.
- An evaluation after the training is an attempt of its own, which hides nothing.
- The Trainer does not tell of exceptions. If one ends the program the run has ``failed``; if it is caught,
  the run stays open until the next training or the end of the program (``exited``).
"""

import logging
import os
from pathlib import Path
from typing import Any, Unpack

from logwriter.dropin import ALONE, Attempts, FrameworkRun, RunOptions, missing

try:
    from transformers import TrainerCallback, TrainerControl, TrainerState, TrainingArguments
except ModuleNotFoundError as error:
    raise missing("Transformers", "huggingface") from error

_FROM_SCRATCH = -1
"""After this step: before all."""

_log = logging.getLogger("everystep")


class EverystepCallback(TrainerCallback):
    """Logs to a run: on the first process of all, or with ``all_ranks`` on each, in its own folder.

    Args:
        path: The run's folder; without one, a fresh folder under ``EVERYSTEP_DIR`` for each training,
            as a search for hyper-parameters needs it.
        resume: Whether to go on with a run that is there even if the training begins from scratch:
            then all of it is hidden, not deleted.
        all_ranks: Whether each rank logs; then ``path`` is needed.
        options: What `Run` takes besides, such as ``monitor`` and ``config``.

    Raises:
        TypeError: `Run` takes no such option.

    When training begins, `Run` may raise, as for a path that holds a run already. Logging does not.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        resume: bool = False,
        all_ranks: bool = False,
        **options: Unpack[RunOptions],
    ) -> None:
        self._attempts = Attempts(path, options)
        self._is_path_given = path is not None
        self._resume = resume
        self._all_ranks = all_ranks
        self._epoch = -1
        self._is_training = False
        self._has_advised = False

    @property
    def run(self) -> FrameworkRun | None:
        """The open run, to log more to; ``None`` before the training, after it, and on other ranks."""
        return self._attempts.current

    def on_train_begin(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002  the Trainer's
        **given: Any,
    ) -> None:
        """Open an attempt."""
        if not self._is_mine(state):
            return
        self._advise(args)
        self._is_training = True
        self._epoch = int(state.epoch or 0) - 1
        self._attempts.begin(resume=self._find_resume(state), **self._describe(args, given))

    def on_epoch_begin(self, *_: Any, **__: Any) -> None:
        """Begin the next epoch."""
        self._epoch += 1
        if self.run is not None:
            self.run.begin_epoch(self._epoch)

    def on_epoch_end(self, *_: Any, **__: Any) -> None:
        """The epoch is complete; what is evaluated now still belongs to it."""
        if self.run is not None:
            self.run.end_epoch()

    def on_log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002  the Trainer's
        logs: dict[str, Any] | None = None,
        **given: Any,
    ) -> None:
        """Log one row."""
        if logs and self._is_mine(state):
            self._log(args, state, logs, given)

    def on_save(self, args: TrainingArguments, state: TrainerState, *_: Any, **__: Any) -> None:
        """Record the checkpoint that was just saved."""
        if self.run is None or not state.is_world_process_zero or state.is_hyper_param_search:
            return  # a search saves to folders that the Trainer does not tell of
        folder = Path(args.output_dir or ".", f"checkpoint-{state.global_step}")
        monitor = _monitor(args)
        facts: dict[str, Any] = {}
        if monitor:
            facts = {"monitor": monitor, "score": _logged(state, monitor)}
            if state.best_model_checkpoint and Path(state.best_model_checkpoint) == folder:
                facts["best"] = True
        self.run.checkpoint(folder, **facts)

    def on_train_end(self, *_: Any, **__: Any) -> None:
        """End the attempt."""
        self._is_training = False
        self._attempts.end()

    def on_evaluate(self, *_: Any, **__: Any) -> None:
        """End the attempt, if this evaluation is no part of a training."""
        if not self._is_training:
            self._attempts.end()

    def on_predict(
        self,
        args: TrainingArguments,
        state: TrainerState,
        control: TrainerControl,  # noqa: ARG002  the Trainer's
        metrics: dict[str, Any],
        **given: Any,
    ) -> None:
        """Log the metrics of a prediction: the Trainer does not."""
        if metrics and self._is_mine(state):
            self._log(args, state, metrics, given)
        self.on_evaluate()

    def _is_mine(self, state: TrainerState) -> bool:
        return self._all_ranks or state.is_world_process_zero

    def _find_resume(self, state: TrainerState) -> int | bool:
        """After which step a training goes on; ``False``: in a folder that must hold no run yet."""
        step = int(state.global_step)
        was_broken_off = self.run is not None
        if not (self._is_path_given or was_broken_off):
            self._attempts.path = None
            if step:
                text = (
                    "everystep: the training goes on after step %d, but in a new run: to go on in the "
                    "same, give EverystepCallback the path of the run"
                )
                _log.warning(text, step)
            return step
        if step or self._attempts.reached == 0:  # 0: evaluated before the training
            return step
        return _FROM_SCRATCH if self._resume or was_broken_off else False

    def _log(
        self,
        args: TrainingArguments,
        state: TrainerState,
        values: dict[str, Any],
        given: dict[str, Any],
    ) -> None:
        """Log one row; outside of training, in an attempt that hides nothing."""
        run = self.run
        if run is None:
            run = self._attempts.go_on(resume=self._resume, **self._describe(args, given))
        step = state.global_step
        run.log(values, step if self._is_training else self._attempts.step_outside(step))

    def _describe(self, args: TrainingArguments, given: dict[str, Any]) -> dict[str, Any]:
        """What an attempt is told, besides where it begins."""
        config = args.to_dict()
        describe = getattr(getattr(given.get("model"), "config", None), "to_dict", None)
        if describe is not None:
            config["model"] = describe()
        return {
            "ranks": (args.process_index, args.world_size) if self._all_ranks else ALONE,
            "config": config,
            "monitor": _monitor(args),
            "mode": _mode(args),
        }

    def _advise(self, args: TrainingArguments) -> None:
        """Say once what raw steps need."""
        is_raw = args.logging_strategy == "steps" and args.logging_steps == 1
        if self._has_advised or (is_raw and not args.logging_nan_inf_filter):
            return
        self._has_advised = True
        text = (
            "everystep: raw steps need TrainingArguments(logging_strategy='steps', logging_steps=1, "
            "logging_nan_inf_filter=False); as it is, %s"
        )
        means = [] if is_raw else ["a row is the mean over several steps"]
        filtered = ["losses that are NaN or infinite are replaced"] * args.logging_nan_inf_filter
        _log.warning(text, ", and ".join(means + filtered))


def _monitor(args: TrainingArguments) -> str | None:
    """What decides over the best checkpoint, by the name that it is logged under."""
    metric = args.metric_for_best_model
    return metric if not metric or metric.startswith("eval_") else f"eval_{metric}"


def _mode(args: TrainingArguments) -> str | None:
    if not args.metric_for_best_model or args.greater_is_better is None:
        return None
    return "max" if args.greater_is_better else "min"


def _logged(state: TrainerState, metric: str) -> Any:
    """What was logged of a metric last."""
    return next((entry[metric] for entry in reversed(state.log_history) if metric in entry), None)
