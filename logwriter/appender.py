"""The hot path: from ``log()`` to a committed row, without a system call or a lock.

A row is packed into bytes first: that may run foreign code (``__float__``, a signal handler, another
thread). Then one line compares the journal's fill with what it was, and stores row, slot and the new
fill. That line makes no call and does not jump back, and only there does CPython switch threads or
run a signal handler; its allocations start no garbage collection. So nothing can come between the
comparison and the stores. If something came before, the comparison fails and the row goes one
further. An interpreter without the global lock takes a lock instead (`SERIALIZE`). A debugger that
traces single opcodes (``f_trace_opcodes``) does run code inside that line; no other tracer does.

What is rare is done in `_log_slowly`, under a lock that the same thread may take again: a first
row of a layout, a full journal, a value that is not a number.
"""

import logging
import sys
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from logwriter import journal as jf
from logwriter.device import DeviceValues, Place
from logwriter.errors import BadValueError
from logwriter.events import readable
from logwriter.mapped import CLOSED, Journal, Layout
from logwriter.row import Row
from logwriter.values import (
    are_numbers_at_hand,
    is_cuda_in_use,
    is_on_device,
    is_tensor,
    number_at_hand,
    to_float,
)

SERIALIZE = not getattr(sys, "_is_gil_enabled", lambda: True)()
MAX_MIXES = 1_000
LONGEST_NAME = 1_024
MOST_KNOWN = 1 << 16
DEEPEST_ROLL = 8
LARGEST_STEP = (1 << 63) - 1

_log = logging.getLogger("everystep")
_clock = time.monotonic_ns


class Journals(Protocol):
    """Where the next journal comes from, and where a full one goes."""

    def next_journal(self, full: Journal) -> Journal | None:
        """A begun journal that follows ``full``; ``None`` if there is no room anywhere."""

    def take_back(self, spare: Journal) -> None:
        """A begun journal that was not needed."""

    def hand_over(self, full: Journal) -> None:
        """A journal that takes no more rows."""

    def settle_soon(self) -> None:
        """Values from a device are due."""

    def persist(self, journal: Journal) -> None:
        """Write what is new in the journal to its file, where a mapping does not do so by itself."""


class Appender:
    """Turns mappings of names to numbers into rows of a journal."""

    _journal: Journal
    _source: Journals

    def __init__(self, *, on_error: str) -> None:
        """Prepare for rows. The owner sets ``_source``, ``_journal``, and perhaps ``_step``.

        Args:
            on_error: ``"warn"`` or ``"raise"``, for values that are not numbers.
        """
        self._step = 0
        self._epoch = jf.NO_EPOCH
        self._known: dict[tuple[str, ...], Layout] = {}
        self._lock = threading.RLock()
        self._raise = on_error == "raise"
        self._refused: Counter[str] = Counter()
        self._dropped = 0
        self._rolling = 0
        self._device: DeviceValues | None = None
        self._writes_through = False
        if SERIALIZE:
            self.log = self._guard(self.log)  # type: ignore[method-assign]
        self._deferred: deque[Row] = deque()

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

    def _log_slowly(
        self, values: Mapping[str, Any], step: int | None, error: Exception | None
    ) -> None:
        """Log a row that the fast path could not: see the module's docstring."""
        with self._lock:
            if not self._may_log():
                return
            if not isinstance(values, Mapping):
                self._refuse("log()", values, error)
                return
            if not values:
                return
            numbers, tensors = self._sort_out(values)
            layout = self._layout(tuple(values))
            layout.mixed = layout.mixed or is_cuda_in_use() or any(map(is_tensor, values.values()))
            step = self._settle_step(layout, step)
            row = Row(tuple(numbers), tuple(numbers.values()), step, self._epoch, _clock(), tensors)
            for part in row.split():
                self._append(part)

    def log_beside(self, values: Mapping[str, float]) -> None:
        """Log numbers that belong to the current step but do not count it, from another thread.

        Nothing happens while a row is logged slowly, and before the first row: it would decide where a
        resumed attempt begins.
        """
        if self._lock.acquire(blocking=False):
            try:
                journal = self._journal
                if values and (journal.rows or journal.first_seq):
                    names, numbers = tuple(values), tuple(values.values())
                    self._append(Row(names, numbers, self._step, self._epoch, _clock(), {}))
                    self._source.persist(self._journal)
            finally:
                self._lock.release()

    def current_journal(self) -> Journal:
        """The journal that takes rows now."""
        return self._journal

    def roll(self, full: Journal, *, wait: bool = True) -> bool:
        """Go on in the next journal, unless that was done.

        Args:
            full: The journal to leave.
            wait: Whether to wait while another thread logs a row slowly.

        Returns:
            ``False`` if there is no other journal to be had, or without ``wait``, not now.
        """
        if wait:
            with self._lock:  # Ctrl-C cannot come between taking it and being bound to return it
                return self._roll(full)
        if not self._lock.acquire(blocking=False):
            return False
        try:
            return self._roll(full)
        finally:
            self._lock.release()

    def _roll(self, full: Journal) -> bool:
        self._rolling += 1
        try:
            return self._journal is not full or self._replace(full)
        finally:
            self._rolling -= 1
            while self._deferred and not self._rolling:
                self._append(self._deferred.popleft())

    def _replace(self, full: Journal) -> bool:
        if full.header is None:
            return False  # the run is over, or was never open
        full.close()
        fresh = self._source.next_journal(full)
        if fresh is None:
            return False
        if self._journal is full: self._journal, fresh = fresh, None  # noqa: E701  # fmt: skip
        if fresh is not None:  # a signal handler logged meanwhile, and rolled first
            self._source.take_back(fresh)
        else:
            self._source.hand_over(full)
        return True

    def _may_log(self) -> bool:
        """Whether rows are taken at all; the owner of the appender decides."""
        return True

    def _sort_out(self, values: Mapping[Any, Any]) -> tuple[dict[str, float], dict[str, Any]]:
        """The numbers by name, and the tensors on a device, whose numbers are pending.

        What is neither is counted and reported.
        """
        numbers, tensors = {}, {}
        for key, value in values.items():
            name = readable(str.__str__(key) if isinstance(key, str) else str(key))
            if not name or len(name) > LONGEST_NAME:
                self._refuse(name[:80], value, None)
                continue
            try:
                if is_on_device(value):
                    tensors[name] = value
                    numbers[name] = jf.PENDING_FLOAT
                else:
                    numbers[name] = to_float(value)
            except Exception as error:  # noqa: BLE001  whatever a value does when asked
                self._refuse(name, value, error)
        return numbers, tensors

    def _refuse(self, name: str, value: Any, error: Exception | None) -> None:
        text = f"{name!r} was given a {type(value).__name__}, which is not one number"
        if self._raise:
            raise BadValueError(
                f"{text}: log floats, integers, or tensors of one element"
            ) from error
        self._refused[name] += 1
        if self._refused[name] == 1:
            _log.warning("everystep: %s; such values are left out and counted (%s)", text, error)

    def _settle_step(self, layout: Layout, given: Any) -> int:
        if given is None:
            step = min(self._step + (layout.last_step == self._step), LARGEST_STEP)
        else:
            step = self._whole_step(given)
        self._step = max(self._step, step)
        layout.last_step = step
        return step

    def _whole_step(self, step: Any) -> int:
        """The step as a 64-bit integer; without one, the current step."""
        try:
            whole: int = int(step)
        except Exception as error:  # noqa: BLE001  whatever a step does when asked
            self._refuse("step", step, error)
            return self._step
        if whole != step or not -(1 << 63) <= whole < 1 << 63:
            self._refuse("step", step, None)
            return self._step
        return whole

    def _layout(self, names: tuple[str, ...]) -> Layout:
        if len(self._known) >= MOST_KNOWN:
            self._known.clear()  # keys that never come again: forget who was seen at which step
        layout = self._known.get(names)
        if layout is None:
            layout = self._known[names] = Layout(names)
        return layout

    def _append(self, row: Row) -> None:
        """Commit one row, in this journal or in the next.

        Signal handlers that log faster than a journal can be replaced would nest without end: the
        innermost rows then wait for the replacement.
        """
        if self._rolling >= DEEPEST_ROLL:
            self._deferred.append(row)
            return
        while True:
            journal = self._journal
            layout = journal.layouts.get(row.names) or self._define(journal, row.names)
            if layout is None and journal.defined >= MAX_MIXES and len(row.names) > 1:
                for part in row.one_by_one():
                    self._append(part)
                return
            if layout is not None:
                if self._commit(journal, layout, row):
                    return
                if journal.has_room(layout.width):
                    continue
            if not self.roll(journal):
                self._dropped += 1
                return

    def _commit(self, journal: Journal, layout: Layout, row: Row) -> bool:
        """Commit the row in this journal, and have its tensors gathered."""
        data = layout.pack(row.time, row.step, row.epoch, *row.numbers)
        if not row.tensors:
            return journal.commit(data, layout.slot) is not None
        place = Place(journal, ())
        try:
            journal.pending[place] = journal.used, journal.offset
            done = journal.commit(data, layout.slot)
            if done is None:
                return False
            first = done[0] + 8 * jf.ROW_WORDS
            waiting = (n for n, name in enumerate(row.names) if name in row.tensors)
            place.offsets = tuple(first + 8 * n for n in waiting)
            self._devices().add(list(row.tensors.values()), place)
        except Exception as error:  # noqa: BLE001  the device's own; the training will meet it, too
            place.lose()
            for name, tensor in row.tensors.items():
                self._refuse(name, tensor, error)
        except BaseException:
            place.lose()
            raise
        finally:
            if not place.offsets:
                journal.pending.pop(place, None)
        if self._devices().is_due:
            self._source.settle_soon()
        return True

    def _devices(self) -> DeviceValues:
        if self._device is None:
            from logwriter.cuda import CudaBuffer, locate  # noqa: PLC0415  torch: who has tensors has it

            self._device = DeviceValues(locate, CudaBuffer)
        return self._device

    def close_batches(self, *, wait: bool = True) -> None:
        """Let the values that are on devices so far be settled.

        Args:
            wait: Whether to wait while another thread logs a row slowly.
        """
        if self._device is None:
            return
        if wait:
            with self._lock:
                self._device.close()
        elif self._lock.acquire(blocking=False):
            try:
                self._device.close()
            finally:
                self._lock.release()

    def settle(self, *, wait: bool = True) -> None:
        """Put the values of closed batches into their rows; those that have come, or all."""
        if self._device is not None:
            self._device.settle(wait=wait)

    def watch_devices(self) -> None:
        """Once CUDA is in use, look at each value's type before asking for its number."""
        if is_cuda_in_use():
            for layout in list(self._known.values()):
                layout.mixed = True

    def _define(self, journal: Journal, names: tuple[str, ...]) -> Layout | None:
        """Give the layout a number in this journal; ``None`` if there is no room for it."""
        layout = self._layout(names)
        record = jf.encode_layout(names)
        most = jf.MAX_LAYOUTS if len(names) == 1 else MAX_MIXES
        done = None
        while done is None:
            if journal.defined >= most or not journal.has_room(len(record) + layout.width):
                return None
            done = journal.commit(record, jf.LAYOUT_SLOT, defines=1)
        number = done[1]
        # a signal handler may have rolled meanwhile, and defined the layout in the next journal
        if journal.used != CLOSED: layout.slot = number; layout.serial = journal.serial; journal.layouts[names] = layout  # noqa: E701, E702  # fmt: skip
        return journal.layouts.get(names)


def _named(names: tuple[str, ...], values: tuple[Any, ...]) -> dict[str, Any]:
    if len(names) != len(values):
        raise TypeError(f"this bound log takes a step and {len(names)} values, {', '.join(names)}")
    return dict(zip(names, values, strict=True))
