"""Whether work in C lets go of the interpreter's lock."""

import sys
import threading
import time
from collections.abc import Callable


def lets_others_run(work: Callable[[], object]) -> bool:
    """Whether another thread runs while the work is done, a hundred times at most.

    As the lock is taken from nobody meanwhile, that is only where it is let go of.
    """
    ticks: list[int] = []
    done = threading.Event()

    def tick() -> None:
        while not done.is_set():
            ticks.append(1)
            time.sleep(0.001)

    interval = sys.getswitchinterval()
    other = threading.Thread(target=tick)
    try:
        sys.setswitchinterval(1000)
        other.start()
        for _ in range(100):
            before = len(ticks)
            work()
            if len(ticks) > before:
                return True
    finally:
        sys.setswitchinterval(interval)
        done.set()
        other.join()
    return False
