"""Values that are still on a GPU: gathered there, copied in batches, and put where they belong.

Asking a tensor on a GPU for its number stops the training until the GPU has done all it was told. So a
row with such values is committed at once, with `PENDING` in their places; the values are gathered into a
buffer on the device, by a kernel in the stream of the training; and the background thread copies whole
batches, in a stream of its own, and fills the places. A row keeps its order, step and time, and the values
next to it that are at hand are as safe as any.

What is lost when the process is killed are values that had not come yet, and no others: those that the GPU
had not computed, and those of its last batch. A batch is sent when it holds `MOST_ROWS` rows, and at every
sync point. A value that the device fails to give is marked `LOST`, and nobody waits for it.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from logwriter.journal import LOST_BYTES, PENDING_BYTES, VALUE
from logwriter.mapped import Journal

MOST_ROWS = 64
CAPACITY = 4096


class Buffer(Protocol):
    """Room for `CAPACITY` numbers on one device, written to in one stream."""

    def gather(self, tensors: Sequence[Any], at: int) -> None:
        """Copy tensors of one element next to each other, on the device, without waiting."""

    def send(self, count: int) -> None:
        """Begin to copy the first ``count`` numbers, when the device has got so far. Does not wait."""

    def has_arrived(self) -> bool:
        """Whether they are here."""

    def take(self) -> list[float]:
        """The numbers; waits until they are here."""


@dataclass(eq=False)
class Place:
    """A committed row that waits for values: at which byte ``offsets`` of its journal.

    It is the journal's key for the row: as long as it is pending, the journal is not sealed.
    """

    journal: Journal
    offsets: tuple[int, ...]

    def fill(self, offsets: Sequence[int], values: Sequence[float]) -> None:
        """Put values where they belong, and wait no longer if they were the last."""
        for offset, value in zip(offsets, values, strict=True):
            self._fill(offset, VALUE.pack(value))
        if not self._missing():
            self.journal.pending.pop(self, None)

    def lose(self) -> None:
        """Wait no longer: what has not come is lost."""
        for offset in self._missing():
            self._fill(offset, LOST_BYTES)
        self.journal.pending.pop(self, None)

    def _fill(self, offset: int, data: bytes) -> None:
        with suppress(ValueError):  # a signal handler that interrupted this had the journal sealed
            self.journal.fill(offset, data)

    def _missing(self) -> list[int]:
        try:
            memory = self.journal.memory
            return [
                offset for offset in self.offsets if memory[offset : offset + 8] == PENDING_BYTES
            ]
        except ValueError:  # sealed, and let go of
            return []


@dataclass(eq=False)
class Batch:
    """Gathered values, and who waits for them: the number of the first, the place, its offsets."""

    buffer: Buffer
    used: int = 0
    places: list[tuple[int, Place, tuple[int, ...]]] = field(default_factory=list)
    is_closed: bool = False
    is_sent: bool = False

    def settle(self, *, wait: bool) -> bool:
        """Put the values where they belong, if they are here; tell whether they were."""
        if not self.places:
            return True
        if not self.is_sent:
            self.buffer.send(min(self.used, CAPACITY))
            self.is_sent = True
        if not (wait or self.buffer.has_arrived()):
            return False
        values = self.buffer.take()
        for first, place, offsets in self.places:
            place.fill(offsets, values[first : first + len(offsets)])
        return True


class DeviceValues:
    """All values of one run that are still on devices."""

    def __init__(
        self, locate: Callable[[Any], Hashable], make_buffer: Callable[[Any], Buffer]
    ) -> None:
        """Begin with none.

        Args:
            locate: Where a tensor's values are gathered: its device, and the stream in use there.
            make_buffer: A buffer for tensors that are gathered where this one is.
        """
        self._locate, self._make_buffer = locate, make_buffer
        self._open: dict[Hashable, Batch] = {}  # the last one of each home
        self._batches: deque[Batch] = deque()
        self._settling = threading.RLock()

    @property
    def is_due(self) -> bool:
        """Whether a batch is full, and waits to be settled."""
        # list(), here and below: in CPython 3.11 a finalizer may run inside tuple(), and add one
        return any(batch.is_closed for batch in list(self._batches))

    def add(self, tensors: Sequence[Any], place: Place) -> None:
        """Gather the tensors of one committed row. Does not wait for the device.

        Raises:
            Exception: The device refused; what was not gathered is lost.
        """
        try:
            homes: dict[Hashable, list[int]] = {}
            for number, tensor in enumerate(tensors):
                homes.setdefault(self._locate(tensor), []).append(number)
            for home, numbers in homes.items():
                for start in range(0, len(numbers), CAPACITY):
                    some = numbers[start : start + CAPACITY]
                    offsets = tuple(place.offsets[number] for number in some)
                    self._gather(home, [tensors[number] for number in some], place, offsets)
        except BaseException:  # Ctrl-C, too: nobody else would end the waiting
            place.lose()
            raise

    def close(self) -> None:
        """Let no more values into the open batches: they are due."""
        for batch in list(self._batches):
            batch.is_closed = True

    def settle(self, *, wait: bool) -> None:
        """Put what is due where it belongs, oldest first.

        Args:
            wait: Whether to wait for the device; else what has not arrived is left for the next time.

        Raises:
            Exception: A device failed; the values of that batch are lost, the others are not.
        """
        if wait:
            with self._settling:
                self._settle_closed(wait=True)
        elif self._settling.acquire(blocking=False):
            try:
                self._settle_closed(wait=False)
            finally:
                self._settling.release()

    def _settle_closed(self, *, wait: bool) -> None:
        failure = None
        for batch in list(self._batches):
            try:
                if not (batch.is_closed and batch.settle(wait=wait)):
                    continue
            except Exception as error:  # noqa: BLE001  raised below, when the others are settled
                failure = error
                for _, place, _ in batch.places:
                    place.lose()
            with suppress(ValueError):  # a signal handler may have settled it first
                self._batches.remove(batch)
        if failure is not None:
            raise failure

    def _gather(
        self, home: Hashable, tensors: Sequence[Any], place: Place, offsets: tuple[int, ...]
    ) -> None:
        """Into the open batch; once more if a signal handler closed or filled it meanwhile."""
        count = len(tensors)
        while True:
            batch = self._batch(home, tensors[0], count)
            first = batch.used; batch.used = first + count  # noqa: E702  nothing comes in between  # fmt: skip
            if first + count > CAPACITY:
                batch.is_closed = True
                continue
            batch.buffer.gather(tensors, first)
            entry = (first, place, offsets)
            if not batch.is_closed:
                batch.places.append(entry)
                break
        if len(batch.places) >= MOST_ROWS:
            batch.is_closed = True

    def _batch(self, home: Hashable, tensor: Any, count: int) -> Batch:
        """The open batch there. One that a signal handler opens meanwhile is closed with the others."""
        batch = self._open.get(home)
        if batch is None or batch.is_closed or batch.used + count > CAPACITY:
            if batch is not None:
                batch.is_closed = True
            batch = Batch(self._make_buffer(tensor))
            self._batches.append(batch)
            self._open[home] = batch
        return batch
