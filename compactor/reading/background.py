"""What goes on beside the fold, in a thread: reading, comparing checksums, writing.

One thread does it all, one thing after another. Whatever it does leaves the interpreter's lock for
nearly all of its time; a second one would only take a processor from the fold.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


@contextmanager
def background(threads: int | None = None) -> Iterator[Executor]:
    """Somewhere to submit work to. All of it is done at the end, and no thread is left.

    After an interrupt, what had not begun is dropped.

    Args:
        threads: With one, work is done while it is submitted.
    """
    pool = _Foreground() if threads == 1 else ThreadPoolExecutor(1)
    try:
        yield pool
    except Exception:
        pool.shutdown()
        raise
    except BaseException:
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()


class _Foreground(Executor):
    """Does at once what it is given."""

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(fn(*args, **kwargs))
        except Exception as error:  # noqa: BLE001  told to who asks for the result
            done.set_exception(error)
        return done
