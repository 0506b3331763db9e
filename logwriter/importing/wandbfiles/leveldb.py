"""The log format of LevelDB as W&B writes it: a header, then blocks of 32 KiB with pieces of records.

A piece is a CRC-32 (4 bytes; of the kind and the data, and zlib's where LevelDB's is another), its
length (2), its kind (1: whole, or the first, a middle or the last piece) and its data, all little-endian
(``doc/log_format.md`` of LevelDB). Read here as W&B's package does so in its Go program only.
"""

import struct
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path

from logwriter.importing.items import Skipped

MAGIC = b":W&B\xe1\xbe\x00"
"""What a file begins with."""
BLOCK = 1 << 15
_PIECE = struct.Struct("<IHB")
_WHOLE, _FIRST, _LAST = 1, 2, 4
_KINDS = range(1, 5)
_ADVANCE = 1 << 20


def records(path: Path, advance: Callable[[int], None]) -> Iterator[bytes | Skipped]:
    """The records of a file; where some are cut or damaged, that comes in their place.

    Behind damage, reading goes on at the next block, as LevelDB does.

    Args:
        path: The file, which begins with `MAGIC`.
        advance: Told how many bytes more were read.

    Raises:
        OSError: The file cannot be read.
    """
    told, gathered = 0, list[bytes]()
    for at, kind, data in _pieces(path):
        fault = ""
        if kind == 0:
            fault, gathered = data.decode(), []
        elif kind in {_WHOLE, _FIRST}:
            fault = "the record is cut short" if gathered else ""
            gathered = [data]
        elif gathered:
            gathered.append(data)
        # a middle or last piece without its first one belongs to a record that was reported already
        if fault:
            yield Skipped(f"{path.name}, byte {at:,}", fault)
        if gathered and kind in {_WHOLE, _LAST}:
            yield b"".join(gathered)
            gathered = []
        if at - told >= _ADVANCE:
            advance(at - told)
            told = at
    size = path.stat().st_size
    advance(size - told)
    if gathered:
        yield Skipped(f"{path.name}, byte {size:,}", "the record is cut short")


def _pieces(path: Path) -> Iterator[tuple[int, int, bytes]]:
    """Where a piece lies, its kind, and its data; kind 0: what is wrong there."""
    with path.open("rb") as file:
        start, block = 0, file.read(BLOCK)
        at = len(MAGIC)
        while block:
            while at + _PIECE.size <= len(block):
                check, length, kind = _PIECE.unpack_from(block, at)
                end = at + _PIECE.size + length
                if check == length == kind == 0 and not any(block[at:]):
                    break  # room that was made and not used
                if end > len(block):
                    yield start + at, 0, b"the record is cut short"
                    break
                if zlib.crc32(block[at + 6 : end]) != check or kind not in _KINDS:
                    yield start + at, 0, b"the record does not match its checksum"
                    break
                yield start + at, kind, block[at + _PIECE.size : end]
                at = end
            else:
                if len(block) < BLOCK and at < len(block):
                    yield start + at, 0, b"the record is cut short"
            start, block, at = start + len(block), file.read(BLOCK), 0
