"""What is in an imported run, row by row, as a plain reading of its long format."""

from pathlib import Path
from typing import Any

from logwriter import read


def rows(path: Path) -> list[tuple[int, int, dict[str, float]]]:
    """Each row in the order of the log: attempt, step, values. Hidden ones, too."""
    found: dict[tuple[int, int], tuple[int, dict[str, float]]] = {}
    for row in read(path).rows(attempts="all").to_pylist():
        _, values = found.setdefault((row["attempt"], row["seq"]), (row["step"], {}))
        values[row["metric"]] = row["value"]
    return [(attempt, *found[attempt, seq]) for attempt, seq in sorted(found)]


def steps_and_values(path: Path) -> list[tuple[int, dict[str, float]]]:
    """The same without attempts."""
    return [(step, values) for _, step, values in rows(path)]


def column(path: Path, name: str) -> list[Any]:
    """One column, such as ``epoch``, of each row in order."""
    found = {
        (row["attempt"], row["seq"]): row[name]
        for row in read(path).rows(attempts="all").to_pylist()
    }
    return [found[place] for place in sorted(found)]
