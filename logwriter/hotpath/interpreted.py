"""The hot path in Python: what `compiled` does in C, and the text that explains it.

A row is packed into bytes first: that may run foreign code (``__float__``, a signal handler, another
thread). Then one line compares the journal's fill with what it was, and stores row, slot and the new
fill. That line makes no call and does not jump back, and only there does CPython switch threads or
run a signal handler; its allocations start no garbage collection. So nothing can come between the
comparison and the stores. If something came before, the comparison fails and the row goes one
further. An interpreter without the global lock takes a lock instead (`logwriter.appender`). A debugger
that traces single opcodes (``f_trace_opcodes``) does run code inside that line; no other tracer does.

What is rare is left to `logwriter.committer`.
"""

import time
from collections.abc import Callable, Mapping
from typing import Any

from logwriter.values import are_numbers_at_hand, number_at_hand

_clock = time.monotonic_ns


class LayoutBase:
    """What the hot path knows of a layout.

    ``slot`` is its number in the journal that it was last defined in, ``serial`` that journal's;
    ``width`` the bytes of a row, ``last_step`` the step of its latest row. ``mixed`` says that its
    values may be other things than numbers of Python.
    """

    __slots__ = ("last_step", "mixed", "serial", "slot", "width")

    last_step: int
    mixed: bool
    serial: int
    slot: int
    width: int
    pack: Callable[..., bytes]


class JournalBase:
    """A journal's memory, and how far it is filled.

    ``used`` counts its slots, or is negative once none may be added; ``offset`` is where the next row
    goes, ``limit`` where the room for rows ends; ``defined`` counts its layouts, ``layouts`` finds
    them by their names.
    """

    __slots__ = ("_bytes", "_slots", "defined", "layouts", "limit", "offset", "serial", "used")

    defined: int
    layouts: dict[tuple[str, ...], Any]
    limit: int
    offset: int
    serial: int
    used: int

    def map(self, memory: Any, slots_offset: int, slots: int) -> None:
        """Take rows into this memory from now on.

        Args:
            memory: A writable buffer.
            slots_offset: Where its slots begin, in bytes.
            slots: How many there are.
        """
        end = slots_offset + 2 * slots
        self._bytes = memoryview(memory)
        self._slots = self._bytes[slots_offset:end].cast("H")

    def unmap(self) -> None:
        """Let go of the memory. Nobody commits anything to a closed journal."""
        self._slots.release()
        self._bytes.release()

    def commit(self, data: bytes, slot: int, *, defines: int = 0) -> tuple[int, int] | None:
        """Append one record, unless another one came first or there is no room.

        Returns:
            Where the record begins, in bytes, and the number of layouts in the journal, this one
            included; ``None`` if nothing was appended.
        """
        used, offset, defined = self.used, self.offset, self.defined + defines
        end = offset + len(data)
        if end > self.limit:
            return None
        where = slice(offset, end)
        done = (offset, defined)
        if self.used == used: self._bytes[where] = data; self._slots[used] = slot; self.used = used + 1; self.offset = end; self.defined = defined; return done  # noqa: E701, E702  # fmt: skip
        return None


class AppenderBase:
    """Turns mappings of names to numbers into rows of a journal."""

    _journal: Any
    _step: int
    _epoch: int
    _log_slowly: Callable[..., None]
    _log_bound_slowly: Callable[..., None]

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
                if journal.used == used: journal._bytes[where] = row; journal._slots[used] = layout.slot; journal.used = used + 1; journal.offset = end; return  # noqa: E701, E702, SLF001  # fmt: skip
        except Exception as error:  # noqa: BLE001  whatever a value does when asked for its number
            self._log_slowly(values, step, error)
        else:
            self._log_slowly(values, step, None)


def bind(appender: AppenderBase, layout: LayoutBase, names: tuple[str, ...]) -> Callable[..., None]:
    """A function ``log(step, *values)`` that appends rows of one layout."""
    pack, width = layout.pack, layout.width

    def log(step: int, *values: Any) -> None:
        journal = appender._journal  # noqa: SLF001  this is the appender's own, below too
        try:
            if layout.serial == journal.serial and step.__class__ is int:
                if layout.mixed and not are_numbers_at_hand(values):
                    row = pack(_clock(), step, appender._epoch, *map(number_at_hand, values))  # noqa: SLF001
                else:
                    row = pack(_clock(), step, appender._epoch, *values)  # noqa: SLF001
                if step > appender._step:  # noqa: PLR1730, SLF001  as in AppenderBase.log
                    appender._step = step  # noqa: SLF001
                layout.last_step = step
                while True:
                    used = journal.used
                    offset = journal.offset
                    end = offset + width
                    if end > journal.limit:
                        break
                    where = slice(offset, end)
                    if journal.used == used: journal._bytes[where] = row; journal._slots[used] = layout.slot; journal.used = used + 1; journal.offset = end; return  # noqa: E701, E702, SLF001  # fmt: skip
        except Exception as error:  # noqa: BLE001  as in AppenderBase.log
            appender._log_bound_slowly(names, (step, *values), error)  # noqa: SLF001
        else:
            appender._log_bound_slowly(names, (step, *values), None)  # noqa: SLF001

    return log
