"""Finding the rows of one writer: its announced segments and the journals that are not sealed yet.

An announced segment comes before a journal that holds the same rows, a journal before a segment
that was never announced. Between listing a folder and opening its files a journal may be sealed: a
file that vanished, or a gap, means to look once more.
"""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa

from logwriter import rundir
from logwriter.errors import DamagedError
from logwriter.eventlog import read_events
from logwriter.host import boot_id
from logwriter.journalfile import read_journal
from logwriter.rundir import WriterId
from logwriter.segments import check_format, check_segment, to_table
from logwriter.state import AttemptState, fold

_LOOKS = 5
_PAUSE_SECONDS = 0.02


@dataclass(frozen=True)
class Part:
    """A stretch of one writer's rows, in a checked segment or in memory.

    Exactly one of ``path`` (a sealed Parquet segment whose checksum was verified) and ``table``
    (rows not sealed yet, in the segments' schema) is set. ``rows`` counts rows, not values.
    ``unverified`` of the rows come from behind the last sync point of another boot. Rows whose
    ``seq`` is at least ``hidden_from`` are hidden by a later attempt.
    """

    rank: int
    attempt: int
    first_seq: int
    rows: int
    path: Path | None = None
    table: pa.Table | None = None
    unverified: int = 0
    hidden_from: int | None = None


@dataclass(frozen=True)
class WriterLog:
    """One writer's events, folded, and where its rows are, in order and without a gap."""

    state: AttemptState
    parts: tuple[Part, ...]
    torn_event: str | None

    @property
    def rows(self) -> int:
        """The number of rows that can be read."""
        return sum(part.rows for part in self.parts)


def read_writer(folder: Path, writer: WriterId) -> WriterLog | None:
    """All that one writer wrote; ``None`` if it died before it wrote anything.

    Raises:
        DamagedError: Rows are missing or bytes contradict their checksums.
        NewerFormatError: A newer everystep wrote it.
    """
    for _ in range(_LOOKS):
        try:
            return _read_once(folder, writer)
        except FileNotFoundError as error:
            fault = f"{Path(error.filename).name} is gone"
        except _MissingRowsError as error:
            fault = str(error)
        time.sleep(_PAUSE_SECONDS)
    raise DamagedError(
        f"{folder.name}: {fault}; `everystep verify --repair RUN` keeps what is there"
    )


class _MissingRowsError(Exception):
    """Rows are neither in a segment nor in a journal, at this look."""


def _read_once(folder: Path, writer: WriterId) -> WriterLog | None:
    listing = rundir.list_writer(folder)
    empty = not (listing.journals or listing.segments)
    try:
        events, torn = read_events(folder / rundir.EVENTS)
    except FileNotFoundError:
        if empty:
            return None
        raise
    state = fold(writer, events)
    if state.started is None and empty:
        return None
    listing = rundir.list_writer(folder)
    sealed = [segment_part(folder / name, state) for name in state.segments]
    names = [journal.path for journal in listing.journals] + list(listing.spares)
    unsealed = _journal_parts(names, {part.first_seq for part in sealed}, writer)
    parts = sorted([*sealed, *unsealed], key=lambda part: part.first_seq)
    gaps = find_gaps(parts, state)
    if gaps:
        raise _MissingRowsError(describe_gap(*gaps[0]))
    return WriterLog(state, tuple(parts), torn)


def segment_part(path: Path, state: AttemptState) -> Part:
    """An announced segment, once its checksum and format were verified.

    Raises:
        FileNotFoundError: It is gone.
        DamagedError: Its bytes are not those that were announced.
        NewerFormatError: A newer everystep wrote it.
    """
    announced = state.segments[path.name]
    check_segment(path, announced)
    check_format(path)
    writer = state.writer
    return Part(writer.rank, writer.attempt, announced.first_seq, announced.rows, path)


def _journal_parts(paths: Iterable[Path], sealed: set[int], writer: WriterId) -> list[Part]:
    parts = []
    for path in paths:
        journal = read_journal(path, boot_id())
        if journal is None or not journal.rows or journal.header.first_seq in sealed:
            continue
        first = journal.header.first_seq
        table = to_table(journal.blocks)
        parts.append(
            Part(
                writer.rank,
                writer.attempt,
                first,
                journal.rows,
                table=table,
                unverified=journal.unverified,
            )
        )
    return parts


def find_gaps(parts: Iterable[Part], state: AttemptState) -> list[tuple[int, int]]:
    """Stretches ``(start, end)`` of sequence numbers that no part holds and no repair gave up.

    A stretch with ``end < start`` is held twice.
    """
    held = [(part.first_seq, part.first_seq + part.rows) for part in parts]
    held += [(lost.first_seq, lost.last_seq + 1) for lost in state.lost]
    if state.finished:
        held.append((state.finished.rows, state.finished.rows))
    gaps = []
    expected = 0
    for start, end in sorted(held):
        if start > expected or (start < expected and end > start):
            gaps.append((expected, start))
        expected = max(expected, end)
    return gaps


def describe_gap(start: int, end: int) -> str:
    """A gap in words."""
    if end < start:
        return f"rows {end}-{start - 1} are there twice"
    return f"rows {start}-{end - 1} are missing: neither a segment nor a journal holds them"
