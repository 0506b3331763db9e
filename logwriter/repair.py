"""Saving what can be saved of a run whose writers are gone.

For each writer, in this order: events that are whole are kept; rows of journals are sealed, those in
front of a damage too; what can be read of a damaged segment is sealed again; rows that are gone for
good are announced as lost, so that readers go on behind them. A damaged original is never deleted:
it moves to ``damaged/`` beside the others. Killed at any point, running it again finishes the work.
"""

import errno
import time
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from logwriter import durable, rundir
from logwriter.errors import WriterLockedError
from logwriter.eventlog import EventLog, salvage_events
from logwriter.events import RowsLost, encode_line
from logwriter.host import host_name
from logwriter.lock import WriterLock, describe_holder, is_held, read_holder
from logwriter.parts import find_gaps
from logwriter.rundir import WriterId
from logwriter.segments import SCHEMA, to_table, write_segment
from logwriter.verify import WriterCheck, check_writer


@dataclass
class RepairReport:
    """What was done to one writer's folder.

    ``rows`` can be read now; ``lost_rows`` are gone for good; ``lost_values`` are single values that
    are gone from rows of damaged segments. ``moved`` are the originals of what was damaged.
    """

    writer: WriterId
    rows: int = 0
    lost_rows: int = 0
    lost_values: int = 0
    actions: list[str] = field(default_factory=list)
    moved: list[Path] = field(default_factory=list)


def repair(path: Path, *, force: bool = False) -> list[RepairReport]:
    """Seal what dead writers of the run at ``path`` left unsealed, and set damage aside.

    Args:
        path: The run.
        force: Also touch writers that ran on another machine, whose lock says nothing here.

    Raises:
        NotARunError: There is no run.
        WriterLockedError: A writer lives, or ran on another machine and ``force`` is not given.
        NewerFormatError: A newer everystep wrote the run.
    """
    writers = rundir.list_writers(path)
    for writer in writers:
        _require_own_machine(rundir.writer_path(path, writer), force=force)
    return [_repair_writer(path, writer) for writer in writers]


def _require_own_machine(folder: Path, *, force: bool) -> None:
    if is_held(folder):
        raise WriterLockedError(
            f"{folder} is being written by {describe_holder(folder)}; repair it when that has ended"
        )
    holder = read_holder(folder)
    if holder is not None and holder.host != host_name() and not force:
        raise WriterLockedError(
            f"{folder}: written on {holder.host}, and whether that process still lives can only be seen "
            "there. Repair on that machine, or give --force if it is surely gone"
        )


def _repair_writer(run: Path, writer: WriterId) -> RepairReport:
    lock = WriterLock(rundir.writer_path(run, writer))
    try:
        check = check_writer(run, writer)
        report = RepairReport(writer)
        if check.bad_events:
            _keep_whole_events(check.folder, report)
        events = EventLog(check.folder)
        try:
            _Repair(check, events, report).seal()
            _announce_losses(check_writer(run, writer), events, report)
        finally:
            events.close()
    finally:
        lock.release()
    return report


@dataclass(frozen=True)
class _Repair:
    """One writer's repair in progress."""

    check: WriterCheck
    events: EventLog
    report: RepairReport

    def seal(self) -> None:
        """Seal all rows that can be read, and put damaged originals aside."""
        for path, journal in self.check.journals:
            self._seal(to_table(journal.blocks), journal.header.first_seq, journal.rows)
            self.report.actions.append(f"{path.name}: sealed {journal.rows} rows")
        for path in self.check.bad_journals:
            _move_aside(path, self.report)
        for path in self.check.bad_segments:
            announced = self.check.state.segments[path.name]
            kept = self._reseal(path, announced.first_seq, announced.rows)
            self.report.lost_values += announced.values - kept
        for segment in self.check.unannounced:
            self._reseal(segment.path, segment.first_seq, segment.last_seq - segment.first_seq + 1)
        listing = rundir.list_writer(self.check.folder)
        for path in (*(journal.path for journal in listing.journals), *listing.spares):
            path.unlink()  # sealed, now or before
        durable.sync_directory(self.check.folder)

    def _reseal(self, path: Path, first_seq: int, rows: int) -> int:
        """Seal again what can be read of a segment; returns the number of values kept."""
        table, bad = _readable(path)
        _copy_aside(path, self.report)
        if table.num_rows:
            self._seal(table, first_seq, rows)
        else:
            path.unlink()
        self.report.actions.append(
            f"{path.name}: kept {table.num_rows} values; {bad} of its row groups could not be read"
        )
        return int(table.num_rows)

    def _seal(self, table: pa.Table, first_seq: int, rows: int) -> None:
        started = self.check.state.started
        sealed = write_segment(
            self.check.folder,
            table,
            first_seq=first_seq,
            rows=rows,
            run_id=started.run_id if started else "",
            writer=self.check.writer,
            time=time.time_ns() // 1000,
        )
        self.events.append(sealed, durable=True)
        if self.events.waiting:
            raise OSError(
                errno.ENOSPC, "no space left to announce a segment", str(self.events.path)
            )


def _readable(path: Path) -> tuple[pa.Table, int]:
    """The row groups of a segment whose page checksums hold, and the number of the others."""
    try:
        file = pq.ParquetFile(path, page_checksum_verification=True, read_dictionary=["metric"])
    except (pa.ArrowException, OSError):
        return SCHEMA.empty_table(), 1
    good, bad = [SCHEMA.empty_table()], 0
    for number in range(file.num_row_groups):
        try:
            good.append(file.read_row_group(number).cast(SCHEMA))
        except (pa.ArrowException, OSError):
            bad += 1
    return pa.concat_tables(good), bad


def _announce_losses(check: WriterCheck, events: EventLog, report: RepairReport) -> None:
    for start, end in find_gaps(check.parts, check.state):
        now = time.time_ns() // 1000
        lost = RowsLost(time=now, first_seq=start, last_seq=end - 1, reason="damaged beyond repair")
        events.append(lost, durable=True)
        report.lost_rows += end - start
        report.actions.append(f"rows {start}-{end - 1} are lost")
    report.rows = check.rows


def _keep_whole_events(folder: Path, report: RepairReport) -> None:
    path = folder / rundir.EVENTS
    if not path.exists():
        return
    events, faults, _ = salvage_events(path)
    if faults:
        _copy_aside(path, report)
    durable.replace_file(path, b"".join(encode_line(event) for event in events))
    report.actions.append(
        f"{path.name}: kept {len(events)} events, left out {len(faults)} damaged lines"
    )


def _move_aside(path: Path, report: RepairReport) -> None:
    target = _place_aside(path, report)
    path.rename(target)
    durable.sync_directory(target.parent)


def _copy_aside(path: Path, report: RepairReport) -> None:
    durable.replace_file(_place_aside(path, report), path.read_bytes())


def _place_aside(path: Path, report: RepairReport) -> Path:
    folder = path.parent / rundir.DAMAGED
    folder.mkdir(exist_ok=True)
    number = 0
    while (target := folder / f"{path.name}.{number}").exists():
        number += 1
    report.moved.append(target)
    return target
