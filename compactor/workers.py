"""Calls of one function in several processes, any of which may die.

Each process has one call at a time. If it dies, killed for want of memory for example, its call is
told to have died, another process takes its place, and all other calls are made. Processes are
started afresh (spawned), so nothing of this one's memory, locks and threads goes along. Whatever
ends the caller ends them: an exception here, such as an interrupt, or this process's death.
"""

import multiprocessing
import signal
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing import resource_tracker
from multiprocessing.connection import Connection, wait
from typing import Any, Generic, TypeVar, cast

Argument = TypeVar("Argument")
Answer = TypeVar("Answer")

_GOODBYE_SECONDS = 10.0


@dataclass(frozen=True)
class Died:
    """A process died during a call: killed by a signal (its negative number), or it exited."""

    exit_code: int | None

    def __str__(self) -> str:
        """In words."""
        if self.exit_code is not None and self.exit_code < 0:
            number = -self.exit_code
            known = number in signal.valid_signals() and number < signal.SIGRTMIN
            name = signal.Signals(number).name if known else f"signal {number}"
            return f"its process was killed by {name}"
        return f"its process ended with exit code {self.exit_code}"


class _Worker(Generic[Argument, Answer]):
    """A process that answers one call after another."""

    def __init__(self, function: Callable[[Argument], Answer]) -> None:
        context = multiprocessing.get_context("spawn")
        self.connection, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(function, theirs), daemon=True)
        with _interrupts_held():
            self._process.start()
        theirs.close()

    def ask(self, argument: Argument) -> None:
        """Start a call; a dead process is found out by `answer`."""
        with suppress(OSError):
            self.connection.send(argument)

    def answer(self) -> Answer | Died:
        """What the call gave, once `connection` is ready."""
        try:
            return cast("Answer", self.connection.recv())
        except (EOFError, OSError):
            self.connection.close()
            self.wait()
            return Died(self._process.exitcode)

    def interrupt(self) -> None:
        """Ask for the end, in the middle of a call, too."""
        self._process.terminate()
        self.connection.close()

    def wait(self) -> None:
        """Wait for the end; a process that does not come to it is killed."""
        self._process.join(_GOODBYE_SECONDS)
        self._process.kill()
        self._process.join()


def call_all(
    function: Callable[[Argument], Answer],
    arguments: Sequence[Argument],
    processes: int,
    done: Callable[[int, Answer | Died], None],
) -> None:
    """Call a function with each argument, in processes of their own.

    Args:
        function: Importable by name, as arguments and answers are pickled. What it raises ends its
            process.
        arguments: One a call, begun in this order.
        processes: How many calls are made at a time, at least 1.
        done: Told the number of each argument and its answer, as they come.

    Raises:
        KeyboardInterrupt: The user does not want to wait. The processes have ended: in them, too,
            the interrupt was raised, so that they left nothing half written.
    """
    waiting = deque(range(len(arguments)))
    workers: list[_Worker[Argument, Answer]] = []
    busy: dict[_Worker[Argument, Answer], int] = {}
    try:
        while waiting or busy:
            while waiting and len(busy) < processes:
                idle = [worker for worker in workers if worker not in busy]
                if not idle:
                    idle.append(_Worker(function))
                    workers.append(idle[0])
                busy[idle[0]] = waiting.popleft()
                idle[0].ask(arguments[busy[idle[0]]])
            ready = wait([worker.connection for worker in busy])
            for worker in [each for each in busy if each.connection in ready]:
                answer = worker.answer()
                number = busy.pop(worker)
                if isinstance(answer, Died):
                    workers.remove(worker)
                done(number, answer)
    finally:
        for worker in workers:
            worker.interrupt()
        for worker in workers:
            worker.wait()


def _serve(function: Callable[[Any], Any], connection: Connection) -> None:
    """Answer calls until nobody asks, or until told to end."""
    told_to_end = False

    def end(*_: object) -> None:
        nonlocal told_to_end
        told_to_end = True
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, end)
    try:
        while not told_to_end:
            connection.send(function(connection.recv()))
    except (EOFError, ConnectionError):
        return
    except BaseException:
        # an interrupt in the middle of an import may come out as another exception, or as none
        if not told_to_end:
            raise


@contextmanager
def _interrupts_held() -> Iterator[None]:
    """Start processes that a Ctrl-C does not reach: it goes to the whole group, but we end them."""
    resource_tracker.ensure_running()  # starting the first process would, and then let interrupts in
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
