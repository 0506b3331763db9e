"""Cells of text as numbers: exactly, or not at all.

What `float` reads is taken as it is, bit for bit. A few more ways to write numbers are known, and each
that was met is noted once. A cell that is no number in a column of numbers is skipped by its line; a
column without any number is text, and left out.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa

from logwriter.importing.items import Floats, Item, Mask, Noted, Skipped

_ABSENT = frozenset({"none", "null", "n/a", "na", "<na>", "-", "--"})
_TRUTH = {"true": 1.0, "false": 0.0}
_SUFFIXED = re.compile(r"([+-]?\d+(?:\.\d+)?)\s?([kKMBG])")
_FACTORS = {"k": 10**3, "K": 10**3, "M": 10**6, "G": 10**9, "B": 10**9}
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d*,\d+(?:[eE][+-]?\d+)?")
_WAYS = {
    "absent": "words such as None and NA count as not logged",
    "truth": "True and False are read as 1 and 0",
    "percent": "percent signs are dropped: 95% is 95",
    "suffix": "K, M, G and B are read as thousands, millions and billions: 13K is 13000",
    "thousands": 'commas in quoted numbers are read as thousands: "1,234" is 1234',
    "comma": "commas are read as decimal points: 0,5 is 0.5",
}
_SHOWN = 40
_LISTED = 20


@dataclass(frozen=True)
class Column:
    """One column of some rows: ``values`` and where there is one, each of shape ``(n,)``."""

    values: Floats
    given: Mask


def read_cell(cell: str, delimiter: str) -> tuple[float | None, str]:
    """The number in a cell, ``None`` where nothing was logged, and the way of writing, if a special one.

    Raises:
        ValueError: It is neither.
    """
    text = cell.strip()
    lowered = text.lower()
    if not text:
        return None, ""
    if lowered in _ABSENT:
        return None, "absent"
    if lowered in _TRUTH:
        return _TRUTH[lowered], "truth"
    # A comma inside a cell of a table with commas between its cells must have been quoted.
    if delimiter == "," and _THOUSANDS.fullmatch(text):
        return float(text.replace(",", "")), "thousands"
    if delimiter == ";" and _DECIMAL_COMMA.fullmatch(text):
        return float(text.replace(",", ".")), "comma"
    return _with_mark(text)


def _with_mark(text: str) -> tuple[float, str]:
    if text.endswith("%"):
        return _float(text[:-1]), "percent"
    if suffixed := _SUFFIXED.fullmatch(text):
        return float(Decimal(suffixed[1]) * _FACTORS[suffixed[2]]), "suffix"
    return _float(text), ""


def listed(names: Sequence[str]) -> str:
    """Names of columns as a list; of many, the first."""
    more = f" and {len(names) - _LISTED:,} more" if len(names) > _LISTED else ""
    return ", ".join(map(repr, names[:_LISTED])) + more


def is_number(cell: str, delimiter: str) -> bool:
    """Whether a cell holds a number; a blank one does not."""
    try:
        return read_cell(cell, delimiter)[0] is not None
    except ValueError:
        return False


def _float(text: str) -> float:
    if "_" in text:  # Python's own way to group digits; in a log it is a name
        raise ValueError(text)
    return float(text)


def _all_numbers(texts: Sequence[str]) -> Floats | None:
    """The cells as numbers, where each is written plainly: the fast path, a sixth of `float`'s time.

    What Arrow reads, `float` reads to the same bits; what it does not, such as blanks around a number,
    is left to the slow path.
    """
    try:
        numbers: Floats = pa.array(texts, pa.string()).cast(pa.float64()).to_numpy()
    except pa.ArrowInvalid:
        return None
    return numbers


class CellReader:
    """Reads the cells of a table, column by column, and remembers what it met."""

    def __init__(self, delimiter: str) -> None:
        """Begin a table. ``delimiter`` tells what commas in cells mean."""
        self._delimiter = delimiter
        self._numeric: set[str] = set()
        self._texts: dict[str, tuple[int, int, str]] = {}
        self._ways: dict[str, str] = {}
        self._skipped: list[tuple[int, str]] = []

    def column(self, name: str, texts: Sequence[str], lines: Sequence[int]) -> Column:
        """A column of numbers. ``lines`` are where its cells stand, shape ``(n,)``."""
        whole = _all_numbers(texts)
        if whole is not None:
            self._numeric.add(name)
            return Column(whole, np.ones(len(texts), np.bool_))
        values = np.zeros(len(texts))
        given = np.fromiter(map(bool, texts), np.bool_, len(texts))
        some = _all_numbers([text for text in texts if text])
        if some is not None:
            values[given] = some
            if len(some):
                self._numeric.add(name)
            return Column(values, given)
        strange = self._one_by_one(name, texts, lines, Column(values, given))
        if given.any():
            self._numeric.add(name)
        self._set_aside(name, texts, lines, strange)
        return Column(values, given)

    def _one_by_one(
        self, name: str, texts: Sequence[str], lines: Sequence[int], into: Column
    ) -> list[int]:
        """Read each cell into the column; the places of those that are no numbers."""
        strange = []
        for place, text in enumerate(texts):
            try:
                number, way = read_cell(text, self._delimiter)
            except ValueError:
                number, way = None, ""
                strange.append(place)
            if way and way not in self._ways:
                where = f"line {lines[place]}, column {name!r}"
                self._ways[way] = f"{_WAYS[way]} (the first: {_short(text)} in {where})"
            into.given[place] = number is not None
            into.values[place] = 0.0 if number is None else number
        return strange

    def _set_aside(
        self, name: str, texts: Sequence[str], lines: Sequence[int], strange: Sequence[int]
    ) -> None:
        if name in self._numeric:
            self._skipped += [
                (lines[place], f"column {name!r}: {_shown(texts[place])}") for place in strange
            ]
        elif strange:
            count, line, text = self._texts.get(name, (0, lines[strange[0]], texts[strange[0]]))
            self._texts[name] = (count + len(strange), line, text)

    def skipped(self) -> Iterator[Item]:
        """What could not be read since the last call, by line."""
        yield from (Skipped(f"line {line}", why) for line, why in sorted(self._skipped))
        self._skipped.clear()

    def notes(self) -> Iterator[Item]:
        """What there is to say at the end of the table."""
        yield from map(Noted, self._ways.values())
        texts = [name for name in self._texts if name not in self._numeric]
        if texts:
            yield Noted(f"columns of text are left out: {listed(texts)}")
        for name, (count, line, text) in self._texts.items():
            if name in self._numeric:
                more = f", and {count - 1:,} more before its first number" if count > 1 else ""
                yield Skipped(f"line {line}", f"column {name!r}: {_shown(text)}{more}")


def _shown(text: str) -> str:
    return f"{_short(text)} is no number"


def _short(text: str) -> str:
    text = text.strip()
    return repr(text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…")
