"""The digests of sealed segments, kept beside the record: what was read once is not read again.

A sealed segment never changes, so neither does its digest. One file holds the digests of all segments
of a run; it is safe to delete, and a file that is damaged, of another version or of other segments
counts as absent. Nothing in it is trusted about the log itself: checksums of segments are compared
at every compaction, and a digest is used only for the very bytes that it was made from.
"""

import logging
import os
import struct
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np
from zlib_ng.zlib_ng import crc32

from compactor.fold.cells import CELL
from compactor.fold.digest import (
    CELLS_A_RUN,
    EARLY_BITS,
    FEWEST_CELLS,
    MOST_ROWS_A_CELL,
    ROWS_A_CELL,
    Digest,
)
from compactor.fold.exact import TERM
from compactor.fold.gaps import EDGE
from compactor.fold.parts import PartDigest
from compactor.fold.records import Records
from compactor.store import clear_abandoned
from logwriter import durable
from logwriter.errors import DamagedError
from logwriter.part import Part
from logwriter.regular import open_regular
from logwriter.runlog import RunLog

CACHE_NAME = "record.cache"
CACHED_VALUES = 1 << 20
"""Of fewer values in sealed segments nothing is kept: reading them again takes no time."""
LARGEST_SHARE = 1.0
"""Nothing is kept that would take more room than this share of the segments."""
_MAGIC = b"everyfld"
_VERSION = [2, ROWS_A_CELL, MOST_ROWS_A_CELL, FEWEST_CELLS, CELLS_A_RUN, EARLY_BITS]
"""The first number is to be counted up with any change to how a digest is computed."""
_KINDS = {"cells": CELL, "terms": TERM, "edges": EDGE}

_log = logging.getLogger("everystep")


class Key(msgspec.Struct, frozen=True):
    """The very bytes that a digest was made from, and where they are cut off."""

    rank: int
    attempt: int
    first_seq: int
    size: int
    crc32: int
    hidden_from: int | None


class _Entry(msgspec.Struct):
    key: Key
    metrics: tuple[str, ...]
    cells: int
    terms: int
    edges: int


class _Index(msgspec.Struct):
    version: list[int]
    entries: list[_Entry]


Digests: TypeAlias = Mapping[Key, PartDigest]


def keys_of(log: RunLog, parts: Iterable[Part]) -> list[Key | None]:
    """The key of each part; ``None`` for one that is not a sealed, announced segment."""
    sealed = {
        (attempt.writer.rank, attempt.writer.attempt, name): event
        for attempt in log.state.attempts
        for name, event in attempt.segments.items()
    }
    keys: list[Key | None] = []
    for part in parts:
        name = part.path.name if part.path else ""
        event = sealed.get((part.rank, part.attempt, name))
        if event is None:
            keys.append(None)
            continue
        where = (part.rank, part.attempt, part.first_seq)
        keys.append(Key(*where, event.bytes, event.crc32, part.hidden_from))
    return keys


def load_digests(path: Path) -> dict[Key, PartDigest]:
    """What the file holds; nothing, if it is not there or not whole."""
    try:
        with os.fdopen(open_regular(path), "rb") as file:
            return _decode(file.read())
    except FileNotFoundError:
        return {}
    except (OSError, DamagedError) as error:
        _log.warning("everystep: %s is not usable (%s): the log is read anew", path, error)
        return {}


def save_digests(path: Path, digests: Digests) -> None:
    """Write the file, whole or not at all. A disk that refuses costs time later, and no more."""
    arrays = [getattr(held.digest, name).columns for name in _KINDS for held in digests.values()]
    if sum(array.nbytes for array in arrays) > LARGEST_SHARE * sum(key.size for key in digests):
        return
    entries = [
        _Entry(key, held.metrics, *(len(getattr(held.digest, name)) for name in _KINDS))
        for key, held in digests.items()
    ]
    index = msgspec.json.encode(_Index(_VERSION, entries))
    temporary = durable.temporary_path(path)
    try:
        clear_abandoned(path)
        with temporary.open("wb") as file:
            crc = 0
            for part in (_MAGIC + struct.pack("<Q", len(index)), index, *arrays):
                data = memoryview(part.tobytes() if isinstance(part, np.ndarray) else part)
                crc = crc32(data, crc)
                file.write(data)
            file.write(struct.pack("<I", crc))
        temporary.replace(path)
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        _log.warning(
            "everystep: %s cannot be written (%s): the next time takes longer", path, error
        )
    finally:
        temporary.unlink(missing_ok=True)


def _decode(data: bytes) -> dict[Key, PartDigest]:
    """The digests in the bytes of a file; none of another version.

    Raises:
        DamagedError: The bytes are not those that were written.
    """
    start = len(_MAGIC) + 8
    if len(data) < start + 4 or not data.startswith(_MAGIC):
        raise DamagedError("it is no cache of everystep's")
    if crc32(memoryview(data)[:-4]) != struct.unpack("<I", data[-4:])[0]:
        raise DamagedError("its bytes do not match their checksum")
    (length,) = struct.unpack_from("<Q", data, len(_MAGIC))
    index = msgspec.json.decode(data[start : start + length], type=_Index)
    if index.version != _VERSION:
        return {}
    columns: dict[str, list[Records]] = {}
    at = start + length
    for name, kind in _KINDS.items():
        columns[name] = []
        for entry in index.entries:
            count = getattr(entry, name)
            fields = kind.itemsize // 8
            held = np.frombuffer(data, np.int64, count * fields, at).reshape(fields, count)
            columns[name].append(Records(kind, held))
            at += count * kind.itemsize
    return {
        entry.key: PartDigest(entry.metrics, Digest(*parts))
        for entry, *parts in zip(index.entries, *columns.values(), strict=True)
    }
