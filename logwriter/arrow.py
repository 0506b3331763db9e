"""Between NumPy and Arrow without pandas.

Arrow's own conversions import pandas where it is installed, only to see whether something is its. That
takes half a second and 60 MB, in a process that seals beside a training, for example. What is here
wraps the same memory instead.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa


def to_arrow(
    values: npt.NDArray[Any], kind: pa.DataType, missing: npt.NDArray[np.bool_] | None = None
) -> pa.Array:
    """An array of numbers, (n,), in the same memory, null where it is ``missing``, (n,).

    Args:
        values: Contiguous, as wide as ``kind``.
        kind: Of numbers or times.
        missing: Without it, none is.
    """
    valid = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(kind, len(values), [valid, pa.py_buffer(values)])


def to_strings(texts: Sequence[str]) -> pa.Array:
    """An array of strings."""
    encoded = [text.encode() for text in texts]
    ends = np.cumsum([0, *map(len, encoded)], dtype=np.int32)
    buffers = [None, pa.py_buffer(ends), pa.py_buffer(b"".join(encoded))]
    return pa.Array.from_buffers(pa.string(), len(encoded), buffers)


def to_numbers(column: pa.ChunkedArray, null: int | None = None) -> npt.NDArray[Any]:
    """A column of 64-bit numbers as an array, (n,), not to be written to.

    Args:
        column: Of integers or floats.
        null: What stands for a null; without it, there must be none.
    """
    chunk = column.combine_chunks()
    if null is None or not chunk.null_count:
        return np.from_dlpack(chunk)
    here = slice(chunk.offset, chunk.offset + len(chunk))
    valid, data = chunk.buffers()
    bits = np.unpackbits(np.frombuffer(valid, np.uint8), bitorder="little")[here]
    return np.where(bits, np.frombuffer(data, np.int64)[here], null)
