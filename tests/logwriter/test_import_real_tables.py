"""Tables of real trainings: what is imported is what a plain reading of them gives."""

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest

from logwriter import read
from logwriter.importing import import_log
from logwriter.importing.formats import find_format
from logwriter.importing.source import look

LOGS = Path(os.environ.get("EVERYSTEP_REAL_LOGS", ""))
TRUTH = LOGS / "truth.json"
TABLES = ("parquet", "lightning", "ultralytics", "sb3", "keras", "csv")
FORMATS = {"csv": "csv", "monitor_csv": "sb3"}
"""What each is of; every other real log is no table."""


def logs() -> list[Any]:
    """Every real log, with what a plain reading gives."""
    if not TRUTH.is_file():
        skip = pytest.mark.skip(reason="EVERYSTEP_REAL_LOGS does not name the real logs")
        return [pytest.param("", {}, marks=skip)]
    truth = json.loads(TRUTH.read_text(encoding="utf-8"))
    return [pytest.param(name, facts, id=name) for name, facts in truth.items()]


def tables() -> list[Any]:
    """Those that are tables."""
    return [case for case in logs() if not case.id or case.values[1]["format"] in FORMATS]


@pytest.mark.parametrize(("name", "facts"), logs())
def test_tables_are_detected_and_nothing_else(name: str, facts: dict[str, Any]) -> None:
    """No other format's file is taken for one; of its own formats, the surest is the right one."""
    looked = look(LOGS / name)
    claims = [each for each in TABLES if find_format(each).detects(looked)]
    assert claims[:1] == ([FORMATS[facts["format"]]] if facts["format"] in FORMATS else [])


@pytest.mark.parametrize(("name", "facts"), tables())
def test_a_real_table_equals_a_plain_reading(
    tmp_path: Path, name: str, facts: dict[str, Any]
) -> None:
    """Each metric's count, blanks, non-finite values, least and greatest, first and last, and steps."""
    (one,) = import_log(LOGS / name, tmp_path / "run", keep_restarts=True)
    assert one.skipped == 0
    log = read(tmp_path / "run")
    metrics = set(facts["metric_names"]) - {"", "_time"}  # an index, and the time
    assert set(one.metrics) == metrics
    for metric in metrics:
        known = facts["all_metrics"].get(metric)
        if known is None:
            continue
        steps, values = log.series(metric)
        finite = [value for value in values.tolist() if math.isfinite(value)]
        assert len(values) == known["n"]
        assert sum(map(math.isinf, values.tolist())) == known.get("inf", 0)
        assert sum(map(math.isnan, values.tolist())) == known.get("nan", 0)
        assert (finite[0], finite[-1]) == (known["first"], known["last"])
        for what, best in (("min", min(finite)), ("max", max(finite))):
            assert best == known[what]["value"]
            if "step" in known[what]:
                assert steps[values.tolist().index(best)] == known[what]["step"]
