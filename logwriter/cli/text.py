"""How the commands print: tables for people, JSON for programs."""

import datetime as dt
import re
import shutil
import sys
from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec
from tabulate import tabulate
from wcwidth import clip, width

RUN = click.argument("run", type=click.Path())
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")
_SHORTEST = 24
_FEWEST = 3
_NUMBER = re.compile(r"[-−+]?[\d.,]+(e[-+]?\d+)?( ?[a-zµ%]{1,3})?", re.IGNORECASE)


def print_json(value: Any) -> None:
    """One JSON document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(
    rows: Iterable[Sequence[Any]], headers: Sequence[str], *, shorten: int | None = None
) -> None:
    """A table without lines; numbers to the right. Columns without any entry are left out.

    Args:
        rows: The cells of each row.
        headers: What the columns are, the most important first.
        shorten: The column whose texts may be shortened where the terminal is too narrow; if that
            is not enough, the last columns are left out, and named.
    """
    cells = [_cells(row) for row in rows]
    used = [n for n in range(len(headers)) if not cells or any(row[n] != "" for row in cells)]
    limit = _terminal_width()
    text = _table(cells, headers, used)
    if shorten is not None and _width(text) > limit:
        longest = max(width(str(row[shorten])) for row in cells)
        room = max(_SHORTEST, longest - (_width(text) - limit))
        for row in cells:
            row[shorten] = shortened(str(row[shorten]), room)
        text = _table(cells, headers, used)
        dropped: list[str] = []
        while _width(text) > limit and len(used) > _FEWEST:
            dropped.insert(0, headers[used.pop()])
            text = _table(cells, headers, used)
        if dropped:
            text += f"\n(too narrow for: {', '.join(dropped)})"
    click.echo(text)


def printable(text: str) -> str:
    """The text with control characters made visible: a name must not steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def shortened(text: str, room: int) -> str:
    """The text with its middle left out, if it is wider than ``room``: both ends tell most."""
    wide = width(text)
    if wide <= room:
        return text
    front = (room - 1) // 2
    return f"{clip(text, 0, front)}…{clip(text, wide - (room - 1 - front), wide)}"


def number(value: float) -> str:
    """A value in few characters: four significant digits, or to the unit where it is large."""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def ago(moment: str, now: dt.datetime) -> str:
    """How long before ``now`` an ISO 8601 moment was, in one unit: ``3 min ago``."""
    seconds = max(0.0, (now - dt.datetime.fromisoformat(moment)).total_seconds())
    for unit, size in (("d", 86_400), ("h", 3_600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def _terminal_width() -> int:
    """Columns of the terminal; without bound where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else sys.maxsize


def _table(cells: list[list[Any]], headers: Sequence[str], used: Sequence[int]) -> str:
    chosen = [[row[n] for n in used] for row in cells]
    columns = [[row[place] for row in chosen] for place in range(len(used))]
    sides = [_side(column) for column in columns]
    return tabulate(
        chosen,
        headers=[headers[n] for n in used],
        tablefmt="simple",
        disable_numparse=[n for n, side in enumerate(sides) if side != "decimal"],
        colalign=sides if chosen else None,
    )


def _side(column: Sequence[Any]) -> str:
    """How a column is aligned. Texts stay as they are: 007 keeps its zeros."""
    if any(isinstance(cell, (int, float)) for cell in column):
        return "decimal"
    return "right" if all(_NUMBER.fullmatch(cell) for cell in column if cell) else "left"


def _width(text: str) -> int:
    return max(map(width, text.splitlines()))


def _cells(row: Sequence[Any]) -> list[Any]:
    return [
        printable(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row
    ]
