"""TFRecord files: records one after another, each behind its length, both with a checksum.

Length (8 bytes), checksum of the length (4), data, checksum of the data (4), all little-endian; the
checksum is a CRC-32C, rotated and shifted (``tensorflow/core/lib/io/record_writer.h``). Read here and
not by TensorBoard's own loader because that one ends in silence where a file is damaged, and spends
four fifths of its time on checksums in Python.
"""

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import BinaryIO

from logwriter.errors import EverystepError
from logwriter.importing.items import Skipped

_HEADER = struct.Struct("<QI")
_CHECK = struct.Struct("<I")
_PIECE = 1 << 20


def records(path: Path, advance: Callable[[int], None]) -> Iterator[bytes | Skipped]:
    """The records of a file, up to its end or the first that is cut or damaged, which comes last.

    Args:
        path: The file.
        advance: Told how many bytes more were read.

    Raises:
        EverystepError: The package that computes the checksums is not installed.
        OSError: The file cannot be read.
    """
    checksum, size = _checksum(), path.stat().st_size
    told = at = 0
    with path.open("rb", buffering=_PIECE) as file:
        while at < size:  # what is appended meanwhile is left for another time
            try:
                record = _behind(file.read(_HEADER.size), file, size - at, checksum)
            except _BadRecordError as fault:
                yield Skipped(f"{path.name}, byte {at:,}", f"{fault}; the file is read up to here")
                break
            yield record
            at += _HEADER.size + len(record) + _CHECK.size
            if at - told >= _PIECE:
                advance(at - told)
                told = at
    advance(size - told)


class _BadRecordError(Exception):
    """A record is cut short or damaged."""


def _behind(header: bytes, file: BinaryIO, left: int, checksum: Callable[[bytes], int]) -> bytes:
    """The record behind its header, of which so many bytes are left in the file at most."""
    if len(header) < _HEADER.size:
        raise _BadRecordError("the record is cut short")
    length, check = _HEADER.unpack(header)
    if checksum(header[:8]) != check:
        raise _BadRecordError("the length of the record does not match its checksum")
    if _HEADER.size + length + _CHECK.size > left:  # asked before memory is taken for it
        raise _BadRecordError("the record is cut short")
    record = file.read(length)
    if _CHECK.pack(checksum(record)) != file.read(_CHECK.size):
        raise _BadRecordError("the record does not match its checksum")
    return record


def _checksum() -> Callable[[bytes], int]:
    """The checksum of TFRecords."""
    try:
        from google_crc32c import value  # noqa: PLC0415  an extra
    except ImportError as error:
        raise EverystepError(
            "event files of TensorBoard need its extra: pip install 'everystep[tensorboard]'"
        ) from error

    def masked(data: bytes) -> int:
        crc: int = value(data)
        return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF

    return masked
