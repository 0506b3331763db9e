"""Records by field: each field of all records lies in one piece of memory.

Cells have half a hundred fields, and each step of a merge looks at one or two of them, of all cells.
Side by side in memory as records are in NumPy, every look at a field would be a walk through all of it.
"""

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from compactor.sampling.arrays import Ints, Mask

Kind: TypeAlias = np.dtype[np.void]
"""The fields of a record: names, and 64-bit types or kinds of their own."""


class Records:
    """Records of one kind.

    Attributes:
        kind: Their fields.
        columns: A row for each plain field, in their order, as the integers that its bits are; shape
            ``(F, N)``.
    """

    __slots__ = ("columns", "kind")

    def __init__(self, kind: Kind, columns: Ints) -> None:
        """Take the columns as they are; see the class."""
        self.kind, self.columns = kind, columns

    @classmethod
    def zeros(cls, kind: Kind, count: int) -> "Records":
        """So many records of zeros."""
        return cls(kind, np.zeros((kind.itemsize // 8, count), np.int64))

    @classmethod
    def joined(cls, kind: Kind, parts: Sequence["Records"], room: Ints | None = None) -> "Records":
        """Records of one kind, one after another.

        Args:
            kind: Theirs.
            parts: Some of them each.
            room: Where they go, long enough: they are good until it is used again. Memory that is
                new to the process costs more than to fill it.
        """
        shape = kind.itemsize // 8, sum(map(len, parts))
        size = shape[0] * shape[1]
        columns = (np.empty(size, np.int64) if room is None else room[:size]).reshape(shape)
        if parts:
            np.concatenate([part.columns for part in parts], axis=1, out=columns)
        return cls(kind, columns)

    def __len__(self) -> int:
        """How many there are."""
        return int(self.columns.shape[1])

    def __getitem__(self, name: str) -> npt.NDArray[Any]:
        """A plain field of all records, to read or to write; shape ``(N,)``."""
        kind, place = self._field(name)
        column: npt.NDArray[Any] = self.columns[place].view(kind)
        return column

    def __setitem__(self, name: str, values: npt.ArrayLike) -> None:
        """Write a plain field of all records."""
        self[name][:] = values

    def part(self, name: str) -> "Records":
        """A field that is a record itself, of all records, to read or to write."""
        kind, place = self._field(name)
        return Records(kind, self.columns[place : place + kind.itemsize // 8])

    def take(self, at: Ints | Mask | slice) -> "Records":
        """Some of the records; of a slice, the same memory."""
        if isinstance(at, slice):
            return Records(self.kind, self.columns[:, at])
        if at.dtype == np.bool_:
            at = np.flatnonzero(at)
        return Records(self.kind, self.columns.take(at, axis=1))

    def plain(self) -> npt.NDArray[np.void]:
        """As NumPy has records, to look at one by one; shape ``(N,)``."""
        return np.ascontiguousarray(self.columns.T).view(self.kind)[:, 0]

    def _field(self, name: str) -> tuple[Kind, int]:
        if self.kind.fields is None:
            raise TypeError(f"{self.kind} has no fields")
        kind, offset, *_ = self.kind.fields[name]
        return kind, offset // 8
