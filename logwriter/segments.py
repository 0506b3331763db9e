"""Sealed segments: rows in long format, as Parquet, sorted by metric, then sequence number.

One schema for ever. `to_table` turns a journal's blocks into it, `write_segment` puts it on disk,
`check_segment` tells whether a segment is still the file that was announced.
"""

import zlib
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logwriter import durable
from logwriter.decode import Block
from logwriter.errors import DamagedError, NewerFormatError
from logwriter.events import SegmentSealed
from logwriter.journal import NO_EPOCH
from logwriter.rundir import WriterId, segment_path

SEGMENT_FORMAT = 1
ROW_GROUP_VALUES = 131_072
_READ_BYTES = 1 << 20
_KEY = b"everystep"

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


def to_table(blocks: Iterable[Block]) -> pa.Table:
    """The rows in long format: one record a value, sorted by metric (code points), then ``seq``."""
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
        parts = of[name]
        seq = np.concatenate([block.seq for block, _ in parts])
        order = np.argsort(seq, kind="stable") if len(parts) > 1 else slice(None)
        counts.append(len(seq))
        columns["seq"].append(seq[order])
        for field in ("step", "epoch", "time"):
            gathered = np.concatenate([getattr(block, field) for block, _ in parts])
            columns[field].append(gathered[order])
        values = np.concatenate([block.values[:, column] for block, column in parts])
        columns["value"].append(values[order])
    joined = {field: np.concatenate(arrays) for field, arrays in columns.items()}
    metric = pa.DictionaryArray.from_arrays(
        np.repeat(np.arange(len(names), dtype=np.int32), counts), pa.array(names, pa.string())
    )
    return pa.Table.from_arrays(
        [
            metric,
            pa.array(joined["seq"]),
            pa.array(joined["step"]),
            pa.array(joined["epoch"], mask=joined["epoch"] == NO_EPOCH),
            pa.array(joined["time"]).cast(SCHEMA.field("time").type),
            pa.array(joined["value"]),
        ],
        schema=SCHEMA,
    )


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
    path = segment_path(folder, first_seq, first_seq + rows - 1)
    meta = (
        f'{{"format":{SEGMENT_FORMAT},"run":"{run_id}","rank":{writer.rank},"attempt":{writer.attempt},'
        f'"first_seq":{first_seq},"last_seq":{first_seq + rows - 1}}}'
    )
    table = table.replace_schema_metadata({_KEY: meta.encode()})
    crcs: list[tuple[int, int]] = []

    def write(temporary: Path) -> None:
        pq.write_table(
            table,
            temporary,
            row_group_size=ROW_GROUP_VALUES,
            compression="zstd",
            use_dictionary=["metric"],
            column_encoding=_ENCODINGS,
            write_page_checksum=True,
            store_schema=True,
        )
        crcs.append(file_crc(temporary))

    durable.replace_with(path, write)
    crc, size = crcs[0]
    return SegmentSealed(
        time=time,
        segment=path.name,
        first_seq=first_seq,
        last_seq=first_seq + rows - 1,
        rows=rows,
        values=table.num_rows,
        bytes=size,
        crc32=crc,
    )


def file_crc(path: Path) -> tuple[int, int]:
    """The CRC-32 of a whole file, and its length in bytes."""
    crc = size = 0
    with path.open("rb", buffering=0) as file:
        while chunk := file.read(_READ_BYTES):
            crc = zlib.crc32(chunk, crc)
            size += len(chunk)
    return crc, size


_checked: dict[tuple[str, int, int, int], int] = {}


def check_segment(path: Path, announced: SegmentSealed) -> None:
    """Make sure that the file is the one that was announced, once per name, size and mtime.

    Raises:
        FileNotFoundError: It is gone.
        DamagedError: Its bytes are not those that were announced.
    """
    stat = path.stat()
    key = (str(path.absolute()), stat.st_size, stat.st_mtime_ns, stat.st_ino)
    if key not in _checked:
        _checked[key] = file_crc(path)[0]
    if stat.st_size != announced.bytes or _checked[key] != announced.crc32:
        raise DamagedError(
            f"{path.name}: {stat.st_size} bytes with CRC-32 {_checked[key]:08x}, but "
            f"{announced.bytes} with {announced.crc32:08x} were sealed; "
            "`everystep verify --repair RUN` saves what can be read of it"
        )


def check_format(path: Path) -> None:
    """Make sure that this version can read the segment.

    Raises:
        NewerFormatError: A newer everystep wrote it.
        DamagedError: It is no segment.
    """
    try:
        meta = pq.read_metadata(path).metadata or {}
    except pa.ArrowInvalid as error:
        raise DamagedError(f"{path.name}: not a Parquet file: {error}") from error
    text = meta.get(_KEY, b"").decode()
    if not text:
        raise DamagedError(f"{path.name}: a Parquet file, but not a segment of everystep")
    if f'"format":{SEGMENT_FORMAT},' not in text:
        raise NewerFormatError(
            f"{path.name}: a segment of another format ({text}); this everystep reads format "
            f"{SEGMENT_FORMAT}. Install a newer everystep to read this run"
        )
