"""Exports as bytes, and bytes as files that are whole or absent.

Numbers are spelt so that they read back as the same number. In CSV every text is in double quotes,
an absent value is an empty cell, and ``nan``, ``inf`` and ``-inf`` stand for what is not finite.
Names are data and written as they are: a spreadsheet that takes a cell beginning with ``=`` for a
formula must be told to import texts as texts.
"""

import errno
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv
import pyarrow.parquet as pq

from logwriter.durable import replace_with

Write = Callable[[BinaryIO], object]

# JSON of texts only: inside a <script> element of a page, these would end it or its line
_ESCAPED = {
    b"<": rb"\u003c",
    "\u2028".encode(): rb"\u2028",
    "\u2029".encode(): rb"\u2029",
}


def json_bytes(value: Any) -> bytes:
    """Strict JSON as UTF-8, in one line, safe to paste into a ``<script>`` element."""
    data = msgspec.json.encode(value)
    for raw, escaped in _ESCAPED.items():
        data = data.replace(raw, escaped)
    return data + b"\n"


def write_csv(blocks: Iterable[pa.Table], schema: pa.Schema, sink: BinaryIO) -> None:
    """Write tables of one schema as CSV (RFC 4180, but lines end in ``\\n``), header first.

    A time is spelt ``2026-05-04 15:30:00.000000Z``.
    """
    spelt = pa.schema(
        [field.with_type(pa.string()) if _is_time(field) else field for field in schema]
    )
    with pa.csv.CSVWriter(sink, spelt) as writer:
        for block in blocks:
            columns = [
                _spell(column) if _is_time(field) else column
                for field, column in zip(schema, block.columns, strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(columns, schema=spelt))


def write_parquet(blocks: Iterable[pa.Table], schema: pa.Schema, sink: BinaryIO) -> None:
    """Write tables of one schema as Parquet, each as one row group.

    With zstd and page checksums, and in the encodings that every reader knows.
    """
    texts = [field.name for field in schema if pa.types.is_string(field.type)]
    with pq.ParquetWriter(
        sink, schema, compression="zstd", use_dictionary=texts, write_page_checksum=True
    ) as writer:
        for block in blocks:
            writer.write_table(block, row_group_size=max(1, block.num_rows))


def _is_time(field: pa.Field) -> bool:
    return bool(pa.types.is_timestamp(field.type))


def _spell(times: pa.ChunkedArray) -> pa.ChunkedArray:
    # Arrow takes ten times as long to spell a time that knows its zone
    texts = times.cast(pa.timestamp("us")).cast(pa.string())
    return pc.binary_join_element_wise(texts, "Z", "")


def write_file(path: Path, write: Write) -> None:
    """Let ``write`` fill a file that then takes the place of ``path``.

    A symbolic link is followed. What is there and no regular file, such as a pipe or a device, is
    written to, and never replaced. Folders on the way are made.

    Raises:
        OSError: The disk refused. ``path`` is then what it was before.
    """
    path = path.resolve()

    def fill(target: Path) -> None:
        with target.open("wb") as sink:
            write(sink)

    with naming(path):
        if path.exists() and not path.is_file():
            fill(path)
            return
        make_folder(path.parent)
        replace_with(path, fill)


@contextmanager
def naming(path: Path) -> Iterator[None]:
    """Where the disk refuses what is written to an open file, say which one: its error does not."""
    try:
        yield
    except OSError as error:
        if error.filename is not None:
            raise
        raise OSError(error.errno, error.strerror or str(error), str(path)) from error


def make_folder(folder: Path) -> None:
    """Make a folder, and those on the way.

    Raises:
        NotADirectoryError: Something else is there.
        OSError: The disk refused.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError as error:
        raise NotADirectoryError(errno.ENOTDIR, "is no folder", error.filename) from error
