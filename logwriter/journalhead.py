"""What a journal's file says of itself: whether it was begun, by whom, and for which rows."""

import os
from pathlib import Path

from logwriter import journal as jf
from logwriter.errors import DamagedError
from logwriter.regular import open_regular
from logwriter.rundir import SPARE_SUFFIX, WriterId

_SECTOR = 512


def peek(path: Path) -> jf.Header | None:
    """The header of a journal's file.

    Raises:
        FileNotFoundError: It was sealed meanwhile.
        DamagedError: It is no journal, or its header does not match its checksum, or is gone.
        NewerFormatError: A newer everystep wrote it.
    """
    descriptor = open_regular(path)
    try:
        return read_header(descriptor, path)
    finally:
        os.close(descriptor)


def read_header(descriptor: int, path: Path) -> jf.Header | None:
    """The header; ``None`` where nothing was ever begun.

    The slots of a spare are looked at before its header, because a slot in use follows a whole
    header.

    Raises:
        DamagedError: It is not that of a journal, does not match its checksum, or is gone.
        NewerFormatError: A newer everystep wrote it.
    """
    spare = path.suffix == SPARE_SUFFIX
    if spare and not _has_slots(descriptor):
        return _header_if_cut(descriptor, path)
    header = jf.decode_header(os.pread(descriptor, jf.HEADER_BYTES, 0), path.name)
    if header is None and (spare or _is_begun(descriptor)):
        raise DamagedError(
            f"{path.name}: its header is gone; `everystep verify --repair RUN` keeps the rows if a "
            "sync point vouches for them"
        )
    return header


def _header_if_cut(descriptor: int, path: Path) -> jf.Header | None:
    """The header of a spare whose slots were cut off with the end of its file."""
    try:
        header = jf.decode_header(os.pread(descriptor, jf.HEADER_BYTES, 0), path.name)
    except DamagedError:
        return None  # its process was killed while it began it
    return header if header and os.fstat(descriptor).st_size < header.size else None


def _has_slots(descriptor: int) -> bool:
    slots, _, _ = jf.geometry(os.fstat(descriptor).st_size)
    return slots > 0 and bool(os.pread(descriptor, 2 * slots, jf.SLOTS_OFFSET).strip(b"\0"))


def _is_begun(descriptor: int) -> bool:
    """Whether a file named like a journal, without a header, is cut off or in use behind it."""
    size = os.fstat(descriptor).st_size
    slots, rows_offset, _ = jf.geometry(size)
    syncs = os.pread(descriptor, jf.SLOTS_OFFSET, 0)
    first = os.pread(descriptor, _SECTOR, rows_offset) if slots > 0 else b""
    return slots <= 0 or any(syncs) or any(first) or _has_slots(descriptor)


def check_owner(header: jf.Header, path: Path, first_seq: int | None, writer: WriterId) -> None:
    """Make sure that a journal belongs where it lies.

    Args:
        header: What the journal says of itself.
        path: Its file.
        first_seq: What its name says; ``None`` for a spare, whose name says nothing.
        writer: Whose folder it lies in.

    Raises:
        DamagedError: It is another writer's, or has a name that is not its own.
    """
    owner = WriterId(header.rank, header.attempt)
    if owner != writer:
        fault = f"it was written by {owner}, not by {writer}"
    elif first_seq not in {None, header.first_seq}:
        fault = f"its header says that its first row is {header.first_seq}"
    else:
        return
    raise DamagedError(
        f"{path.name}: not a journal of this place: {fault}; "
        "`everystep verify --repair RUN` sets it aside"
    )
