"""A row on its way into a journal, when it is not the fast way."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

WIDEST_ROW = 4_096
MOST_NAME_BYTES = 1 << 16


@dataclass(frozen=True)
class Row:
    """One row on its way: ``tensors`` are those of its values that are still on a device."""

    names: tuple[str, ...]
    numbers: tuple[float, ...]
    step: int
    epoch: int
    time: int
    tensors: dict[str, Any]

    def split(self) -> Iterator["Row"]:
        """In parts that surely fit a journal: nearly always one."""
        start = size = 0
        for end, name in enumerate(self.names):
            size += len(name) * 4
            if end - start >= WIDEST_ROW or size > MOST_NAME_BYTES:
                yield self._part(start, end)
                start, size = end, len(name) * 4
        if self.names:
            yield self._part(start, len(self.names))

    def one_by_one(self) -> Iterator["Row"]:
        """Each value for itself."""
        for number in range(len(self.names)):
            yield self._part(number, number + 1)

    def _part(self, start: int, end: int) -> "Row":
        if end - start == len(self.names):
            return self
        names = self.names[start:end]
        tensors = {name: self.tensors[name] for name in names if name in self.tensors}
        return replace(self, names=names, numbers=self.numbers[start:end], tensors=tensors)
