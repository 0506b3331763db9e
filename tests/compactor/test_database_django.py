"""The recipe for Django does what it says."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import records
from throwaway_postgres import empty_database, postgres_server

import compactor.database
from compactor.database import load, parse_address, store
from compactor.record import encode

pytest.importorskip("django", reason="the extra `tests` installs Django")

RECIPE = Path(compactor.database.__file__).with_name("DJANGO.md")
UNMANAGED, QUERIES, OWN = re.findall(
    r"^```python\n(.*?)^```$", RECIPE.read_text(), re.DOTALL | re.MULTILINE
)
PROJECT = """
import json
import sys
import django
from django.conf import settings
settings.configure(
    DATABASES={"default": json.loads(sys.argv[1])},
    INSTALLED_APPS=["training"],
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
)
django.setup()
from django.db import connection
from training.models import *
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    """A real PostgreSQL."""
    with postgres_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database of each kind."""
    if request.param == "sqlite":
        yield str(tmp_path / "runs.db")
    else:
        with empty_database(request.getfixturevalue("server")) as url:
            yield url


def settings_of(address: str) -> dict[str, Any]:
    """How Django is told of a database."""
    url = parse_address(address)
    return {
        "ENGINE": f"django.db.backends.{url.get_backend_name().replace('sqlite', 'sqlite3')}",
        "NAME": url.database,
        "USER": url.username or "",
        "PASSWORD": url.password or "",
        "HOST": url.query.get("host", url.host or ""),
        "PORT": url.port or "",
    }


def in_django(folder: Path, address: str, models: str, code: str) -> str:
    """What ``code`` prints in a project with an app of these models."""
    app = folder / "training"
    app.mkdir(exist_ok=True)
    (app / "__init__.py").touch()
    (app / "models.py").write_text(models)
    done = subprocess.run(
        [sys.executable, "-c", PROJECT + code, json.dumps(settings_of(address))],
        check=False,
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_django_reads_what_was_stored(tmp_path: Path, address: str) -> None:
    """Columns, the document, and questions inside it."""
    record = records.record(
        dict(records.digits().charts),
        best=records.digits().best,
        run=records.run_info(config={"width": 64}),
    )
    store(record, address)
    printed = in_django(
        tmp_path,
        address,
        UNMANAGED,
        QUERIES + "print(best.id, best.best_value, loss[0], len(wide))",
    )
    assert printed == "20260504-quiet-heron 0.4 [0, 2.3] 1\n"


def test_a_table_that_django_made_is_stored_into(tmp_path: Path, address: str) -> None:
    """With its own checks in place."""
    models = UNMANAGED.replace("managed = False", "managed = True")
    assert "True" in models
    make = "with connection.schema_editor() as editor:\n    editor.create_model({})\n"
    in_django(tmp_path, address, models, make.format("TrainingRun"))
    record = records.digits()
    store(records.record(), address)
    store(record, address)
    assert load(address, record.run.id) == record


def test_a_record_goes_into_a_field_of_ones_own(tmp_path: Path, address: str) -> None:
    """As it stands in ``record.json``."""
    (tmp_path / "record.json").write_bytes(encode(records.digits()))
    code = (
        "with connection.schema_editor() as editor:\n"
        "    editor.create_model(Experiment)\n"
        "keep('first', '.')\n"
        "kept = keep('first', '.')\n"
        "kept.refresh_from_db()\n"
        "same = kept.record == json.loads(Path('record.json').read_text())\n"
        "print(Experiment.objects.count(), kept.record['best_step'], same)\n"
    )
    assert in_django(tmp_path, address, OWN, code) == "1 69 True\n"
