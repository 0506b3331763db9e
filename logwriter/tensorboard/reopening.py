"""The folder of a `SummaryWriter`, and the attempts that are opened in it, one after the other."""

import os
import threading
from operator import index
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from logwriter import rundir
from logwriter.abandoned import end_abandoned, own
from logwriter.errors import WriterLockedError
from logwriter.tensorboard.attempt import WriterRun

_PATH_SIGNS = str.maketrans({"/": "-", "\0": "-"})


class Reopening:
    """Opens a run at once, and a new attempt when something comes after `close`."""

    def __init__(
        self, log_dir: str | os.PathLike[str] | None, comment: str, purge_step: Any
    ) -> None:
        """As `SummaryWriter`."""
        super().__init__()  # of the class that this one is mixed with
        self.log_dir = log_dir or _fresh_folder(comment)
        self.purge_step = purge_step
        self._folder = Path(self.log_dir).absolute()  # the program may change its directory
        self._resume = True if purge_step is None else _last_kept(purge_step)
        self._lock = threading.RLock()
        self._run: WriterRun | None = None
        self.reopen()

    @property
    def run(self) -> WriterRun:
        """The run that is written to; after `close`, a new attempt of it."""
        run = self._run
        return self.reopen() if run is None else run

    def get_logdir(self) -> str | os.PathLike[str]:
        """The run's folder, as it was given."""
        return self.log_dir

    def flush(self) -> None:
        """Nothing: what was added is safe from the end of the process already.

        Callers flush after every step, so this costs nothing. ``writer.run.flush()`` seals and syncs.
        """

    def close(self) -> None:
        """End the attempt; the next value begins a new one, which hides nothing."""
        self.__exit__(None, None, None)

    def reopen(self) -> WriterRun:
        """The open run; a new attempt, if there is none.

        Raises:
            WriterLockedError: Another writer, of this process or another, has the folder.
        """
        with self._lock:
            if self._run is None:
                end_abandoned(self._folder)
                try:
                    self._run = WriterRun(self._folder, resume=self._resume)
                except WriterLockedError as error:
                    raise WriterLockedError(
                        f"{error}. Each SummaryWriter needs a log_dir of its own: close() the one "
                        "before, or give this one another log_dir"
                    ) from error
                own(self._run, self)
            return self._run

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._lock:
            run, self._run = self._run, None
            self._forget()
            if run is not None:
                self._resume = run.reached
                run.__exit__(kind, error, trace)

    def _forget(self) -> None:
        """Forget what holds for one attempt only."""


def _fresh_folder(comment: str) -> str:
    """A folder that no other run has, its name ending in the comment."""
    if os.environ.get("EVERYSTEP_MODE") == "disabled":
        return str(rundir.runs_directory())
    fresh = rundir.fresh_run_path(rundir.runs_directory())
    return str(fresh.rename(fresh.with_name(fresh.name + str(comment).translate(_PATH_SIGNS))))


def _last_kept(purge_step: Any) -> int:
    try:
        return index(purge_step) - 1
    except TypeError as error:
        raise TypeError(f"purge_step must be a whole number, not {purge_step!r}") from error
