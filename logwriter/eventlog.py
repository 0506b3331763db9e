"""``events.jsonl``: appended to by one writer, read by anyone at any time."""

import errno
import logging
import os
import threading
from collections import deque
from pathlib import Path

from logwriter.errors import DamagedError
from logwriter.events import Event, RunStarted, decode_line, encode_line
from logwriter.regular import open_regular
from logwriter.rundir import EVENTS, WriterId

_PATIENCE_SECONDS = 1.0

_log = logging.getLogger("everystep")


class EventLog:
    """Appends events, each with one ``write``. What the disk refuses waits, in order."""

    def __init__(self, folder: Path) -> None:
        """Open the file of a writer's folder for appending.

        Raises:
            OSError: It cannot be created or written to.
        """
        self.path = folder / EVENTS
        self._descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        self._waiting: deque[bytes] = deque()
        self._lock = threading.RLock()
        self._refusals = 0
        self._closed = False
        self._is_writing = False

    @property
    def waiting(self) -> int:
        """The number of events that the disk has refused so far."""
        return len(self._waiting)

    def append(self, event: Event, *, durable: bool = False) -> bytes:
        """Write one event; ``durable`` makes it survive a power cut. Never raises for a disk.

        Returns:
            Its line, to ask `holds_back` about.
        """
        line = encode_line(event)
        self._waiting.append(line)
        self.drain(durable=durable)
        return line

    def holds_back(self, line: bytes) -> bool:
        """Whether an event still waits. Others may wait, or be on their way from another thread."""
        # in CPython 3.11 a finalizer may run inside tuple(), and add one
        return any(line is waiting for waiting in list(self._waiting))

    def drain(self, *, durable: bool = False) -> None:
        """Write what waits, oldest first, as far as the disk takes it.

        A signal handler may have interrupted a thread that is at it, and wait for this one: what
        cannot be written soon goes on waiting.
        """
        try:
            if threading.current_thread() is threading.main_thread():
                with (
                    self._lock
                ):  # Ctrl-C cannot come between taking it and being bound to return it
                    self._write_waiting()
            elif self._lock.acquire(timeout=_PATIENCE_SECONDS):
                try:
                    self._write_waiting()
                finally:
                    self._lock.release()
            if durable and not self._closed:
                os.fdatasync(self._descriptor)
        except OSError as error:
            self._refusals += 1
            if self._refusals == 1:
                _log.warning(
                    "everystep: %s: %s; events wait, and will be tried again", self.path, error
                )

    def close(self) -> int:
        """Close the file; returns the number of events that the disk refused to the last."""
        with self._lock:
            # a signal handler may close what it interrupted: then it writes all that waits
            self._is_writing = False
            self.drain()
            if not self._closed:
                self._closed = True
                descriptor, self._descriptor = self._descriptor, -1
                os.close(descriptor)
            return self.waiting

    def leave_to_parent(self) -> None:
        """In a forked child: close the copy of the file. The lock may be held by a lost thread."""
        self._lock = threading.RLock()
        self._waiting.clear()
        self.close()

    def _write_waiting(self) -> None:
        """Oldest first. What a signal handler adds in between comes behind the line that it interrupted."""
        if self._is_writing:
            return
        self._is_writing = True
        try:
            while self._waiting:
                self._write(self._waiting[0])
                self._waiting.popleft()
        finally:
            self._is_writing = False

    def _write(self, line: bytes) -> None:
        written = os.write(self._descriptor, line)
        if written < len(line):  # the disk ran full in the middle: leave no torn line behind
            os.ftruncate(self._descriptor, os.fstat(self._descriptor).st_size - written)
            raise OSError(errno.ENOSPC, "no space left for the whole event")


def read_events(path: Path) -> tuple[list[Event], str | None]:
    """All events of a file, and a note on a torn last line, if there is one.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedError: It is no file, or a line in front of the last does not match its checksum.
        NewerFormatError: A newer everystep wrote a line.
    """
    events, faults, torn = salvage_events(path)
    if faults:
        raise faults[0]
    return events, torn


def salvage_events(path: Path) -> tuple[list[Event], list[DamagedError], str | None]:
    """All events that are whole, what is wrong with the other lines, and a note on a torn last one.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedError: It is no file at all.
        NewerFormatError: A newer everystep wrote a line.
    """
    events: list[Event] = []
    faults: list[DamagedError] = []
    with os.fdopen(open_regular(path), "rb") as file:
        *lines, tail = file.read().split(b"\n")
    for number, line in enumerate(lines, 1):
        try:
            events.append(decode_line(line, f"{path.name}, line {number}"))
        except DamagedError as fault:
            faults.append(fault)
    torn = f"{path.name}: the last line, {len(tail)} bytes, was never completed" if tail else None
    return events, faults, torn


def salvage_own_events(
    path: Path, writer: WriterId
) -> tuple[list[Event], list[DamagedError], str | None]:
    """As `salvage_events`; events that say that they are another writer's do not count.

    Raises:
        FileNotFoundError: There is no such file.
        DamagedError: It is no file at all.
        NewerFormatError: A newer everystep wrote a line.
    """
    events, faults, torn = salvage_events(path)
    starts = (event for event in events if isinstance(event, RunStarted))
    owners = {WriterId(event.rank, event.attempt) for event in starts} - {writer}
    if owners:
        foreign = f"{path.name}: the events of {min(owners)}, not of {writer}"
        hint = "`everystep verify --repair RUN` sets them aside"
        return [], [DamagedError(f"{foreign}; {hint}")], None
    return events, faults, torn
