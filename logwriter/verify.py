"""Checking every byte of a run that has a checksum, and naming each fault. Changes nothing."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from logwriter import durable, rundir
from logwriter.errors import DamagedError
from logwriter.eventlog import salvage_own_events
from logwriter.events import Event
from logwriter.host import boot_id
from logwriter.journalfile import judge, load
from logwriter.journalhead import check_owner
from logwriter.lock import is_held
from logwriter.part import Part
from logwriter.parts import (
    describe_holes,
    find_unannounced,
    is_over,
    is_stale,
    segment_part,
    settled,
)
from logwriter.regular import require_regular
from logwriter.rundir import WriterId
from logwriter.state import RESUME_LOST, AttemptState, fold, lacks_resume
from logwriter.stretches import Stretch

_LOOKS = 3
_PAUSE_SECONDS = 0.02


@dataclass
class WriterCheck:
    """What a look at one writer's folder found.

    ``faults`` are damage or loss; ``notes`` are harmless facts, such as a torn last event of a
    killed process. ``rows`` can be read, ``unverified`` of them without a checksum to vouch for
    them after a power cut. ``parts`` holds the good segments and journals, ``bad_segments`` the
    announced segments that are not what was announced, ``gone`` the names of those that are not
    there.
    """

    writer: WriterId
    folder: Path
    live: bool
    state: AttemptState
    rows: int = 0
    unverified: int = 0
    faults: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    parts: list[Part] = field(default_factory=list)
    bad_segments: list[Path] = field(default_factory=list)
    gone: list[str] = field(default_factory=list)
    bad_events: bool = False


def verify(path: str | Path) -> list[WriterCheck]:
    """Check every writer of the run at ``path``.

    Raises:
        NotARunError: There is no run.
        NewerFormatError: A newer everystep wrote it.
    """
    run = Path(path)
    return [check_writer(run, writer) for writer in rundir.list_writers(run)]


def check_writer(run: Path, writer: WriterId, *, mine: bool = False) -> WriterCheck:
    """Check one writer's events, segments and journals, and that no row is missing.

    A living writer may seal a journal between two looks, so a fault counts when it stays.

    Args:
        run: The run's folder.
        writer: Whose files to check.
        mine: The lock of the writer's folder is held by the caller, so nobody writes.
    """
    folder = rundir.writer_path(run, writer)
    try:
        require_regular(folder / rundir.LOCK)
    except DamagedError as fault:
        check = _look(folder, writer, live=False)
        check.faults.append(str(fault))
        return check
    for _ in range(_LOOKS):
        check = _look(folder, writer, live=not mine and is_held(folder))
        if not (check.live and check.faults):
            break
        time.sleep(_PAUSE_SECONDS)
    return check


def _look(folder: Path, writer: WriterId, *, live: bool) -> WriterCheck:
    events, faults, torn = _events(folder, writer)
    check = WriterCheck(writer, folder, live, fold(writer, events), faults=[str(f) for f in faults])
    check.bad_events = bool(faults or torn)
    if torn:
        check.notes.append(torn)
    listing = rundir.list_writer(folder)
    _note_unknown(check, listing)
    _check_segments(check)
    over = settled(check.parts, check.state)
    for journal in listing.journals:
        _check_journal(check, journal.path, journal.first_seq, over)
    for spare in listing.spares:
        _check_journal(check, spare, None, over)
    check.parts.sort(key=lambda part: part.first_seq)
    unannounced = find_unannounced(listing, check.parts, check.state)
    _note_unannounced(check, listing, {segment.path.name for segment in unannounced})
    holes = describe_holes(check.parts, check.state, unannounced)
    check.faults += [f"{folder.name}: {hole}" for hole in holes]
    check.rows = sum(part.rows for part in check.parts)
    if lacks_resume(check.state, check.rows):
        check.faults.append(RESUME_LOST)
    return check


def _events(folder: Path, writer: WriterId) -> tuple[list[Event], list[DamagedError], str | None]:
    try:
        return salvage_own_events(folder / rundir.EVENTS, writer)
    except FileNotFoundError:
        listing = rundir.list_writer(folder)
        if listing.journals or listing.segments:
            return [], [DamagedError(f"{rundir.EVENTS} is missing")], None
        return [], [], f"{folder.name}: its writer died before it wrote anything"
    except DamagedError as fault:
        return [], [fault], None


def _note_unknown(check: WriterCheck, listing: rundir.WriterListing) -> None:
    for path in listing.unknown:
        if not durable.is_temporary(path):
            check.notes.append(f"{path.name}: not a file of everystep; left alone")
        elif not check.live:
            check.notes.append(f"{path.name}: half written by a process that died; not needed")


def _check_segments(check: WriterCheck) -> None:
    for name in check.state.segments:
        path = check.folder / name
        try:
            check.parts.append(segment_part(path, check.state))
        except FileNotFoundError:
            check.faults.append(f"{name}: sealed and announced, but gone")
            check.gone.append(name)
        except DamagedError as fault:
            check.faults.append(str(fault))
            check.bad_segments.append(path)


def _check_journal(
    check: WriterCheck, path: Path, first_seq: int | None, over: list[Stretch]
) -> None:
    """Add the journal's rows to the parts, or say what is wrong with it."""
    if first_seq is not None and is_stale(path, first_seq, over, check.writer):
        check.notes.append(f"{path.name}: already sealed, or given up, and never removed")
        return
    try:
        image = load(path)
        if image is None:
            return
        check_owner(image.header, path, first_seq, check.writer)
    except FileNotFoundError:
        return  # sealed meanwhile by its living writer
    except DamagedError as fault:
        check.faults.append(str(fault))
        return
    if is_over(image.header.first_seq, over):
        return
    contents = judge(image, same_boot=image.header.boot_id == boot_id())
    if contents.damage:
        check.faults.append(str(contents.damage))
    if contents.rows:
        writer, first = check.writer, contents.header.first_seq
        check.parts.append(
            Part(
                writer.rank,
                writer.attempt,
                first,
                contents.rows,
                unverified=contents.unverified,
                source=path.name,
            )
        )
    if contents.pending and not check.live:
        check.notes.append(
            f"{path.name}: {contents.pending} rows lack values that were still on a device when their "
            "process died"
        )
    if contents.unverified:
        check.unverified += contents.unverified
        check.notes.append(
            f"{path.name}: its last {contents.unverified} rows are unverified: no sync "
            "point vouches for them, and the machine was restarted since"
        )


def _note_unannounced(check: WriterCheck, listing: rundir.WriterListing, faulty: set[str]) -> None:
    """Segments that were renamed into place before their writer died, or that came back."""
    if check.live:
        return
    known = {*check.state.segments, *faulty}
    for segment in listing.segments:
        if segment.path.name not in known:
            held = any(
                part.first_seq <= segment.first_seq < part.stretch[1] for part in check.parts
            )
            check.notes.append(
                f"{segment.path.name}: never announced; its rows are held elsewhere"
                if held
                else f"{segment.path.name}: given up by a repair, but here again; "
                "`everystep verify --repair RUN` takes it back"
            )
