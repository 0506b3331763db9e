"""The journal's format, as pure functions over bytes. `FORMAT.md` describes it for other readers.

    0      header: identity, geometry, clock, CRC-32
    4096   sync point A    counter, slots, bytes, CRC-32 of each 64 KiB block, CRC-32
    8192   sync point B    written in turn with A
    12288  slots           one u16 a row; writing it commits the row; 0 means no row
    ...    rows            8-byte little-endian words, one row behind the other

A slot holds the row's layout: its tuple of metric names, numbered from 1 in the order in which
their *layout records* (slot `LAYOUT_SLOT`) stand in the same journal. A row is written in full
before its slot, and slots are written in order, so the first empty slot is the end of the log.
"""

import json
import struct
from dataclasses import dataclass
from typing import Any

from zlib_ng.zlib_ng import crc32

from logwriter.errors import DamagedError, NewerFormatError

JOURNAL_FORMAT = 1
MAGIC = b"EVSTEPJ\n"
HEADER_BYTES = 4096
SYNC_BYTES = 4096
SYNC_OFFSETS = (4096, 8192)
SLOTS_OFFSET = 12288
BLOCK_BYTES = 1 << 16
LAYOUT_SLOT = 0xFFFF
MAX_LAYOUTS = 0xFFFE
ROW_WORDS = 3
ROW_HEAD = "<qqq"
NO_EPOCH = -(1 << 63)
PENDING = 0x7FFD_4556_5354_4550  # the bits of a value that is still on a device: a NaN, "EVSTEP"
LOST = PENDING + 1  # the bits of a value that will never come
PENDING_BYTES = PENDING.to_bytes(8, "little")
VALUE = struct.Struct("<d")
LOST_BYTES = LOST.to_bytes(8, "little")
PENDING_FLOAT: float = VALUE.unpack(PENDING_BYTES)[0]
SMALLEST_JOURNAL = 1 << 18
LARGEST_JOURNAL = 1 << 25

_PREFIX = struct.Struct("<8sI")
_HEADER = struct.Struct("<8sIIIIQQQQQQq36s64s")
_SYNC = struct.Struct("<QQQQI")
_CRC = struct.Struct("<I")
_LAYOUT_HEAD = struct.Struct("<II")
_SMALLEST_ROW = 8 * (ROW_WORDS + 1)


@dataclass(frozen=True)
class Header:
    """Who wrote the journal, where its parts lie (bytes), and how its clock reads.

    ``clock_origin`` is what to add to a row's monotonic time to get nanoseconds since 1970.
    """

    rank: int
    attempt: int
    first_seq: int
    size: int
    slots_offset: int
    slots: int
    rows_offset: int
    rows_bytes: int
    clock_origin: int
    boot_id: str
    host: str


@dataclass(frozen=True)
class SyncPoint:
    """A statement about the front of a journal: this much of it had these checksums."""

    counter: int
    slots: int
    row_bytes: int
    crcs: tuple[int, ...]


def row_struct(metrics: int) -> struct.Struct:
    """How a row of so many metrics is packed: time, step, epoch, values."""
    return struct.Struct(f"{ROW_HEAD}{metrics}d")


def geometry(size: int) -> tuple[int, int, int]:
    """How a journal of ``size`` bytes is shared out: slots, offset of the rows, bytes of rows.

    There is a slot for each of the smallest rows, so that the slots never run out first.
    """
    slots = (size - SLOTS_OFFSET) // (2 + _SMALLEST_ROW)
    rows_offset = (SLOTS_OFFSET + 2 * slots + 511) // 512 * 512
    return slots, rows_offset, (size - rows_offset) // 8 * 8


def encode_header(header: Header) -> bytes:
    """The header's bytes, with their checksum."""
    body = _HEADER.pack(
        MAGIC,
        JOURNAL_FORMAT,
        crc32(_PREFIX.pack(MAGIC, JOURNAL_FORMAT)),
        header.rank,
        header.attempt,
        header.first_seq,
        header.size,
        header.slots_offset,
        header.slots,
        header.rows_offset,
        header.rows_bytes,
        header.clock_origin,
        header.boot_id.encode(),
        header.host.encode("utf-8", "replace")[:64],
    )
    return body + _CRC.pack(crc32(body))


def decode_header(data: bytes, where: str) -> Header | None:
    """The header at the front of ``data``; ``None`` if it was never written (all zero).

    Raises:
        DamagedError: No journal, or its header does not match its checksum.
        NewerFormatError: A newer everystep wrote it.
    """
    body = data[: _HEADER.size]
    if not any(body):
        return None
    if len(data) < _HEADER.size + _CRC.size:
        raise DamagedError(f"{where}: {len(data)} bytes are too few for a journal's header")
    magic, version, prefix_crc, *fields = _HEADER.unpack(body)
    if magic != MAGIC or prefix_crc != crc32(_PREFIX.pack(magic, version)):
        raise DamagedError(f"{where}: bytes 0-16 are not those of a journal")
    if version > JOURNAL_FORMAT:
        raise NewerFormatError(
            f"{where}: journal format {version}; this everystep reads format {JOURNAL_FORMAT}. "
            "Install a newer everystep to read this run"
        )
    if _CRC.unpack_from(data, _HEADER.size)[0] != crc32(body):
        raise DamagedError(f"{where}: bytes 0-{_HEADER.size} do not match the header's checksum")
    return _to_header(fields)


def guess_header(data: bytes, rank: int, attempt: int, first_seq: int, size: int) -> Header:
    """What a damaged header must have said, by the size and the name of its file.

    Clock, boot id and host are as the bytes have them, right or wrong.
    """
    *_, clock_origin, boot, host = _HEADER.unpack(data[: _HEADER.size].ljust(_HEADER.size, b"\0"))
    slots, rows_offset, rows_bytes = geometry(size)
    shape = (size, SLOTS_OFFSET, slots, rows_offset, rows_bytes)
    return _to_header([rank, attempt, first_seq, *shape, clock_origin, boot, host])


def _to_header(fields: list[Any]) -> Header:
    *numbers, boot, host = fields
    texts = [
        boot.rstrip(b"\0").decode("ascii", "replace"),
        host.rstrip(b"\0").decode("utf-8", "replace"),
    ]
    return Header(*numbers, *texts)


def encode_sync(sync: SyncPoint) -> bytes:
    """The sync point's bytes, with their checksum."""
    count = len(sync.crcs)
    body = _SYNC.pack(sync.counter, sync.slots, sync.row_bytes, BLOCK_BYTES, count)
    body += struct.pack(f"<{count}I", *sync.crcs)
    return body + _CRC.pack(crc32(body))


def decode_sync(data: bytes) -> SyncPoint | None:
    """The sync point in these bytes, or ``None`` where none was completed."""
    if len(data) < _SYNC.size:
        return None
    counter, slots, row_bytes, block, count = _SYNC.unpack_from(data)
    end = _SYNC.size + 4 * count
    if counter == 0 or block != BLOCK_BYTES or end + 4 > len(data):
        return None
    if _CRC.unpack_from(data, end)[0] != crc32(data[:end]):
        return None
    return SyncPoint(counter, slots, row_bytes, struct.unpack_from(f"<{count}I", data, _SYNC.size))


def block_crcs(slots: bytes | memoryview, rows: bytes | memoryview) -> tuple[int, ...]:
    """CRC-32 of each 64 KiB of the used slots, then of each 64 KiB of the used rows."""
    return tuple(
        crc32(part[start : start + BLOCK_BYTES])
        for part in (memoryview(slots), memoryview(rows))
        for start in range(0, len(part), BLOCK_BYTES)
    )


def encode_layout(names: tuple[str, ...]) -> bytes:
    """A layout record: length, CRC-32, the names as a JSON array, zeros up to a whole word.

    It is at least as long as the smallest row, so that the slots never run out before the rows.
    """
    text = json.dumps(names, ensure_ascii=False).encode("utf-8", "surrogatepass")
    record = _LAYOUT_HEAD.pack(len(text), crc32(text)) + text
    return record + bytes(_record_bytes(len(text)) - len(record))


def decode_layout(rows: bytes | memoryview, offset: int, where: str) -> tuple[tuple[str, ...], int]:
    """The names of the layout record at ``offset`` of the row region, and the record's bytes.

    Raises:
        DamagedError: The record runs past the region or does not match its checksum.
    """
    if offset + _LAYOUT_HEAD.size <= len(rows):
        length, crc = _LAYOUT_HEAD.unpack_from(rows, offset)
        start = offset + _LAYOUT_HEAD.size
        text = bytes(rows[start : start + length])
        if length and len(text) == length and crc32(text) == crc:
            names = json.loads(text.decode("utf-8", "surrogatepass"))
            return tuple(names), _record_bytes(length)
    raise DamagedError(f"{where}: the layout record at byte {offset} of its rows is damaged")


def _record_bytes(text_bytes: int) -> int:
    return max(_SMALLEST_ROW, (_LAYOUT_HEAD.size + text_bytes + 7) // 8 * 8)
