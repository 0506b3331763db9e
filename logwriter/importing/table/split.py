"""Runs that share a table, told apart by the values of a column."""

from collections.abc import Iterable
from dataclasses import replace

from logwriter.errors import EverystepError
from logwriter.importing.items import Item
from logwriter.importing.source import Source
from logwriter.importing.table.chunks import Chunk
from logwriter.importing.table.roles import find_column

MOST_RUNS = 1000


def runs_apart(source: Source, chunks: Iterable[Chunk | Item]) -> list[Source]:
    """A source for each value of the column that ``--split`` names, in the order of the table.

    The part of each is ``=`` and the value as text. Without ``--split``, the source alone.

    Raises:
        EverystepError: There is no such column, or its values are too many to be runs.
    """
    wanted = source.options.split
    if wanted is None:
        return [source]
    values: dict[str, None] = {}
    column = wanted
    for chunk in chunks:
        if not isinstance(chunk, Chunk):
            continue
        column = find_column(chunk, wanted, "--split", source.path)
        values |= dict.fromkeys(chunk.labels(column))
        if len(values) > MOST_RUNS:
            raise EverystepError(
                f"{source.path}: column {column!r} has more than {MOST_RUNS:,} values, which are too many "
                "to be runs; give by --split the column that tells runs apart"
            )
    options = replace(source.options, split=column)
    return [
        replace(source, name=f"{source.name} {column}={value}", part=f"={value}", options=options)
        for value in values
    ]


def value_of(source: Source) -> str:
    """The value of the column, in the rows of this source."""
    return source.part.removeprefix("=")
