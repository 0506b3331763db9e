"""The record as a file, and what it costs to import the compactor."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from compactor import compact, record
from compactor.record import json_schema
from compactor.store import read_record
from logwriter import Run
from logwriter.errors import DamagedError, NewerFormatError, NotARunError


def test_a_missing_record_says_how_to_make_it(run_path: Path, tmp_path: Path) -> None:
    """And a folder that is no run is told apart from a run without a record."""
    with Run(run_path):
        pass
    with pytest.raises(NotARunError, match="everystep compact"):
        read_record(run_path)
    with pytest.raises(NotARunError, match="is not a run"):
        read_record(tmp_path)
    with pytest.raises(NotARunError, match="no record"):
        read_record(tmp_path / "record.json")


def test_a_bad_record_is_named(tmp_path: Path) -> None:
    """Newer, torn, or something else."""
    path = tmp_path / "record.json"
    path.write_text('{"format": 2, "best_step": []}')
    with pytest.raises(NewerFormatError, match="format 2"):
        read_record(path)
    for text in ('{"format": 1', '{"format": 1}', "[]", "\x00"):
        path.write_text(text)
        with pytest.raises(DamagedError, match="everystep compact"):
            read_record(path)


def test_a_line_that_the_record_does_not_tell_of_is_damage(run_path: Path) -> None:
    """Every line has its entry in ``line_info``."""
    with Run(run_path) as run:
        run.log({"val/loss": 1.0})
    compact(run_path)
    path = run_path / "record.json"
    document = json.loads(path.read_text())
    del document["charts"]["loss"]["line_info"]["val"]
    path.write_text(json.dumps(document))
    with pytest.raises(DamagedError, match=r"chart 'loss': lines and line_info differ.*compact"):
        read_record(run_path)


def test_a_record_that_cannot_be_written_is_named(run_path: Path) -> None:
    """Not the temporary file; and the message tells of ``--output``."""
    with Run(run_path) as run:
        run.log({"val/loss": 1.0})
    (run_path / "record.json").mkdir()
    with pytest.raises(IsADirectoryError, match="--output FILE") as caught:
        compact(run_path)
    assert caught.value.filename == str(run_path / "record.json")


def test_the_schema_beside_the_types_is_theirs() -> None:
    """``record.schema.json`` is generated; it is not edited."""
    path = Path(record.__file__).with_name("record.schema.json")
    assert json.loads(path.read_text()) == json_schema()


def test_importing_the_compactor_loads_nothing_heavy() -> None:
    """DuckDB, Polars and pyarrow wait until they are used; so do NumPy and the command line."""
    code = (
        "import sys, compactor, compactor.cli, compactor.record, compactor.store\n"
        "print(sorted({'duckdb', 'polars', 'pyarrow', 'numpy'} & set(sys.modules)))"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=os.environ
    )
    assert ran.stdout.strip() == "[]"


def test_the_package_has_no_other_names() -> None:
    """A slip is an AttributeError."""
    import compactor

    with pytest.raises(AttributeError, match="compactt"):
        _ = compactor.compactt
