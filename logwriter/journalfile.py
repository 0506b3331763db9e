"""Reading a journal's file: what is there, how much of it is verified, and what is wrong.

Trust follows from the boot. A journal of this boot lies in the kernel's own pages, so each slot
counts, whatever killed the process. After another boot (a power cut, another machine) rows up to
the last sync point that still holds are verified; later ones are taken up to the first 512-byte
sector of zeros and reported as unverified. In both cases a sync point that does not hold means
damage: it is named, and only the rows in front of it can be saved.
"""

import os
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from logwriter import journal as jf
from logwriter.decode import Block, Located, count_rows, decode, find_pending, find_timeless, locate
from logwriter.errors import DamagedError
from logwriter.journalhead import read_header
from logwriter.mapped import Journal
from logwriter.regular import open_regular
from logwriter.stretches import Stretch

_SECTOR = 512
_SETTLE_SECONDS = 0.001
_LOOKS = 4
REPAIR_HINT = "`everystep verify --repair RUN` keeps the rows before it"

_Slots = npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Image:
    """A journal's bytes, copied at one moment.

    ``slots`` is the slot region, ``rows`` the row region, ``syncs`` the two sync points' sectors,
    ``size`` the length of the file.
    """

    where: str
    header: jf.Header
    slots: _Slots
    rows: bytes | memoryview
    syncs: tuple[bytes, ...]
    size: int

    @property
    def used(self) -> int:
        """The number of slots in front of the first empty one."""
        return int(np.argmin(np.append(self.slots, 0) != 0))

    @property
    def stray(self) -> int:
        """The number of slots in use behind the first empty one."""
        return int(np.count_nonzero(self.slots[self.used :]))


@dataclass(frozen=True)
class JournalRows:
    """The rows of one journal, or those in front of its first damage.

    ``rows`` counts them, ``verified`` those that a sync point vouches for, ``unverified`` those
    that nothing vouches for: behind the last sync point of another boot. ``pending`` of them lack
    values that are, or were, on a device; behind them ``held_back`` rows were left out.
    """

    header: jf.Header
    blocks: list[Block]
    rows: int
    verified: int
    unverified: int
    pending: int
    held_back: int
    damage: DamagedError | None

    @property
    def stretch(self) -> Stretch:
        """The sequence numbers of the rows."""
        return self.header.first_seq, self.header.first_seq + self.rows


def read_journal(path: Path, boot_id: str, *, live: bool = False) -> JournalRows | None:
    """All rows of a journal, dead or alive; ``None`` for a spare that was never begun.

    Args:
        path: The file.
        boot_id: The boot id of this machine now.
        live: Its writer may be at work: rows end before the first that waits for a value.

    Raises:
        FileNotFoundError: It was sealed meanwhile: list the folder once more.
        DamagedError: Its bytes contradict its checksums.
        NewerFormatError: A newer everystep wrote it.
    """
    image = load(path)
    if image is None:
        return None
    contents = judge(image, same_boot=image.header.boot_id == boot_id, settled_only=live)
    if contents.damage:
        raise contents.damage
    return contents


def load(path: Path) -> Image | None:
    """Copy a journal that may be written to meanwhile; ``None`` for a spare never begun.

    A process killed while it began a spare leaves a torn header and no row: never begun, too.

    Raises:
        FileNotFoundError: It was sealed meanwhile.
        DamagedError: It is no journal, or its header does not match its checksum.
    """
    descriptor = open_regular(path)
    try:
        header = read_header(descriptor, path)
        return None if header is None else copy(descriptor, path.name, header)
    finally:
        os.close(descriptor)


def copy(descriptor: int, where: str, header: jf.Header) -> Image:
    """The journal's bytes, as they are while its writer goes on.

    The sync points come first, so that they speak of nothing that this copy lacks; the slots come
    before the rows, with a moment between, because a weakly ordered processor may show a slot
    before the row that it commits.
    """
    for _ in range(_LOOKS):
        syncs = tuple(os.pread(descriptor, jf.SYNC_BYTES, offset) for offset in jf.SYNC_OFFSETS)
        slots = os.pread(descriptor, 2 * header.slots, header.slots_offset)
        time.sleep(_SETTLE_SECONDS)
        image = Image(
            where,
            header,
            np.frombuffer(slots, dtype="<u2", count=len(slots) // 2),
            os.pread(descriptor, header.rows_bytes, header.rows_offset),
            syncs,
            os.fstat(descriptor).st_size,
        )
        if not image.stray:
            break  # else the writer overtook this copy of the slots: look again
    return image


def view(journal: Journal) -> Image:
    """A closed journal of this process, without copying it."""
    header, memory = journal.header, memoryview(journal.memory)
    if header is None:
        raise ValueError("a spare holds no rows")
    return Image(
        journal.path.name if journal.path else "a journal in memory",
        header,
        np.frombuffer(memory, "<u2", header.slots, header.slots_offset),
        memory[header.rows_offset : header.rows_offset + header.rows_bytes],
        (),
        header.size,
    )


def judge(image: Image, *, same_boot: bool, settled_only: bool = False) -> JournalRows:
    """Which rows of the image count, and what is wrong with the rest. Pure.

    Args:
        image: The journal.
        same_boot: It was written since this machine's last start.
        settled_only: Only rows before the first that waits for a value from a device.
    """
    located, damage = locate(image.slots[: image.used], image.rows, image.where)
    timeless = np.flatnonzero(find_timeless(located, image.rows))
    if len(timeless):
        fault = f"the row {timeless[0]} of its rows was committed but holds no time"
        located, damage = located.front(timeless[0]), DamagedError(f"{image.where}: {fault}")
    sync, broken = _weigh(image, newest_only=same_boot)
    vouched = count_rows(image.slots[: sync.slots]) if sync else 0
    if broken:
        located, damage = located.front(broken.good_rows(located, image.slots)), broken.error
    elif image.size != image.header.size:
        sizes = f"{image.size} bytes long, but its header says {image.header.size}"
        damage = DamagedError(f"{image.where}: {sizes}; {REPAIR_HINT}")
    elif same_boot and image.stray:
        stray = f"slot {image.used} is empty but {image.stray} later ones are not"
        damage = damage or DamagedError(f"{image.where}: {stray}; {REPAIR_HINT}")
    elif not same_boot:
        if len(located.ends) >= vouched:
            damage = None  # a torn tail is the end of the log
        verified = int(located.ends[vouched - 1]) if vouched else 0
        limit = find_zeros(image.rows, verified)
        rows = int(np.searchsorted(located.ends, limit, side="right"))
        located = located.front(max(vouched, rows))
    pending, found = find_pending(located, image.rows), len(located.ends)
    if settled_only and pending.any():
        located, pending = located.front(int(np.argmax(pending))), pending[:0]
    rows = len(located.ends)
    return JournalRows(
        image.header,
        decode(located, image.rows, image.header),
        rows,
        min(rows, vouched),
        0 if same_boot else max(0, rows - vouched),
        int(np.count_nonzero(pending)),
        found - rows,
        damage,
    )


@dataclass(frozen=True)
class _Broken:
    """A sync point that does not hold: what it says stands up to these limits."""

    slot_limit: int
    byte_limit: int
    error: DamagedError

    def good_rows(self, located: Located, slots: _Slots) -> int:
        by_slot = count_rows(slots[: self.slot_limit])
        by_byte = int(np.searchsorted(located.ends, self.byte_limit, side="right"))
        return min(by_slot, by_byte, len(located.ends))


def _weigh(image: Image, *, newest_only: bool) -> tuple[jf.SyncPoint | None, _Broken | None]:
    """The newest sync point that holds; without one, what is wrong with the newest."""
    begun = [sector for sector in image.syncs if any(sector)]
    syncs = [sync for sector in begun if (sync := jf.decode_sync(sector))]
    if begun and len(begun) == len(image.syncs) and not syncs:
        fault = f"{image.where}: both of its sync points are damaged; {REPAIR_HINT}"
        return None, _Broken(len(image.slots), len(image.rows), DamagedError(fault))
    syncs.sort(key=lambda sync: sync.counter, reverse=True)
    faults: list[_Broken] = []
    for sync in syncs[:1] if newest_only else syncs:
        broken = _find_fault(image, sync)
        if broken is None:
            return sync, None
        faults.append(broken)
    return None, faults[0] if faults else None


def _find_fault(image: Image, sync: jf.SyncPoint) -> _Broken | None:
    """The first 64 KiB block that is not what the sync point says."""
    slots = image.slots[: sync.slots].tobytes()
    rows = image.rows[: sync.row_bytes]
    crcs = jf.block_crcs(slots, rows)
    if crcs == sync.crcs and len(slots) == 2 * sync.slots and len(rows) == sync.row_bytes:
        return None
    pairs = zip(crcs, sync.crcs, strict=False)
    block = next((k for k, (is_, was) in enumerate(pairs) if is_ != was), len(crcs))
    slot_blocks = -(-2 * sync.slots // jf.BLOCK_BYTES)
    in_slots = block < slot_blocks
    start = jf.BLOCK_BYTES * (block if in_slots else block - slot_blocks)
    region = image.header.slots_offset if in_slots else image.header.rows_offset
    length = min(jf.BLOCK_BYTES, (2 * sync.slots if in_slots else sync.row_bytes) - start)
    fault = f"bytes {region + start}-{region + start + length} do not match their checksum"
    error = DamagedError(f"{image.where}: {fault}; {REPAIR_HINT}")
    return _Broken(
        start // 2 if in_slots else sync.slots, len(image.rows) if in_slots else start, error
    )


def find_zeros(rows: bytes | memoryview, start: int) -> int:
    """Where the first whole sector of zeros from byte ``start`` on begins; else the end."""
    sectors = np.frombuffer(rows, dtype=np.uint8, count=len(rows) // _SECTOR * _SECTOR)
    empty = np.flatnonzero(~sectors.reshape(-1, _SECTOR).any(axis=1)) * _SECTOR
    behind = empty[empty >= start]
    return int(behind[0]) if len(behind) else len(rows)
