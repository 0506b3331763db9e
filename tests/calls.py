"""Functions for other processes to call."""

import os
import signal
import time
from pathlib import Path


def double(number: int) -> int:
    """Twice the number."""
    return 2 * number


def process(_: int) -> int:
    """Which process answers."""
    return os.getpid()


def die_at_three(number: int) -> int:
    """Be killed by 3; double all others."""
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return double(number)


def exit_at_three(number: int) -> int:
    """Exit at 3; double all others."""
    if number == 3:
        os._exit(7)
    return double(number)


def write_slowly(path: Path) -> None:
    """Hold a temporary file for a minute, and clear up whatever happens."""
    path.touch()
    try:
        time.sleep(60)
    finally:
        path.unlink()


def do_slowly(path: Path) -> None:
    """Hold a file for a second, and go on."""
    path.touch()
    time.sleep(1)
    path.unlink()
