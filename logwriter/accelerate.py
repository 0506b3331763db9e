"""A tracker for accelerate: what ``accelerator.log`` is given, in a run.

    from logwriter.accelerate import EverystepTracker

    accelerator = Accelerator(log_with=EverystepTracker("runs/first"))
    accelerator.init_trackers("first", config={"lr": 1e-3})
    accelerator.log({"loss": loss}, step=step)
    accelerator.end_training()

Mappings among the values are logged as ``outer/inner``, texts as messages. For epochs and checkpoints
``accelerator.get_tracker("everystep", unwrap=True)`` is the `Run`, or ``None`` on processes that do
not log. Without ``end_training`` the run ends with the program: ``exited``, or ``failed`` with the
exception.

The Accelerator calls its trackers on the main process only. To log on every process, make the tracker
with ``all_ranks=True``, and call its own ``start``, ``log`` and ``finish`` there.
"""

import os
from collections.abc import Mapping
from typing import Any, SupportsIndex, Unpack

from logwriter.dropin import ALONE, Attempts, FrameworkRun, RunOptions, missing
from logwriter.importing.records import leaves_of

try:
    from accelerate.state import PartialState
    from accelerate.tracking import GeneralTracker, on_main_process
except ModuleNotFoundError as error:
    raise missing("accelerate", "accelerate") from error


class EverystepTracker(GeneralTracker):
    """Logs to a run: on the main process, or with ``all_ranks`` on each that calls it, in its own folder.

    Args:
        path: The run's folder; without one, a fresh folder under ``EVERYSTEP_DIR``.
        resume: As `Run` takes it: ``True`` to go on from the first new row's step, or a step.
        all_ranks: Whether each process logs that calls the tracker; then ``path`` is needed.
        options: What `Run` takes besides, such as ``monitor`` and ``config``.

    Raises:
        TypeError: `Run` takes no such option.

    `start`, which ``init_trackers`` calls, opens the run, and may raise as `Run` does. Logging does not.
    """

    name = "everystep"
    requires_logging_directory = False

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        resume: bool | SupportsIndex = False,
        all_ranks: bool = False,
        **options: Unpack[RunOptions],
    ) -> None:
        super().__init__()
        self.main_process_only = not all_ranks
        self._attempts = Attempts(path, options)
        self._resume = resume
        self._run: FrameworkRun | None = None

    @property
    def tracker(self) -> FrameworkRun | None:
        """The run; ``None`` before `start`, and on processes that do not log."""
        return self._run

    @on_main_process
    def start(self) -> None:
        """Open the run."""
        state = PartialState()
        ranks = ALONE if self.main_process_only else (state.process_index, state.num_processes)
        self._run = self._attempts.go_on(resume=self._resume, ranks=ranks)

    @on_main_process
    def store_init_configuration(self, values: Mapping[str, Any]) -> None:
        """Add to the run's configuration."""
        if self._run is not None:
            self._run.update_config(values)

    @on_main_process
    def log(self, values: Mapping[str, Any], step: int | None = None, **_: Any) -> None:
        """Log one row; without a step, the run counts. Texts become messages."""
        run = self._run
        if run is None:
            return
        leaves = leaves_of(values)
        texts = {name: leaf for name, leaf in leaves.items() if isinstance(leaf, str)}
        run.log({name: leaf for name, leaf in leaves.items() if name not in texts}, step)
        for name, text in texts.items():
            run.message(f"{name}: {text}")

    @on_main_process
    def finish(self) -> None:
        """End the run."""
        self._attempts.end()
