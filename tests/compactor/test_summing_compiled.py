"""Summing in C: when it is used, what it refuses, and that it lets others run."""

import math
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from unlocked import lets_others_run

from compactor.fold import summing
from compactor.fold.cells import CELL, ROW
from compactor.fold.exact import TERM
from compactor.fold.records import Records
from logwriter import Run
from logwriter.built import built

NAME = "compactor.fold.summing.compiled"


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """The module in C; it is not there where no compiler was."""
    module: ModuleType = pytest.importorskip(NAME, exc_type=ImportError)
    return module


COLUMNS = ("step", "position", "epoch", "time", "value")


def whole(module: ModuleType, rows: int = 6) -> dict[str, Any]:
    """Arguments of the function in C that are as they should be."""
    at = np.arange(rows)
    return {
        "line": at * 0,
        **dict.fromkeys(COLUMNS[:4], at),
        "value": np.random.default_rng(0).random(rows),
        "starts": np.array([0, 2, 5]),
        "in_order": True,
        "cells": Records.zeros(CELL, 3).columns,
        "places": summing._places(CELL, module.CELL),
        "row_places": summing._places(ROW, module.ROW),
    }


def call(module: ModuleType, given: dict[str, Any]) -> bytes:
    """Call the function in C itself."""
    rows = given.get("rows", tuple(given[name] for name in COLUMNS))
    names = ("starts", "in_order", "cells", "places", "row_places")
    terms: bytes = module.sum(given["line"], rows, *(given[name] for name in names))
    return terms


def starting(*starts: int) -> Callable[[dict[str, Any]], Any]:
    """Groups that start elsewhere."""
    return lambda _: np.array(starts, np.int64)


def placed(name: str, at: int, place: Any) -> Callable[[dict[str, Any]], Any]:
    """One field lies elsewhere."""
    return lambda given: (*given[name][:at], place, *given[name][at + 1 :])


LAST = CELL.itemsize // 8 - 1
REFUSED: list[tuple[str, Callable[[dict[str, Any]], Any], type[Exception], str]] = [
    ("line", lambda given: given["line"].astype(np.int32), ValueError, "line must be"),
    ("line", lambda given: given["line"][:-1], ValueError, "step must be of length 5"),
    ("line", lambda given: given["line"].tolist(), TypeError, "bytes-like"),
    ("step", lambda given: given["step"].astype(np.float64), ValueError, "step must be"),
    ("step", lambda given: given["step"].astype(np.uint64), ValueError, "step must be"),
    ("step", lambda given: given["step"].astype(">i8"), ValueError, "step must be"),
    ("step", lambda given: np.repeat(given["step"], 2)[::2], ValueError, "contiguous"),
    ("position", lambda given: given["position"][:4], ValueError, "position must be of length 6"),
    ("position", lambda given: given["position"].reshape(2, 3), ValueError, "in 1 dimensions"),
    ("epoch", lambda given: given["epoch"].astype(np.int8), ValueError, "epoch must be"),
    ("time", lambda given: np.append(given["time"], 0), ValueError, "time must be of length 6"),
    ("value", lambda given: given["value"].astype(np.float32), ValueError, "value must be"),
    ("value", lambda given: given["value"].view(np.int64), ValueError, "value must be"),
    ("value", lambda given: bytes(given["value"]), ValueError, "value must be"),
    ("rows", lambda given: (given["step"],), ValueError, "5 columns"),
    ("rows", lambda _: [], TypeError, "tuple"),
    ("starts", starting(), ValueError, "begin with 0"),
    ("starts", starting(1, 2, 5), ValueError, "begin with 0"),
    ("starts", starting(-1, 2, 5), ValueError, "begin with 0"),
    ("starts", starting(0, 2, 2), ValueError, "see 1"),
    ("starts", starting(0, 5, 2), ValueError, "see 1"),
    ("starts", starting(0, 2, 6), ValueError, "see 2"),
    ("starts", starting(0, 2, 1 << 62), ValueError, "see 2"),
    ("starts", starting(0, 2), ValueError, "cells must be 2"),
    ("starts", lambda given: given["starts"].astype(np.int32), ValueError, "starts must be"),
    ("cells", lambda given: given["cells"][:, :2].copy(), ValueError, "cells must be 3"),
    ("cells", lambda given: given["cells"][0], ValueError, "in 2 dimensions"),
    ("cells", lambda given: given["cells"].astype(np.float64), ValueError, "cells must be"),
    ("cells", lambda given: given["cells"].T.copy().T, ValueError, "contiguous"),
    ("cells", lambda given: given["cells"][:-1], ValueError, "not among"),
    ("cells", lambda given: bytes(given["cells"]), BufferError, "writable"),
    ("places", placed("places", 0, LAST + 1), ValueError, "not among"),
    ("places", placed("places", 0, -1), ValueError, "not among"),
    ("places", placed("places", 21, LAST - 3), ValueError, "not among"),
    ("places", placed("places", 3, sys.maxsize), ValueError, "not among"),
    ("places", placed("places", 3, 1 << 70), OverflowError, "large"),
    ("places", placed("places", 3, "x"), TypeError, "integer"),
    ("places", lambda given: given["places"][1:], ValueError, "22 places"),
    ("row_places", placed("row_places", 4, LAST), ValueError, "not among"),
    ("row_places", placed("row_places", 4, -1), ValueError, "not among"),
    ("row_places", placed("row_places", 4, sys.maxsize), ValueError, "not among"),
    ("row_places", lambda _: (), ValueError, "5 places"),
]


@pytest.mark.parametrize(("name", "change", "error", "text"), REFUSED)
def test_what_are_no_rows_is_refused(
    compiled: ModuleType,
    name: str,
    change: Callable[[dict[str, Any]], Any],
    error: type[Exception],
    text: str,
) -> None:
    """Nothing is read or written beyond an array, and no start is trusted."""
    given = whole(compiled)
    assert len(call(compiled, given)) >= 3 * 3 * 8
    given = whole(compiled)
    with pytest.raises(error, match=text):
        call(compiled, given | {name: change(given)})
    assert not given["cells"].any()


def test_rows_may_be_read_only(compiled: ModuleType) -> None:
    """As they are where Arrow owns them."""
    given = whole(compiled)
    for name in ("line", *COLUMNS, "starts"):
        given[name].flags.writeable = False
    assert call(compiled, given)


def test_other_threads_run_meanwhile(compiled: ModuleType) -> None:
    """With the lock taken from nobody, another thread runs only where it is let go of."""
    rows = 200_000
    given = whole(compiled, rows)
    work = partial(
        call,
        compiled,
        given | {"starts": np.arange(rows), "cells": Records.zeros(CELL, rows).columns},
    )
    assert lets_others_run(work)


PROGRAM = """
import hashlib, sys
from pathlib import Path
from compactor import compact
from compactor.fold import summing
compact(sys.argv[1])
print(summing.IS_COMPILED, hashlib.sha256(Path(sys.argv[1], "record.json").read_bytes()).hexdigest())
"""


def test_the_environment_chooses(compiled: ModuleType, tmp_path: Path) -> None:
    """``EVERYSTEP_COMPILED=0`` asks for NumPy, which leaves the same record."""
    assert compiled.CONTRACT == summing.CONTRACT
    rng = np.random.default_rng(1)
    path = tmp_path / "run"
    with Run(path, monitor="loss", mode="min") as run:
        for epoch in run.epochs(3):
            for _ in range(700):
                run.log({"loss": math.exp(rng.standard_normal()), "lr": 10.0**-epoch})
            run.log({"val": rng.random() if epoch else math.nan})
    said = []
    for wish in ("0", "1"):
        for derived in path.glob("record.*"):
            derived.unlink()
        result = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(path)],
            env=os.environ | {"EVERYSTEP_COMPILED": wish},
            check=True,
            capture_output=True,
            text=True,
        )
        said.append(result.stdout.split())
    assert [words[0] for words in said] == ["False", "True"]
    assert said[0][1] == said[1][1]


def test_only_the_build_that_is_expected_is_used(
    compiled: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A checkout that was updated and not installed again, or never built, does it in Python."""
    monkeypatch.setenv("EVERYSTEP_COMPILED", "1")
    assert built(NAME, summing.CONTRACT) is compiled
    assert built(NAME, summing.CONTRACT + 1) is None


def test_c_knows_every_field(compiled: ModuleType) -> None:
    """None of a cell, of a row or of a term is left out."""
    assert sorted(compiled.CELL) == sorted(CELL.names or ())
    assert sorted(compiled.ROW) == sorted(CELL["first"].names or ())
    assert sorted(compiled.TERM) == sorted(TERM.names or ())
