"""Tables to import, and what became of them, read back in plain Python."""

from pathlib import Path
from typing import Any

from logwriter import read
from logwriter.importing import import_log
from logwriter.importing.target import Imported

Point = tuple[int, str, float]


def imported(path: Path, text: str | bytes, *, name: str = "log.csv", **how: Any) -> Imported:
    """Write a file, and import it into the folder ``path``."""
    source = path.parent / name
    source.write_bytes(text if isinstance(text, bytes) else text.encode())
    (one,) = import_log(source, path, **how)
    return one


def points(path: Path) -> list[Point]:
    """Step, metric and value of every row, in the order of the log; of one row, by metric."""
    rows = read(path).rows(attempts="all").to_pylist()
    rows.sort(key=lambda row: (row["attempt"], row["seq"], row["metric"]))
    return [(row["step"], row["metric"], row["value"]) for row in rows]


def column(path: Path, field: str, metric: str) -> list[Any]:
    """What a field says in the rows of a metric, in the order of the log."""
    rows = read(path).rows([metric], attempts="all").to_pylist()
    rows.sort(key=lambda row: (row["attempt"], row["seq"]))
    return [row[field] for row in rows]


def notes(one: Imported) -> str:
    """All that was decided, as one text."""
    return "\n".join(one.notes)
