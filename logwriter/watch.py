"""Reading on in one writer's folder while it is written to: a look costs what is new.

A writer seals journals under each look, so a look goes from row to row: the next one lies in an
announced segment, or in a journal, or was given up. Events are read from where the last look
stopped, segments only for rows that no journal showed before. Each row comes once, in order.
"""

import os
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc

from logwriter import rundir
from logwriter.decode import Block
from logwriter.errors import DamagedError
from logwriter.events import RowsLost, RunStarted, SegmentSealed, decode_line
from logwriter.host import boot_id
from logwriter.journalfile import JournalRows, read_journal
from logwriter.journalhead import check_owner
from logwriter.lock import is_held
from logwriter.parts import segment_part
from logwriter.rundir import WriterId
from logwriter.runlog import load_part
from logwriter.segments import to_table
from logwriter.state import AttemptState, fold

_LOOKS = 100  # a fast writer may seal a journal under each look
_PAUSE_SECONDS = 0.02
_PIECE = 50_000


@dataclass(frozen=True)
class Row:
    """One logged row, or those of its values that were asked for. ``time``: µs since 1970."""

    rank: int
    attempt: int
    seq: int
    step: int
    epoch: int | None
    time: int
    values: dict[str, float]


class WriterWatch:
    """One writer's rows from ``next_seq`` on, look by look."""

    def __init__(self, folder: Path, writer: WriterId, next_seq: int = 0) -> None:
        """Nothing is read yet."""
        self._folder, self._writer = folder, writer
        self._next = next_seq
        self._news = _News(folder / rundir.EVENTS)

    def is_live(self) -> bool:
        """Whether its process is at work."""
        return is_held(self._folder)

    def has_started(self) -> bool:
        """Whether it has said so; before, it may only be about to take its lock."""
        return self._news.started is not None

    def look(self, metrics: Sequence[str] | None) -> Iterator[Row]:
        """The rows that are new, or their values of ``metrics``; up to what is there now.

        Raises:
            DamagedError: Rows are missing, or bytes contradict their checksums.
        """
        misses = 0
        read: _Reading | None = _Reading(None, self._next)
        while read is not None:
            try:
                read = self._read_on(metrics, read.journal)
            except (FileNotFoundError, _MissingRowsError) as fault:
                misses += 1
                if misses > _LOOKS:
                    raise DamagedError(
                        f"{self._folder.name}: row {self._next} is in no segment and in no journal "
                        f"({fault}); `everystep verify RUN` says what is wrong"
                    ) from fault
                time.sleep(_PAUSE_SECONDS)
                read = _Reading(None, self._next)
                continue
            if read is not None:
                misses, self._next = 0, read.end
                yield from assemble(read.table, self._writer)

    def _read_on(self, metrics: Sequence[str] | None, done: int | None) -> "_Reading | None":
        """Some rows from the next one on; ``None`` if there are none.

        Args:
            metrics: Only values of these.
            done: The journal that was read just before: only what is behind it is wanted.

        Raises:
            FileNotFoundError: A file was sealed, or removed, in between: look again.
            _MissingRowsError: There are later rows, but not the next one: look again.
        """
        start = self._next
        state = self._news.read(self._writer, start)
        listing = rundir.list_writer(self._folder)
        for name, sealed in state.segments.items():
            if sealed.first_seq <= start <= sealed.last_seq:
                table = load_part(segment_part(self._folder / name, state), metrics)
                return _Reading(table.filter(pc.field("seq") >= start), sealed.last_seq + 1)
        for lost in state.lost:
            if lost.first_seq <= start <= lost.last_seq:
                return _Reading(None, lost.last_seq + 1)
        journal = self._find_journal(listing, done)
        if journal is not None and start >= journal.stretch[1]:
            return None  # the next row waits for values from a device
        if journal is not None:
            table = to_table(_cut(block, start) for block in journal.blocks)
            if metrics is not None:
                table = table.filter(pc.field("metric").isin(pa.array(metrics, pa.string())))
            return _Reading(table, journal.stretch[1], journal.stretch[0])
        later = [name for name, sealed in state.segments.items() if sealed.first_seq > start]
        later += [journal.path.name for journal in listing.journals if journal.first_seq > start]
        if later:
            raise _MissingRowsError(f"{later[0]} is there")
        return None

    def _find_journal(self, listing: rundir.WriterListing, done: int | None) -> JournalRows | None:
        """The journal that holds the next row, as it is now; it may still have a spare's name."""
        named = [(j.path, j.first_seq) for j in listing.journals if j.first_seq <= self._next]
        for path, first_seq in [*named[-1:], *((spare, None) for spare in listing.spares)]:
            if done is not None and first_seq == done:
                continue
            journal = read_journal(path, boot_id(), live=self.is_live())
            if journal and 0 <= self._next - journal.stretch[0] < journal.rows + journal.held_back:
                check_owner(journal.header, path, first_seq, self._writer)
                return journal
        return None


@dataclass(frozen=True)
class _Reading:
    """Rows that were read, the number of the row behind them, and which journal they came from."""

    table: pa.Table | None
    end: int
    journal: int | None = None


class _MissingRowsError(Exception):
    """A row is neither in a segment nor in a journal, at this look."""


class _News:
    """What a writer's events say about rows from some point on, read as the file grows."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._forget(0)

    def _forget(self, inode: int) -> None:
        self._inode, self._place = inode, 0
        self.started: RunStarted | None = None
        self._holdings: list[SegmentSealed | RowsLost] = []

    def read(self, writer: WriterId, start: int) -> AttemptState:
        """Where announced and given-up rows from ``start`` on are; nothing before the first event."""
        try:
            lines = self._new_lines()
        except FileNotFoundError:
            lines = []
        for place, line in lines:
            event = decode_line(line, f"{self._path.name}, byte {place}")
            if isinstance(event, SegmentSealed | RowsLost):
                self._holdings.append(event)
            elif isinstance(event, RunStarted):
                self.started = event
        self._holdings = [event for event in self._holdings if event.last_seq >= start]
        return fold(writer, [*([self.started] if self.started else []), *self._holdings])

    def _new_lines(self) -> list[tuple[int, bytes]]:
        """Whole lines that were not read yet, and where they begin; all, if the file was replaced."""
        with self._path.open("rb") as file:
            found = os.fstat(file.fileno())
            if found.st_ino != self._inode or found.st_size < self._place:
                self._forget(found.st_ino)
            file.seek(self._place)
            *lines, _ = file.read().split(b"\n")
        placed = []
        for line in lines:
            placed.append((self._place, line))
            self._place += len(line) + 1
        return placed


def assemble(table: pa.Table | None, writer: WriterId) -> Iterator[Row]:
    """The rows of a table in the segments' schema, in log order, their values put together again."""
    if table is None:
        return
    table = table.sort_by("seq")
    row: Row | None = None
    for start in range(0, table.num_rows, _PIECE):
        piece = table.slice(start, _PIECE)
        times = piece.column("time").cast(pa.int64()).to_pylist()
        columns = (
            piece.column(name).to_pylist() for name in ("seq", "step", "epoch", "metric", "value")
        )
        for at, seq, step, epoch, metric, value in zip(times, *columns, strict=True):
            if row is None or row.seq != seq:
                if row is not None:
                    yield row
                row = Row(writer.rank, writer.attempt, seq, step, epoch, at, {})
            row.values[metric] = value
    if row is not None:
        yield row


def _cut(block: Block, start: int) -> Block:
    """The rows of the block from ``start`` on."""
    new = block.seq >= start
    return replace(
        block,
        seq=block.seq[new],
        time=block.time[new],
        step=block.step[new],
        epoch=block.epoch[new],
        values=block.values[new],
    )
