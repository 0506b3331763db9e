"""Finding the rows of one writer: its announced segments and the journals that are not sealed yet.

An announced segment comes before a journal that holds the same rows, a journal before a segment
that was never announced. Between listing a folder and opening its files a journal may be sealed: a
file that vanished, or a gap, means to look once more.
"""

import time
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

from logwriter import rundir
from logwriter.errors import DamagedError, NewerFormatError
from logwriter.eventlog import salvage_own_events
from logwriter.host import boot_id
from logwriter.journalfile import read_journal
from logwriter.journalhead import check_owner, peek
from logwriter.lock import is_held
from logwriter.part import Part, Wait, WriterLog, checked
from logwriter.regular import require_regular
from logwriter.rundir import SegmentFile, WriterId
from logwriter.segments import Identity, check_identity, check_segment, to_table
from logwriter.state import RESUME_LOST, AttemptState, fold, lacks_resume
from logwriter.stretches import Stretch, held_twice, subtract

_LOOKS = 5
_LIVE_LOOKS = 100  # a fast writer may seal a journal under each look
_PAUSE_SECONDS = 0.02
_CHECKED_AT_ONCE = 2

Check: TypeAlias = Callable[[Sequence[Path], AttemptState], Sequence[Wait]]
"""Sees to it that the announced segments of a writer are checked: now, or, by one who lets nothing
out before, when the `Wait` of each is called. For one that is gone it raises `FileNotFoundError` now."""


def check_at_once(paths: Sequence[Path], state: AttemptState) -> list[Wait]:
    """Check announced segments now, in two threads. What it raises is `check_part`'s."""
    with ThreadPoolExecutor(_CHECKED_AT_ONCE) as pool:  # checksums leave the interpreter's lock
        for _ in pool.map(lambda path: check_part(path, state), paths):
            pass
    return [checked] * len(paths)


def read_writer(folder: Path, writer: WriterId, check: Check = check_at_once) -> WriterLog | None:
    """All that one writer wrote; ``None`` if it died before it wrote anything.

    Args:
        folder: The writer's folder.
        writer: Rank and attempt.
        check: Told at each look which segments were announced, to check them.

    Raises:
        DamagedError: Rows are missing or bytes contradict their checksums.
        NewerFormatError: A newer everystep wrote it.
    """
    require_regular(folder / rundir.LOCK)
    live = is_held(folder)
    for _ in range(_LIVE_LOOKS if live else _LOOKS):
        try:
            return _read_once(folder, writer, check, live=live)
        except FileNotFoundError as error:
            fault = f"{Path(error.filename).name} is gone"
        except _MissingRowsError as error:
            fault = str(error)
        time.sleep(_PAUSE_SECONDS)
    hint = (
        "its writer is at work; look again"
        if live
        else "`everystep verify --repair RUN` keeps what is there"
    )
    raise DamagedError(f"{folder.name}: {fault}; {hint}")


class _MissingRowsError(Exception):
    """Rows are neither in a segment nor in a journal, at this look."""


def _read_once(folder: Path, writer: WriterId, check: Check, *, live: bool) -> WriterLog | None:
    listing = rundir.list_writer(folder)
    empty = not (listing.journals or listing.segments)
    try:
        events, faults, torn = salvage_own_events(folder / rundir.EVENTS, writer)
    except FileNotFoundError:
        if empty:
            return None
        raise
    if faults:
        raise faults[0]
    state = fold(writer, events)
    if state.started is None and empty:
        return None
    listing = rundir.list_writer(folder)
    paths = [folder / name for name in state.segments]
    waits = check(paths, state)
    sealed = [_sealed_part(path, state, wait) for path, wait in zip(paths, waits, strict=True)]
    parts = sorted(
        [*sealed, *_journal_parts(listing, settled(sealed, state), writer, live=live)],
        key=lambda part: part.first_seq,
    )
    unannounced = find_unannounced(listing, parts, state)
    if live:  # on a full disk an announcement may wait for room: its rows come later
        end = max((part.stretch[1] for part in parts), default=0)
        unannounced = [segment for segment in unannounced if segment.first_seq < end]
    holes = describe_holes(parts, state, unannounced)
    if lacks_resume(state, len(parts)):
        holes.append(RESUME_LOST)
    if holes:
        raise _MissingRowsError(holes[0])
    return WriterLog(state, tuple(parts), torn)


def segment_part(path: Path, state: AttemptState) -> Part:
    """An announced segment, once its checksum and format were verified.

    Raises:
        FileNotFoundError: It is gone.
        DamagedError: Its bytes are not those that were announced.
        NewerFormatError: A newer everystep wrote it.
    """
    check_part(path, state)
    return _sealed_part(path, state, checked)


def check_part(path: Path, state: AttemptState) -> None:
    """Compare an announced segment with its checksum, then make sure that it belongs where it lies.

    Raises:
        FileNotFoundError: It is gone.
        DamagedError: Its bytes are not those that were announced.
        NewerFormatError: A newer everystep wrote it.
    """
    announced = state.segments[path.name]
    check_segment(path, announced)
    check_identity(path, expect(state, announced.first_seq, announced.last_seq))


def _sealed_part(path: Path, state: AttemptState, wait: Wait) -> Part:
    announced, writer = state.segments[path.name], state.writer
    return Part(
        writer.rank,
        writer.attempt,
        announced.first_seq,
        announced.rows,
        path,
        source=path.name,
        wait=wait,
    )


def expect(state: AttemptState, first_seq: int, last_seq: int) -> Identity:
    """What the metadata of a segment with these rows must say."""
    return Identity(
        run=state.started.run_id if state.started else "",
        rank=state.writer.rank,
        attempt=state.writer.attempt,
        first_seq=first_seq,
        last_seq=last_seq,
    )


def settled(sealed: Iterable[Part], state: AttemptState) -> list[Stretch]:
    """The rows that announced segments hold or that were given up.

    A journal whose first row is among them is over: its segment was announced, or a repair dealt
    with it, which announces the first rows of a damaged journal last.
    """
    return [part.stretch for part in sealed] + _lost(state)


def _lost(state: AttemptState) -> list[Stretch]:
    return [(lost.first_seq, lost.last_seq + 1) for lost in state.lost]


def is_over(first_seq: int, over: Iterable[Stretch]) -> bool:
    """Whether the journal that begins with ``first_seq`` is over; ``over`` is from `settled`."""
    return any(start <= first_seq < end for start, end in over)


def is_stale(path: Path, first_seq: int, over: Iterable[Stretch], writer: WriterId) -> bool:
    """Whether a journal may be passed over: its name says so, and its header nothing else.

    A name may be wrong: the header tells if it is a journal of this writer that is not over.
    """
    if not is_over(first_seq, over):
        return False
    try:
        header = peek(path)
    except (FileNotFoundError, DamagedError, NewerFormatError):
        return True
    return (
        header is None
        or WriterId(header.rank, header.attempt) != writer
        or is_over(header.first_seq, over)
    )


def _journal_parts(
    listing: rundir.WriterListing, over: list[Stretch], writer: WriterId, *, live: bool
) -> list[Part]:
    named = [(journal.path, journal.first_seq) for journal in listing.journals]
    parts = []
    for path, first_seq in [*named, *((spare, None) for spare in listing.spares)]:
        if first_seq is not None and is_stale(path, first_seq, over, writer):
            continue
        journal = read_journal(path, boot_id(), live=live)
        if journal is None:
            continue
        check_owner(journal.header, path, first_seq, writer)
        if journal.rows and not is_over(journal.header.first_seq, over):
            parts.append(
                Part(
                    writer.rank,
                    writer.attempt,
                    journal.header.first_seq,
                    journal.rows,
                    table=to_table(journal.blocks),
                    unverified=journal.unverified,
                    source=path.name,
                )
            )
        if journal.held_back:
            break  # a reader of a live run goes no further than the first row that waits for a value
    return parts


def find_unannounced(
    listing: rundir.WriterListing, parts: Iterable[Part], state: AttemptState
) -> list[SegmentFile]:
    """Segments that were never announced, although nothing else holds all of their rows."""
    held = [part.stretch for part in parts] + _lost(state)
    return [
        segment
        for segment in listing.segments
        if segment.path.name not in state.segments
        and subtract((segment.first_seq, segment.last_seq + 1), held)
    ]


def find_gaps(parts: Iterable[Part], state: AttemptState) -> list[Stretch]:
    """Stretches of sequence numbers that no part holds and no repair gave up."""
    held = [part.stretch for part in parts] + _lost(state)
    ends = [end for _, end in held] + [sealed.last_seq + 1 for sealed in state.segments.values()]
    if state.finished:
        ends.append(state.finished.rows)
    return subtract((0, max(ends, default=0)), held)


def describe_holes(
    parts: Iterable[Part], state: AttemptState, unannounced: Iterable[SegmentFile]
) -> list[str]:
    """What keeps the parts from being all rows, each once, in words."""
    parts = list(parts)
    return [
        *(
            f"{segment.path.name}: never announced, and nothing else holds its rows"
            for segment in unannounced
        ),
        *(
            f"rows {start}-{end - 1} are missing{_behind(parts, start)}: neither a segment nor a "
            "journal holds them"
            for start, end in find_gaps(parts, state)
        ),
        *(
            f"rows {start}-{end - 1} are there twice, in {_holders(parts, start)}"
            for start, end in held_twice(part.stretch for part in parts)
        ),
    ]


def _behind(parts: Iterable[Part], row: int) -> str:
    """The file that holds the row before, in words."""
    return "".join(f" behind {part.source}" for part in parts if part.stretch[1] == row)


def _holders(parts: Iterable[Part], row: int) -> str:
    """The files that hold the row."""
    return " and ".join(part.source for part in parts if part.first_seq <= row < part.stretch[1])
