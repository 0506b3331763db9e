"""The checks of segments, made in the background while what is known of them is put together.

No rows are read from a segment before it was checked: whoever needs them waits for the check, or
makes it, if that has not begun. Where a run was resumed, what that hides is looked up before; and
digests from a cache are older than the check, and lines may be made of them meanwhile. So all checks
are awaited before anything leaves a compaction, be it a record, a cache or another error. A damaged
segment is therefore what is told of a run, whatever else went wrong with it.
"""

from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from threading import Lock

from logwriter.errors import DamagedError, EverystepError
from logwriter.part import Wait
from logwriter.parts import check_part
from logwriter.regular import require_regular
from logwriter.state import AttemptState


@contextmanager
def checking(pool: Executor) -> Iterator["Checks"]:
    """Checks that begin when a run's segments are known, and that were made at the end.

    Args:
        pool: Where they are made, unless somebody needs them earlier.

    Raises:
        DamagedError: A segment's bytes are not those that were announced; in place of any other
            error, but not of an interrupt, which waits for no check.
        NewerFormatError: A newer everystep wrote one; likewise.
    """
    checks = Checks(pool)
    try:
        yield checks
    except Exception:
        checks.wait()
        raise
    checks.wait()


class Checks:
    """The checks of a run's segments: a `logwriter.parts.Check`. Made by `checking`."""

    def __init__(self, pool: Executor) -> None:
        self._pool = pool
        self._of: dict[str, list[_Check]] = {}

    def __call__(self, paths: Sequence[Path], state: AttemptState) -> list[Wait]:
        """Begin to check a writer's segments. A later look at the writer takes the place of this one.

        Raises:
            FileNotFoundError: One is gone.
            DamagedError: One is no file.
        """
        for path in paths:
            require_regular(path)
            path.stat()
        checks = self._of[str(state.writer)] = [_Check(path, state) for path in paths]
        for check in checks:
            self._pool.submit(check.made)
        return [check.wait for check in checks]

    def wait(self) -> None:
        """Return when all segments were checked.

        Raises:
            DamagedError: The bytes of one are not those that were announced, or it is gone.
            NewerFormatError: A newer everystep wrote one.
        """
        for check in chain.from_iterable(self._of.values()):
            check.wait()


class _Check:
    """The check of one segment, made by who needs it first."""

    def __init__(self, path: Path, state: AttemptState) -> None:
        self._path, self._state = path, state
        self._making = Lock()
        self._is_made = False
        self._fault: EverystepError | OSError | None = None

    def made(self) -> EverystepError | OSError | None:
        """What is wrong with the segment."""
        with self._making:
            if not self._is_made:
                self._fault = self._make()
                self._is_made = True
        return self._fault

    def wait(self) -> None:
        """Return when the segment was checked. What it raises is that of `Checks.wait`."""
        fault = self.made()
        if fault:
            raise fault

    def _make(self) -> EverystepError | OSError | None:
        try:
            check_part(self._path, self._state)
        except FileNotFoundError:
            return DamagedError(
                f"{self._path.parent.name}: {self._path.name} went away while the run was read; "
                "read it again, or ask `everystep verify RUN` what is left"
            )
        except (EverystepError, OSError) as error:
            return error
        return None
