"""An appender: rows of mappings, rows of bound metrics, and a lock around them where one is needed.

`logwriter.hotpath` has the fast path from ``log()`` to a committed row, `logwriter.committer` the slow one.
"""

import sys
from collections.abc import Callable
from typing import Any

from logwriter import hotpath
from logwriter.committer import Committer
from logwriter.mapped import Layout

SERIALIZE = not getattr(sys, "_is_gil_enabled", lambda: True)()


class Appender(Committer):
    """Turns mappings of names to numbers into rows of a journal."""

    def __init__(self, *, on_error: str) -> None:
        """Prepare for rows, as a `Committer` does."""
        super().__init__(on_error=on_error)
        self._writes_through = False
        if SERIALIZE:
            self.log = self._guard(self.log)  # type: ignore[method-assign]

    def bind(self, *names: str) -> Callable[..., None]:
        """The fastest way to log the same metrics again and again.

        Args:
            names: The metrics' names, in the order in which their values will be given.

        Returns:
            A function ``log(step, *values)``: one row, like `log` with an explicit step.
        """
        if len(set(names)) != len(names) or not names:
            raise ValueError(f"bind needs one or more different metric names, not {names!r}")
        with self._lock:
            layout = self._known.setdefault(names, Layout(names))
        return self._guard(hotpath.bind(self, layout, names))

    def write_through(self) -> None:
        """From now on, persist each row before `log` returns: the file system cannot map files."""
        self._writes_through = True
        if not SERIALIZE:
            self.log = self._guard(self.log)  # type: ignore[method-assign]

    def _guard(self, log: Callable[..., None]) -> Callable[..., None]:
        """The same function behind a lock, where the interpreter has none or each row is persisted."""
        if not (SERIALIZE or self._writes_through):
            return log

        def guarded(*arguments: Any, **named: Any) -> None:
            with self._lock:
                log(*arguments, **named)
                if self._writes_through:
                    self._source.persist(self._journal)

        return guarded
