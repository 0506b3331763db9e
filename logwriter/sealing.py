"""Full journals become segments, in order.

A journal becomes a segment in this order: temporary file, sync, rename, sync of the folder,
``segment.sealed`` event, removal of the journal. Killed at any point, a reader finds the rows once: an
announced segment comes before the journal, a journal before a segment that was not announced.
"""

import errno
import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

from logwriter.eventlog import EventLog
from logwriter.mapped import Journal
from logwriter.prepared import Prepared, place_segment
from logwriter.rundir import WriterId
from logwriter.sealerprocess import Job, SealerProcess

_MOST_OPEN = 2


class Sealing:
    """The queue of one writer's full journals."""

    def __init__(
        self,
        folder: Path,
        writer: WriterId,
        run_id: str,
        events: EventLog,
        *,
        clock_origin: int,
        wake: Callable[[], None],
    ) -> None:
        """Begin with none. ``wake`` is called from another thread when there is reason to `advance`."""
        self._folder, self._writer, self._run_id = folder, writer, run_id
        self._events, self._clock_origin = events, clock_origin
        self._full: deque[Journal] = deque()
        self._placed: Journal | None = None
        self._announcement = b""
        self._process = SealerProcess(wake)

    @property
    def is_busy(self) -> bool:
        """Whether the first journal is being sealed right now."""
        return self._process.is_busy

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing to do."""
        return not self._full

    def add(self, full: Journal) -> None:
        """A journal that will not change any more. Safe in a signal handler."""
        self._full.append(full)

    def count_in_memory(self) -> int:
        """How many journals wait in memory for a disk."""
        # list(), here and below: in CPython 3.11 a finalizer may run inside tuple(), and add one
        return sum(journal.is_waiting for journal in list(self._full))

    def count_unsafe(self) -> int:
        """How many rows no file holds."""
        return sum(journal.rows - journal.count_safe() for journal in list(self._full))

    def advance(self, *, at_once: bool) -> None:
        """Seal in order, as far as it goes now; what cannot be sealed stays, and keeps its place.

        Args:
            at_once: Somebody waits for it: do not start a process only for this.

        Raises:
            OSError: The disk refused.
            DamagedError: A journal does not hold what was logged.
        """
        while self._full:
            journal = self._full[0]
            if journal.pending:
                return  # values come from a device
            if journal.rows and journal is not self._placed:
                prepared = self._prepare(journal, at_once=at_once)
                if prepared is None:
                    return
                now = (self._clock_origin + time.monotonic_ns()) // 1000
                sealed = place_segment(self._folder, prepared, time=now)
                self._placed = journal
                self._announcement = self._events.append(sealed, durable=True)
            if self._events.holds_back(self._announcement):
                raise OSError(errno.ENOSPC, "the announcement of a segment waits")
            journal.discard()
            self._full.popleft()

    def sync(self) -> Iterator[None]:
        """Sync what waits, a journal at a time: on a slow disk, sealing goes on in between.

        The memory of those that will wait for long is let go of.

        Raises:
            OSError: The disk refused.
        """
        for number, journal in enumerate(list(self._full)):
            journal.write_sync()
            if number >= _MOST_OPEN and not (journal.is_waiting or journal.pending):
                journal.park()
            yield

    def rest(self) -> None:
        """Let the process end; it is started again when needed."""
        self._process.close()

    def detach(self) -> None:
        """Close all files and leave them: in a forked child, or at the end."""
        self._process.abandon()
        for journal in self._full:
            with suppress(OSError):  # a fork may have come while it was being closed
                journal.detach()

    def _prepare(self, journal: Journal, *, at_once: bool) -> Prepared | None:
        """The journal as a segment under a temporary name; ``None`` as long as it is being made."""
        journal.name_after_rows(self._folder)
        if journal.path is None or journal.is_waiting:
            return self._prepare_here(journal)
        running = self._process.is_running or self._process.is_busy
        if not running and (at_once or not self._process.is_usable):
            return self._prepare_here(journal)
        job = Job(
            folder=os.fsencode(self._folder),
            journal=journal.path.name,
            rows=journal.rows,
            run_id=self._run_id,
            rank=self._writer.rank,
            attempt=self._writer.attempt,
        )
        if at_once:
            self._process.give_up_if_late()
        try:
            return self._process.seal(job)
        except ChildProcessError:
            if not at_once:
                raise
            return self._prepare_here(journal)

    def _prepare_here(self, journal: Journal) -> Prepared:
        # pyarrow loads here: not when everystep is imported, and hardly ever beside a busy loop
        from logwriter.journalfile import load, view  # noqa: PLC0415
        from logwriter.sealer import prepare  # noqa: PLC0415

        parked = journal.path is not None and journal.descriptor is None
        image = load(journal.path) if parked and journal.path else view(journal)
        if image is None:
            raise FileNotFoundError(errno.ENOENT, "a journal is gone", str(journal.path))
        return prepare(
            image,
            folder=self._folder,
            rows=journal.rows,
            run_id=self._run_id,
            writer=self._writer,
        )
