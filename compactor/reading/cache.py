"""The digests of sealed segments, kept beside the record: what was read once is not read again.

A sealed segment never changes, so neither does its digest. One file holds the digests of all segments
of a run; it is safe to delete, and a file that is damaged, of another version or of other segments
counts as absent, but for the digests before the damage. Nothing in it is trusted about the log itself:
checksums of segments are compared at every compaction, and a digest is used only for the very bytes
that it was made from.

What is new is appended. The file is written anew when it is not whole, when more than a third of it is
of no use any more, or when it has come to lie in many blocks.
"""

import logging
from collections.abc import Iterable
from pathlib import Path

from compactor.reading.cacheblocks import Digests, Key, room_of
from compactor.reading.cachefile import Stored, append_block, read_file, write_file
from compactor.store import clear_abandoned, record_path
from logwriter.errors import DamagedError
from logwriter.part import Part
from logwriter.runlog import RunLog

CACHE_NAME = "record.cache"
CACHED_VALUES = 1 << 20
"""Of fewer values in sealed segments nothing is kept: reading them again takes no time."""
LARGEST_SHARE = 1.0
"""Nothing is kept that would take more room than this share of the segments."""
_USELESS_SHARE = 1 / 3
"""So much of the file may be digests that are not needed any more, or that it holds twice."""
_MOST_BLOCKS = 64
"""A live run may be compacted every minute: the file must not fall to pieces."""

_log = logging.getLogger("everystep")


def cache_path(run: Path) -> Path:
    """Where a run's cache lies: beside its record."""
    return record_path(run).with_name(CACHE_NAME)


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


def load_digests(path: Path) -> Stored:
    """What the file holds; nothing, if it is not there. What is damaged is said."""
    try:
        stored = read_file(path)
    except FileNotFoundError:
        return Stored()
    except (OSError, DamagedError) as error:
        stored = Stored(fault=str(error))
    if stored.fault:
        _log.warning(
            "everystep: %s is not usable as a whole (%s): what it lacks is read anew",
            path,
            stored.fault,
        )
    return stored


def is_current(held: Digests, stored: Stored) -> bool:
    """Whether the file may stay as it is: it is whole, has all that is held, and little else."""
    return (
        stored.identity is not None
        and held.keys() <= stored.digests.keys()
        and _is_mostly_held(held, stored)
    )


def save_digests(path: Path, held: Digests, stored: Stored) -> None:
    """Keep what is held. A disk that refuses costs time later, and no more.

    Args:
        path: The file.
        held: All that is to be kept.
        stored: What the file held when it was read.
    """
    most = LARGEST_SHARE * sum(key.size for key in held)
    if room_of(held) > most:
        return
    new = {key: each for key, each in held.items() if key not in stored.digests}
    try:
        clear_abandoned(path)
        if (
            stored.identity is None
            or stored.blocks >= _MOST_BLOCKS
            or stored.room + room_of(new) > most
            or not _is_mostly_held(held, stored)
            or not append_block(path, new, stored.identity)
        ):
            write_file(path, held)
    except (OSError, RuntimeError) as error:  # RuntimeError: a link that leads to itself
        _log.warning(
            "everystep: %s cannot be written (%s): the next time takes longer", path, error
        )


def _is_mostly_held(held: Digests, stored: Stored) -> bool:
    """Whether little of the file is of no use."""
    used = room_of({key: each for key, each in stored.digests.items() if key in held})
    return stored.room - used <= _USELESS_SHARE * stored.room
