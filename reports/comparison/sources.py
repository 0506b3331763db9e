"""The runs of a comparison, found and read. One that cannot be is told, and does not stop the others."""

import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from compactor.record import RECORD_NAME, Record
from compactor.store import read_record
from logwriter.errors import EverystepError
from reports.comparison.result import Failure
from reports.sources import with_record


@dataclass(frozen=True)
class Entry:
    """A run that can be compared; ``folder`` is where its log may lie, ``None`` if it is not known."""

    record: Record
    path: Path | None
    folder: Path | None

    @property
    def place(self) -> Path | None:
        """What tells people which it is: the folder of a run, or a record's file of another name."""
        if self.path is None or self.path.name != RECORD_NAME:
            return self.path
        return self.folder


def gather(
    runs: Iterable[Path | Record], say: Callable[[str], None]
) -> tuple[list[Entry], list[Failure]]:
    """Read the records of runs, each once; compact what was never compacted.

    Args:
        runs: Folders, records' files, or records.
        say: Told what is done besides.

    Returns:
        The runs, in order, and those that could not be read.

    Raises:
        EverystepError: Fewer than two are left to compare.
    """
    entries: list[Entry] = []
    failed: list[Failure] = []
    for run in _each_once(list(runs)):
        if isinstance(run, Record):
            entries.append(Entry(run, None, None))
            continue
        try:
            entries.append(_entry(run, say))
        except (EverystepError, OSError) as error:
            said = _said(error).removeprefix(f"{run}: ")
            failed.append(Failure(path=str(run), error=said))
    if len(entries) < 2:
        raise EverystepError(_too_few(entries, failed))
    return entries, failed


def _each_once(runs: Sequence[Path | Record]) -> list[Path | Record]:
    """A run may be named by its folder and by its record."""
    known: dict[str, Path | Record] = {}
    for place, run in enumerate(runs):
        if isinstance(run, Record):
            known[f"record {place}"] = run
        else:
            folder = run.parent if run.name == RECORD_NAME else run
            known.setdefault(os.path.realpath(folder), run)
    return list(known.values())


def _entry(run: Path, say: Callable[[str], None]) -> Entry:
    found = with_record(run, keep=os.access(run, os.W_OK), say=say)
    record = found if isinstance(found, Record) else read_record(found)
    return Entry(record, run, run if run.is_dir() else run.parent)


def _said(error: EverystepError | OSError) -> str:
    if isinstance(error, OSError) and error.strerror:
        return f"{error.strerror}: {error.filename}" if error.filename else error.strerror
    return str(error)


def _too_few(entries: Sequence[Entry], failed: Sequence[Failure]) -> str:
    told = [f"{each.path}: {each.error}" for each in failed]
    have = "one run" if entries else "no run"
    hint = "give two or more different runs, or a pattern in quotes such as 'runs/*'"
    return "\n".join([*told, f"there is {have} to compare; {hint}"])
