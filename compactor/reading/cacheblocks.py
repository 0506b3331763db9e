"""Blocks of digests, as bytes that explain themselves.

A block is::

    prefix   three u64: bytes of the index, bytes of the arrays, CRC-32 of the sixteen bytes before
    index    JSON: of each digest its key, its metrics and how long its arrays are
    arrays   the cells of all its digests, then all terms, then all edges
    suffix   u64: CRC-32 of index and arrays

All of them are multiples of eight bytes long, so arrays lie where processors like them.
"""

import struct
from collections.abc import Iterator, Mapping
from typing import NamedTuple, TypeAlias

import msgspec
import numpy as np
from zlib_ng.zlib_ng import crc32

from compactor.fold.cells import CELL
from compactor.fold.digest import Digest
from compactor.fold.exact import TERM
from compactor.fold.gaps import EDGE
from compactor.fold.parts import PartDigest
from compactor.fold.records import Kind, Records
from logwriter.errors import DamagedError

_KINDS = {"cells": CELL, "terms": TERM, "edges": EDGE}
_LENGTHS, _CRC = struct.Struct("<QQ"), struct.Struct("<Q")
_PREFIX_BYTES = _LENGTHS.size + _CRC.size


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


Digests: TypeAlias = Mapping[Key, PartDigest]


class CutOffError(DamagedError):
    """The bytes end within a block."""


class Block(NamedTuple):
    """What a block holds, and how many bytes its arrays take."""

    digests: dict[Key, PartDigest]
    room: int


def room_of(digests: Digests) -> int:
    """How many bytes the arrays of some digests take."""
    return sum(_room(_entry(key, held)) for key, held in digests.items())


def padded(text: bytes) -> bytes:
    """JSON with spaces behind it, up to a multiple of eight bytes."""
    return text + b" " * (-len(text) % 8)


def encode_block(digests: Digests) -> Iterator[bytes]:
    """A block, piece by piece."""
    entries = [_entry(key, held) for key, held in digests.items()]
    index = padded(msgspec.json.encode(entries))
    lengths = _LENGTHS.pack(len(index), sum(map(_room, entries)))
    yield lengths + _CRC.pack(crc32(lengths))
    yield index
    crc = crc32(index)
    for name in _KINDS:
        for held in digests.values():
            data = _to_bytes(getattr(held.digest, name))
            crc = crc32(data, crc)
            yield data
    yield _CRC.pack(crc)


def decode_blocks(data: bytes, at: int) -> Iterator[Block]:
    """The blocks of a file from ``at`` on.

    Raises:
        DamagedError: One does not match its checksums; `CutOffError`: the file ends in it.
    """
    view = memoryview(data)
    while at < len(data):
        index = at + _PREFIX_BYTES
        if index > len(data):
            raise CutOffError("it is cut off")
        _check(view[at : index - _CRC.size], view[index - _CRC.size : index])
        index_bytes, array_bytes = _LENGTHS.unpack_from(data, at)
        arrays = index + index_bytes
        end = arrays + array_bytes
        at = end + _CRC.size
        if at > len(data):
            raise CutOffError("it is cut off")
        _check(view[index:end], view[end:at])
        entries = msgspec.json.decode(view[index:arrays], type=list[_Entry])
        yield Block(_decode(entries, data, arrays), array_bytes)


def _entry(key: Key, held: PartDigest) -> _Entry:
    return _Entry(key, held.metrics, *(len(getattr(held.digest, name)) for name in _KINDS))


def _room(entry: _Entry) -> int:
    """How many bytes its arrays take."""
    return sum(kind.itemsize * int(getattr(entry, name)) for name, kind in _KINDS.items())


def _check(data: memoryview, crc: memoryview) -> None:
    if crc32(data) != _CRC.unpack(crc)[0]:
        raise DamagedError("its bytes do not match their checksum")


def _decode(entries: list[_Entry], data: bytes, at: int) -> dict[Key, PartDigest]:
    """The digests of a block, whose arrays begin at ``at``."""
    columns: list[list[Records]] = []
    for name, kind in _KINDS.items():
        column = []
        for entry in entries:
            count = int(getattr(entry, name))
            column.append(_from_bytes(data, kind, count, at))
            at += count * kind.itemsize
        columns.append(column)
    return {
        entry.key: PartDigest(entry.metrics, Digest(*parts))
        for entry, *parts in zip(entries, *columns, strict=True)
    }


def _to_bytes(records: Records) -> bytes:
    return records.columns.tobytes()


def _from_bytes(data: bytes, kind: Kind, count: int, at: int) -> Records:
    fields = kind.itemsize // 8
    return Records(kind, np.frombuffer(data, np.int64, count * fields, at).reshape(fields, count))
