"""A run as a report finds it: with its record, or in need of one."""

import tempfile
from collections.abc import Callable
from pathlib import Path

import compactor
from compactor.record import RECORD_NAME, Record
from logwriter.rundir import is_run, last_change


def with_record(run: Path, *, keep: bool, say: Callable[[str], None]) -> Path | Record:
    """Compact what was never compacted; say it when the log has grown since.

    Args:
        run: A run's folder, or a record's file.
        keep: Whether a new record is written into the run; it may be read-only.
        say: Told what is done besides, and what to do about it.

    Returns:
        Where the record lies, or the record itself where it is not kept.
    """
    if not is_run(run):
        return run
    record = run / RECORD_NAME
    if not record.exists():
        if not keep:
            return _passing_record(run, say)
        say(f"{run} has no {RECORD_NAME} yet: compacting it first")
        compactor.compact(run)
    elif last_change(run) > record.stat().st_mtime_ns:
        say(
            f"{run} has gone on since its {RECORD_NAME} was written; `everystep compact {run}` and "
            "the same command again show what came after"
        )
    return run


def _passing_record(run: Path, say: Callable[[str], None]) -> Record:
    say(
        f"{run} has no {RECORD_NAME} yet: making one for this report alone; "
        f"`everystep compact {run}` keeps it in the run"
    )
    with tempfile.TemporaryDirectory() as folder:
        return compactor.compact(run, output=Path(folder) / RECORD_NAME)
