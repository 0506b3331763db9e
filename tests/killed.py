"""A process that is killed in the middle of its work."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch


def die() -> None:
    """Kill this process as the kernel does when memory runs out: nothing is cleaned up."""
    os.kill(os.getpid(), signal.SIGKILL)


@contextmanager
def one_thread() -> Iterator[None]:
    """PyTorch computes in this thread alone: a forked child has no others."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def is_killed_in(work: Callable[[], object]) -> bool:
    """Do the work in a forked child, within `one_thread`; say whether it was killed in the middle."""
    child = os.fork()
    if child == 0:
        try:
            work()
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
