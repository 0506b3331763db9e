"""Opening an attempt: which folder, after which earlier ones, from which step on."""

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from logwriter import rundir
from logwriter.errors import RunExistsError, WriterLockedError
from logwriter.lock import WriterLock, describe_holder, stays_held
from logwriter.rundir import WriterId

HIDES_NOTHING = (1 << 63) - 1


@dataclass(frozen=True)
class Opening:
    """A new attempt: its folder, locked, and what it takes over from earlier ones.

    ``resumes`` says that there are earlier ones, ``resume_step`` after which step it goes on
    (``None``: before its first row), ``first_step`` what its own count of steps begins with.
    """

    folder: Path
    writer: WriterId
    lock: WriterLock
    run_id: str
    name: str | None
    resumes: bool
    resume_step: int | None
    first_step: int

    def take_back(self) -> None:
        """Undo the opening: nothing was logged yet."""
        self.lock.release()
        shutil.rmtree(self.folder)
        for folder in (self.folder.parent, self.folder.parent.parent):
            if any(folder.iterdir()):
                break
            folder.rmdir()


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
    writers = run / rundir.WRITERS
    writers.mkdir(parents=True, exist_ok=True)
    with _one_at_a_time(writers):
        earlier = (
            [w for w in rundir.list_writers(run) if w.rank == rank] if rundir.is_run(run) else []
        )
        _refuse_conflicts(run, rank, earlier, resume)
        writer = WriterId(rank, earlier[-1].attempt + 1 if earlier else 0)
        folder = rundir.writer_path(run, writer)
        folder.mkdir()
        lock = WriterLock(folder)
    first = 0 if isinstance(resume, bool) else resume + 1
    opening = Opening(folder, writer, lock, secrets.token_hex(8), None, False, None, first)
    if not earlier:
        return opening
    try:
        return _going_on(opening, run, earlier, resume)
    except BaseException:
        opening.take_back()
        raise


def _going_on(
    opening: Opening, run: Path, earlier: Sequence[WriterId], resume: bool | int
) -> Opening:
    """The opening with what it takes over from earlier attempts."""
    from logwriter.earlier import read_earlier  # noqa: PLC0415  pyarrow loads: not for a first attempt

    before = read_earlier(run, earlier)
    step = resume if not isinstance(resume, bool) else None if before.is_whole else HIDES_NOTHING
    return replace(
        opening,
        run_id=before.run_id or opening.run_id,
        name=before.name,
        resumes=True,
        resume_step=step,
        first_step=before.last_step + 1 if isinstance(resume, bool) else opening.first_step,
    )


@contextmanager
def _one_at_a_time(writers: Path) -> Iterator[None]:
    """Let no other process look for its place, or take one, meanwhile."""
    descriptor = os.open(writers, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _refuse_conflicts(
    run: Path, rank: int, earlier: Sequence[WriterId], resume: bool | int
) -> None:
    for writer in earlier:
        folder = rundir.writer_path(run, writer)
        if stays_held(folder):
            raise WriterLockedError(
                f"{run}: rank {rank} is being written by {describe_holder(folder)}; wait for it to end, "
                "or give another path"
            )
    if earlier and resume is False:
        raise RunExistsError(
            f"{run} already holds a run (rank {rank}). Go on with it by resume=True, go back to a step "
            "with resume=STEP, or give another path; nothing is ever overwritten"
        )
