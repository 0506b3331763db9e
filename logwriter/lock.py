"""The writer's lock: a kernel lock on ``lock``, held while the writer lives.

The kernel drops it when the process ends, however it ends, so a lock that can be taken means that
the writer is gone. The file says who holds it, for the error message.
"""

import fcntl
import os
import time
from pathlib import Path

import msgspec

from logwriter.errors import DamagedError, WriterLockedError
from logwriter.host import boot_id, host_name
from logwriter.regular import open_regular
from logwriter.rundir import LOCK

_TRIES = 20
_PATIENT_TRIES = 100
_PAUSE_SECONDS = 0.01


class Holder(msgspec.Struct, frozen=True):
    """Who took the lock."""

    pid: int
    host: str
    boot_id: str


class WriterLock:
    """The right to write in one folder. Taken by the constructor, given back by `release`."""

    def __init__(self, folder: Path) -> None:
        """Take the lock of ``folder``.

        Raises:
            WriterLockedError: A living process holds it.
            OSError: The folder cannot be written to.
        """
        descriptor = os.open(folder / LOCK, os.O_RDWR | os.O_CREAT, 0o644)
        if not _take(descriptor):
            os.close(descriptor)
            raise WriterLockedError(
                f"{folder}: another process writes here ({describe_holder(folder)})"
            )
        os.ftruncate(descriptor, 0)
        holder = Holder(os.getpid(), host_name(), boot_id())
        os.pwrite(descriptor, msgspec.json.encode(holder) + b"\n", 0)
        self._descriptor: int | None = descriptor

    def release(self) -> None:
        """Give the lock back. In a forked child this closes the child's copy and frees nothing."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)


def is_held(folder: Path) -> bool:
    """Whether a living process on this machine holds the lock of ``folder``."""
    try:
        descriptor = open_regular(folder / LOCK)
    except (FileNotFoundError, DamagedError):
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(descriptor)
    return False


def stays_held(folder: Path) -> bool:
    """Whether a process holds the lock, and goes on holding it.

    A writer that is killed at the very moment when it starts another process, its sealer for example,
    leaves the lock to that one until it has become the other program. So of a writer that is gone,
    this is waited for, for a second.
    """
    for _ in range(_PATIENT_TRIES):
        if not is_held(folder):
            return False
        holder = read_holder(folder)
        if holder is not None and holder.boot_id == boot_id() and not _is_gone(holder.pid):
            return True
        time.sleep(_PAUSE_SECONDS)
    return True


def _is_gone(pid: int) -> bool:
    """Whether there is no such process on this machine, or one that has ended."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return True
    except PermissionError:
        return False
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:  # there is no /proc, or it shows one's own processes only
        return False
    return stat.rpartition(b")")[2].split()[0] in {b"Z", b"X"}


def read_holder(folder: Path) -> Holder | None:
    """Who took the lock of ``folder`` last; ``None`` where the file does not say."""
    try:
        with open(open_regular(folder / LOCK), "rb") as file:  # noqa: PTH123  a descriptor
            return msgspec.json.decode(file.read(), type=Holder)
    except (FileNotFoundError, DamagedError, UnicodeDecodeError, msgspec.DecodeError):
        return None


def describe_holder(folder: Path) -> str:
    """The holder in words."""
    holder = read_holder(folder)
    return f"process {holder.pid} on {holder.host}" if holder else "which has not said its name"


def _take(descriptor: int) -> bool:
    """Readers hold the lock for an instant to see if it is free: so try for a while."""
    for _ in range(_TRIES):
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return True
    return False
