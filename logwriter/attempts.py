"""Opening an attempt: which folder, after which earlier ones, from which step on."""

import logging
import secrets
from dataclasses import dataclass
from pathlib import Path

from logwriter import rundir
from logwriter.errors import DamagedError, EverystepError, RunExistsError, WriterLockedError
from logwriter.lock import WriterLock, describe_holder, is_held
from logwriter.rundir import WriterId
from logwriter.runlog import RunLog

_log = logging.getLogger("everystep")


@dataclass(frozen=True)
class Opening:
    """A new attempt: its folder, locked, and what it takes over from earlier ones."""

    folder: Path
    writer: WriterId
    lock: WriterLock
    run_id: str
    name: str | None
    resumes: bool
    first_step: int


def open_attempt(run: Path, rank: int, resume: bool | int) -> Opening:
    """Make the folder of the next attempt of ``rank``, and take its lock.

    Args:
        run: The run's folder; made if it does not exist.
        rank: Whose attempt it is. Other ranks' folders are not looked at.
        resume: ``False``: there must be no earlier attempt. ``True``: go on after the last step.
            A step: go on after it.

    Raises:
        RunExistsError: There is an earlier attempt, and ``resume`` is ``False``.
        WriterLockedError: An earlier attempt still lives.
        OSError: The folder cannot be made.
    """
    (run / rundir.WRITERS).mkdir(parents=True, exist_ok=True)
    earlier = [w for w in rundir.list_writers(run) if w.rank == rank] if rundir.is_run(run) else []
    if earlier and resume is False:
        raise RunExistsError(
            f"{run} already holds a run (rank {rank}). Go on with it by resume=True, go back to a step "
            "with resume=STEP, or give another path; nothing is ever overwritten"
        )
    if earlier and is_held(folder := rundir.writer_path(run, earlier[-1])):
        raise WriterLockedError(
            f"{run}: rank {rank} is being written by {describe_holder(folder)}; wait for it to end, or "
            "give another path"
        )
    before = _read_before(run) if earlier else None
    folder, writer = _make_folder(run, rank, earlier[-1].attempt + 1 if earlier else 0)
    return Opening(
        folder,
        writer,
        WriterLock(folder),
        (before.state.run_id if before else "") or secrets.token_hex(8),
        before.state.name if before else None,
        bool(earlier),
        _first_step(before, rank, resume),
    )


def _read_before(run: Path) -> RunLog | None:
    """The run so far. Damage must not keep a training from going on, but it is said."""
    try:
        return RunLog(run)
    except DamagedError as damage:
        _log.warning("everystep: %s; steps are counted from 0 unless you give them", damage)
    except EverystepError as error:
        _log.warning("everystep: %s", error)
    return None


def _make_folder(run: Path, rank: int, attempt: int) -> tuple[Path, WriterId]:
    while True:
        writer = WriterId(rank, attempt)
        folder = rundir.writer_path(run, writer)
        try:
            folder.mkdir()
        except FileExistsError:
            attempt += 1
        else:
            return folder, writer


def _first_step(before: RunLog | None, rank: int, resume: bool | int) -> int:
    if resume is True or resume is False:
        last = before.last_step(rank) if before else None
        return 0 if last is None else last + 1
    return resume + 1
