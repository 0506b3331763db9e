"""Logs of real trainings, through the whole pipeline: the best rows are those of a plain reading."""

import csv
import json
import os
from pathlib import Path
from typing import Any

import pytest

from compactor import compact
from logwriter import Run

LOGS = Path(os.environ.get("EVERYSTEP_REAL_LOGS", ""))
TRUTH = LOGS / "truth.json"


def cases() -> list[Any]:
    """Every metric with a known best row, of every plain CSV file."""
    if not TRUTH.is_file():
        skip = pytest.mark.skip(reason="EVERYSTEP_REAL_LOGS does not name the real logs")
        return [pytest.param("", "", {}, marks=skip)]
    truth = json.loads(TRUTH.read_text(encoding="utf-8"))
    return [
        pytest.param(name, metric, best, id=f"{name}-{metric}")
        for name, facts in truth.items()
        if facts["format"] == "csv"
        for metric, best in facts["best"].items()
    ]


def numbers(row: dict[str, str]) -> dict[str, float]:
    """The cells that hold a number; a blank cell is absent."""
    found = {}
    for key, cell in row.items():
        try:
            found[key.strip().removeprefix("# ")] = float(cell)
        except (TypeError, ValueError):
            continue
    return found


def repeats_header(row: dict[str, str]) -> bool:
    """Whether a resumed program wrote its header once more, in the middle of the file."""
    return all(key == cell for key, cell in row.items())


@pytest.mark.parametrize(("name", "metric", "best"), cases())
def test_the_best_row_of_a_real_log(
    tmp_path: Path, name: str, metric: str, best: dict[str, Any]
) -> None:
    """First of equals; NaN and infinity never win; blank cells are absent."""
    with (LOGS / name).open(newline="", encoding="utf-8") as file, Run(tmp_path / "run") as run:
        rows = (row for row in csv.DictReader(file) if not repeats_header(row))
        for number, row in enumerate(rows):
            run.log(numbers(row), step=number)
    record = compact(tmp_path / "run", monitor=metric, mode=best["mode"])
    assert record.best is not None
    assert record.best.value == best["value"]
    assert record.best.step == best["row"]
