"""A table of text as chunks, and the runs in it."""

from collections.abc import Iterator
from dataclasses import replace

from logwriter.importing.items import Item
from logwriter.importing.source import Source, look
from logwriter.importing.table.cells import CellReader
from logwriter.importing.table.chunks import Chunk, TextChunk
from logwriter.importing.table.layout import layout_in
from logwriter.importing.table.reader import PLAIN, Dialect, TableReader
from logwriter.importing.table.records import Piece, RecordReader
from logwriter.importing.table.split import runs_apart, value_of


def read_text(source: Source, dialect: Dialect = PLAIN) -> Iterator[Item]:
    """The items of one run in a table of text.

    Raises:
        EverystepError: It is no table, or its columns are not what the user said.
    """
    return TableReader(source, dialect).read(_chunks(source))


def runs_in_text(source: Source) -> list[Source]:
    """The runs in a table of text: one, unless a column tells several apart.

    Raises:
        EverystepError: It is no table, or there is no such column.
    """
    return runs_apart(source, _chunks(source))


def _chunks(source: Source) -> Iterator[Chunk | Item]:
    layout = layout_in(source.path, look(source.path).head)
    cells = CellReader(layout.delimiter)
    records = RecordReader(layout, ends_whole=source.ends_whole)
    for piece in records.pieces(source.lines()):
        if not isinstance(piece, Piece):
            yield piece
            continue
        kept = _of_its_run(piece, source)
        if kept.records:
            yield TextChunk(kept, cells)
        yield from cells.skipped()
    yield from cells.notes()


def _of_its_run(piece: Piece, source: Source) -> Piece:
    """The records of the run that is read, where a column tells several apart."""
    if not source.part or source.options.split not in piece.columns:
        return piece
    at = piece.columns.index(source.options.split)
    value = value_of(source)
    kept = [
        n for n, cells in enumerate(piece.records) if at < len(cells) and cells[at].strip() == value
    ]
    return replace(
        piece, lines=[piece.lines[n] for n in kept], records=[piece.records[n] for n in kept]
    )
