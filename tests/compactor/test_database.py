"""A run's row in SQLite and in PostgreSQL."""

import itertools
import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
import records
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st
from throwaway_postgres import empty_database, postgres_server

from compactor.database import DatabaseError, load, parse_address, store
from compactor.record import Best, encode
from logwriter.errors import DamagedError, NewerFormatError

Fresh = Callable[[], str]
"""Gives the address of a database with nothing in it."""


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """A real PostgreSQL."""
    with postgres_server() as url:
        yield url


@pytest.fixture(scope="session")
def postgres(server: str) -> Iterator[str]:
    """A database that tests share."""
    with empty_database(server) as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def fresh(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Fresh]:
    """Each kind of database in turn."""
    with ExitStack() as made:
        if request.param == "sqlite":
            numbers = itertools.count()
            yield lambda: str(tmp_path / f"{next(numbers)}.db")
        else:
            running = request.getfixturevalue("server")
            yield lambda: made.enter_context(empty_database(running))


def _query(address: str, statement: str) -> list[tuple[object, ...]]:
    """What any other program would see."""
    engine = sa.create_engine(parse_address(address), poolclass=sa.NullPool)
    with engine.begin() as connection:
        result = connection.execute(sa.text(statement))
        return [tuple(each) for each in result] if result.returns_rows else []


def test_a_stored_record_comes_back(fresh: Fresh) -> None:
    """All of it, after the table was made for it."""
    address, record = fresh(), records.digits()
    store(record, address)
    assert load(address, record.run.id) == record
    assert load(address, "another") is None


def test_columns_beside_the_document_tell_the_best(fresh: Fresh) -> None:
    """So that runs can be listed and sorted without opening documents."""
    address = fresh()
    store(records.digits(), address)
    found = _query(
        address, "SELECT id, name, status, best_step, best_epoch, best_value FROM everystep_runs"
    )
    assert found == [("20260504-quiet-heron", "digits", "completed", 69, 6, 0.4)]


def test_storing_again_replaces_the_row_of_the_run_alone(fresh: Fresh) -> None:
    """One row a run; a best point that is gone is null."""
    address, other = fresh(), records.record(run=records.run_info(id="other"))
    store(records.digits(), address)
    store(other, address)
    later = records.record(run=records.run_info(status="failed"))
    store(later, address)
    found = _query(address, "SELECT id, status, best_step FROM everystep_runs ORDER BY id")
    assert found == [("20260504-quiet-heron", "failed", None), ("other", "completed", None)]
    assert load(address, later.run.id) == later
    assert load(address, "other") == other


def test_databases_can_ask_inside_the_document(fresh: Fresh) -> None:
    """It is JSON to them, not a string of characters."""
    address = fresh()
    store(records.digits(), address)
    expression = {
        "sqlite": "json_extract(record, '$.run.config.model.width')",
        "postgresql": "record #> '{run,config,model,width}'",
    }[parse_address(address).get_backend_name()]
    assert _query(address, f"SELECT {expression} FROM everystep_runs") == [(64,)]  # noqa: S608


def test_sqlite_keeps_the_text_of_the_document(tmp_path: Path) -> None:
    """Without its indentation."""
    path, record = tmp_path / "runs.sqlite3", records.digits()
    store(record, f"sqlite:///{path}")
    with sqlite3.connect(path) as connection:
        (text,) = connection.execute("SELECT record FROM everystep_runs").fetchone()
    connection.close()
    assert text == msgspec.json.format(encode(record), indent=-1).decode()


def test_the_column_is_jsonb(postgres: str) -> None:
    """Which PostgreSQL can index."""
    store(records.digits(), postgres)
    assert _query(postgres, "SELECT pg_typeof(record)::text FROM everystep_runs LIMIT 1") == [
        ("jsonb",)
    ]


HOSTILE = [
    "'); DROP TABLE everystep_runs; --",
    "a\0b",
    "%s :name %(x)s {}",
    "\u202e\U0001f40d\\",
    "",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_names_are_data(fresh: Fresh, text: str) -> None:
    """They are bound, never part of a statement; PostgreSQL cannot hold U+0000."""
    address = fresh()
    record = records.record(
        {text: records.chart(text, {text: [(0, 1.0)]})},
        run=records.run_info(id=f"id {text}", name=text, config={text: [text]}),
    )
    store(record, address)
    kept = text
    if parse_address(address).get_backend_name() == "postgresql":
        kept = text.replace("\0", "\ufffd")
    found = load(address, f"id {kept}")
    assert found is not None
    assert (found.run.name, found.run.config, list(found.charts)) == (kept, {kept: [kept]}, [kept])


finite = st.floats(allow_nan=False, allow_infinity=False)


@settings(deadline=None, max_examples=15)
@given(values=st.lists(finite, min_size=1, max_size=20))
def test_jsonb_keeps_every_float(postgres: str, values: list[float]) -> None:
    """The smallest and the largest too, wherever the document says that it is a float."""
    record = records.record(
        {"loss": records.chart("loss", {"train": list(enumerate(values))})},
        best=_best(values[0]),
    )
    store(record, postgres)
    assert load(postgres, record.run.id) == record
    (found,) = _query(
        postgres,
        f"SELECT best_value FROM everystep_runs WHERE id = '{record.run.id}'",  # noqa: S608
    )
    assert found == (values[0],)


def _best(value: float) -> Best:
    best = records.digits().best
    assert best is not None
    return msgspec.structs.replace(best, value=value)


def test_what_is_not_finite_is_null(fresh: Fresh) -> None:
    """The document is strict JSON."""
    address = fresh()
    bad = {"rate": float("nan"), "most": float("inf")}
    store(records.record(run=records.run_info(config=bad)), address)
    (found,) = _query(address, "SELECT CAST(record AS TEXT) FROM everystep_runs")
    document = json.loads(str(found[0]), parse_constant=pytest.fail)
    assert document["run"]["config"] == {"rate": None, "most": None}


def test_many_that_store_at_once_do_not_hinder_each_other(fresh: Fresh) -> None:
    """Not even when the table is not there yet."""
    for _ in range(3):
        address = fresh()
        start = threading.Barrier(6)

        def one(number: int, address: str = address, start: threading.Barrier = start) -> None:
            record = records.record(run=records.run_info(id=str(number % 3), name=str(number)))
            start.wait()
            store(record, address)

        with ThreadPoolExecutor(6) as pool:
            list(pool.map(one, range(6)))
        rows = _query(address, "SELECT id, name FROM everystep_runs")
        assert sorted(str(row[0]) for row in rows) == ["0", "1", "2"]
        assert all(int(str(name)) % 3 == int(str(key)) for key, name in rows)


STORING = """
import sys
from pathlib import Path
from compactor.database import store
from compactor.store import read_record
old, new = (read_record(path) for path in sys.argv[2:])
print("ready", flush=True)
while True:
    store(new, sys.argv[1])
    store(old, sys.argv[1])
"""


def test_a_kill_leaves_the_old_row_or_the_new(fresh: Fresh, tmp_path: Path) -> None:
    """At any moment; and the next one can store."""
    address, old = fresh(), records.digits()
    new = msgspec.structs.replace(old, notes=["x" * 1_000_000], run=records.run_info(name="new"))
    paths = [tmp_path / "old.json", tmp_path / "new.json"]
    for record, path in zip([old, new], paths, strict=True):
        path.write_bytes(encode(record))
    store(old, address)
    moments = random.Random(4)
    for _ in range(4):
        arguments = [sys.executable, "-c", STORING, address, *map(str, paths)]
        with subprocess.Popen(arguments, stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            assert child.stdout.readline() == b"ready\n"
            time.sleep(moments.uniform(0.02, 0.2))
            child.send_signal(signal.SIGKILL)
        found = load(address, old.run.id)
        assert found in (old, new)
        assert found is not None
        assert _query(address, "SELECT name FROM everystep_runs") == [(found.run.name,)]
    store(new, address)
    assert load(address, old.run.id) == new


def test_a_table_of_another_shape_is_told_and_kept(fresh: Fresh) -> None:
    """Somebody else's data is not touched."""
    address = fresh()
    _query(address, "CREATE TABLE everystep_runs (id TEXT PRIMARY KEY, name TEXT)")
    with pytest.raises(DatabaseError, match=r"lacks status, best_step, .*record, so it is not"):
        store(records.digits(), address)
    with pytest.raises(DatabaseError, match="rename it, or store in another database"):
        load(address, "any")


def test_a_table_without_a_key_is_told(fresh: Fresh) -> None:
    """In it a run could have two rows."""
    address = fresh()
    columns = "id TEXT, name TEXT, status TEXT, best_step BIGINT, best_epoch BIGINT"
    _query(address, f"CREATE TABLE everystep_runs ({columns}, best_value FLOAT, record TEXT)")
    with pytest.raises(DatabaseError, match="has no primary key id"):
        store(records.digits(), address)


def test_what_is_stored_there_by_others_is_checked(tmp_path: Path) -> None:
    """A newer record and no record at all are told apart."""
    address = str(tmp_path / "runs.db")
    store(records.digits(), address)
    _query(address, "UPDATE everystep_runs SET record = '{\"format\": 99}'")
    with pytest.raises(NewerFormatError, match=r"runs.db, run 20260504-quiet-heron: .* format 99"):
        load(address, "20260504-quiet-heron")
    _query(address, "UPDATE everystep_runs SET record = '[]'")
    with pytest.raises(DamagedError, match=r"not a record .* stores it again"):
        load(address, "20260504-quiet-heron")


def test_reading_makes_nothing(tmp_path: Path) -> None:
    """A file that is not there is a slip; so is a database without the table."""
    path = tmp_path / "none.db"
    with pytest.raises(DatabaseError, match="there is no such file"):
        load(str(path), "any")
    assert not path.exists()
    sqlite3.connect(path).close()
    path.touch()
    with pytest.raises(DatabaseError, match="it has no table everystep_runs"):
        load(str(path), "any")


SLIPS = {
    "runs": "neither a URL nor a path",
    "user:s3cret@host/db": "neither a URL nor a path",
    "mysql://user:s3cret@host/db": "'mysql' is not supported; give SQLite or PostgreSQL",
    "postgresql://user:s3cret@host:port/db": "cannot be read",
    "://s3cret": "cannot be read",
    "sqlite://": "needs a file",
    "sqlite:///:memory:": "needs a file",
    "sqlite:////none/s3cret/runs.db": "unable to open database file",
    "postgresql://user:s3cret@127.0.0.1:1/db": r"user:\*\*\*@127.0.0.1:1/db: .*refused",
    "postgresql+asyncpg://user:s3cret@127.0.0.1:1/db?password=s3cret": "refused",
    "postgres://user@/db?host=/none&password=s3cret": "(?i)no such file",
    "postgresql://u@127.0.0.1:1/db?s3cret=s3cret": "invalid connection option",
}


@pytest.mark.parametrize("address", SLIPS)
def test_an_address_that_does_not_work_is_told_without_secrets(address: str) -> None:
    """In one line, and soon."""
    with pytest.raises(DatabaseError, match=SLIPS[address]) as caught:
        store(records.digits(), address)
    told = str(caught.value)
    assert "\n" not in told
    if "none/s3cret" not in address and "?s3cret" not in address:
        assert "s3cret" not in told


def test_a_missing_package_is_told_with_its_cure(tmp_path: Path) -> None:
    """SQLAlchemy, and the driver of PostgreSQL."""
    code = (
        "import sys; sys.modules[{package!r}] = None\n"
        "from logwriter.errors import EverystepError\n"
        "try:\n"
        "    from compactor.database import store\n"
        "    store(None, 'postgresql://user@/db')\n"
        "except EverystepError as error:\n"
        "    print(error)\n"
    )
    for package in ("sqlalchemy", "psycopg"):
        done = subprocess.run(
            [sys.executable, "-c", code.format(package=package)],
            check=True,
            capture_output=True,
            text=True,
            cwd=tmp_path,
        )
        assert package in done.stdout
        assert "pip install 'everystep[store]'" in done.stdout


def test_a_database_that_was_never_one_is_told(tmp_path: Path) -> None:
    """Such as a text file with the ending of one."""
    path = tmp_path / "notes.db"
    path.write_text("not a database " * 100)
    with pytest.raises(DatabaseError, match="file is not a database"):
        store(records.digits(), str(path))
