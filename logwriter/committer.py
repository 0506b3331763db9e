"""The slow path of a row: under a lock that the same thread may take again, as a signal handler does.

For what is rare: the first row of a layout, a full journal, values on a device, a value that is no
number. `logwriter.hotpath` has the fast path.
"""

import threading
import time
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from typing import Any, Protocol

from logwriter import journal as jf
from logwriter.device import DeviceValues, Place
from logwriter.hotpath import AppenderBase
from logwriter.mapped import CLOSED, Journal, Layout
from logwriter.refusals import Refusals
from logwriter.row import Row
from logwriter.values import is_cuda_in_use, is_tensor

MAX_MIXES = 1_000
MOST_KNOWN = 1 << 16
DEEPEST_ROLL = 8
LARGEST_STEP = (1 << 63) - 1

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


class Committer(AppenderBase):
    """Commits rows, one at a time, in this journal or in the next."""

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
        self._refusals = Refusals(on_error=on_error)
        self._dropped = 0
        self._rolling = 0
        self._device: DeviceValues | None = None
        self._deferred: deque[Row] = deque()
        self._later: deque[tuple[Mapping[str, Any], int | None, Exception | None]] = deque()

    def _log_slowly(
        self, values: Mapping[str, Any], step: int | None, error: Exception | None
    ) -> None:
        """Log a row that the fast path could not: see the module's docstring."""
        self._check_process()
        if self._is_awaited():
            with self._lock_if_free() as taken:
                if not taken:
                    self._later.append((copy(values), step, error))
                    return
                self._log_locked(values, step, error)
            return
        with self._lock:
            self._log_locked(values, step, error)
            self.log_later()

    def _log_locked(
        self, values: Mapping[str, Any], step: int | None, error: Exception | None
    ) -> None:
        if not self._may_log():
            return
        if not isinstance(values, Mapping):
            self._refusals.refuse("log()", values, error)
            return
        if not values:
            return
        numbers, tensors = self._refusals.sort_out(values)
        layout = self._layout(tuple(values))
        layout.mixed = layout.mixed or is_cuda_in_use() or any(map(is_tensor, values.values()))
        step = self._settle_step(layout, step)
        row = Row(tuple(numbers), tuple(numbers.values()), step, self._epoch, _clock(), tensors)
        for part in row.split():
            self._append(part)

    def log_later(self, *, wait: bool = True) -> None:
        """Log what finalizers logged on threads that could not wait for the lock.

        Args:
            wait: Whether to wait while another thread logs a row slowly.
        """
        if not self._later:
            return
        with self._lock if wait else self._lock_if_free() as taken:
            while taken and self._later:
                self._log_locked(*self._later.popleft())

    def _log_bound_slowly(
        self, names: tuple[str, ...], given: tuple[Any, ...], error: Exception | None
    ) -> None:
        """Log a row of bound metrics that the fast path could not; ``given``: its step and values."""
        if len(given) != 1 + len(names):
            raise TypeError(
                f"this bound log takes a step and {len(names)} values, {', '.join(names)}"
            )
        self._log_slowly(dict(zip(names, given[1:], strict=True)), given[0], error)

    def log_beside(self, values: Mapping[str, float]) -> None:
        """Log numbers that belong to the current step but do not count it, from another thread.

        Nothing happens while a row is logged slowly, and before the first row: it would decide where a
        resumed attempt begins.
        """
        with self._lock_if_free() as taken:
            journal = self._journal
            if taken and values and (journal.rows or journal.first_seq):
                names, numbers = tuple(values), tuple(values.values())
                self._append(Row(names, numbers, self._step, self._epoch, _clock(), {}))
                self._source.persist(self._journal)

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
        with self._lock_if_free() as taken:
            return taken and self._roll(full)

    @contextmanager
    def _lock_if_free(self) -> Iterator[bool]:
        """Take the lock unless another thread has it; tells whether. Not for the main thread.

        There Ctrl-C might come between taking the lock and being bound to return it.
        """
        lock = self._lock  # a fork replaces it
        taken = lock.acquire(blocking=False)
        try:
            yield taken
        finally:
            if taken:
                lock.release()

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

    def _check_process(self) -> None:
        """Raise in a forked child, where the lock may be held by a thread that is not there."""

    def _is_awaited(self) -> bool:
        """Whether this is a thread that others wait for, perhaps while they hold the lock.

        Only a finalizer logs there, whenever the garbage collector happens to run.
        """
        return False

    def _may_log(self) -> bool:
        """Whether rows are taken at all; the owner of the appender decides."""
        return True

    def _settle_step(self, layout: Layout, given: Any) -> int:
        if given is None:
            step = min(self._step + (layout.last_step == self._step), LARGEST_STEP)
        else:
            step = self._refusals.whole_step(given, current=self._step)
        self._step = max(self._step, step)
        layout.last_step = step
        return step

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
                self._refusals.refuse(name, tensor, error)
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
            return
        with self._lock_if_free() as taken:
            if taken:
                self._device.close()

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
