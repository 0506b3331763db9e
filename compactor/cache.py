"""The digests of sealed segments, kept beside the record: what was read once is not read again.

A sealed segment never changes, so neither does its digest. One file holds the digests of all segments
of a run; it is safe to delete, and a file that is damaged, of another version or of other segments
counts as absent. Nothing in it is trusted about the log itself: checksums of segments are compared
at every compaction, and a digest is used only for the very bytes that it was made from.
"""

import logging
import zipfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeAlias

import msgspec
import numpy as np

from compactor.fold.cells import CELL
from compactor.fold.digest import Digest
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
_VERSION = 1
"""To be counted up with any change to what a digest holds or how it is computed."""
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
    version: int
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
        with path.open("rb") as file, np.load(file, allow_pickle=False) as held:
            index = msgspec.json.decode(held["index"].tobytes(), type=_Index)
            if index.version != _VERSION:
                return {}
            columns = {name: held[name] for name in _KINDS}
    except FileNotFoundError:
        return {}
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        zipfile.BadZipFile,
        msgspec.MsgspecError,
    ) as error:
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
    entries, columns = [], {name: [np.zeros(0, kind)] for name, kind in _KINDS.items()}
    for key, held in digests.items():
        counts = {name: len(getattr(held.digest, name)) for name in _KINDS}
        entries.append(_Entry(key, held.metrics, **counts))
        for name in _KINDS:
            columns[name].append(getattr(held.digest, name))
    index = np.frombuffer(msgspec.json.encode(_Index(_VERSION, entries)), np.uint8)
    cells, terms, edges = (np.concatenate(columns[name]) for name in ("cells", "terms", "edges"))
    temporary = durable.temporary_path(path)
    try:
        clear_abandoned(path)
        with temporary.open("wb") as file:
            np.savez(file, index=index, cells=cells, terms=terms, edges=edges)
        temporary.replace(path)
    except OSError as error:
        _log.warning(
            "everystep: %s cannot be written (%s): the next time takes longer", path, error
        )
    finally:
        temporary.unlink(missing_ok=True)
