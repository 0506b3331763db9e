"""Journals made beforehand, so that the loop never waits for one."""

import errno
import itertools
import logging
from collections import deque
from contextlib import suppress
from pathlib import Path

from logwriter.filesystem import file_system, is_remote
from logwriter.mapped import Journal, create, in_memory
from logwriter.rundir import spare_path
from logwriter.writethrough import create_written

FIRST_JOURNAL = 1 << 20
_NOT_MAPPABLE = {errno.ENODEV, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EACCES}

_log = logging.getLogger("everystep")


class Spares:
    """The spares of one writer's folder; two at first, later one ahead.

    ``writes_through`` says that the file system cannot be trusted with a mapping, so that each row is
    written to the file behind it.
    """

    def __init__(self, folder: Path, journal_bytes: int) -> None:
        """Make the first two.

        Raises:
            OSError: The disk refused them.
        """
        self._folder, self._largest = folder, journal_bytes
        self._size = min(FIRST_JOURNAL, journal_bytes)
        self._serials = itertools.count(1)  # a signal handler may ask for one in between
        self._ready: deque[Journal] = deque()
        kind = file_system(folder)
        self.writes_through = is_remote(kind)
        if self.writes_through:
            self._say_slow(f"its file system ({kind}) is not on a disk of this machine")
        try:
            self._ready.append(self._make_first())
            self._ready.append(self.make())
        except BaseException:
            self.abandon()
            raise

    def __bool__(self) -> bool:
        """Whether one is ready."""
        return bool(self._ready)

    def add(self) -> None:
        """Make one ready.

        Raises:
            OSError: The disk refused.
        """
        self._ready.append(self.make())

    def take(self) -> Journal | None:
        """One that is ready, if there is one. Safe in a signal handler."""
        try:
            return self._ready.popleft()
        except IndexError:
            return None

    def take_back(self, spare: Journal) -> None:
        """One without rows that was not needed after all."""
        self._ready.append(spare)

    def make(self) -> Journal:
        """A spare of the size that is due, or of the first size if only that finds room.

        Raises:
            OSError: The disk refused.
        """
        size = self._size
        try:
            journal = self._create(size)
        except OSError:
            if size <= FIRST_JOURNAL:
                raise
            return self._create(FIRST_JOURNAL)
        self._size = min(2 * size, self._largest)
        return journal

    def make_in_memory(self) -> Journal:
        """One that no disk holds."""
        return in_memory(self._size, next(self._serials))

    def discard(self) -> None:
        """Remove those that were not needed."""
        while self._ready:
            self._ready.popleft().discard()

    def abandon(self) -> None:
        """Close all files and leave them: in a forked child, or when the start failed."""
        for spare in self._ready:
            with suppress(OSError):  # a fork may have come while it was being closed
                spare.detach()

    def _make_first(self) -> Journal:
        """The first: it shows whether the file system knows mappings at all."""
        try:
            return self.make()
        except OSError as error:
            if self.writes_through or error.errno not in _NOT_MAPPABLE:
                raise
            self.writes_through = True
            journal = self.make()
            self._say_slow(f"its file system cannot map files ({error.strerror})")
            return journal

    def _create(self, size: int) -> Journal:
        serial = next(self._serials)
        create_one = create_written if self.writes_through else create
        return create_one(spare_path(self._folder, serial), size, serial)

    def _say_slow(self, why: str) -> None:
        text = (
            "everystep: %s: %s; each row is written as it comes, which takes some microseconds more"
        )
        _log.warning(text, self._folder, why)
