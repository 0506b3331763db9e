"""How a text file is laid out as a table: what is between its cells, and which line names its columns.

Told from the first lines alone. A header may stand behind ``#``; lines before it that begin with ``#``
are comments. A table whose first line is numbers has no header; its columns are ``column_1`` and on.
"""

import csv
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.source import Look
from logwriter.importing.table.cells import is_number
from logwriter.importing.table.names import unique

BLANKS = ""
"""The delimiter of a table whose cells are separated by any number of blanks."""
DELIMITERS = (",", "\t", ";", "|", BLANKS)
_ANSI = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_LOOKED_AT = 64
_AGREE = 0.8


@dataclass(frozen=True)
class Layout:
    """How a table is laid out.

    Attributes:
        delimiter: What is between cells.
        columns: Their names, each once; the first may have none.
        header: The cells of the header as they stand; none: there is no header.
        header_line: The line that holds it, from 1; 0: none.
        agree: The share of the first rows that are as wide as the header.
        sure: Whether it can be nothing but a table of numbers.
    """

    delimiter: str
    columns: tuple[str, ...]
    header: tuple[str, ...]
    header_line: int
    agree: float
    sure: bool


def split(texts: Iterable[str], delimiter: str) -> list[list[str]]:
    """The cells of each record; those of a blank one are none.

    Raises:
        csv.Error: One of them cannot be told into cells.
    """
    if delimiter == BLANKS:
        return [text.split() for text in texts]
    return list(csv.reader(texts, delimiter=delimiter, skipinitialspace=True))


def cleaned(text: str) -> str:
    """A line without codes that colour a terminal."""
    return _ANSI.sub("", text) if "\x1b" in text else text


def uncommented(text: str) -> str:
    """What a line says behind ``#``."""
    return text.lstrip().lstrip("#").lstrip()


def find_layout(text: str, *, named_table: bool = False) -> Layout | None:
    """The layout of a table whose first lines are ``text``; ``None``: they are no table.

    Args:
        text: Whole lines.
        named_table: Whether the file's name says that it is a table, so that less is asked of it.
    """
    lines = [cleaned(line.rstrip("\r")) for line in text.split("\n")[: _LOOKED_AT * 4]]
    numbered = [
        (n, line) for n, line in enumerate(lines, start=1) if line.strip() and "\0" not in line
    ]
    body = [(n, line) for n, line in numbered if not line.lstrip().startswith("#")][:_LOOKED_AT]
    first = body[0][0] if body else len(lines) + 1
    before = [(n, line) for n, line in numbered if n < first and not _is_json(line)]
    found = [
        layout
        for delimiter in DELIMITERS
        if (layout := _try(delimiter, body, before, named_table=named_table))
    ]
    return max(found, key=lambda each: (each.sure, each.agree, len(each.header)), default=None)


def layout_of(looked: Look) -> Layout | None:
    """The layout of a file as its head shows it."""
    if looked.is_folder or b"\0" in looked.head.partition(b"\n")[0]:
        return None
    # A header longer than the head is still a header.
    text = looked.text or looked.head.decode("utf-8-sig", "replace")
    return find_layout(text, named_table=looked.path.suffix.lower() in {".csv", ".tsv"})


def layout_in(path: Path, head: bytes) -> Layout:
    """The layout of a file that was said to be a table.

    Raises:
        EverystepError: It is none, or it is UTF-16.
    """
    if head.startswith(_UTF16):
        raise EverystepError(
            f"{path} is UTF-16 text, and tables are read as UTF-8: rewrite it, as by "
            "`iconv -f UTF-16 -t UTF-8`, then import it again"
        )
    layout = layout_of(Look(path, head))
    if layout is None:
        raise EverystepError(
            f"{path} is no table: its first lines have no cells in common, separated by commas, tabs, "
            "semicolons, bars or blanks. For text of another kind, say by --pattern how its lines read"
        )
    return layout


def is_utf16_table(looked: Look) -> bool:
    """Whether it is by its name a table, in UTF-16, which is refused with a word."""
    return looked.head.startswith(_UTF16) and looked.path.suffix.lower() in {".csv", ".tsv"}


def _is_json(line: str) -> bool:
    return uncommented(line).startswith("{")


def _try(
    delimiter: str,
    body: Sequence[tuple[int, str]],
    before: Sequence[tuple[int, str]],
    *,
    named_table: bool,
) -> Layout | None:
    try:
        rows = split((line for _, line in body), delimiter)
        remarks = split((uncommented(line) for _, line in before[-1:]), delimiter)
    except csv.Error:
        return None
    header, line, data = _header(rows, remarks, delimiter)
    told, at = tuple(header), 0
    if header:
        at = before[-1][0] if line < 0 else body[line][0]
        # A header one short of every row names no column for the rows' own names.
        if data and all(len(row) == len(header) + 1 and row[-1].strip() for row in data):
            header = ["", *header]
    else:
        header = [f"column_{n + 1}" for n in range(max(map(len, rows), default=0))]
    width = len(header)
    agree = sum(_fits(row, width) for row in data) / max(1, len(data))
    sure = (
        (named_table and at > 0)
        if not data
        else _is_sure(delimiter, width, data, agree, named_table=named_table, has_header=at > 0)
    )
    if not sure and (width < 2 or not _some_numbers(data, delimiter)):
        return None
    return Layout(delimiter, unique(header), told, at, agree, sure)


def _header(
    rows: list[list[str]], remarks: list[list[str]], delimiter: str
) -> tuple[list[str], int, list[list[str]]]:
    """The header, its place among the rows (-1: behind ``#``), and the rows below it."""
    if remarks and not any(is_number(cell, delimiter) for cell in remarks[0]):
        fits = not rows or len(rows[0]) == len(remarks[0])
        if fits and (not rows or any(is_number(cell, delimiter) for cell in rows[0])):
            return remarks[0], -1, rows
    if not rows:
        return [], 0, []
    first, data = rows[0], rows[1:]
    numbers = [is_number(cell, delimiter) for cell in first]
    names_numbers = any(
        cell.strip() and not number and below
        for cell, number, below in zip(
            first, numbers, (is_number(c, delimiter) for c in (data or [[]])[0]), strict=False
        )
    )
    if not any(numbers) or names_numbers:
        return first, 0, data
    return [], 0, rows


def _fits(row: list[str], width: int) -> bool:
    """Whether a row is as wide as the header; a delimiter at its end does not count."""
    return len(row) == width or (len(row) == width + 1 and not row[-1].strip())


def _some_numbers(data: list[list[str]], delimiter: str) -> bool:
    return any(is_number(cell, delimiter) for row in data for cell in row)


def _is_sure(
    delimiter: str,
    width: int,
    data: list[list[str]],
    agree: float,
    *,
    named_table: bool,
    has_header: bool,
) -> bool:
    """Rows as wide as the header, and numbers in most cells; of a named table, a row and a number."""
    cells = [cell for row in data for cell in row if cell.strip()]
    numeric = sum(is_number(cell, delimiter) for cell in cells) / max(1, len(cells))
    if named_table and delimiter != BLANKS:
        whole = width > 1 or numeric > _AGREE
        return (_fits(data[0], width) or agree >= 0.5) and numeric > 0 and whole
    return has_header and width > 1 and len(data) > 1 and min(agree, numeric) >= _AGREE
