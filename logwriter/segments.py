"""Sealed segments: rows in long format, as Parquet, sorted by metric, then sequence number.

One schema for ever. `to_table` turns a journal's blocks into it, `prepare_segment` writes it under a
temporary name, `write_segment` puts it in place as well, `check_segment` tells whether a segment is
still the file that was announced, `check_identity` whether it belongs where it lies.
"""

import json
import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from zlib_ng.zlib_ng import crc32

from logwriter import durable
from logwriter.arrow import to_arrow, to_strings
from logwriter.decode import Block
from logwriter.errors import DamagedError, NewerFormatError
from logwriter.events import SegmentSealed
from logwriter.journal import LOST, NO_EPOCH, PENDING
from logwriter.prepared import Prepared, place_segment
from logwriter.regular import open_regular, require_regular
from logwriter.rundir import WriterId, segment_path

SEGMENT_FORMAT = 1
ROW_GROUP_VALUES = 131_072
_READ_BYTES = 1 << 22
_WRITE_BATCH = 1 << 14  # values encoded at a time: a sixth less time than with Arrow's 1024
_KEY = b"everystep"
# what pyarrow raises for damaged bytes: its own, and Python's for names and texts that make no sense
UNREADABLE = (pa.ArrowException, OSError, ValueError, LookupError, ArithmeticError)

SCHEMA = pa.schema(
    [
        pa.field("metric", pa.dictionary(pa.int32(), pa.string()), nullable=False),
        pa.field("seq", pa.int64(), nullable=False),
        pa.field("step", pa.int64(), nullable=False),
        pa.field("epoch", pa.int64(), nullable=True),
        pa.field("time", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("value", pa.float64(), nullable=False),
    ]
)
_ENCODINGS = {
    "seq": "DELTA_BINARY_PACKED",
    "step": "DELTA_BINARY_PACKED",
    "epoch": "DELTA_BINARY_PACKED",
    "time": "DELTA_BINARY_PACKED",
    "value": "BYTE_STREAM_SPLIT",
}


class Identity(msgspec.Struct, frozen=True):
    """What a segment's metadata says it is. ``run`` is empty where that was not known."""

    format: int = SEGMENT_FORMAT
    run: str = ""
    rank: int = 0
    attempt: int = 0
    first_seq: int = 0
    last_seq: int = 0

    def fits(self, expected: "Identity") -> bool:
        """Whether it is what was expected; an unknown run fits every run."""
        if not (self.run and expected.run):
            expected = msgspec.structs.replace(expected, run=self.run)
        return self == expected


def to_table(blocks: Iterable[Block]) -> pa.Table:
    """The rows in long format: one record a value, sorted by metric (code points), then ``seq``.

    Values that never came from their device are left out.
    """
    of: dict[str, list[tuple[Block, int]]] = defaultdict(list)
    for block in blocks:
        for column, name in enumerate(block.names):
            of[name].append((block, column))
    names = sorted(of)
    if not names:
        return SCHEMA.empty_table()
    columns: dict[str, list[np.ndarray]] = defaultdict(list)
    counts = []
    for name in names:
        gathered = _gather(of[name])
        counts.append(len(gathered["seq"]))
        for field, array in gathered.items():
            columns[field].append(array)
    joined = {field: np.concatenate(arrays) for field, arrays in columns.items()}
    metric = pa.DictionaryArray.from_arrays(
        to_arrow(np.repeat(np.arange(len(names), dtype=np.int32), counts), pa.int32()),
        to_strings(names),
    )
    missing = {"epoch": joined["epoch"] == NO_EPOCH}
    others = [
        to_arrow(joined[field.name], field.type, missing.get(field.name))
        for field in SCHEMA
        if field.name != "metric"
    ]
    return pa.Table.from_arrays([metric, *others], schema=SCHEMA)


def _gather(parts: list[tuple[Block, int]]) -> dict[str, np.ndarray]:
    """All of one metric, by ``seq``: from each block the column that holds it."""
    found = {
        field: np.concatenate([getattr(block, field) for block, _ in parts])
        for field in ("seq", "step", "epoch", "time")
    }
    found["value"] = np.concatenate([block.values[:, column] for block, column in parts])
    if len(parts) > 1:
        order = np.argsort(found["seq"], kind="stable")
        found = {field: column[order] for field, column in found.items()}
    bits = found["value"].view(np.int64)
    came = (bits != PENDING) & (bits != LOST)
    return found if came.all() else {field: column[came] for field, column in found.items()}


def prepare_segment(
    folder: Path, table: pa.Table, *, first_seq: int, rows: int, run_id: str, writer: WriterId
) -> Prepared:
    """Write the table under a temporary name, and sync it. The arguments are `write_segment`'s.

    Raises:
        OSError: The disk refused; nothing was left behind.
    """
    last_seq = first_seq + rows - 1
    identity = Identity(
        run=run_id,
        rank=writer.rank,
        attempt=writer.attempt,
        first_seq=first_seq,
        last_seq=last_seq,
    )
    table = table.replace_schema_metadata({_KEY: msgspec.json.encode(identity)})
    temporary = durable.temporary_path(segment_path(folder, first_seq, last_seq))
    try:
        _write_parquet(table, temporary)
        crc, size = file_crc(temporary)
        durable.sync_file(temporary)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    return Prepared(temporary.name, first_seq, rows, table.num_rows, size, crc)


def write_segment(
    folder: Path,
    table: pa.Table,
    *,
    first_seq: int,
    rows: int,
    run_id: str,
    writer: WriterId,
    time: int,
) -> SegmentSealed:
    """Put the table on disk under its final name, durably, and return what to announce.

    Args:
        folder: The writer's folder.
        table: Rows in `SCHEMA`, sorted.
        first_seq: Sequence number of the first row.
        rows: Number of rows (not of values).
        run_id: Goes into the file's metadata, with ``writer`` and the sequence range.
        writer: Rank and attempt.
        time: Of the announcement, in microseconds since 1970.

    Raises:
        OSError: The disk refused; nothing was left behind.
    """
    prepared = prepare_segment(
        folder, table, first_seq=first_seq, rows=rows, run_id=run_id, writer=writer
    )
    return place_segment(folder, prepared, time=time)


def _write_parquet(table: pa.Table, path: Path) -> None:
    # given a path, pyarrow would keep the file open for as long as somebody keeps the error
    with pa.OSFile(os.fsencode(path), "wb") as sink:
        pq.write_table(
            table,
            sink,
            row_group_size=ROW_GROUP_VALUES,
            write_batch_size=_WRITE_BATCH,
            compression="zstd",
            use_dictionary=["metric"],
            column_encoding=_ENCODINGS,
            write_page_checksum=True,
            store_schema=True,
        )


def file_crc(path: Path) -> tuple[int, int]:
    """The CRC-32 of a whole file, and its length in bytes."""
    crc = size = 0
    with path.open("rb", buffering=0) as file:
        # one buffer for all pieces, in large pages of memory, which NumPy asks for; and large pieces:
        # whoever works beside this loses the interpreter's lock at each
        most = min(os.fstat(file.fileno()).st_size + 1, _READ_BYTES)
        buffer = np.empty(most, np.uint8).data
        while count := file.readinto(buffer):
            crc = crc32(buffer[:count], crc)
            size += count
    return crc, size


_checked: dict[tuple[str, int, int, int], int] = {}


def check_segment(path: Path, announced: SegmentSealed) -> None:
    """Make sure that the file is the one that was announced, once per name, size and mtime.

    Raises:
        FileNotFoundError: It is gone.
        DamagedError: Its bytes are not those that were announced.
    """
    require_regular(path)
    found = path.stat()
    key = (str(path.absolute()), found.st_size, found.st_mtime_ns, found.st_ino)
    if key not in _checked:
        _checked[key] = file_crc(path)[0]
    if found.st_size != announced.bytes or _checked[key] != announced.crc32:
        raise DamagedError(
            f"{path.name}: {found.st_size} bytes with CRC-32 {_checked[key]:08x}, but "
            f"{announced.bytes} with {announced.crc32:08x} were sealed; "
            "`everystep verify --repair RUN` saves what can be read of it"
        )


def open_segment(path: Path) -> pa.NativeFile:
    """The file, for Arrow to read from.

    Arrow's own reading of paths takes ``~`` and ``file:`` for more than names, refuses names that
    are not UTF-8, and would wait for the other end of a pipe.

    Raises:
        FileNotFoundError: It is gone.
        DamagedError: It is no file.
    """
    os.close(open_regular(path))
    return pa.OSFile(os.fsencode(path))


def check_identity(path: Path, expected: Identity) -> None:
    """Make sure that this version can read the segment, and that it belongs where it lies.

    Raises:
        FileNotFoundError: It is gone.
        NewerFormatError: A newer everystep wrote it.
        DamagedError: It is no segment, or one of another run, another writer or other rows.
    """
    found = identify(path)
    if not found.fits(expected):
        raise DamagedError(
            f"{path.name}: holds the rows {found.first_seq}-{found.last_seq} of "
            f"{WriterId(found.rank, found.attempt)} of run {found.run or 'unknown'}: "
            "they do not belong here; `everystep verify --repair RUN` sets it aside"
        )


def identify(path: Path) -> Identity:
    """What the segment says it is.

    Raises:
        FileNotFoundError: It is gone.
        NewerFormatError: A newer everystep wrote it.
        DamagedError: It is no segment.
    """
    try:
        with open_segment(path) as file:
            text = (pq.read_metadata(file).metadata or {}).get(_KEY, b"")
    except FileNotFoundError:
        raise
    except UNREADABLE as error:
        raise DamagedError(f"{path.name}: not a Parquet file: {error}") from error
    if not text:
        raise DamagedError(f"{path.name}: a Parquet file, but not a segment of everystep")
    try:
        version = json.loads(text)["format"]
        if version == SEGMENT_FORMAT:
            return msgspec.json.decode(text, type=Identity)
    except (ValueError, KeyError, TypeError, msgspec.ValidationError) as error:
        raise DamagedError(f"{path.name}: its metadata make no sense: {error}") from error
    raise NewerFormatError(
        f"{path.name}: a segment of another format ({version}); this everystep reads format "
        f"{SEGMENT_FORMAT}. Install a newer everystep to read this run"
    )
