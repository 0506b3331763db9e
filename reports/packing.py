"""Numbers inside a page: many arrays in one compressed, base64-coded text. Pure.

An array is stored as its IEEE 754 bytes, little-endian, plane by plane: first the lowest byte of
each number, then the next, and so on (the "byte stream split" of Parquet), which deflate packs far
better than interleaved ones. It takes 4 bytes a number where that loses nothing, else 8. What only
grows is stored as differences, as a browser adds doubles exactly where they are whole numbers.
"""

import base64
import zlib

import numpy as np

from reports.scale import Floats

DIGITS = 36
"""Bits of the fraction that `rounded` keeps: eleven decimal digits."""

Place = tuple[int, int, int, int]
"""Where an array lies: first byte, how many numbers, bytes a number, 1 if they are differences."""


class Packing:
    """Collects arrays; `text` is all of them."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0

    def add(self, values: Floats) -> Place:
        """Store numbers of any kind, NaN included."""
        return self._add(values, differences=False)

    def add_growing(self, values: Floats) -> Place:
        """Store whole numbers, below 2^53 in size, as the differences between neighbours."""
        return self._add(np.diff(values, prepend=0.0), differences=True)

    @property
    def text(self) -> str:
        """Everything stored: zlib's format (RFC 1950) in base64 (RFC 4648)."""
        return base64.b64encode(zlib.compress(b"".join(self._pieces), 9)).decode("ascii")

    def _add(self, values: Floats, *, differences: bool) -> Place:
        with np.errstate(over="ignore"):
            narrow = values.astype("<f4")
        exact = np.array_equal(narrow.astype(np.float64), values, equal_nan=True)
        stored = narrow if exact else values.astype("<f8")
        width = stored.dtype.itemsize
        planes = stored.view(np.uint8).reshape(len(values), width).T.tobytes()
        place = (self._size, len(values), width, int(differences))
        self._pieces.append(planes)
        self._size += len(planes)
        return place


def rounded(values: Floats) -> Floats:
    """The nearest doubles with short fractions: no further off than 2^-37 of their size.

    The bytes that become zero cost nothing once packed. NaN stays; nothing finite becomes infinite.
    """
    fraction, exponent = np.frexp(values)
    with np.errstate(over="ignore", under="ignore"):
        short = np.ldexp(np.rint(np.ldexp(fraction, DIGITS + 1)), exponent - DIGITS - 1)
    return np.where(np.isfinite(short), short, values)


def outward(low: Floats, high: Floats) -> tuple[Floats, Floats]:
    """The closest range with 4-byte ends that holds the range from ``low`` to ``high``.

    An end that 4 bytes cannot hold stays as it is.
    """
    return _towards(low, -np.inf), _towards(high, np.inf)


def _towards(values: Floats, direction: float) -> Floats:
    with np.errstate(over="ignore", under="ignore"):
        near = values.astype(np.float32)
        beyond = np.nextafter(near, np.float32(direction))
    inside = near > values if direction < 0 else near < values
    moved = np.where(inside, beyond, near).astype(np.float64)
    fits = np.isfinite(moved) & (np.abs(values) <= np.finfo(np.float32).max)
    return np.where(fits, moved, values)
