"""The sealer's process, as its owner sees it: started when needed, one job at a time.

It runs `logwriter.sealer` in an interpreter of its own. It is started afresh and never forked: a fork
would carry the training's memory, the locks of its threads and its GPU along.
"""

import errno
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

from logwriter.errors import DamagedError
from logwriter.prepared import Prepared

_PROGRAM = "import sys; sys.path[:] = sys.argv[1:]; from logwriter.sealer import main; main()"
_ENVIRONMENT = {
    # giving memory back after each journal costs as much as the sealing itself
    "ARROW_DEFAULT_MEMORY_POOL": "system",
    "MALLOC_MMAP_THRESHOLD_": str(32 << 20),
    "MALLOC_TRIM_THRESHOLD_": str(256 << 20),
    # nothing here multiplies matrices, and starting threads for it takes half of NumPy's import
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}
_MOST_DEATHS = 3
_GOODBYE_SECONDS = 10.0
_PATIENCE_SECONDS = 10.0
_ANSWER_BYTES = 1 << 16


class Job(msgspec.Struct, frozen=True):
    """A journal of ``folder`` with ``rows`` rows, to be sealed for this run, rank and attempt."""

    folder: bytes
    journal: str
    rows: int
    run_id: str
    rank: int
    attempt: int


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """Why a job was not done."""

    reason: str
    errno: int | None = None


class SealerProcess:
    """Does jobs in a process, and calls ``wake`` when one is done."""

    def __init__(self, wake: Callable[[], None]) -> None:
        """Prepare; the first job starts the process. ``wake`` is called from another thread."""
        self._wake = wake
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._socket: socket.socket | None = None
        self._reader: threading.Thread | None = None
        self._job: Job | None = None
        self._answer: Prepared | Failed | None = None
        self._deaths = 0
        self._late = 0.0

    @property
    def is_running(self) -> bool:
        """Whether there is a process."""
        return self._socket is not None

    @property
    def is_busy(self) -> bool:
        """Whether a job is being done, or its answer waits to be taken."""
        return self._job is not None

    @property
    def is_usable(self) -> bool:
        """Whether it is worth asking: it can be started, and did not die again and again."""
        return self._deaths < _MOST_DEATHS and not getattr(sys, "frozen", False)

    def seal(self, job: Job) -> Prepared | None:
        """What became of the job; ``None`` as long as it is being done. Never blocks for long.

        Raises:
            ChildProcessError: The process died, or cannot be started: ask again, or elsewhere.
            OSError: The disk refused.
            DamagedError: The journal does not hold what its writer committed.
        """
        with self._lock:
            if self._job is None:
                self._submit(job)
            answer = self._answer
        if answer is None:
            return None
        self._job = self._answer = None
        if isinstance(answer, Prepared):
            return answer
        if answer.errno is None:
            raise DamagedError(answer.reason)
        raise OSError(answer.errno, answer.reason)

    def give_up_if_late(self) -> None:
        """Somebody waits: a process that hangs, or gets no processor time, is ended after a while."""
        process = self._process
        if process is not None and self.is_busy and time.monotonic() > self._late:
            process.kill()

    def close(self) -> None:
        """Let the process end, and wait for it."""
        with self._lock:
            link, self._socket = self._socket, None
        if link is None or self._process is None or self._reader is None:
            return
        with suppress(OSError):  # it may have ended by itself
            link.shutdown(socket.SHUT_WR)
        try:
            self._process.wait(_GOODBYE_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        with suppress(OSError):  # a child that was forked meanwhile may hold the other end
            link.shutdown(socket.SHUT_RDWR)
        self._reader.join()
        link.close()

    def abandon(self) -> None:
        """In a forked child: the process is the parent's."""
        if self._socket is not None:
            self._socket.close()
        if self._process is not None:
            self._process.returncode = 0  # this copy must neither wait for it nor complain

    def _submit(self, job: Job) -> None:
        if self._socket is None:
            self._start()
        self._job, self._answer = job, None
        self._late = time.monotonic() + _PATIENCE_SECONDS
        line = msgspec.json.encode(job) + b"\n"
        with suppress(OSError):  # it has died: the reading thread answers in its place
            if self._socket is not None:
                # a pipe would raise SIGPIPE, which a program may have told to kill it
                self._socket.sendall(line, socket.MSG_NOSIGNAL)

    def _start(self) -> None:
        """Start the process, away from the terminal: Ctrl-C means the training, not it."""
        mine, its = socket.socketpair()
        command = [sys.executable or "python3", "-P", "-c", _PROGRAM, *filter(None, sys.path)]
        try:
            process = subprocess.Popen(  # noqa: S603  this interpreter, this package
                command,
                stdin=its.fileno(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                env={**os.environ, **_ENVIRONMENT},
                start_new_session=True,
            )
            name = f"everystep sealer {process.pid}"
            reader = threading.Thread(
                target=self._read, args=(process, mine), name=name, daemon=True
            )
            self._process, self._socket, self._reader = process, mine, reader
            reader.start()
        except (OSError, RuntimeError, TypeError, ValueError) as error:
            # no more threads, an interpreter at its end, a path that is no text
            self._socket = None
            self._deaths = _MOST_DEATHS
            mine.close()
            raise ChildProcessError(
                errno.ECHILD, f"the sealer's process cannot be started ({error})"
            ) from error
        finally:
            its.close()

    def _read(self, process: subprocess.Popen[bytes], link: socket.socket) -> None:
        """Take answers until the process ends, and say if it did so unasked."""
        rest = b""
        try:
            while received := link.recv(_ANSWER_BYTES):
                *lines, rest = (rest + received).split(b"\n")
                for line in lines:
                    self._answer = msgspec.json.decode(line, type=Prepared | Failed)
                    self._wake()
        except (OSError, msgspec.MsgspecError):
            process.kill()  # it does not say what a sealer says
        status = process.wait()
        with self._lock:
            if self._socket is link:
                self._bury(process.pid, status)
                link.close()
        self._wake()

    def _bury(self, pid: int, status: int) -> None:
        """It ended unasked: that is the answer to its job."""
        self._socket = None
        self._deaths += 1
        job = self._job
        if job is not None and self._answer is None:
            for half in Path(os.fsdecode(job.folder)).glob(f".steps-*.{pid}.tmp"):
                half.unlink(missing_ok=True)
            self._answer = Failed(f"the sealer's process ended with status {status}", errno.ECHILD)
