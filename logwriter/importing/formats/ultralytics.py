"""``results.csv`` of Ultralytics YOLO: a row an epoch, its names padded with blanks.

A folder with one, or one that holds several such as ``runs/detect/``: each is a run. Epochs count from 0
or from 1, as the version had it, and are the steps. ``args.yaml`` beside it is the configuration.
"""

from collections.abc import Iterator
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format
from logwriter.importing.items import Item
from logwriter.importing.source import Look, Options, Source
from logwriter.importing.table.folders import columns_of, config_beside, source_of, tables_in
from logwriter.importing.table.text import read_text, runs_in_text

_TABLES = ("results.csv", "*/results.csv")
_SIGNS = {"lr/pg0", "x/lr0", "train/box_loss"}
"""Columns that its tables have: the learning rate of the first group, or the loss of boxes."""


def detects(looked: Look) -> bool:
    """A table that begins with ``epoch`` and has a column of its own, or a folder with some."""
    return bool(_tables(looked))


def finds(looked: Look, options: Options) -> list[Source]:
    """Each table is a run."""
    tables = _tables(looked) if looked.is_folder else [looked.path]
    if not tables:
        raise EverystepError(f"{looked.path}: there is no results.csv of Ultralytics in it")
    return [
        run
        for table in tables
        for run in runs_in_text(source_of(looked, table, options, beside="args.yaml"))
    ]


def reads(source: Source) -> Iterator[Item]:
    """The arguments, then the rows."""
    yield from config_beside(source)
    yield from read_text(source)


def _tables(looked: Look) -> list[Path]:
    return [table for table in tables_in(looked, _TABLES) if _is_one(columns_of(table))]


def _is_one(columns: tuple[str, ...]) -> bool:
    return columns[:1] == ("epoch",) and not _SIGNS.isdisjoint(columns)


FORMAT = Format(
    "ultralytics",
    "results.csv of Ultralytics YOLO",
    detects,
    finds,
    reads,
    takes=frozenset({"step", "epoch", "time"}),
)
