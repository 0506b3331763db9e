"""Checking every byte of a run that has a checksum, and naming each fault. Changes nothing."""

from dataclasses import dataclass, field
from pathlib import Path

from logwriter import rundir
from logwriter.errors import DamagedError
from logwriter.eventlog import salvage_events
from logwriter.events import Event
from logwriter.host import boot_id
from logwriter.journalfile import JournalRows, judge, load
from logwriter.lock import is_held
from logwriter.parts import Part, describe_gap, find_gaps, segment_part
from logwriter.rundir import WriterId
from logwriter.state import AttemptState, fold


@dataclass
class WriterCheck:
    """What a look at one writer's folder found.

    ``faults`` are damage or loss; ``notes`` are harmless facts, such as a torn last event of a
    killed process. ``rows`` can be read, ``unverified`` of them without a checksum to vouch for
    them after a power cut. ``parts`` holds the good segments and journals, ``journals`` every
    journal with rows, ``bad_segments`` the announced segments that are not what was announced.
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
    journals: list[tuple[Path, JournalRows]] = field(default_factory=list)
    bad_journals: list[Path] = field(default_factory=list)
    bad_segments: list[Path] = field(default_factory=list)
    unannounced: list[rundir.SegmentFile] = field(default_factory=list)
    bad_events: bool = False


_LOOKS = 3


def verify(path: Path) -> list[WriterCheck]:
    """Check every writer of the run at ``path``.

    Raises:
        NotARunError: There is no run.
        NewerFormatError: A newer everystep wrote it.
    """
    return [check_writer(path, writer) for writer in rundir.list_writers(path)]


def check_writer(run: Path, writer: WriterId) -> WriterCheck:
    """Check one writer's events, segments and journals, and that no row is missing.

    A living writer may seal a journal between two looks, so a fault counts when it stays.
    """
    for _ in range(_LOOKS):
        check = _look(run, writer)
        if not (check.live and check.faults):
            break
    return check


def _look(run: Path, writer: WriterId) -> WriterCheck:
    folder = rundir.writer_path(run, writer)
    live = is_held(folder)
    events, faults, torn = _events(folder)
    check = WriterCheck(writer, folder, live, fold(writer, events), faults=[str(f) for f in faults])
    check.bad_events = bool(faults or torn)
    if torn:
        check.notes.append(torn)
    listing = rundir.list_writer(folder)
    check.notes += [f"{path.name}: not a file of everystep; left alone" for path in listing.unknown]
    _check_segments(check)
    for journal in (*(journal.path for journal in listing.journals), *listing.spares):
        _check_journal(check, journal)
    _check_unannounced(check, listing)
    check.parts.sort(key=lambda part: part.first_seq)
    check.faults += [
        f"{folder.name}: {describe_gap(*gap)}" for gap in find_gaps(check.parts, check.state)
    ]
    check.rows = sum(part.rows for part in check.parts)
    return check


def _events(folder: Path) -> tuple[list[Event], list[DamagedError], str | None]:
    try:
        return salvage_events(folder / rundir.EVENTS)
    except FileNotFoundError:
        listing = rundir.list_writer(folder)
        if listing.journals or listing.segments:
            return [], [DamagedError(f"{rundir.EVENTS} is missing")], None
        return [], [], f"{folder.name}: its writer died before it wrote anything"


def _check_segments(check: WriterCheck) -> None:
    for name in check.state.segments:
        path = check.folder / name
        try:
            check.parts.append(segment_part(path, check.state))
        except FileNotFoundError:
            check.faults.append(f"{name}: sealed and announced, but gone")
        except DamagedError as fault:
            check.faults.append(str(fault))
            check.bad_segments.append(path)


def _check_journal(check: WriterCheck, path: Path) -> None:
    try:
        image = load(path)
    except FileNotFoundError:
        return  # sealed meanwhile by its living writer
    except DamagedError as fault:
        check.faults.append(str(fault))
        check.bad_journals.append(path)
        return
    if image is None:
        return
    contents = judge(image, same_boot=image.header.boot_id == boot_id())
    if any(part.first_seq == contents.header.first_seq for part in check.parts):
        check.notes.append(f"{path.name}: already sealed; its writer died before it was removed")
        return
    if contents.damage:
        check.faults.append(str(contents.damage))
        check.bad_journals.append(path)
    if contents.rows:
        check.journals.append((path, contents))
        first = contents.header.first_seq
        check.parts.append(
            Part(
                check.writer.rank,
                check.writer.attempt,
                first,
                contents.rows,
                unverified=contents.unverified,
            )
        )
    if contents.unverified:
        check.unverified += contents.unverified
        check.notes.append(
            f"{path.name}: its last {contents.unverified} rows are unverified: no sync "
            "point vouches for them, and the machine was restarted since"
        )


def _check_unannounced(check: WriterCheck, listing: rundir.WriterListing) -> None:
    """Segments that were renamed into place before their writer died, and never announced."""
    for segment in listing.segments:
        if segment.path.name in check.state.segments:
            continue
        if any(path_rows.header.first_seq == segment.first_seq for _, path_rows in check.journals):
            check.notes.append(
                f"{segment.path.name}: never announced; its journal still holds the rows"
            )
        elif not check.live:
            check.faults.append(
                f"{segment.path.name}: never announced, and no journal holds its rows"
            )
            check.unannounced.append(segment)
