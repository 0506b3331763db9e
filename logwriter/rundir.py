"""The one place that spells the paths of a run, and reads them back from its names.

RUN/writers/r00000-a000/events.jsonl
                        journal-000000131072.wal
                        steps-000000000000-000000131071.parquet
                        lock
RUN/record.json
RUN/report/
"""

import datetime as dt
import os
import re
import secrets
from dataclasses import dataclass
from pathlib import Path

from logwriter.errors import NotARunError

WRITERS = "writers"
EVENTS = "events.jsonl"
LOCK = "lock"
DAMAGED = "damaged"
SPARE_SUFFIX = ".spare"

_WRITER = re.compile(r"r(\d{5,})-a(\d{3,})")
_JOURNAL = re.compile(r"journal-(\d{12,})\.wal")
_SPARE = re.compile(rf"journal-next-(\d+){re.escape(SPARE_SUFFIX)}")
_SEGMENT = re.compile(r"steps-(\d{12,})-(\d{12,})\.parquet")

_MOODS = (
    "amber bold brisk calm clear crisp deep eager early fair fleet fresh gentle keen kind light "
    "lively lucid mellow merry mild noble plain quick quiet rapid ready sharp silver sober "
    "solid spry steady still swift tidy true vivid warm wise"
).split()
_BIRDS = (
    "auk avocet bittern bunting crane crow curlew dipper dove dunlin egret eider falcon finch "
    "godwit grebe gull heron ibis jay kestrel kite knot lark linnet martin merlin osprey owl "
    "petrel pipit plover quail raven robin rook siskin snipe swift tern"
).split()


@dataclass(frozen=True, order=True)
class WriterId:
    """Which process of a run: its rank and the attempt it made."""

    rank: int
    attempt: int

    def __str__(self) -> str:
        return f"r{self.rank:05d}-a{self.attempt:03d}"


@dataclass(frozen=True, order=True)
class JournalFile:
    """A journal by its name: the sequence number of its first row."""

    first_seq: int
    path: Path


@dataclass(frozen=True, order=True)
class SegmentFile:
    """A sealed segment by its name: the sequence numbers of its first and last row."""

    first_seq: int
    last_seq: int
    path: Path


@dataclass(frozen=True)
class WriterListing:
    """What one look at a writer's folder showed, in order of sequence numbers."""

    journals: tuple[JournalFile, ...]
    spares: tuple[Path, ...]
    segments: tuple[SegmentFile, ...]
    unknown: tuple[Path, ...]


def runs_directory() -> Path:
    """Where runs live: ``EVERYSTEP_DIR``, or ``runs`` in the working directory."""
    return Path(os.environ.get("EVERYSTEP_DIR") or "runs")


def fresh_run_path(directory: Path) -> Path:
    """Make a folder with a dated, readable name that no other run has.

    Returns:
        The new, empty folder, such as ``runs/2026-05-04-1530-quiet-heron``.
    """
    while True:
        stamp = dt.datetime.now().astimezone().strftime("%Y-%m-%d-%H%M")
        path = directory / f"{stamp}-{secrets.choice(_MOODS)}-{secrets.choice(_BIRDS)}"
        try:
            path.mkdir(parents=True)
        except FileExistsError:
            continue
        return path


def writer_path(run: Path, writer: WriterId) -> Path:
    """The folder of one writer."""
    return run / WRITERS / str(writer)


def journal_path(folder: Path, first_seq: int) -> Path:
    """The journal whose first row has the sequence number ``first_seq``."""
    return folder / f"journal-{first_seq:012d}.wal"


def spare_path(folder: Path, serial: int) -> Path:
    """A journal that was made beforehand. Begun, it soon gets its own name."""
    return folder / f"journal-next-{serial}{SPARE_SUFFIX}"


def segment_path(folder: Path, first_seq: int, last_seq: int) -> Path:
    """The segment that holds the rows ``first_seq`` to ``last_seq``, both included."""
    return folder / f"steps-{first_seq:012d}-{last_seq:012d}.parquet"


def is_run(run: Path) -> bool:
    """Whether the folder holds at least one writer."""
    return bool(_writer_names(run))


def list_writers(run: Path) -> list[WriterId]:
    """The writers of a run, by rank, then attempt.

    Raises:
        NotARunError: ``run`` is missing, is not a folder, or holds no writer.
    """
    writers = _writer_names(run)
    if not writers:
        raise NotARunError(_why_no_run(run))
    return sorted(writers)


def list_writer(folder: Path) -> WriterListing:
    """What lies in a writer's folder right now. Names of other kinds are listed as unknown."""
    journals, spares, segments, unknown = [], [], [], []
    for path in sorted(folder.iterdir()):
        if journal := _JOURNAL.fullmatch(path.name):
            journals.append(JournalFile(int(journal[1]), path))
        elif _SPARE.fullmatch(path.name):
            spares.append(path)
        elif segment := _SEGMENT.fullmatch(path.name):
            segments.append(SegmentFile(int(segment[1]), int(segment[2]), path))
        elif path.name not in {EVENTS, LOCK, DAMAGED}:
            unknown.append(path)
    return WriterListing(
        tuple(sorted(journals)), tuple(spares), tuple(sorted(segments)), tuple(unknown)
    )


def find_runs(directory: Path) -> list[Path]:
    """The runs directly inside ``directory``, by name, and folders that may not be looked into."""
    if not directory.is_dir():
        return []
    return sorted(path for path in directory.iterdir() if path.is_dir() and _may_be_run(path))


def _may_be_run(path: Path) -> bool:
    try:
        return is_run(path)
    except PermissionError:
        return True


def last_change(run: Path) -> int:
    """When a file of the log was last written to, in nanoseconds since 1970."""
    return max((path.stat().st_mtime_ns for path in (run / WRITERS).rglob("*")), default=0)


def _writer_names(run: Path) -> list[WriterId]:
    try:
        names = [path.name for path in (run / WRITERS).iterdir() if path.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return []
    matches = (_WRITER.fullmatch(name) for name in names)
    return [WriterId(int(match[1]), int(match[2])) for match in matches if match]


def _why_no_run(run: Path) -> str:
    if not run.exists():
        return (
            f"{run}: there is no such folder; `everystep ls` lists the runs in {runs_directory()}/"
        )
    if not run.is_dir():
        return f"{run} is a file, not a run; give the folder that holds {WRITERS}/"
    inside = find_runs(run)
    if inside:
        return f"{run} is not a run but holds {len(inside)}: give one of them, such as {inside[0]}"
    return f"{run} is not a run: it holds no {WRITERS}/ folder with a writer in it"
