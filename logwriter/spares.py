"""Journals made beforehand, so that the loop never waits for one.

A thread of its own makes them: the one that syncs and seals waits for the disk much longer than a loop
at full speed takes to fill a journal.
"""

import errno
import itertools
import logging
import queue
import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from logwriter.filesystem import file_system, is_remote
from logwriter.mapped import Journal, create, in_memory
from logwriter.rundir import spare_path
from logwriter.troubles import Troubles
from logwriter.writethrough import create_written

FIRST_JOURNAL = 1 << 20
READY = 2
_NOT_MAPPABLE = {errno.ENODEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EACCES}

_log = logging.getLogger("everystep")


class Spares:
    """The spares of one writer's folder: `READY` of them stand ready.

    ``writes_through`` says that the file system cannot be trusted with a mapping, so that each row is
    written to the file behind it.
    """

    def __init__(self, folder: Path, journal_bytes: int, troubles: Troubles) -> None:
        """Make the first ones. ``troubles`` takes what the disk refuses later.

        Raises:
            OSError: The disk refused them.
        """
        self._folder, self._largest, self._troubles = folder, journal_bytes, troubles
        self._size = min(FIRST_JOURNAL, journal_bytes)
        self._serials = itertools.count(1)  # a signal handler may ask for one in between
        self._ready: deque[Journal] = deque()
        self._wanted: queue.SimpleQueue[bool] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._run, name="everystep spares", daemon=True)
        self._refused = False
        kind = file_system(folder)
        self.writes_through = is_remote(kind)
        if self.writes_through:
            self._say_slow(f"its file system ({kind}) is not on a disk of this machine")
        try:
            self._ready.append(self._make_first())
            while len(self._ready) < READY:
                self._ready.append(self._make())
        except BaseException:
            self.abandon()
            raise

    def start(self, are_wanted: Callable[[], bool]) -> None:
        """Begin to make more, as long as they ``are_wanted``."""
        self._are_wanted = are_wanted
        self._thread.start()

    def is_own_thread(self) -> bool:
        """Whether the caller is the thread that makes them."""
        return threading.current_thread() is self._thread

    def take(self) -> Journal | None:
        """One that is ready; else one made on the spot, a stall, if the disk did not refuse before.

        Safe in a signal handler.
        """
        try:
            spare = self._ready.popleft()
        except IndexError:
            spare = None
        self._wanted.put(True)
        return spare or self._make_at_once()

    def take_back(self, spare: Journal) -> None:
        """One without rows that was not needed after all."""
        self._ready.append(spare)

    def look(self) -> None:
        """See whether more are wanted now, and whether the disk takes them."""
        if len(self._ready) < READY:
            self._wanted.put(True)

    def make_in_memory(self) -> Journal:
        """One that no disk holds."""
        return in_memory(self._size, next(self._serials))

    def stop(self) -> None:
        """End the thread, and remove the spares that were not needed."""
        self._wanted.put(False)
        self._thread.join()
        while self._ready:
            self._ready.popleft().discard()

    def abandon(self) -> None:
        """Close all files and leave them: in a forked child, or when the start failed."""
        for spare in self._ready:
            with suppress(OSError):  # a fork may have come while it was being closed
                spare.detach()

    def _run(self) -> None:
        what = f"{self._folder}: no room for the next journal"
        while self._wanted.get():
            self._troubles.guard(what, self._fill_up)

    def _fill_up(self) -> None:
        while len(self._ready) < READY and self._are_wanted():
            self._ready.append(self._make())
            self._refused = False

    def _make_at_once(self) -> Journal | None:
        self._troubles.stalls += 1
        if self._refused:
            return None
        try:
            return self._make()
        except OSError as error:
            self._refused = True
            what = f"{self._folder}: no room for rows, which wait in memory"
            self._troubles.report(what, error)
            return None

    def _make(self) -> Journal:
        """A spare of the size that is due, or of the first size if only that finds room."""
        size = self._size
        try:
            journal = self._create(size)
        except OSError:
            if size <= FIRST_JOURNAL:
                raise
            return self._create(FIRST_JOURNAL)
        self._size = min(2 * size, self._largest)
        return journal

    def _make_first(self) -> Journal:
        """The first: it shows whether the file system knows mappings at all."""
        try:
            return self._make()
        except OSError as error:
            if self.writes_through or error.errno not in _NOT_MAPPABLE:
                raise
            self.writes_through = True
            journal = self._make()
            self._say_slow(f"its file system cannot map files ({error.strerror})")
            return journal

    def _create(self, size: int) -> Journal:
        serial = next(self._serials)
        create_one = create_written if self.writes_through else create
        return create_one(spare_path(self._folder, serial), size, serial)

    def _say_slow(self, why: str) -> None:
        text = "everystep: %s: %s; each row is written as it comes, which costs two system calls"
        _log.warning(text, self._folder, why)
