"""Some thousand rows of a table, column by column, whatever the table was read from."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from itertools import zip_longest
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from logwriter.importing.items import Ints, Mask
from logwriter.importing.table.cells import CellReader, Column
from logwriter.importing.table.records import Piece

MICROSECONDS = pa.timestamp("us", tz="UTC")


class Chunk(ABC):
    """Rows that follow each other.

    Attributes:
        columns: The columns' names.
        header: Those that the table's head names; the others came later.
        lines: Where each row stands in the source, shape ``(n,)``.
        place: What `lines` count: ``line`` or ``row``.
        said: What the source says of these rows.
    """

    columns: tuple[str, ...]
    header: tuple[str, ...]
    lines: Sequence[int]
    place: str = "line"
    said: Mapping[str, Any]

    @abstractmethod
    def numbers(self, name: str) -> Column:
        """The column's numbers."""

    @abstractmethod
    def labels(self, name: str) -> Sequence[str]:
        """The column's cells as texts, shape ``(n,)``; blank where there is none."""

    @abstractmethod
    def instants(self, name: str) -> tuple[Ints, Mask] | None:
        """The column's moments in microseconds since 1970, and where there are some, if it is typed so."""


class TextChunk(Chunk):
    """Rows of text."""

    def __init__(self, piece: Piece, cells: CellReader) -> None:
        """Turn the records of a piece; ``cells`` reads what is in them."""
        self.header, self.lines, self.said = piece.columns, piece.lines, piece.said
        self._cells = cells
        self._numbers: dict[str, Column] = {}
        records, width = piece.records, len(piece.columns)
        turned = list(zip_longest(*records, fillvalue=""))
        turned += [("",) * len(records)] * (width - len(turned))
        further = (f"column_{number + 1}" for number in range(width, len(turned)))
        self._texts = dict(zip((*piece.columns, *further), turned, strict=True))
        self.columns = tuple(self._texts)

    def numbers(self, name: str) -> Column:
        """See `Chunk`."""
        if name not in self._numbers:
            self._numbers[name] = self._cells.column(name, self._texts[name], self.lines)
        return self._numbers[name]

    def labels(self, name: str) -> Sequence[str]:
        """See `Chunk`."""
        return [text.strip() for text in self._texts[name]]

    def instants(self, _: str) -> None:
        """Text has no types."""
        return


class ArrowChunk(Chunk):
    """Rows of typed columns."""

    place = "row"
    said: Mapping[str, Any] = MappingProxyType({})

    def __init__(self, batch: pa.RecordBatch, lines: Sequence[int]) -> None:
        """Take a batch; ``lines`` are the numbers of its rows in the source, from 1."""
        self.columns = self.header = tuple(batch.schema.names)
        self.lines = lines
        self._batch = batch

    def numbers(self, name: str) -> Column:
        """See `Chunk`. Integers beyond 2**53 become the nearest float64, as they do when logged."""
        array = self._array(name)
        if not is_numeric(array.type):
            return Column(np.zeros(len(array)), np.zeros(len(array), np.bool_))
        if pa.types.is_boolean(array.type):
            array = array.cast(pa.int8())
        floats = array.cast(pa.float64(), safe=False)
        values = pc.fill_null(floats, 0.0).to_numpy(zero_copy_only=False)
        return Column(values, floats.is_valid().to_numpy(zero_copy_only=False))

    def labels(self, name: str) -> Sequence[str]:
        """See `Chunk`."""
        return ["" if value is None else str(value) for value in self._array(name).to_pylist()]

    def instants(self, name: str) -> tuple[Ints, Mask] | None:
        """See `Chunk`; a moment without a zone counts as UTC."""
        array = self._array(name)
        if not is_instant(array.type):
            return None
        if array.type != MICROSECONDS and getattr(array.type, "tz", None) is None:
            array = array.cast(pa.timestamp("us"), safe=False)
        whole = array.cast(MICROSECONDS, safe=False).cast(pa.int64())
        return pc.fill_null(whole, 0).to_numpy(zero_copy_only=False), whole.is_valid().to_numpy(
            zero_copy_only=False
        )

    def _array(self, name: str) -> pa.Array:
        array = self._batch.column(self.columns.index(name))
        if pa.types.is_dictionary(array.type):
            return array.dictionary_decode()
        return array


def is_numeric(kind: pa.DataType) -> bool:
    """Whether a type holds numbers, or truth values, which count as 1 and 0."""
    types = pa.types
    return any(
        test(kind)
        for test in (types.is_integer, types.is_floating, types.is_boolean, types.is_decimal)
    )


def is_instant(kind: pa.DataType) -> bool:
    """Whether a type holds moments."""
    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))
