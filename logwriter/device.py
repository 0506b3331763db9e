"""Values that are still on a GPU: gathered there, copied in batches, and put where they belong.

Asking a tensor on a GPU for its number stops the training until the GPU has done all it was told. So a
row with such values is committed at once, with `PENDING` in their places; the values are gathered into a
buffer on the device, by a kernel in the stream of the training; and the background thread copies whole
batches, in a stream of its own, and fills the places. A row keeps its order, step and time, and the values
next to it that are at hand are as safe as any.

What is lost when the process is killed are values that had not come yet, and no others: those that the GPU
had not computed, and those of its last batch. A batch is sent when it holds `MOST_ROWS` rows, and at every
sync point.
"""

import threading
from collections import deque
from collections.abc import Callable, Hashable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any, Protocol

from logwriter.journal import VALUE
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


@dataclass(frozen=True)
class Place:
    """A committed row that waits for values: at which byte ``offsets`` of its journal."""

    journal: Journal
    key: object
    offsets: tuple[int, ...]


@dataclass(eq=False)
class Batch:
    """Gathered values, in the order of the places that wait for them."""

    buffer: Buffer
    used: int = 0
    places: list[tuple[int, Place]] = field(default_factory=list)
    is_closed: bool = False
    is_sent: bool = False

    def settle(self, *, wait: bool) -> bool:
        """Put the values where they belong, if they are here; tell whether they were."""
        if not self.is_sent:
            self.buffer.send(self.used)
            self.is_sent = True
        if not (wait or self.buffer.has_arrived()):
            return False
        values = self.buffer.take()
        for at, place in self.places:
            for number, offset in enumerate(place.offsets, at):
                place.journal.store(offset, VALUE.pack(values[number]))
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
        self._open: dict[Hashable, Batch] = {}
        self._closed: deque[Batch] = deque()
        self._settling = threading.RLock()

    @property
    def is_due(self) -> bool:
        """Whether a batch is full, and waits to be settled."""
        return bool(self._closed)

    def add(self, tensors: Sequence[Any], place: Place) -> None:
        """Gather the tensors of one committed row. Does not wait for the device.

        Raises:
            Exception: The device refused; the place waits no longer, and stays without values.
        """
        homes: dict[Hashable, list[int]] = {}
        pending = place.journal.pending
        try:
            for number, tensor in enumerate(tensors):
                homes.setdefault(self._locate(tensor), []).append(number)
            for home, numbers in homes.items():
                for start in range(0, len(numbers), CAPACITY):
                    some = numbers[start : start + CAPACITY]
                    part = Place(place.journal, object(), tuple(place.offsets[n] for n in some))
                    pending[part.key] = pending[place.key]
                    self._gather(home, [tensors[n] for n in some], part)
        finally:
            del pending[place.key]

    def _gather(self, home: Hashable, tensors: Sequence[Any], place: Place) -> None:
        """Into the open batch; once more if a signal handler closed it meanwhile."""
        count = len(tensors)
        try:
            while True:
                batch = self._batch(home, tensors[0], count)
                at = batch.used; batch.used = at + count  # noqa: E702  nothing comes in between  # fmt: skip
                batch.buffer.gather(tensors, at)
                entry = (at, place)
                if not batch.is_closed:
                    batch.places.append(entry)
                    break
        except BaseException:
            del place.journal.pending[place.key]
            raise
        if len(batch.places) >= MOST_ROWS:
            self.close()

    def _batch(self, home: Hashable, tensor: Any, count: int) -> Batch:
        batch = self._open.get(home)
        if batch is None or batch.used + count > CAPACITY:
            self.close()
            batch = self._open[home] = Batch(self._make_buffer(tensor))
        return batch

    def close(self) -> None:
        """Let no more values into the open batches: they are due."""
        for home in tuple(self._open):
            batch = self._open.pop(home)
            batch.is_closed = True
            if batch.places:
                self._closed.append(batch)

    def settle(self, *, wait: bool) -> None:
        """Put what is due where it belongs, oldest first.

        Args:
            wait: Whether to wait for the device; else what has not arrived is left for the next time.

        Raises:
            Exception: The device failed; the places of that batch stay without values.
        """
        if not self._settling.acquire(blocking=wait):
            return
        try:
            for batch in tuple(self._closed):
                is_over = True
                try:
                    is_over = batch.settle(wait=wait)
                finally:
                    if is_over:
                        self._forget(batch)
        finally:
            self._settling.release()

    def _forget(self, batch: Batch) -> None:
        """It is settled, or lost. A signal handler may have settled it first."""
        with suppress(ValueError):
            self._closed.remove(batch)
        for _, place in batch.places:
            place.journal.pending.pop(place.key, None)
