"""What the drop-ins for frameworks share: one run, and the attempts that a framework makes at it.

A framework, not the loop, says when training begins, when an epoch ends, and whether it failed. So a
drop-in opens an attempt when it must and ends it when it may; whatever comes later (a test after the
training) opens another, which goes on after the last step and hides nothing.
"""

import os
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, Self, SupportsIndex, TypedDict

from logwriter import events as ev
from logwriter.run import Run

ALONE = (0, 1)
"""Rank and world size of a process that logs for all."""


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
    """A run whose loop is a framework's: `Run`, and epochs that begin and end by calls."""

    _began: float | None = None
    _number = 0

    @property
    def is_open(self) -> bool:
        """Whether rows may come; not after `finish`, nor in a forked child."""
        return self._state in {"open", "disabled"}

    @property
    def reached(self) -> int:
        """The largest step so far."""
        return self._step

    def stay_at(self, step: int) -> None:
        """What is logged without a step belongs to this one."""
        self._step = step

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
        options["config"] = {**defaults.get("config", {}), **(self._options.get("config") or {})}
        self._run = FrameworkRun(
            self.path, resume=resume, rank=rank, world_size=world_size, **options
        )
        self.path = self._run.path or self.path  # none while logging is disabled
        return self._run

    def go_on(self, *, resume: bool | SupportsIndex, **how: Any) -> FrameworkRun:
        """Open the next attempt, as `begin` does; one that comes after another hides nothing of it."""
        reached = self.reached
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
