"""Saving what can be saved of a run whose writers are gone.

For each writer, in this order: events that are whole are kept; announced segments under a wrong
name are put back; segments that are whole and were never announced are announced; rows of journals
are sealed, those around a damage too; what can be read of a damaged segment is sealed again; rows
that are gone for good are announced as lost, so that readers go on behind them. A damaged original
is never deleted: it moves to ``damaged/`` beside the others. Killed at any point, running it again
finishes the work.
"""

import os
import time
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from logwriter import durable, rundir
from logwriter.aside import keep_original, set_aside
from logwriter.errors import DamagedError, WriterLockedError
from logwriter.eventlog import EventLog, salvage_own_events
from logwriter.events import RunResumed, encode_line
from logwriter.holdings import Holdings
from logwriter.host import host_name
from logwriter.lock import WriterLock, describe_holder, read_holder, stays_held
from logwriter.misplaced import put_back
from logwriter.parts import find_gaps
from logwriter.regular import require_regular
from logwriter.rundir import SegmentFile, WriterId
from logwriter.saving import RepairReport, Saving
from logwriter.state import lacks_resume
from logwriter.verify import WriterCheck, check_writer


def repair(path: str | Path, *, force: bool = False) -> list[RepairReport]:
    """Seal what dead writers of the run at ``path`` left unsealed, and set damage aside.

    Args:
        path: The run.
        force: Also touch writers that ran on another machine, whose lock says nothing here.

    Raises:
        NotARunError: There is no run.
        WriterLockedError: A writer lives, or ran on another machine and ``force`` is not given.
        NewerFormatError: A newer everystep wrote the run.
    """
    run = Path(path)
    writers = rundir.list_writers(run)
    for writer in writers:
        _require_own_machine(rundir.writer_path(run, writer), force=force)
    return [_repair_writer(run, writer) for writer in writers]


def _require_own_machine(folder: Path, *, force: bool) -> None:
    lock = folder / rundir.LOCK
    if os.path.lexists(lock) and not lock.is_file():
        return  # it says nothing, and is set aside later
    if stays_held(folder):
        raise WriterLockedError(
            f"{folder} is being written by {describe_holder(folder)}; repair it when that has ended"
        )
    holder = None
    with suppress(UnicodeDecodeError):  # damaged, it says as little as one that is gone
        holder = read_holder(folder)
    if holder is not None and holder.host != host_name() and not force:
        raise WriterLockedError(
            f"{folder}: written on {holder.host}, and whether that process still lives can only be seen "
            "there. Repair on that machine, or give --force if it is surely gone"
        )


def _repair_writer(run: Path, writer: WriterId) -> RepairReport:
    report = RepairReport(writer)
    folder = rundir.writer_path(run, writer)
    for name in (rundir.LOCK, rundir.EVENTS):
        _set_aside_if_no_file(folder / name, report)
    lock = WriterLock(folder)
    try:
        check = check_writer(run, writer, mine=True)
        if check.bad_events:
            _keep_whole_events(check.folder, writer, report)
        if check.gone or check.bad_segments:
            actions, moved = put_back(check)
            report.actions += actions
            report.moved += moved
            check = check_writer(run, writer, mine=True)
        events = EventLog(check.folder)
        try:
            _save(check, events, report)
            _announce_losses(check_writer(run, writer, mine=True), events, report)
        finally:
            events.close()
    finally:
        lock.release()
    return report


def _set_aside_if_no_file(path: Path, report: RepairReport) -> None:
    """Make way for a file where a folder, or whatever it is, has its name."""
    try:
        require_regular(path)
    except DamagedError:
        report.moved.append(set_aside(path))
        report.actions.append(f"{path.name}: no file, so it made way for one")


def _save(check: WriterCheck, events: EventLog, report: RepairReport) -> None:
    """Bring all rows that can be read into announced segments."""
    held = [part.stretch for part in check.parts if part.path is not None]
    holdings = Holdings(check.folder, check.state, events, held)
    saving = Saving(check.state, holdings, report)
    listing = rundir.list_writer(check.folder)
    unannounced = [s for s in listing.segments if s.path.name not in check.state.segments]
    for segment in unannounced:
        saving.adopt(segment)
    for path, first_seq in _journals(listing):
        saving.save_journal(path, first_seq)
    for path in check.bad_segments:
        announced = check.state.segments[path.name]
        segment = SegmentFile(announced.first_seq, announced.last_seq, path)
        saving.save_segment(segment, announced.values)
    for segment in unannounced:
        saving.save_segment(segment, None)
    for path in listing.unknown:
        if durable.is_temporary(path) and path.is_file():
            path.unlink(missing_ok=True)  # a dead writer's own process may be tidying up, too
    durable.sync_directory(check.folder)
    _report_losses(holdings, report)


def _journals(listing: rundir.WriterListing) -> Iterable[tuple[Path, int | None]]:
    """Spares first, then the last journal to the first: rows of a later one are never given up."""
    yield from ((spare, None) for spare in listing.spares)
    yield from ((journal.path, journal.first_seq) for journal in reversed(listing.journals))


def _announce_losses(check: WriterCheck, events: EventLog, report: RepairReport) -> None:
    """Give up the rows that are in no file at all."""
    held = [part.stretch for part in check.parts]
    holdings = Holdings(check.folder, check.state, events, held)
    for gap in find_gaps(check.parts, check.state):
        holdings.give_up(gap)
    report.rows = check.rows
    _report_losses(holdings, report)
    if lacks_resume(check.state, check.rows):
        events.append(RunResumed(time=time.time_ns() // 1000), durable=True)
        report.actions.append(f"{rundir.EVENTS}: the attempt is taken to go on at its first row")


def _report_losses(holdings: Holdings, report: RepairReport) -> None:
    for start, end in holdings.given_up:
        report.lost_rows += end - start
        report.actions.append(f"rows {start}-{end - 1} are lost")


def _keep_whole_events(folder: Path, writer: WriterId, report: RepairReport) -> None:
    path = folder / rundir.EVENTS
    if not path.exists():
        return
    events, faults, torn = salvage_own_events(path, writer)
    if faults or torn:
        report.moved.append(keep_original(path))
    durable.replace_file(path, b"".join(encode_line(event) for event in events))
    report.actions.append(
        f"{path.name}: kept {len(events)} events, left out {len(faults)} damaged lines"
    )
