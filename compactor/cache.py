"""The digests of sealed segments, kept beside the record: what was read once is not read again.

A sealed segment never changes, so neither does its digest. One file holds the digests of all segments
of a run; it is safe to delete, and a file that is damaged, of another version or of other segments
counts as absent. Nothing in it is trusted about the log itself: checksums of segments are compared
at every compaction, and a digest is used only for the very bytes that it was made from.
"""

import logging
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, BinaryIO, TypeAlias

import msgspec
import numpy as np
from numpy.lib.format import read_array, write_array

from compactor.fold.cells import CELL, Records, concatenated
from compactor.fold.digest import CELLS_A_RUN, EARLY_BITS, FEWEST_CELLS, ROWS_A_CELL, Digest
from compactor.fold.exact import TERM
from compactor.fold.gaps import EDGE
from compactor.fold.parts import PartDigest
from compactor.store import clear_abandoned
from logwriter import durable
from logwriter.parts import Part
from logwriter.runlog import RunLog

CACHE_NAME = "record.cache"
CACHED_ROWS = 1 << 18
"""Of fewer rows in sealed segments nothing is kept: reading them again takes no time."""
_VERSION = [1, ROWS_A_CELL, FEWEST_CELLS, CELLS_A_RUN, EARLY_BITS]
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
    crc32: int
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
        with path.open("rb") as file:
            index = msgspec.json.decode(_load(file, np.dtype(np.uint8)).tobytes(), type=_Index)
            if index.version != _VERSION:
                return {}
            columns = {name: _load(file, kind) for name, kind in _KINDS.items()}
        _check(columns, index.crc32)
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, EOFError, msgspec.MsgspecError) as error:
        _log.warning("everystep: %s is not usable (%s): the log is read anew", path, error)
        return {}
    at = dict.fromkeys(_KINDS, 0)
    found = {}
    for entry in index.entries:
        slices = {}
        for name in _KINDS:
            end = at[name] + getattr(entry, name)
            slices[name], at[name] = columns[name][at[name] : end], end
        found[entry.key] = PartDigest(entry.metrics, Digest(**slices))
    return found


def save_digests(path: Path, digests: Digests) -> None:
    """Write the file, whole or not at all. A disk that refuses costs time later, and no more."""
    entries = []
    columns: dict[str, list[Records]] = {name: [] for name in _KINDS}
    for key, held in digests.items():
        counts = {name: len(getattr(held.digest, name)) for name in _KINDS}
        entries.append(_Entry(key, held.metrics, **counts))
        for name in _KINDS:
            columns[name].append(getattr(held.digest, name))
    joined = {name: concatenated(arrays, _KINDS[name]) for name, arrays in columns.items()}
    index = msgspec.json.encode(_Index(_VERSION, _crc32(joined), entries))
    temporary = durable.temporary_path(path)
    try:
        clear_abandoned(path)
        with temporary.open("wb") as file:
            for array in (np.frombuffer(index, np.uint8), *joined.values()):
                write_array(file, array, allow_pickle=False)
        temporary.replace(path)
    except OSError as error:
        _log.warning(
            "everystep: %s cannot be written (%s): the next time takes longer", path, error
        )
    finally:
        temporary.unlink(missing_ok=True)


def _load(file: BinaryIO, kind: np.dtype[Any]) -> Any:
    array = read_array(file, allow_pickle=False)
    if array.dtype != kind or array.ndim != 1:
        raise ValueError(f"an array of {array.dtype} in it")
    return array


def _check(columns: Mapping[str, Records], expected: int) -> None:
    if _crc32(columns) != expected:
        raise ValueError("its bytes do not match their checksum")


def _crc32(columns: Mapping[str, Records]) -> int:
    crc = 0
    for name in _KINDS:
        crc = zlib.crc32(columns[name].tobytes(), crc)
    return crc
