"""What the drop-ins for frameworks share: one run, and the attempts that a framework makes at it.

A framework, not the loop, says when training begins, when an epoch ends, and whether it failed. So a
drop-in opens an attempt when it must and ends it when it may; whatever comes later (a test after the
training) opens another, which goes on after the last step and hides nothing.
"""

import logging
import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, SupportsIndex, TypedDict

from logwriter import events as ev
from logwriter.abandoned import end_abandoned, own
from logwriter.environment import find_ranks
from logwriter.errors import WriterLockedError
from logwriter.host import host_name
from logwriter.hyperparameters import tellable
from logwriter.run import Run
from logwriter.rundir import is_run

ALONE = (0, 1)
"""Rank and world size of a process that logs for all."""
LARGEST = (1 << 63) - 1
"""The largest step and epoch that a row can have."""

_log = logging.getLogger("everystep")


class RunOptions(TypedDict, total=False):
    """What a drop-in hands on to `Run` as it is."""

    name: str | None
    config: Mapping[str, Any] | None
    tags: Sequence[str]
    monitor: str | None
    mode: Literal["min", "max"] | None
    sync_every: float
    roll_every: float
    journal_bytes: int
    system_every: float | None
    on_error: Literal["warn", "raise"]


class FrameworkRun(Run):
    """A run whose loop is a framework's: `Run`, and calls by which epochs begin and end, and attempts begin."""

    _began: float | None = None
    _number = 0
    _how_to_go_on = "use resume={}"

    @property
    def is_open(self) -> bool:
        """Whether rows may come; not after `finish`, nor in a forked child."""
        return self._state in {"open", "disabled"}

    @property
    def is_unplaced(self) -> bool:
        """Whether the first row is to say what this attempt hides of earlier ones."""
        return self._may_rewind

    @property
    def reached(self) -> int:
        """The largest step so far, after which an attempt can go on that hides nothing."""
        return min(self._step, LARGEST - 1)

    def stay_at(self, step: int) -> None:
        """What is logged without a step belongs to this one."""
        self._step = step

    def begin_at(self, step: int) -> None:
        """This attempt begins here: what earlier ones logged from this step on is hidden."""
        with self._lock:
            was_unplaced, self._may_rewind = self.is_unplaced, False
            reached, self._step = self._step - 1, step
            self._tell(ev.RunResumed, step=step - 1)
        if was_unplaced and step <= reached // 2:
            text = (
                "everystep: %s: written to again from step %d on, while the run had reached %d: what "
                "was logged from there on is hidden (not deleted). If that step counts something "
                "else, such as epochs, %s"
            )
            _log.warning(text, self.path, step, reached, self._how_to_go_on.format(reached + 1))

    def update_config(self, config: Mapping[str, Any]) -> None:
        """As `Run.update_config`; what cannot be told is named instead of raised."""
        super().update_config(tellable(config))

    def begin_epoch(self, number: int) -> None:
        """Begin an epoch. Rows belong to it until the next begins: many validate behind its end."""
        self._epoch = self._number = number
        self._began = time.monotonic()
        self._tell(ev.EpochStarted, epoch=number, step=self._step)

    def end_epoch(self) -> None:
        """The epoch that began was completed."""
        if self._began is not None:
            self._write(self._epoch_ended(self._number, self._began))
            self._began = None

    def log_in(self, epoch: int, values: Mapping[str, Any], step: int | None) -> None:
        """`log`, for a row that says itself which epoch it belongs to."""
        outer, self._epoch = self._epoch, epoch
        try:
            self.log(values, step)
        finally:
            self._epoch = outer


class Attempts:
    """The attempts that one drop-in makes at one run, one after another, one open at a time.

    A deep copy is the same object: the copy of a logger logs to the same run. A pickled one leaves
    its open attempt behind.
    """

    def __init__(self, path: str | os.PathLike[str] | None, options: RunOptions) -> None:
        """Prepare; nothing is opened yet.

        Args:
            path: The run's folder; without one, a fresh one for the first attempt.
            options: For `Run`.

        Raises:
            TypeError: There is no such option.
        """
        unknown = options.keys() - RunOptions.__annotations__.keys()
        if unknown:
            known = ", ".join(RunOptions.__annotations__)
            raise TypeError(f"no such option: {', '.join(sorted(unknown))}; Run takes {known}")
        self.path = None if path is None else Path(path).absolute()
        self._options = options
        self._run: FrameworkRun | None = None
        self._reached: int | None = None
        self._made_by, self._made_at = os.getpid(), time.time_ns() // 1000

    @property
    def current(self) -> FrameworkRun | None:
        """The open attempt. The user, too, may have ended it."""
        self._settle()
        return self._run

    @property
    def reached(self) -> int | None:
        """The largest step of the attempt before the open one; ``None`` without one."""
        self._settle()
        return self._reached

    def begin(
        self,
        *,
        resume: bool | SupportsIndex,
        ranks: tuple[int, int] | None = ALONE,
        **defaults: Any,
    ) -> FrameworkRun:
        """Open the next attempt. One that is still open was broken off: it has failed.

        Args:
            resume: As `Run` takes it.
            ranks: Rank and world size; ``None``: as the launcher's environment says.
            defaults: Options that hold where the user gave none; ``config`` is merged with the user's.

        Raises:
            EverystepError: As `Run` does.
        """
        self.end("failed", error="broken off: the training began again before it had ended")
        rank, world_size = (None, None) if ranks is None else ranks
        given = {key: value for key, value in self._options.items() if value is not None}
        if "monitor" in given:
            defaults.pop("mode", None)  # it is that of another monitor
        options = {**defaults, **given}
        found = tellable(defaults.get("config", {}))
        options["config"] = {**found, **(self._options.get("config") or {})}
        if self.path is not None:
            end_abandoned(self.path)
        try:
            self._run = FrameworkRun(
                self.path, resume=resume, rank=rank, world_size=world_size, **options
            )
        except WriterLockedError as error:
            raise WriterLockedError(
                f"{error}. If it is a training of this process that was broken off, finish() its run"
            ) from error
        own(self._run, self)
        self.path = self._run.path or self.path  # none while logging is disabled
        return self._run

    def go_on(self, *, resume: bool | SupportsIndex, **how: Any) -> FrameworkRun:
        """Open the next attempt, as `begin` does; one that comes after another hides nothing of it."""
        reached = self.reached
        if reached is None and os.getpid() != self._made_by:
            reached = self._reached_by_a_copy(how.get("ranks", ALONE))
        if reached is None:
            return self.begin(resume=resume, **how)
        run = self.begin(resume=reached, **how)
        run.stay_at(reached)
        return run

    def step_outside(self, step: int) -> int | None:
        """The step of a row that no training logs, where the framework says ``step``.

        It must not seem to go back: without a training before it a framework says 0, whatever the run
        has reached. ``None``: the next step of the run.
        """
        return None if self.reached is None else max(step, self.reached)

    def end(self, status: str = "completed", *, error: str | None = None) -> None:
        """End the open attempt, if there is one."""
        if self.current is not None:
            self.current.finish(status, error=error)

    def fail(self, error: BaseException) -> None:
        """End the open attempt, if there is one, by what went wrong."""
        if self.current is not None:
            self.current.__exit__(type(error), error, error.__traceback__)

    def _reached_by_a_copy(self, ranks: tuple[int, int] | None) -> int | None:
        """What a copy of this has reached in a process that was spawned or forked before this one.

        A launcher begins the processes of each training and test anew, from the one that made the
        first of the copies; so the run is theirs if it began after that.
        """
        if self.path is None or not is_run(self.path):
            return None
        from logwriter.rewind import last_step  # noqa: PLC0415  loads pyarrow
        from logwriter.runlog import read  # noqa: PLC0415  likewise

        rank = find_ranks(os.environ, *(ranks or (None, None))).rank
        log = read(self.path)
        mine = [each for each in log.writers if each.state.writer.rank == rank]
        began = mine[0].state.started if mine else None
        if began is None or began.time < self._made_at or began.host != host_name():
            return None
        return last_step([part for each in mine for part in each.parts]) or 0

    def _settle(self) -> None:
        if self._run is not None and not self._run.is_open:
            self._reached, self._run = self._run.reached, None

    def __deepcopy__(self, _: dict[int, Any]) -> Self:
        return self

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_run": None}


def missing(package: str, extra: str) -> ImportError:
    """The error for a framework that is not installed."""
    return ImportError(
        f"logwriter.{extra} needs {package}, which is not installed: pip install 'everystep[{extra}]'"
    )
