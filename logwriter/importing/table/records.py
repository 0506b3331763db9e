"""Lines of text become records of cells, some thousands at a time, each with its line.

A header that comes again is no record: the columns are those that it names from there on. A record that
is longer than the header has columns named by their number. A last line that breaks off is skipped; a
short one before it lacks what is missing. A quote that is not closed costs its line alone.
"""

import csv
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from logwriter.importing.items import Item, Noted, Skipped
from logwriter.importing.source import LONGEST_LINE
from logwriter.importing.table.cells import is_number
from logwriter.importing.table.layout import Layout, cleaned, split, uncommented
from logwriter.importing.table.names import unique

CELLS_A_PIECE = 1 << 16
_LONGEST_RECORD = 64
"""So many lines may be in one pair of quotes."""
_HEADER = "headers in mid-file, which are no rows"
_COMMENT = "lines behind #, which are no rows"
_DOUBLE = "columns of a name that was there before, which got a number behind it"
_SHORT = "rows shorter than the header, which lack what is missing"
_LONG = "rows longer than the header, whose further columns are named by their number"


@dataclass(frozen=True)
class Piece:
    """Records that follow each other below one header.

    Attributes:
        columns: Their names.
        lines: The line of each record, shape ``(n,)``.
        records: The cells of each, as many as there are.
        said: What a comment above them said as JSON.
    """

    columns: tuple[str, ...]
    lines: list[int]
    records: list[list[str]]
    said: Mapping[str, Any] = field(default_factory=dict)


class RecordReader:
    """Cuts one text into pieces."""

    def __init__(self, layout: Layout, *, ends_whole: bool) -> None:
        """Begin a text.

        Args:
            layout: How it is laid out.
            ends_whole: Whether the last line ends as lines do; otherwise it may be cut.
        """
        self._layout, self._ends_whole = layout, ends_whole
        self._columns = layout.columns
        self._names = set(layout.header) | set(layout.columns)
        self._said: dict[str, Any] = {}
        self._lines: list[int] = []
        self._texts: list[str] = []
        self._met: dict[str, tuple[int, int]] = {}
        self._count_doubles(layout.header_line, layout.header)

    def pieces(self, lines: Iterable[tuple[int, str]]) -> Iterator[Piece | Item]:
        """The records of all lines, with what could not be read between them."""
        room = max(1, CELLS_A_PIECE // len(self._columns))
        for number, text in self._joined(map(_clean, lines)):
            if isinstance(text, Skipped):
                yield from self._flush()
                yield text
                continue
            if "#" in text and text.lstrip().startswith("#"):
                yield from self._remark(number, text)
                continue
            if len(self._lines) >= room:  # before, so that the last flush has the last record
                yield from self._flush()
            self._lines.append(number)
            self._texts.append(text)
        yield from self._flush(last=True)
        yield from self._notes()

    def _joined(self, lines: Iterator[tuple[int, str]]) -> Iterator[tuple[int, str | Skipped]]:
        """Lines; those that quotes hold together are one."""
        for number, text in lines:
            if number == self._layout.header_line:
                continue
            if len(text) > LONGEST_LINE:
                yield number, Skipped(f"line {number}", f"more than {LONGEST_LINE:,} characters")
                continue
            if "\0" in text:
                yield number, Skipped(f"line {number}", "bytes of zero, as a power cut leaves them")
                continue
            if '"' not in text or not self._is_open(text):
                yield number, text
                continue
            below: list[tuple[int, str]] = []
            whole = text
            while self._is_open(whole) and len(below) < _LONGEST_RECORD:
                following = next(lines, None)
                if following is None:
                    break
                below.append(following)
                whole = f"{whole}\n{following[1]}"
            if not self._is_open(whole):
                yield number, whole
                continue
            yield number, Skipped(f"line {number}", "a quote is opened and not closed")
            yield from self._joined(iter(below))

    def _is_open(self, text: str) -> bool:
        """Whether a quote is open at the end: then the reader takes the line's end into the cell."""
        if not self._layout.delimiter:
            return False
        try:
            cells = split([f"{text}\n"], self._layout.delimiter)[0]
        except csv.Error:
            return False  # it is named where it is read
        return bool(cells) and cells[-1].endswith("\n")

    def _remark(self, number: int, text: str) -> Iterator[Piece | Item]:
        """A line behind ``#``: a header, something said as JSON, or a comment."""
        text = uncommented(text)
        said = _json(text)
        if said is not None:
            yield from self._flush()
            self._said = said
            return
        for cells in self._split([number], [text])[0]:
            if number > self._layout.header_line and self._is_header(cells):
                yield from self._flush()
                self._begin(number, cells)
                return
        self._count(_COMMENT, number)

    def _flush(self, *, last: bool = False) -> Iterator[Piece | Item]:
        """The records that wait."""
        numbers, texts = self._lines, self._texts
        self._lines, self._texts = [], []
        records, lines, faults = self._split(numbers, texts)
        begun = 0
        for place, record in enumerate(records):
            if not self._names.isdisjoint(record) and self._is_header(record):
                yield from self._piece(records[begun:place], lines[begun:place])
                self._begin(lines[place], record)
                begun = place + 1
        records, lines = records[begun:], lines[begun:]
        if last and records and not self._ends_whole and len(records[-1]) < len(self._columns):
            cut = f"cut: {len(records[-1])} of {len(self._columns)} cells, and no end of the line"
            faults.append(Skipped(f"line {lines[-1]}", cut))
            records, lines = records[:-1], lines[:-1]
        yield from self._piece(records, lines)
        yield from faults

    def _split(
        self, numbers: list[int], texts: list[str]
    ) -> tuple[list[list[str]], list[int], list[Skipped]]:
        """Cells, their lines, and the lines that have none; blank ones are dropped."""
        delimiter = self._layout.delimiter
        faults: list[Skipped] = []
        try:
            found = split(texts, delimiter)
        except csv.Error:
            found = []
            for number, text in zip(numbers, texts, strict=True):
                try:
                    found += split([text], delimiter)
                except csv.Error as error:
                    found.append([])
                    faults.append(Skipped(f"line {number}", str(error)))
        if [] in found:
            numbers = [number for number, cells in zip(numbers, found, strict=True) if cells]
            found = [cells for cells in found if cells]
        return found, numbers, faults

    def _is_header(self, record: list[str]) -> bool:
        """Whether these cells name columns: none is a number, and some are names already."""
        cells = [cell.strip() for cell in record if cell.strip()]
        known = self._names.intersection(cells)
        if not known or any(is_number(cell, self._layout.delimiter) for cell in cells):
            return False
        return len(known) * 2 >= len(cells) and len(cells) * 2 >= len(self._columns)

    def _begin(self, number: int, cells: list[str]) -> None:
        self._count(_HEADER, number)
        unnamed = len(self._layout.columns) > len(self._layout.header)
        self._columns = unique(["", *cells] if unnamed else cells)
        self._names = set(cells) | set(self._columns)
        self._count_doubles(number, cells)

    def _piece(self, records: list[list[str]], lines: list[int]) -> Iterator[Piece]:
        if not records:
            return
        width = len(self._columns)
        for line, record in zip(lines, records, strict=True):
            if len(record) < width:
                self._count(_SHORT, line)
            elif len(record) > width and any(cell.strip() for cell in record[width:]):
                self._count(_LONG, line)
        yield Piece(self._columns, lines, records, self._said)

    def _count_doubles(self, number: int, cells: Sequence[str]) -> None:
        names = [cell.strip() for cell in cells if cell.strip()]
        for _ in range(len(names) - len(set(names))):
            self._count(_DOUBLE, number)

    def _count(self, what: str, line: int) -> None:
        count, first = self._met.get(what, (0, line))
        self._met[what] = count + 1, first

    def _notes(self) -> Iterator[Item]:
        for what, (count, line) in self._met.items():
            yield Noted(f"{what}: {count:,} (the first: line {line})")


def _clean(line: tuple[int, str]) -> tuple[int, str]:
    return line[0], cleaned(line[1])


def _json(text: str) -> dict[str, Any] | None:
    if not text.startswith("{"):
        return None
    try:
        said = json.loads(text)
    except ValueError:
        return None
    return said if isinstance(said, dict) else None
