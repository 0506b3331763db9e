"""``metrics.csv`` of Lightning's ``CSVLogger``: a row for each call, blank where it logged nothing.

A folder ``version_N``, or one that holds several, as ``lightning_logs/`` does: each is a run. The
``hparams.yaml`` beside the table is the configuration.
"""

from collections.abc import Iterator
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format
from logwriter.importing.items import Item
from logwriter.importing.source import Look, Options, Source
from logwriter.importing.table.folders import columns_of, config_beside, source_of, tables_in
from logwriter.importing.table.text import read_text, runs_in_text

_TABLES = ("metrics.csv", "version_*/metrics.csv", "lightning_logs/version_*/metrics.csv")


def detects(looked: Look) -> bool:
    """A ``metrics.csv`` with the columns that the logger always writes, or a folder with some."""
    return bool(_tables(looked))


def finds(looked: Look, options: Options) -> list[Source]:
    """Each version is a run."""
    tables = _tables(looked) if looked.is_folder else [looked.path]
    if not tables:
        raise EverystepError(
            f"{looked.path}: no version in it has a metrics.csv with a step and an epoch"
        )
    return [
        run
        for table in tables
        for run in runs_in_text(source_of(looked, table, options, beside="hparams.yaml"))
    ]


def reads(source: Source) -> Iterator[Item]:
    """The hyper-parameters, then the rows."""
    yield from config_beside(source)
    yield from read_text(source)


def _tables(looked: Look) -> list[Path]:
    return [
        table
        for table in tables_in(looked, _TABLES)
        if table.name == "metrics.csv" and {"epoch", "step"} <= set(columns_of(table))
    ]


FORMAT = Format(
    "lightning",
    "metrics.csv of Lightning's CSVLogger",
    detects,
    finds,
    reads,
    takes=frozenset({"step", "epoch", "time"}),
)
