"""Tables in folders, as tools leave them: one a run, with what the tool says of the run beside it."""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.items import Facts, Item, Noted
from logwriter.importing.source import HEAD_BYTES, Look, Options, Source
from logwriter.importing.table.layout import layout_of
from logwriter.importing.yamlfile import read_yaml


def columns_of(path: Path) -> tuple[str, ...]:
    """The columns of a table; none where it is no table, or not there."""
    if not path.is_file():
        return ()
    with path.open("rb") as file:
        layout = layout_of(Look(path, file.read(HEAD_BYTES)))
    return layout.columns if layout else ()


def tables_in(looked: Look, patterns: Sequence[str]) -> list[Path]:
    """The tables of a source: itself, or the files in its folder whose paths match, in natural order."""
    if not looked.is_folder:
        return [looked.path]
    found = {path for pattern in patterns for path in looked.path.glob(pattern) if path.is_file()}
    return sorted(found, key=lambda path: list(map(_natural, path.parts)))


def source_of(looked: Look, table: Path, options: Options, *, beside: str = "") -> Source:
    """A table as a source, called by the folder that it is in; a file that was given, by its own name.

    Args:
        looked: What was given.
        table: The table.
        options: What the user said.
        beside: The file beside it that is read too.
    """
    other = table.with_name(beside) if beside else None
    files = (table, other) if other is not None and other.is_file() else (table,)
    given = table == looked.path
    name = table.name.partition(".")[0] if given else table.parent.resolve().name
    return Source(table, name, files, options)


def config_beside(source: Source) -> Iterator[Item]:
    """What the file beside a table says, if there is one; a word, where it cannot be read."""
    for path in source.files[1:]:
        try:
            yield Facts(config=read_yaml(path))
        except EverystepError as error:
            yield Noted(f"its configuration is left out: {error}")
        source.advance(path.stat().st_size)


def _natural(text: str) -> list[tuple[int, str]]:
    """What sorts ``version_2`` before ``version_10``."""
    return [
        (int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text)
    ]
