"""The background thread of a writer: spares, sync points, sealing, and what the disk refused.

The loop hands full journals over and takes fresh ones; everything that may wait for a disk happens
here, and what would hold the interpreter's lock for long happens in the sealer's process.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from logwriter import journal as jf
from logwriter.eventlog import EventLog
from logwriter.host import boot_id, host_name
from logwriter.mapped import Journal
from logwriter.options import Options
from logwriter.rundir import WriterId
from logwriter.sealing import Sealing
from logwriter.spares import Spares
from logwriter.troubles import Troubles

LONGEST_ROLL_SECONDS = 6 * 3600.0
LONGEST_WAIT_SECONDS = 3600.0
MOST_IN_MEMORY = 8
_REST_SECONDS = 60.0
_SEALING_SECONDS = 0.05
_AWAITED_SECONDS = 1.0


class Rows(Protocol):
    """Where rows are appended: what the keeper needs of it."""

    def current_journal(self) -> Journal:
        """The journal that takes rows now."""

    def roll(self, full: Journal, *, wait: bool) -> bool:
        """Close ``full`` and go on in the next."""

    def log_beside(self, values: Mapping[str, float]) -> None:
        """Log numbers that belong to the current step."""

    def log_later(self, *, wait: bool) -> None:
        """Log what could not be logged at once."""

    def watch_devices(self) -> None:
        """See whether values may lie on devices."""

    def close_batches(self, *, wait: bool) -> None:
        """Let the values that are on devices so far be settled."""

    def settle(self, *, wait: bool) -> None:
        """Put values that came from devices into their rows."""


@dataclass(eq=False)
class _Request:
    """Something to be done at once, and whether it is the last thing."""

    last: bool
    refusals: int = 0
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
        self._folder, self._writer = folder, writer
        self._events, self._options = events, options
        self._inbox: queue.SimpleQueue[_Request | None] = queue.SimpleQueue()
        self._spares = Spares(folder, options.journal_bytes, self.troubles)
        self._sealing = Sealing(
            folder,
            writer,
            run_id,
            events,
            clock_origin=options.clock_origin,
            wake=lambda: self._inbox.put(None),
        )
        self._asked: list[_Request] = []
        self._awaited: deque[object] = deque()  # one for each caller that waits, or soon will
        self._sealed_last = time.monotonic()
        self._roll_after = options.roll_every
        self._thread = threading.Thread(target=self._run, name=f"everystep {writer}", daemon=True)

    @property
    def writes_through(self) -> bool:
        """Whether rows must be persisted one by one, because the file system cannot map files."""
        return self._spares.writes_through

    def first_journal(self) -> Journal:
        """The journal that the rows begin in."""
        first = self.next_journal(None)
        if first is None:
            raise ValueError("a keeper has its first spares at hand")
        first.name_after_rows(self._folder)
        return first

    def is_own_thread(self) -> bool:
        """Whether the caller is a thread that works for the writer."""
        return threading.current_thread() is self._thread or self._spares.is_own_thread()

    def start(self, rows: Rows, sample: Callable[[], dict[str, float]] | None) -> None:
        """Begin to look after the journals of ``rows``, which has taken its first one.

        Every ``system_every`` seconds, ``sample`` is logged beside them.
        """
        self._rows, self._sample = rows, sample
        self._sample_due = time.monotonic() + self._options.system_every
        self._thread.start()
        self._spares.start(lambda: not self._is_waiting(None))

    def next_journal(self, full: Journal | None) -> Journal | None:
        """A begun journal whose first row follows the last of ``full``.

        Without a spare at hand one is made on the spot, which is a stall; where the disk refuses,
        one in memory serves, up to `MOST_IN_MEMORY` of them; then ``None``. While rows wait in
        memory, later ones wait behind them, so that what is on disk has no gap.
        """
        if full is not None:
            self.persist(full)
        journal = None if self._is_waiting(full) else self._spares.take()
        first_seq = full.first_seq + full.rows if full else 0
        return (journal and self._begin(journal, first_seq)) or self._in_memory(first_seq)

    def _begin(self, journal: Journal, first_seq: int) -> Journal | None:
        """Open the journal for rows; ``None`` if the disk refuses its header."""
        slots, rows_offset, rows_bytes = jf.geometry(len(journal.memory))
        header = jf.Header(
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
        if self._guard("rows wait in memory", lambda: journal.begin(header)):
            return journal
        self._guard("a journal cannot be removed", journal.discard)
        return None

    def take_back(self, spare: Journal) -> None:
        """A begun journal without rows that was not needed after all."""
        if self._guard("a spare cannot be taken back", spare.take_back):
            self._spares.take_back(spare)
        else:
            self._guard("a journal cannot be removed", spare.discard)

    def hand_over(self, full: Journal) -> None:
        """A journal that will not change any more. Safe in a signal handler."""
        self._sealing.add(full)
        self._inbox.put(None)

    def hand_over_last(self, full: Journal) -> None:
        """The last journal: `stop` comes next."""
        self._awaited.append(full)
        self.hand_over(full)

    def persist(self, journal: Journal) -> None:
        """Write what is new in the journal to its file. What the disk refuses waits in memory."""
        try:
            journal.persist()
        except OSError as error:
            self.troubles.report(f"{self._folder}: rows wait in memory", error)
        except ValueError:
            if journal.descriptor is not None:
                raise  # else a signal handler had it sealed meanwhile, with all of its rows

    def settle_soon(self) -> None:
        """Values from a device are due. Safe in a signal handler."""
        self._inbox.put(None)

    def flush(self, hand_over: Callable[[], None]) -> None:
        """Seal all that was and is handed over; returns when it is durable, or refused."""
        self._awaited.append(hand_over)
        try:
            hand_over()
            self._rows.close_batches(wait=True)
            self._settle(wait=True)
            self._ask(_Request(last=False))
        finally:
            self._awaited.pop()

    def stop(self) -> int:
        """Seal all that was handed over, end the thread, and remove the spares.

        Returns:
            The number of rows, the last ones, that are on no disk.
        """
        self._rows.close_batches(wait=True)
        self._settle(wait=True)
        self._ask(_Request(last=True))
        self._thread.join()
        self._sealing.rest()
        self._spares.stop()
        unsafe = self._sealing.count_unsafe()
        self._sealing.detach()
        return unsafe

    def abandon(self) -> None:
        """Close all files and leave them: in a forked child, or when the start failed."""
        self._spares.abandon()
        self._sealing.detach()

    def _ask(self, request: _Request) -> None:
        """Have the thread do something now; should it have died, do it here."""
        self._inbox.put(request)
        while not request.done.wait(1.0):
            if not self._thread.is_alive():
                self._asked.append(request)
                while not request.done.is_set():
                    self._tend()
                    time.sleep(_SEALING_SECONDS)
                return

    def _run(self) -> None:
        due = time.monotonic() + self._options.sync_every
        while True:
            self._receive(due)
            if self._tend():
                return
            if time.monotonic() >= due:
                due = time.monotonic() + self._options.sync_every
                self._guard("the log cannot be looked after", self._tick)

    def _receive(self, due: float) -> None:
        """Wait until something is to be done."""
        longest = _AWAITED_SECONDS if self._awaited else LONGEST_WAIT_SECONDS
        wait = max(0.0, min(due - time.monotonic(), longest))
        try:
            request = self._inbox.get(timeout=wait)
        except queue.Empty:
            return
        if request is not None:
            self._asked.append(request)

    def _tend(self) -> bool:
        """Do what there is to do, and answer who asked; tell whether that was the last thing."""
        self._guard("a journal cannot be named", self._name_current)
        self._guard("events cannot be written", self._events.drain)
        self._settle(wait=False)
        sealed = self._guard("a journal cannot be sealed", self._seal)
        self._spares.look()  # sealing makes room
        if self._sealing.is_busy:
            return False
        return self._answer(sealed=sealed and self._sealing.is_idle)

    def _answer(self, *, sealed: bool) -> bool:
        """Tell who asked that all is sealed, or was refused; whether that was the last thing.

        What was refused may have been begun before they asked, so it is tried once more for them.
        """
        for request in self._asked:
            request.refusals += not sealed
        answered = [request for request in self._asked if sealed or request.refusals > 1]
        self._asked = [request for request in self._asked if request not in answered]
        if self._asked:
            self._inbox.put(None)
        for request in answered:
            request.done.set()
        return any(request.last for request in answered)

    def _guard(self, what: str, act: Callable[[], None]) -> bool:
        return self.troubles.guard(f"{self._folder}: {what}", act)

    def _settle(self, *, wait: bool) -> None:
        self._guard("values on a device are lost", lambda: self._rows.settle(wait=wait))

    def _name_current(self) -> None:
        self._rows.current_journal().name_after_rows(self._folder)

    def _seal(self) -> None:
        if not self._sealing.is_idle:
            self._sealed_last = time.monotonic()
        self._sealing.advance(at_once=bool(self._awaited))

    def _tick(self) -> None:
        """What is due every ``sync_every`` seconds."""
        self._rows.watch_devices()
        self._rows.log_later(wait=False)
        self._rows.close_batches(wait=False)
        self._settle(wait=False)
        self._guard("the log cannot be synced", self._sync)
        if self._roll_if_older(self._roll_after):
            self._roll_after = min(2 * self._roll_after, LONGEST_ROLL_SECONDS)
        if time.monotonic() >= self._sample_due:
            self._sample_due = time.monotonic() + self._options.system_every
            self._guard("the system cannot be sampled", self._sample_system)

    def _sample_system(self) -> None:
        if self._sample is not None:
            self._rows.log_beside(self._sample())

    def _sync(self) -> None:
        self._rows.current_journal().write_sync()
        for _ in self._sealing.sync():
            self._guard("a journal cannot be sealed", self._seal)
        if time.monotonic() - self._sealed_last > _REST_SECONDS:
            self._sealing.rest()

    def _roll_if_older(self, seconds: float) -> bool:
        """Roll a journal that is old and holds rows; tell whether it was."""
        journal = self._rows.current_journal()
        if not journal.rows or time.monotonic() - journal.began < seconds:
            return False
        return self._rows.roll(journal, wait=False)

    def _in_memory(self, first_seq: int) -> Journal | None:
        """A begun journal in memory, if there is room."""
        if self._sealing.count_in_memory() >= MOST_IN_MEMORY:
            return None
        try:
            journal = self._spares.make_in_memory()
        except OSError as error:
            self.troubles.report(f"{self._folder}: no memory for rows", error)
            return None
        return self._begin(journal, first_seq)

    def _is_waiting(self, full: Journal | None) -> bool:
        """Whether rows are in memory that no disk has taken yet."""
        return self._sealing.count_in_memory() > 0 or (full is not None and full.is_waiting)
