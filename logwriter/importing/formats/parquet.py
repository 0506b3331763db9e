"""Parquet and Feather (Arrow) files: columns of numbers as they are, a row group or batch at a time.

Columns have their roles by the same names as in tables of text, `logwriter.importing.table`. ``null`` is
not logged, NaN is a value; float32 widens to float64; a timestamp column is the time. Other types are
left out, by name.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format, one_file
from logwriter.importing.items import Item, Noted
from logwriter.importing.source import Look, Options, Source
from logwriter.importing.table.cells import listed
from logwriter.importing.table.chunks import ArrowChunk, Chunk, is_instant, is_numeric
from logwriter.importing.table.names import unique
from logwriter.importing.table.reader import TableReader
from logwriter.importing.table.split import runs_apart, value_of

_PARQUET, _ARROW_FILE, _FEATHER_1 = b"PAR1", b"ARROW1", b"FEA1"
_BATCH_ROWS = 1 << 16


def detects(looked: Look) -> bool:
    """The first bytes say so."""
    return looked.head.startswith((_PARQUET, _ARROW_FILE, _FEATHER_1))


def finds(looked: Look, options: Options) -> list[Source]:
    """One run, unless a column tells several apart."""
    source = one_file(looked, options)[0]
    return runs_apart(source, _chunks(source))


def reads(source: Source) -> Iterator[Item]:
    """The rows.

    Raises:
        EverystepError: The file is damaged or cut, or its columns are not what the user said.
    """
    return TableReader(source).read(_chunks(source))


def _chunks(source: Source) -> Iterator[Chunk | Item]:
    first, told, size = 1, 0, source.size
    with _opened(source.path) as (schema, rows, batches):
        names = unique(schema.names)
        others = [
            name
            for name, field in zip(names, schema, strict=True)
            if not (is_numeric(field.type) or is_instant(field.type))
            and name != source.options.split
        ]
        if others:
            yield Noted(f"columns of other types are left out: {listed(others)}")
        for batch in batches:
            if batch.num_rows:
                renamed = pa.RecordBatch.from_arrays(batch.columns, names=list(names))
                yield from _of_its_run(
                    ArrowChunk(renamed, range(first, first + batch.num_rows)), renamed, source
                )
            first += batch.num_rows
            now = size * (first - 1) // max(1, rows)
            source.advance(now - told)
            told = now


def _of_its_run(chunk: ArrowChunk, batch: pa.RecordBatch, source: Source) -> Iterator[Chunk]:
    """The rows of the run that is read, where a column tells several apart."""
    if not source.part or source.options.split is None:
        yield chunk
        return
    value = value_of(source)
    kept = [n for n, label in enumerate(chunk.labels(source.options.split)) if label == value]
    if kept:
        yield ArrowChunk(batch.take(pa.array(kept)), [chunk.lines[n] for n in kept])


@contextmanager
def _opened(path: Path) -> Iterator[tuple[pa.Schema, int, Iterator[pa.RecordBatch]]]:
    """The schema, the number of rows, and the batches one by one.

    Raises:
        EverystepError: The file is damaged or cut, here or at a later batch.
    """
    try:
        with path.open("rb") as file:
            magic = file.read(len(_ARROW_FILE))
        if magic.startswith(_FEATHER_1):
            raise EverystepError(
                f"{path} is Feather of version 1, which is no longer read: write it again by a newer tool"
            )
        if magic.startswith(_PARQUET):
            with pq.ParquetFile(path, page_checksum_verification=True) as opened:
                yield (
                    opened.schema_arrow,
                    opened.metadata.num_rows,
                    opened.iter_batches(_BATCH_ROWS),
                )
        else:
            with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as opened:
                numbers = range(opened.num_record_batches)
                rows = sum(opened.get_batch(number).num_rows for number in numbers)
                yield opened.schema, rows, (opened.get_batch(number) for number in numbers)
    except (pa.ArrowException, OSError) as error:
        raise EverystepError(
            f"{path} cannot be read ({error}): it may be cut, as its end says where its columns are; "
            "fetch or write it again"
        ) from error


FORMAT = Format(
    "parquet",
    "Parquet and Feather files",
    detects,
    finds,
    reads,
    takes=frozenset({"step", "epoch", "time", "split"}),
)
