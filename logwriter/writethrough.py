"""A journal for file systems that a mapping cannot be trusted on: rows are written, not stored.

On network and FUSE file systems a mapping may be refused, may come to light on no other machine, or may
kill the process when the server runs out of space. There rows go into plain memory first, as into any
journal, and `WrittenJournal.persist` writes what is new before ``log`` returns: the kernel has it then,
and a killed process loses nothing. That costs two system calls a row. What the disk refuses stays in
memory, and is tried again with the next row.
"""

import mmap
import os
from contextlib import suppress
from pathlib import Path

from logwriter import journal as jf
from logwriter.mapped import Journal


class WrittenJournal(Journal):
    """A journal in memory whose rows are written to a file behind it."""

    __slots__ = ("_kept_offset", "_kept_used", "_refused")

    def __init__(self, path: Path, descriptor: int, size: int, serial: int) -> None:
        """Wrap an empty file of ``size`` bytes."""
        super().__init__(mmap.mmap(-1, size), path, descriptor, serial)
        self._kept_used = 0
        self._kept_offset = 0
        self._refused: list[tuple[int, int]] = []  # where late values lie that are in memory alone

    @property
    def is_waiting(self) -> bool:
        """Whether some of its rows wait in memory for a disk."""
        rows_wait = self._kept_used < self.slots_used or self._kept_offset < self.offset
        return rows_wait or bool(self._refused)

    def count_safe(self) -> int:
        """How many rows a file holds. One that somebody removed holds none."""
        safe = super().count_safe()
        if not (safe and self.is_waiting):
            return safe
        first = jf.SLOTS_OFFSET
        kept = memoryview(self.memory)[first : first + 2 * self._kept_used].cast("H").tolist()
        return len(kept) - kept.count(jf.LAYOUT_SLOT)

    def begin(self, header: jf.Header) -> None:
        """Write the header and open the journal for rows."""
        self._kept_offset = header.rows_offset
        super().begin(header)

    def persist(self) -> None:
        """Write all rows committed so far: first the rows, then the slots that commit them.

        A signal handler or another thread in the middle of it writes the same bytes to the same
        places, and may at most let too little count as written.

        Raises:
            OSError: The disk refused; what was not written is tried again next time.
        """
        used, offset = self.slots_used, self.offset
        if self.descriptor is None or self.header is None or not self.is_waiting:
            return
        for place in list(self._refused):
            self._write(*place)
            with suppress(ValueError):  # another thread did the same
                self._refused.remove(place)
        self._write(self._kept_offset, offset)
        first = self.header.slots_offset
        self._write(first + 2 * self._kept_used, first + 2 * used)
        self._kept_used, self._kept_offset = (
            max(used, self._kept_used),
            max(offset, self._kept_offset),
        )

    def write_sync(self) -> None:
        """Persist, vouch for all rows committed so far, and make them survive a power cut.

        Raises:
            OSError: The disk refused.
        """
        self.persist()
        super().write_sync()

    def fill(self, offset: int, data: bytes) -> None:
        """Write a value that came late; what the disk refuses is written with the next row."""
        self.memory[offset : offset + len(data)] = data
        try:
            self._write(offset, offset + len(data))
        except OSError:
            self._refused.append((offset, offset + len(data)))

    def _settled_end(self) -> tuple[int, int]:
        """How many slots and bytes will not change, and are in the file."""
        if self._refused:
            return 0, 0
        return min(super()._settled_end(), (self._kept_used, self._kept_offset))

    def store(self, offset: int, data: bytes) -> None:
        """Write what is no row: a header, a sync point."""
        super().store(offset, data)
        self._write(offset, offset + len(data))

    def _write(self, start: int, end: int) -> None:
        with memoryview(self.memory) as memory:
            while start < end:
                with memory[start:end] as part:
                    start += os.pwrite(self._open_descriptor(), part, start)

    def _open_descriptor(self) -> int:
        if self.descriptor is None:
            raise ValueError("the journal was let go of")
        return self.descriptor


def create_written(path: Path, size: int, serial: int) -> Journal:
    """Make a spare of ``size`` bytes on any file system. Its space is not reserved.

    Raises:
        OSError: The disk refuses; nothing is left behind.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.ftruncate(descriptor, size)
        return WrittenJournal(path, descriptor, size, serial)
    except BaseException:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        raise
