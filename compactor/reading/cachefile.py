"""The file that digests are kept in: a header with the version, and blocks behind it.

The first block is put in place with the file, whole or not at all; others are appended, in a single
write. One that was cut off is the end of the file, and is nobody's fault; anything else that does not
match its checksum is damage. What lies before either is as good as ever.

Nothing is appended behind a fault, nor to any file but the very one that was read; what cannot be
appended to is written anew. Two processes that append at once leave two blocks that may hold the same
digests. Nothing is synced: after a power cut some blocks may be lost, which costs time and no more.
"""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import msgspec

from compactor.fold.digest import (
    CELLS_A_RUN,
    EARLY_BITS,
    FEWEST_CELLS,
    MOST_ROWS_A_CELL,
    ROWS_A_CELL,
)
from compactor.fold.parts import PartDigest
from compactor.reading.cacheblocks import (
    CutOffError,
    Digests,
    Key,
    decode_blocks,
    encode_block,
    padded,
)
from logwriter import durable
from logwriter.errors import DamagedError
from logwriter.regular import open_regular

_MAGIC = b"everyfld"
_VERSION = [3, ROWS_A_CELL, MOST_ROWS_A_CELL, FEWEST_CELLS, CELLS_A_RUN, EARLY_BITS]
"""The first number is to be counted up with any change to how a digest is computed, or a block laid out."""


class Identity(NamedTuple):
    """Which file it was, and in which state; the time tells a reused inode from the one that was read."""

    device: int
    inode: int
    size: int
    changed_ns: int


@dataclass(frozen=True)
class Stored:
    """What a file holds.

    Attributes:
        digests: All that can be used.
        room: How many bytes their arrays take in the file, with those that it holds twice.
        blocks: How many blocks they lie in.
        identity: The file; ``None`` if it is not whole, or of another version.
        fault: What is wrong with it, if something is that no interrupted append explains.
    """

    digests: dict[Key, PartDigest] = field(default_factory=dict)
    room: int = 0
    blocks: int = 0
    identity: Identity | None = None
    fault: str = ""


def read_file(path: Path) -> Stored:
    """What the file holds, up to its end or to what is damaged.

    Raises:
        OSError: It cannot be read, or is not there.
        DamagedError: It is no file.
    """
    with os.fdopen(open_regular(path), "rb") as file:
        identity = _identity(os.fstat(file.fileno()))
        data = file.read()
    header = _header()
    if not data.startswith(header):
        return Stored(fault="" if data.startswith(_MAGIC) else "it is no cache of everystep's")
    digests: dict[Key, PartDigest] = {}
    room = blocks = 0
    try:
        for block in decode_blocks(data, len(header)):
            digests.update(block.digests)
            room += block.room
            blocks += 1
    except DamagedError as error:
        is_half_appended = blocks > 0 and isinstance(error, CutOffError)
        return Stored(digests, room, blocks, fault="" if is_half_appended else str(error))
    return Stored(digests, room, blocks, identity)


def write_file(path: Path, digests: Digests) -> None:
    """Write the file anew, whole or not at all.

    Raises:
        OSError: The disk refused.
    """
    temporary = durable.temporary_path(path)
    try:
        with temporary.open("wb") as file:
            file.write(_header())
            file.writelines(encode_block(digests))
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)


def append_block(path: Path, digests: Digests, identity: Identity) -> bool:
    """Append a block, if the file is still what it was when it was read, and has no other name.

    Through a link, or a second name of the same file, a copy of the run would be written to.

    Returns:
        Whether it was appended.

    Raises:
        OSError: The disk refused. The file is then what it was before.
    """
    data = b"".join(encode_block(digests))
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return False  # it is gone, or may not be written to; a new file may still take its place
    try:
        found = os.fstat(descriptor)
        if _identity(found) != identity or found.st_nlink != 1:
            return False
        _append(descriptor, data, identity.size)
    finally:
        os.close(descriptor)
    return True


def _append(descriptor: int, data: bytes, size: int) -> None:
    """Write all of it behind the first ``size`` bytes, or give a full disk back what it gave.

    A block that another process appended meanwhile is given back too: it costs time, and no more.
    """
    left = memoryview(data)
    try:
        while left:
            left = left[os.write(descriptor, left) :]
    except OSError:
        os.ftruncate(descriptor, size)
        raise


def _identity(stat: os.stat_result) -> Identity:
    return Identity(stat.st_dev, stat.st_ino, stat.st_size, stat.st_ctime_ns)


def _header() -> bytes:
    return padded(_MAGIC + msgspec.json.encode(_VERSION))
