"""The background thread of a writer: spares, sync points, sealing, and what the disk refused.

The loop hands full journals over and takes fresh ones; everything that may wait for a disk happens
here. In this order a journal becomes a segment: temporary file, sync, rename, sync of the folder,
``segment.sealed`` event, removal of the journal. Killed at any point, a reader finds the rows once:
an announced segment comes before the journal, a journal before a segment that was not announced.
"""

import errno
import itertools
import logging
import queue
import threading
import time
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from logwriter import journal as jf
from logwriter.errors import DamagedError
from logwriter.eventlog import EventLog
from logwriter.host import boot_id, host_name
from logwriter.journalfile import judge, view
from logwriter.mapped import Journal, create, in_memory
from logwriter.options import Options
from logwriter.rundir import WriterId, spare_path
from logwriter.segments import to_table, write_segment

FIRST_JOURNAL = 1 << 20
LONGEST_ROLL_SECONDS = 6 * 3600.0
LONGEST_WAIT_SECONDS = 3600.0
MOST_IN_MEMORY = 8

_log = logging.getLogger("everystep")


@dataclass
class Troubles:
    """What went wrong at the disk, counted; each kind is warned about once."""

    stalls: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def report(self, what: str, error: Exception) -> None:
        """Count a failure, and say so the first time; with its trace if it is no disk's doing."""
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.counts[what] == 1:
            trace = None if isinstance(error, OSError) else error
            text = "everystep: %s: %s; training goes on, and it will be tried again"
            _log.warning(text, what, error, exc_info=trace)


class Rows(Protocol):
    """Where rows are appended: what the keeper needs of it."""

    def current_journal(self) -> Journal:
        """The journal that takes rows now."""

    def roll(self, full: Journal, *, wait: bool) -> bool:
        """Close ``full`` and go on in the next."""


@dataclass
class _Request:
    """Something to be done at once, and whether it is the last thing."""

    last: bool
    done: threading.Event = field(default_factory=threading.Event)


class Keeper:
    """Owns the files of one writer, from a thread of its own."""

    def __init__(
        self, folder: Path, writer: WriterId, run_id: str, events: EventLog, options: Options
    ) -> None:
        """Make the first two journals.

        Raises:
            OSError: The disk refused them.
        """
        self.troubles = Troubles()
        self._folder, self._writer, self._run_id = folder, writer, run_id
        self._events, self._options = events, options
        self._size = min(FIRST_JOURNAL, options.journal_bytes)
        self._serials = itertools.count(1)  # a signal handler may ask for one in between
        self._refused = False
        self._full: deque[Journal] = deque()
        self._spares: deque[Journal] = deque()
        try:
            self._spares += [self._make(), self._make()]
        except BaseException:
            self.abandon()
            raise
        self._written: set[int] = set()
        self._requests: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name=f"everystep {writer}", daemon=True)

    def first_journal(self) -> Journal:
        """The journal that the rows begin in."""
        first = self.next_journal(None)
        if first is None:
            raise ValueError("a keeper has its first spares at hand")
        first.name_after_rows(self._folder)
        return first

    def start(self, rows: Rows) -> None:
        """Begin to look after the journals of ``rows``, which has taken its first one."""
        self._rows = rows
        self._thread.start()

    def next_journal(self, full: Journal | None) -> Journal | None:
        """A begun journal whose first row follows the last of ``full``.

        Without a spare at hand one is made on the spot, which is a stall; where the disk refuses,
        one in memory serves, up to `MOST_IN_MEMORY` of them; then ``None``. While rows wait in
        memory, later ones wait behind them, so that what is on disk has no gap.
        """
        journal = self._in_memory() if self._is_waiting(full) else self._take_spare()
        if journal is None:
            return None
        first_seq = full.first_seq + full.rows if full else 0
        slots, rows_offset, rows_bytes = jf.geometry(len(journal.memory))
        journal.begin(
            jf.Header(
                rank=self._writer.rank,
                attempt=self._writer.attempt,
                first_seq=first_seq,
                size=len(journal.memory),
                slots_offset=jf.SLOTS_OFFSET,
                slots=slots,
                rows_offset=rows_offset,
                rows_bytes=rows_bytes,
                clock_origin=self._options.clock_origin,
                boot_id=boot_id(),
                host=host_name(),
            )
        )
        return journal

    def take_back(self, spare: Journal) -> None:
        """A begun journal without rows that was not needed after all."""
        spare.take_back()
        self._spares.append(spare)

    def hand_over(self, full: Journal) -> None:
        """A journal that will not change any more. Safe in a signal handler."""
        self._full.append(full)
        self._requests.put(None)

    def flush(self) -> None:
        """Seal all journals handed over so far; returns when they are durable, or refused."""
        self._ask(_Request(last=False))

    def stop(self) -> int:
        """Seal all that was handed over, end the thread, and remove the spares.

        Returns:
            The number of rows, the last ones, that are on no disk.
        """
        self._ask(_Request(last=True))
        self._thread.join()
        while self._spares:
            self._spares.popleft().discard()
        lost = sum(
            journal.rows for journal in self._full if journal.path is None or journal.is_unlinked()
        )
        for journal in self._full:
            journal.detach()
        return lost

    def abandon(self) -> None:
        """Close all files and leave them: in a forked child, or when the start failed."""
        for journal in (*self._spares, *self._full):
            with suppress(OSError):  # a fork may have come while it was being closed
                journal.detach()

    def _ask(self, request: _Request) -> None:
        """Have the thread do something now; should it have died, do it here."""
        self._requests.put(request)
        while not request.done.wait(1.0):
            if not self._thread.is_alive():
                self._tend(last=request.last)
                return

    def _run(self) -> None:
        due = time.monotonic() + self._options.sync_every
        roll_after = self._options.roll_every
        while True:
            wait = max(0.0, min(due - time.monotonic(), LONGEST_WAIT_SECONDS))
            try:
                request = self._requests.get(timeout=wait)
            except queue.Empty:
                request = None
            self._tend(last=request is not None and request.last)
            if time.monotonic() >= due:
                due = time.monotonic() + self._options.sync_every
                self._guard("the log cannot be synced", self._sync)
                if self._roll_if_older(roll_after):
                    roll_after = min(2 * roll_after, LONGEST_ROLL_SECONDS)
            if request is not None:
                request.done.set()
                if request.last:
                    return

    def _guard(self, what: str, act: Callable[[], None]) -> None:
        """Nothing that goes wrong here may end the thread, or reach the training."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  counted, said, and told by finish()
            self.troubles.report(f"{self._folder}: {what}", error)

    def _tend(self, *, last: bool) -> None:
        """A spare first, because the loop may be waiting for one; sealing may make room for another."""
        if not last:
            self._guard("no room for the next journal", self._top_up)
        self._guard("a journal cannot be named", self._name_current)
        self._events.drain()
        self._guard("a journal cannot be sealed", self._seal_full)
        if not last and not self._spares:
            self._guard("no room for the next journal", self._top_up)

    def _name_current(self) -> None:
        self._rows.current_journal().name_after_rows(self._folder)

    def _top_up(self) -> None:
        while not self._spares and not self._is_waiting(None):
            self._spares.append(self._make())
            self._refused = False

    def _sync(self) -> None:
        self._rows.current_journal().write_sync()

    def _roll_if_older(self, seconds: float) -> bool:
        """Roll a journal that is old and holds rows; tell whether it was."""
        journal = self._rows.current_journal()
        if not journal.rows or time.monotonic() - journal.began < seconds:
            return False
        return self._rows.roll(journal, wait=False)

    def _seal_full(self) -> None:
        """Seal in order; what cannot be sealed stays, and keeps its place."""
        while self._full:
            self._seal(self._full[0])
            self._full.popleft()

    def _seal(self, journal: Journal) -> None:
        if journal.rows and journal.first_seq not in self._written:
            journal.name_after_rows(self._folder)
            contents = judge(view(journal), same_boot=True)
            if contents.damage or contents.rows != journal.rows:
                raise DamagedError(f"a journal changed under its writer: {contents.damage}")
            sealed = write_segment(
                self._folder,
                to_table(contents.blocks),
                first_seq=journal.first_seq,
                rows=contents.rows,
                run_id=self._run_id,
                writer=self._writer,
                time=(self._options.clock_origin + time.monotonic_ns()) // 1000,
            )
            self._written.add(journal.first_seq)
            self._events.append(sealed, durable=True)
        if self._events.waiting:
            raise OSError(errno.ENOSPC, "the announcement of a segment waits")
        journal.discard()

    def _make(self) -> Journal:
        """A spare of the size that is due, or of the first size if only that finds room."""
        size = self._size
        try:
            journal = self._create(size)
        except OSError:
            if size <= FIRST_JOURNAL:
                raise
            return self._create(FIRST_JOURNAL)
        self._size = min(2 * size, self._options.journal_bytes)
        return journal

    def _create(self, size: int) -> Journal:
        serial = next(self._serials)
        return create(spare_path(self._folder, serial), size, serial)

    def _take_spare(self) -> Journal | None:
        try:
            return self._spares.popleft()
        except IndexError:
            self.troubles.stalls += 1
        if not self._refused:
            try:
                return self._make()
            except OSError as error:
                self._refused = True
                self.troubles.report(
                    f"{self._folder}: no room for rows, which wait in memory", error
                )
        return self._in_memory()

    def _in_memory(self) -> Journal | None:
        if sum(journal.path is None for journal in tuple(self._full)) >= MOST_IN_MEMORY:
            return None
        return in_memory(self._size, next(self._serials))

    def _is_waiting(self, full: Journal | None) -> bool:
        """Whether rows are in memory that no disk has taken yet."""
        return any(journal.path is None for journal in (*self._full, full) if journal is not None)
