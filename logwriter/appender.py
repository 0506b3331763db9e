"""The hot path: from ``log()`` to a committed row, without a system call or a lock.

A row is packed into bytes first: that may run foreign code (``__float__``, a signal handler, another
thread). Then one line compares the journal's fill with what it was, and stores row, slot and the new
fill. That line makes no call and does not jump back, and only there does CPython switch threads or
run a signal handler; its allocations start no garbage collection. So nothing can come between the
comparison and the stores. If something came before, the comparison fails and the row goes one
further. An interpreter without the global lock takes a lock instead (`SERIALIZE`). A debugger that
traces single opcodes (``f_trace_opcodes``) does run code inside that line; no other tracer does.

What is rare is left to `logwriter.committer`.
"""

import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

from logwriter.committer import Committer
from logwriter.mapped import Layout
from logwriter.values import are_numbers_at_hand, number_at_hand

SERIALIZE = not getattr(sys, "_is_gil_enabled", lambda: True)()

_clock = time.monotonic_ns


class Appender(Committer):
    """Turns mappings of names to numbers into rows of a journal."""

    def __init__(self, *, on_error: str) -> None:
        """Prepare for rows, as a `Committer` does."""
        super().__init__(on_error=on_error)
        self._writes_through = False
        if SERIALIZE:
            self.log = self._guard(self.log)  # type: ignore[method-assign]

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:  # noqa: C901  a call costs more than a row
        """Append one row: the values of one moment.

        Args:
            values: Metric names and numbers: Python's, NumPy's, or tensors of one element.
            step: The step. Without one, the row belongs to the current step, which advances when a
                row with the same names was already logged at it.

        Raises:
            BadValueError: With ``on_error="raise"``, for a value that is not a number.
            ForkedError: In a forked child; the run belongs to its parent.
        """
        journal = self._journal
        try:
            layout = journal.layouts[tuple(values)]
            if step is None:
                step = self._step
                if layout.last_step == step:
                    step = step + 1
            elif step.__class__ is not int:
                raise TypeError  # noqa: TRY301  NumPy's and tensors' are made whole, slowly
            if layout.mixed and not are_numbers_at_hand(values.values()):
                row = layout.pack(
                    _clock(), step, self._epoch, *map(number_at_hand, values.values())
                )
            else:
                row = layout.pack(_clock(), step, self._epoch, *values.values())
            if step > self._step:  # noqa: PLR1730  max() would take a tenth of the call
                self._step = step
            layout.last_step = step
            while True:
                used = journal.used
                offset = journal.offset
                end = offset + layout.width
                if end > journal.limit:
                    break
                where = slice(offset, end)
                if journal.used == used: journal.memory[where] = row; journal.slots[used] = layout.slot; journal.used = used + 1; journal.offset = end; return  # noqa: E701, E702  # fmt: skip
        except Exception as error:  # noqa: BLE001  whatever a value does when asked for its number
            self._log_slowly(values, step, error)
        else:
            self._log_slowly(values, step, None)

    def bind(self, *names: str) -> Callable[..., None]:  # noqa: C901  as log
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
        pack, width = layout.pack, layout.width

        def log(step: int, *values: Any) -> None:
            journal = self._journal
            try:
                if layout.serial == journal.serial and step.__class__ is int:
                    if layout.mixed and not are_numbers_at_hand(values):
                        row = pack(_clock(), step, self._epoch, *map(number_at_hand, values))
                    else:
                        row = pack(_clock(), step, self._epoch, *values)
                    if step > self._step:  # noqa: PLR1730  as in Appender.log
                        self._step = step
                    layout.last_step = step
                    while True:
                        used = journal.used
                        offset = journal.offset
                        end = offset + width
                        if end > journal.limit:
                            break
                        where = slice(offset, end)
                        if journal.used == used: journal.memory[where] = row; journal.slots[used] = layout.slot; journal.used = used + 1; journal.offset = end; return  # noqa: E701, E702  # fmt: skip
            except Exception as error:  # noqa: BLE001  as in Appender.log
                self._log_slowly(_named(names, values), step, error)
            else:
                self._log_slowly(_named(names, values), step, None)

        return self._guard(log)

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


def _named(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    if len(names) != len(values):
        raise TypeError(f"this bound log takes a step and {len(names)} values, {', '.join(names)}")
    return dict(zip(names, values, strict=True))
