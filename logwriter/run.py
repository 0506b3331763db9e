"""A run, as the training loop sees it."""

import atexit
import errno
import logging
import math
import os
import sys
import threading
import weakref
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from operator import index
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self, SupportsIndex

from logwriter import events as ev
from logwriter import rundir
from logwriter.arguments import (
    check_behaviour,
    check_description,
    check_ranks,
)
from logwriter.attempts import open_attempt
from logwriter.durable import sync_directory
from logwriter.ending import Summary, finished, in_words, warn_of_loss
from logwriter.environment import Ranks, describe_environment, find_ranks
from logwriter.errors import ForkedError
from logwriter.eventlog import EventLog
from logwriter.host import boot_id, host_name
from logwriter.keeper import Keeper
from logwriter.mapped import Layout, never_open
from logwriter.options import Options
from logwriter.recorder import Recorder

DEEPEST_FLUSH = 8

_log = logging.getLogger("everystep")


class Run(Recorder):
    """One attempt of one rank at a training run: the thing to log to.

    Args:
        path: The run's folder, the same for all ranks. Without one, a fresh folder with a dated,
            readable name under ``EVERYSTEP_DIR`` (default ``runs``).
        name: What people call the run; the folder's name by default.
        config: Hyper-parameters and other facts, as JSON can hold them.
        tags: Words to find the run by.
        monitor: The metric that decides which epoch is best.
        mode: ``"min"`` or ``"max"``: which of its values is best. Inferred from well-known names.
        resume: ``False``: the folder must not hold a run of this rank yet. ``True``: go on after
            its last step. A step: go on after that one; what was logged later is hidden, not
            deleted.
        rank: This process among those that train together; from the launcher's environment.
        world_size: How many train together; from the launcher's environment.
        sync_every: Seconds between sync points: a power cut loses at most the last two.
        roll_every: Seconds after which a journal with rows is sealed though it is not full;
            doubles up to six hours.
        journal_bytes: Size of a journal once the run has warmed up.
        system_every: Seconds between two samples of processor, memory, disk and GPUs, logged as
            ``system/...`` by the background thread; ``None``: none. Needs ``everystep[system]``, and
            ``everystep[gpu]`` for NVIDIA's. Under a launcher, the first rank of each machine samples.
        on_error: ``"warn"`` or ``"raise"``: what to do about a logged value that is no number.

    Raises:
        RunExistsError: The folder holds a run of this rank, and ``resume`` is ``False``.
        WriterLockedError: Another process is writing as this rank.
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that means nothing.
        ImportError: ``system_every`` is given, and psutil is not installed.
        OSError: The folder or its first files cannot be made.

    With ``EVERYSTEP_MODE=disabled`` in the environment every call does nothing.
    """

    path: Path | None

    def __init__(
        self,
        path: str | os.PathLike[str] | None = None,
        *,
        name: str | None = None,
        config: Mapping[str, Any] | None = None,
        tags: Sequence[str] = (),
        monitor: str | None = None,
        mode: Literal["min", "max"] | None = None,
        resume: bool | SupportsIndex = False,
        rank: SupportsIndex | None = None,
        world_size: SupportsIndex | None = None,
        sync_every: float = 1.0,
        roll_every: float = 600.0,
        journal_bytes: int = 8 << 20,
        system_every: float | None = None,
        on_error: Literal["warn", "raise"] = "warn",
    ) -> None:
        check_description(name=name, config=config, tags=tags, monitor=monitor, mode=mode)
        periods = {"sync_every": sync_every, "roll_every": roll_every}
        if system_every is not None:
            periods["system_every"] = system_every
        check_behaviour(
            resume=resume, on_error=on_error, journal_bytes=journal_bytes, periods=periods
        )
        super().__init__(on_error=on_error)
        self._journal = never_open()
        self._state: Literal["open", "ended", "forked", "disabled"] = "disabled"
        self._summary: Summary | None = Summary(None, "disabled")
        self._late = 0
        self._may_rewind = False
        self._finishing = threading.RLock()
        self._is_ending = False
        self._flushing = 0
        self.path, self.name, self.tags = None, name or "", [ev.readable(str(tag)) for tag in tags]
        ranks = find_ranks(os.environ, rank, world_size)
        self.rank, self.attempt, self.id = ranks.rank, 0, ""
        facts = ev.plain(config or {})
        if os.environ.get("EVERYSTEP_MODE") == "disabled":
            return
        check_ranks(ranks.rank, ranks.world_size, has_path=path is not None)
        given = rundir.fresh_run_path(rundir.runs_directory()) if path is None else Path(path)
        self.path = given.absolute()  # the program may change its directory
        options = Options(
            float(sync_every),
            float(roll_every),
            float(system_every or math.inf),
            index(journal_bytes),
            self._clock_origin,
        )
        self._begin(self.path, resume if isinstance(resume, bool) else index(resume), options)
        try:
            sampler = self._find_sampler() if system_every else None
            self._write_start(ranks, facts, monitor, mode)
        except BaseException:
            self._keeper.abandon()
            self._journal.detach()
            self._events.close()
            self._opening.take_back()
            raise
        self._state, self._summary, self._pid = "open", None, os.getpid()
        self._keeper.start(self, sampler)
        _open_runs.add(self)
        atexit.register(self._at_exit)

    def flush(self) -> None:
        """Seal and sync all rows logged so far; returns when they are durable, or refused.

        A signal handler whose flushes take longer than it takes to come again would nest without
        end: the innermost returns at once, and leaves its rows to the others.
        """
        if self._state != "open" or self._flushing >= DEEPEST_FLUSH:
            return
        self._flushing += 1
        try:
            self.close_batches()
            self._keeper.flush(self._hand_over_rows)
            self._events.drain(durable=True)
        finally:
            self._flushing -= 1

    def _hand_over_rows(self) -> None:
        self.log_later()
        journal = self.current_journal()
        if journal.rows:
            self.roll(journal)

    def finish(self, status: str | None = None, *, error: str | None = None) -> Summary:
        """End the attempt: seal what is left, say how it ended, and give the lock back.

        Args:
            status: ``"completed"`` by default, or a word of your own.
            error: What went wrong, if something did.

        Returns:
            What was written and what was not; the same when called again. (A signal handler that
            interrupts `finish` to call it gets a summary that says no more than ``"ending"``.)
        """
        with self._lock:
            if self._state == "open":
                self.log_later()
                if error is None:
                    self._settle_broken_off()
                self._ending = (ev.readable(str(status or "completed")), error, self._journal)
                self._state = "ended"
            if self._state == "ended" and self._journal.header is not None:
                last, self._journal = self._journal, never_open()
                last.close()
                self._keeper.hand_over_last(last)
        with self._finishing:
            if self._summary is None and not self._is_ending:
                self._is_ending = True
                try:
                    self._summary = self._end()
                finally:
                    self._is_ending = False
            return self._summary or Summary(self.path, "ending")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None or (isinstance(error, SystemExit) and not error.code):
            self.finish()
        else:
            self.finish("failed", error=in_words(error))

    def __repr__(self) -> str:
        return f"<Run {self.path} ({self._state})>"

    def _repr_html_(self) -> str:
        """For notebooks: what can be read of the run now, and of its attempts how they ended."""
        from logwriter.notebook import show_run  # noqa: PLC0415  where there is a notebook

        return show_run(self.path)

    def _begin(self, path: Path, resume: bool | int, options: Options) -> None:
        """Take the folder and make its files."""
        self._opening = opening = open_attempt(path, self.rank, resume)
        try:
            self._events = EventLog(opening.folder)
            self._keeper = Keeper(
                opening.folder, opening.writer, opening.run_id, self._events, options
            )
            self._journal = self._keeper.first_journal()
            sync_directory(opening.folder)
            sync_directory(opening.folder.parent)
        except BaseException:
            opening.take_back()
            raise
        self._source = self._keeper
        if self._keeper.writes_through:
            self.write_through()
        self._step = opening.first_step
        self._may_rewind = opening.resumes and opening.resume_step is None
        self.name = self.name or opening.name or path.name
        self.id, self.attempt = opening.run_id, opening.writer.attempt

    def _find_sampler(self) -> Callable[[], dict[str, float]] | None:
        """What samples the system. The numbers are the machine's: one rank of each takes them."""
        if os.environ.get("LOCAL_RANK", "0") != "0" or self.path is None:
            return None
        from logwriter.system import SystemMetrics  # noqa: PLC0415  an extra

        return SystemMetrics(self.path).sample

    def _settle_step(self, layout: Layout, given: Any) -> int:
        step = super()._settle_step(layout, given)
        if self._may_rewind:  # the first row of an attempt that resumes
            self._may_rewind = False
            self._step = step
            reached = self._opening.first_step - 1
            if step <= reached // 2:
                text = (
                    "everystep: %s: resumed, but the first row has step %d while the run had reached "
                    "%d: all that was logged after step %d is hidden (not deleted). If its steps count "
                    "something else, such as epochs, use resume=%d"
                )
                _log.warning(text, self.path, step, reached, step - 1, reached)
        return step

    def _write_start(
        self, ranks: Ranks, config: dict[str, Any], monitor: str | None, mode: str | None
    ) -> None:
        """Write who begins, durably: without that, there is no run.

        Raises:
            OSError: The disk refused.
        """
        self._events.append(
            ev.RunStarted(
                time=self._now(),
                run_id=self.id,
                name=ev.readable(self.name),
                config=config,
                tags=self.tags,
                monitor=monitor and ev.readable(monitor),
                mode=mode,
                rank=self.rank,
                world_size=ranks.world_size,
                attempt=self.attempt,
                launch_id=ranks.launch_id,
                host=host_name(),
                boot_id=boot_id(),
                pid=os.getpid(),
                environment=ev.plain(describe_environment()),
            )
        )
        if self._opening.resumes:
            self._events.append(ev.RunResumed(time=self._now(), step=self._opening.resume_step))
        self._events.drain(durable=True)
        if self._events.waiting:
            raise OSError(errno.ENOSPC, "no room for the first event", str(self._events.path))

    def _end(self) -> Summary:
        """Seal what is left and say how it went. Interrupted, it can be done again."""
        status, error, last = self._ending
        unsafe = self._keeper.stop()
        summary = Summary(
            self.path,
            status,
            last.first_seq + last.rows - unsafe,
            self._dropped + self._late + unsafe,
            dict(self._refusals.counts),
            self._keeper.troubles.stalls,
            dict(self._keeper.troubles.counts),
        )
        try:
            self._write_end(summary, error)
        finally:
            self._opening.lock.release()
            _open_runs.discard(self)
            atexit.unregister(self._at_exit)
        return summary

    def _write_end(self, summary: Summary, error: str | None) -> None:
        self._events.append(finished(summary, time=self._now(), error=error), durable=True)
        warn_of_loss(summary, events=self._events.close())

    def _check_process(self) -> None:
        if self._state == "forked" or (self._state == "open" and self._pid != os.getpid()):
            raise ForkedError(
                f"{self.path} belongs to the parent process: log there, or make a Run of its own in "
                "this process, with another path or rank"
            )

    def _is_awaited(self) -> bool:
        return self._state != "disabled" and self._keeper.is_own_thread()

    def _may_log(self) -> bool:
        self._check_process()
        if self._state == "open":
            return True
        if self._state == "ended":
            self._late += 1
            if self._late == 1:
                _log.warning(
                    "everystep: %s: logged after finish(); this and what follows is lost", self.path
                )
        return False

    def _at_exit(self) -> None:
        """The interpreter ends and nobody called `finish`."""
        interactive = hasattr(sys, "ps1")  # there, the last error may be long forgotten
        error: BaseException | None = None if interactive else getattr(sys, "last_value", None)
        if error is None:
            self.finish("exited")
        else:
            self.finish("failed", error=in_words(error))

    def _leave_to_parent(self) -> None:
        """In a forked child: the files are the parent's; keep no copy of them."""
        last, self._journal = self._journal, never_open()
        last.close()  # a row that was on its way when the fork came must not go into it
        self._state, self._summary = "forked", Summary(self.path, "forked")
        self._lock = threading.RLock()  # the copies may be held by threads that are not here
        self._finishing = threading.RLock()
        atexit.unregister(self._at_exit)
        self._abandoned = self._device, self._device = self._device, None  # not to be freed here
        self._keeper.abandon()
        for leave in (last.detach, self._events.leave_to_parent, self._opening.lock.release):
            with suppress(OSError):  # the fork may have come while a file was being closed
                leave()


_open_runs: "weakref.WeakSet[Run]" = weakref.WeakSet()


def _leave_runs_to_parent() -> None:
    for run in list(_open_runs):
        run._leave_to_parent()  # noqa: SLF001  the same module
    _open_runs.clear()


os.register_at_fork(after_in_child=_leave_runs_to_parent)
