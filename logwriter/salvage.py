"""What can be saved of a damaged journal: all rows whose bytes nothing contradicts.

The slots say where each row lies, so rows behind a damaged block are found as well as those in
front of it, as long as the slots themselves and the layout records are whole. What the sync points
contradict is left out, block by block; what they do not speak of is taken as in a sound journal.
"""

import os
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from logwriter import journal as jf
from logwriter.decode import Block, Located, count_rows, decode, find_timeless, locate
from logwriter.journalfile import Image, copy, find_zeros
from logwriter.regular import open_regular
from logwriter.rundir import WriterId
from logwriter.stretches import Stretch

_DAY = 86_400 * 10**9

_Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Salvage:
    """The rows of a journal that can be saved.

    ``committed`` is the stretch of all rows that were committed, as far as can be told; ``kept``
    are the stretches of those that are whole, in order, and ``blocks`` their rows.
    """

    committed: Stretch
    kept: list[Stretch]
    blocks: list[Block]


def salvage(image: Image, *, same_boot: bool) -> Salvage:
    """Find the rows of a damaged journal that are whole. Pure."""
    located, _ = locate(image.slots[: image.used], image.rows, image.where)
    slots, words = _trust(image, same_boot=same_boot)
    known = count_rows(image.slots[: int(np.argmin(np.append(slots, False)))])
    spoilt = np.concatenate([[0], np.cumsum(~words)])
    whole = spoilt[located.ends // 8] == spoilt[located.starts // 8]
    whole &= (located.number < known) & ~find_timeless(located, image.rows)
    kept = located.only(whole)
    first = image.header.first_seq
    return Salvage(
        (first, first + max(_count_committed(image, located), len(kept.number))),
        [(first + start, first + end) for start, end in _stretches(kept.number)],
        decode(kept, image.rows, image.header),
    )


def rebuild(path: Path, first_seq: int, writer: WriterId, started: int) -> tuple[Image, bool]:
    """A journal whose header is damaged, with the header that it must have had.

    Size and name of the file give the geometry and the first row. Where the damaged header's clock
    makes no sense, the last row is taken to be as old as the last change of the file.

    Args:
        path: The file.
        first_seq: What its name says.
        writer: Whose folder it lies in.
        started: When the writer started, in nanoseconds since 1970; 0 if that is not known.

    Returns:
        The journal, and whether a sync point agrees that it is one; without, nothing vouches for
        the geometry.

    Raises:
        DamagedError: It is not even a file.
    """
    descriptor = open_regular(path)
    try:
        status = os.fstat(descriptor)
        data = os.pread(descriptor, jf.HEADER_BYTES, 0)
        writer_and_rows = (writer.rank, writer.attempt, first_seq)
        header = jf.guess_header(data, *writer_and_rows, max(status.st_size, jf.SLOTS_OFFSET))
        image = copy(descriptor, path.name, header)
    finally:
        os.close(descriptor)
    located, _ = locate(image.slots[: image.used], image.rows, image.where)
    if len(located.ends):
        words = np.frombuffer(image.rows, dtype="<i8", count=len(image.rows) // 8)
        last = int(words[located.starts[-1] // 8])
        if not started - _DAY <= header.clock_origin + last <= status.st_mtime_ns + _DAY:
            image = replace(image, header=replace(header, clock_origin=status.st_mtime_ns - last))
    slots, words = _vouch(image)
    return image, bool(slots.any() and words.any())


def _trust(image: Image, *, same_boot: bool) -> tuple[_Bools, _Bools]:
    """Which slots and which words of the row region to believe, shaped as in `_vouch`."""
    slots, words = _vouch(image)
    syncs = _syncs(image)
    covered_bytes = max((sync.row_bytes for sync in syncs), default=0)
    slots[max((sync.slots for sync in syncs), default=0) :] = True
    end = len(image.rows) if same_boot else find_zeros(image.rows, covered_bytes)
    words[covered_bytes // 8 : end // 8] = True
    return slots, words


def _vouch(image: Image) -> tuple[_Bools, _Bools]:
    """Which slots, (slots,), and words of the row region, (bytes // 8,), a sync point vouches for."""
    slots = np.zeros(len(image.slots), dtype=bool)
    words = np.zeros(len(image.rows) // 8, dtype=bool)
    for sync in _syncs(image):
        slot_bytes = image.slots[: sync.slots].tobytes()
        row_bytes = image.rows[: sync.row_bytes]
        of_slots = -(-2 * sync.slots // jf.BLOCK_BYTES)
        _believe(slots, jf.block_crcs(slot_bytes, b""), sync.crcs[:of_slots], sync.slots, 2)
        _believe(words, jf.block_crcs(b"", row_bytes), sync.crcs[of_slots:], sync.row_bytes // 8, 8)
    return slots, words


def _syncs(image: Image) -> list[jf.SyncPoint]:
    return [sync for sector in image.syncs if (sync := jf.decode_sync(sector))]


def _believe(
    items: _Bools, found: tuple[int, ...], said: tuple[int, ...], covered: int, width: int
) -> None:
    """Mark the items, ``width`` bytes each, of the blocks whose checksums are what was said."""
    size = jf.BLOCK_BYTES // width
    for block, (is_, was) in enumerate(zip(found, said, strict=False)):
        if is_ == was:
            items[block * size : min((block + 1) * size, covered)] = True


def _count_committed(image: Image, located: Located) -> int:
    """How many rows were committed, as far as slots and sync points tell."""
    end = int(located.ends[-1]) if len(located.ends) else 0
    cut = len(image.rows) < image.header.rows_bytes
    behind = np.frombuffer(image.rows, dtype=np.uint8)[end:]
    reach = image.used
    if cut or behind.any():  # else the slots behind the first empty one stand for no row
        reach = int(np.max(np.flatnonzero(image.slots), initial=-1)) + 1
    reach = max([reach, *(sync.slots for sync in _syncs(image))])
    return reach - int(np.count_nonzero(image.slots[:reach] == jf.LAYOUT_SLOT))


def _stretches(numbers: npt.NDArray[np.int64]) -> list[Stretch]:
    """Ascending numbers as stretches."""
    if not len(numbers):
        return []
    breaks = np.flatnonzero(np.diff(numbers) != 1) + 1
    starts, ends = [0, *breaks.tolist()], [*breaks.tolist(), len(numbers)]
    return [(int(numbers[a]), int(numbers[b - 1]) + 1) for a, b in zip(starts, ends, strict=True)]
