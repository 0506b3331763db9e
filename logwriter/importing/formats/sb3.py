"""Tables of Stable-Baselines3: ``progress.csv`` of its logger, ``monitor.csv`` of its monitor.

In ``progress.csv`` the steps are ``time/total_timesteps``. A row of ``monitor.csv`` is an episode: its
reward ``r``, its length ``l``, and ``t``, the seconds since ``t_start`` of the first line. The step of an
episode is the sum of the lengths so far, the environment's steps as other tables of the tool count them.
Each table in a folder is a run.
"""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format
from logwriter.importing.items import Item
from logwriter.importing.source import Look, Options, Source
from logwriter.importing.table.folders import columns_of, source_of, tables_in
from logwriter.importing.table.reader import PLAIN, Dialect
from logwriter.importing.table.text import read_text, runs_in_text

_TABLES = ("progress.csv", "*monitor.csv")
_MONITOR = Dialect(lengths="l", elapsed="t", began="t_start")


def detects(looked: Look) -> bool:
    """A table with the columns of either, or a folder with some."""
    return bool(_tables(looked))


def finds(looked: Look, options: Options) -> list[Source]:
    """Each table is a run, called by its folder, or, where there are several, by its own name too."""
    tables = _tables(looked) if looked.is_folder else [looked.path]
    if not tables:
        raise EverystepError(f"{looked.path}: there is no progress.csv or monitor.csv in it")
    sources = [source_of(looked, table, options) for table in tables]
    if len(sources) > 1:
        sources = [
            replace(each, name=f"{each.name} {each.path.stem.partition('.')[0]}")
            for each in sources
        ]
    return [run for source in sources for run in runs_in_text(source)]


def reads(source: Source) -> Iterator[Item]:
    """The rows."""
    return read_text(source, _MONITOR if _is_monitor(columns_of(source.path)) else PLAIN)


def _tables(looked: Look) -> list[Path]:
    return [table for table in tables_in(looked, _TABLES) if _is_one(columns_of(table))]


def _is_one(columns: tuple[str, ...]) -> bool:
    return _is_monitor(columns) or "time/total_timesteps" in columns


def _is_monitor(columns: tuple[str, ...]) -> bool:
    return columns[:3] == ("r", "l", "t")


FORMAT = Format(
    "sb3",
    "progress.csv and monitor.csv of Stable-Baselines3",
    detects,
    finds,
    reads,
    takes=frozenset({"step", "epoch", "time"}),
)
