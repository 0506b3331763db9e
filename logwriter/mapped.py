"""A journal that rows go into: a mapped file, or plain memory when the disk refuses one.

The kernel owns the pages of a mapped file, so what was stored there outlives the process. The space
is allocated and the pages are made writable beforehand: a sparse file on a full disk would turn a
store into SIGBUS and kill the training.
"""

import ctypes
import errno
import mmap
import os
import time
from contextlib import suppress
from pathlib import Path

from zlib_ng.zlib_ng import crc32

from logwriter import journal as jf
from logwriter.hotpath import JournalBase, LayoutBase
from logwriter.rundir import journal_path

CLOSED = -1
_NO_STEP = -(1 << 63)
_MADV_POPULATE_WRITE = 23  # Linux 5.14; the mmap module has no name for it yet
_madvise = ctypes.CDLL(None, use_errno=True).madvise  # lets go of the interpreter's lock meanwhile
_madvise.argtypes = (ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int)


class Layout(LayoutBase):
    """A tuple of metric names that rows have, and how to pack them."""

    __slots__ = ("names", "pack")

    def __init__(self, names: tuple[str, ...]) -> None:
        """Prepare to pack rows of ``names``."""
        self.names = names
        self.pack = jf.row_struct(len(names)).pack
        self.width = 8 * (jf.ROW_WORDS + len(names))
        self.mixed = False
        self.last_step = _NO_STEP
        self.serial = 0
        self.slot = 0


class Journal(JournalBase):
    """A journal: a file or plain memory, its header, and what it vouched for.

    ``pending`` holds, for each row that waits for values from a device, how many slots and bytes
    surely lie before it.
    """

    __slots__ = (
        "_closed_used",
        "_counter",
        "_crcs",
        "_synced",
        "began",
        "descriptor",
        "header",
        "memory",
        "path",
        "pending",
    )

    def __init__(
        self, memory: mmap.mmap, path: Path | None, descriptor: int | None, serial: int
    ) -> None:
        """Wrap allocated, zeroed memory; `begin` makes a journal of it."""
        self.memory = memory
        self.path = path
        self.descriptor = descriptor
        self.serial = serial
        self.header: jf.Header | None = None
        self.layouts: dict[tuple[str, ...], Layout] = {}
        self.map(memory, 0, 0)
        self.used = CLOSED
        self.offset = 0
        self.limit = 0
        self.defined = 0
        self.pending: dict[object, tuple[int, int]] = {}
        self.began = 0.0
        self._closed_used = 0
        self._counter = 0
        self._crcs: tuple[list[int], list[int]] = ([], [])
        self._synced = 0

    @property
    def slots_used(self) -> int:
        """The number of slots in use, open or closed."""
        return self._closed_used if self.used == CLOSED else self.used

    @property
    def rows(self) -> int:
        """The number of rows committed."""
        return self.slots_used - self.defined

    @property
    def first_seq(self) -> int:
        """The sequence number of the first row."""
        return self.header.first_seq if self.header else 0

    def begin(self, header: jf.Header) -> None:
        """Write the header and open the journal for rows."""
        self.store(0, jf.encode_header(header))
        self.header = header
        self.map(self.memory, header.slots_offset, header.slots)
        self.offset = header.rows_offset
        self.limit = header.rows_offset + header.rows_bytes
        self.began = time.monotonic()
        self.used = 0

    def take_back(self) -> None:
        """Undo `begin` on a journal without rows: a spare again."""
        self.close()
        self.store(0, bytes(jf.HEADER_BYTES))

    def close(self) -> None:
        """Let no row in any more. A row on its way sees it and goes to the next journal."""
        self.limit = CLOSED
        if self.used != CLOSED: self._closed_used = self.used; self.used = CLOSED  # noqa: E701, E702  # fmt: skip

    def has_room(self, size: int) -> bool:
        """Whether a record of ``size`` bytes still fits."""
        return self.offset + size <= self.limit

    @property
    def is_waiting(self) -> bool:
        """Whether some of its rows wait in memory for a disk."""
        return self.path is None

    def count_safe(self) -> int:
        """How many rows a file holds. One that somebody removed holds none."""
        if self.path is None:
            return 0
        there = self.path.exists() if self.descriptor is None else not self._is_unlinked()
        return self.rows if there else 0

    def persist(self) -> None:
        """Make rows outlive the process: in a mapping they do, in plain memory they cannot."""

    def write_sync(self) -> None:
        """Vouch for all rows that will not change, and make them survive a power cut.

        Raises:
            OSError: The disk refused.
        """
        used, offset = self._settled_end()
        if self.header is None or self.descriptor is None or used <= self._synced:
            return
        slots = memoryview(self.memory)[self.header.slots_offset :][: 2 * used]
        rows = memoryview(self.memory)[self.header.rows_offset : offset]
        self._counter += 1
        crcs = (*_extend(self._crcs[0], slots), *_extend(self._crcs[1], rows))
        point = jf.encode_sync(jf.SyncPoint(self._counter, used, len(rows), crcs))
        self.store(jf.SYNC_OFFSETS[self._counter % 2], point)
        os.fdatasync(self.descriptor)  # never mmap.flush: it holds the interpreter's lock
        self._synced = used

    def park(self) -> None:
        """Sync a closed journal, and let go of its memory and its descriptor: the file stays.

        Raises:
            OSError: The disk refused; nothing was let go of.
        """
        if self.descriptor is not None:
            self.write_sync()
            self.release()
            self.detach()

    def release(self) -> None:
        """Give the memory of a closed journal back. Nobody stores anything in a closed journal."""
        with suppress(BufferError):  # the trace of an earlier failure still shows it: it goes later
            self.unmap()
            self.memory.close()

    def name_after_rows(self, folder: Path) -> None:
        """Give the file of a begun journal its own name in place of the spare's."""
        wanted = journal_path(folder, self.first_seq)
        if self.path is not None and self.path != wanted:
            self.path.rename(wanted)
            self.path = wanted

    def discard(self) -> None:
        """Remove the file, and give the memory back."""
        self.release()
        self.detach()
        if self.path is not None:
            self.path.unlink(missing_ok=True)

    def detach(self) -> None:
        """Close the file and leave it where it is."""
        descriptor, self.descriptor = self.descriptor, None  # first: a fork may come in between
        if descriptor is not None:
            os.close(descriptor)

    def store(self, offset: int, data: bytes) -> None:
        """Write what is no row: a header, a sync point."""
        self.memory[offset : offset + len(data)] = data

    def fill(self, offset: int, data: bytes) -> None:
        """Write a value that came late."""
        self.memory[offset : offset + len(data)] = data

    def _settled_end(self) -> tuple[int, int]:
        """How many slots and bytes lie before the first row that waits for values, or are in use."""
        end = self.slots_used, self.offset  # read first: rows that come meanwhile lie behind it
        return min([end, *list(self.pending.values())])

    def _is_unlinked(self) -> bool:
        return self.descriptor is not None and os.fstat(self.descriptor).st_nlink == 0


def create(path: Path, size: int, serial: int) -> Journal:
    """Make a spare of ``size`` bytes: allocated, mapped, and its pages writable.

    Raises:
        OSError: The disk is full or refuses; nothing is left behind.
    """
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o644)
    try:
        os.posix_fallocate(descriptor, 0, size)
        memory = mmap.mmap(descriptor, size)
        _populate(memory)
    except BaseException as error:
        os.close(descriptor)
        path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    return Journal(memory, path, descriptor, serial)


def in_memory(size: int, serial: int) -> Journal:
    """A spare that no disk holds, for rows that wait for one."""
    return Journal(mmap.mmap(-1, size), None, None, serial)


def never_open() -> Journal:
    """A journal that takes no rows: what a run has when it is over, or never was."""
    return Journal(mmap.mmap(-1, mmap.PAGESIZE), None, None, 0)


def _populate(memory: mmap.mmap) -> None:
    """Take the page faults now, so that no row takes them. Older kernels do not know how."""
    first = ctypes.c_char.from_buffer(memory)
    failed = _madvise(ctypes.addressof(first), len(memory), _MADV_POPULATE_WRITE)
    number = ctypes.get_errno()
    del first  # it kept the mapping from being closed
    if failed and number != errno.EINVAL:
        raise OSError(number, os.strerror(number))


def _extend(crcs: list[int], region: memoryview) -> list[int]:
    """CRC-32 of each block of the region; whole blocks, which change no more, are kept in ``crcs``."""
    size = jf.BLOCK_BYTES
    whole = len(region) // size
    crcs.extend(crc32(region[k * size : (k + 1) * size]) for k in range(len(crcs), whole))
    rest = region[whole * size :]
    return [*crcs, crc32(rest)] if len(rest) else crcs
