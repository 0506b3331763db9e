"""How the commands print: tables for people, JSON for programs."""

from collections.abc import Iterable, Sequence
from typing import Any

import click
import msgspec
from tabulate import tabulate

RUN = click.argument("run", type=click.Path())
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON for programs.")


def print_json(value: Any) -> None:
    """One JSON document, indented."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def print_table(rows: Iterable[Sequence[Any]], headers: Sequence[str]) -> None:
    """A table without lines; numbers to the right."""
    click.echo(tabulate([_cells(row) for row in rows], headers=headers, tablefmt="simple"))


def printable(text: str) -> str:
    """The text with control characters made visible: a name must not steer the terminal."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _cells(row: Sequence[Any]) -> list[Any]:
    return [
        printable(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row
    ]
