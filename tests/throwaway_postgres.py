"""A PostgreSQL server for tests, and empty databases in it, gone afterwards.

It is the one that ``EVERYSTEP_POSTGRES_URL`` names; without it, one is made in a temporary folder with
the programs that Debian's ``postgresql`` installs.
"""

import os
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa

from compactor.database import parse_address

_DEBIAN = Path("/usr/lib/postgresql")
_USER = "postgres"


def _program(name: str) -> str | None:
    """The program of the newest PostgreSQL that Debian installed, or the one on the path."""
    installed = sorted(_DEBIAN.glob(f"*/bin/{name}"), key=lambda path: float(path.parts[-3]))
    return str(installed[-1]) if installed else shutil.which(name)


@contextmanager
def postgres_server() -> Iterator[str]:
    """The URL of a server that makes databases; skips the test where there is none."""
    named = os.environ.get("EVERYSTEP_POSTGRES_URL")
    if named:
        yield named
    elif _is_installed():
        with _throwaway() as url:
            yield url
    else:
        pytest.skip("no PostgreSQL: install Debian's postgresql, or set EVERYSTEP_POSTGRES_URL")


@contextmanager
def empty_database(server: str) -> Iterator[str]:
    """The URL of a new database; it is dropped afterwards."""
    name = f"everystep_test_{uuid.uuid4().hex}"
    url = parse_address(server)
    engine = sa.create_engine(url, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    try:
        yield url.set(database=name).render_as_string(hide_password=False)
    finally:
        with engine.connect() as connection:
            connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


def _is_installed() -> bool:
    """Whether a server can be made here; as root it takes the user ``postgres``."""
    programs = ["runuser"] if os.geteuid() == 0 else []
    found = all(shutil.which(program) for program in programs)
    return found and None not in {_program("initdb"), _program("pg_ctl")}


@contextmanager
def _throwaway() -> Iterator[str]:
    """Start a server that answers on a socket alone; gives its URL, in which nobody has a password."""
    # pytest's own folder is closed to the user that the server runs as
    folder = Path(tempfile.mkdtemp(prefix="everystep-postgres-"))
    data = folder / "data"
    try:
        if os.geteuid() == 0:
            shutil.chown(folder, _USER)
        initial = ["--no-sync", "--auth=trust", f"--username={_USER}", "--encoding=UTF8"]
        _call("initdb", f"--pgdata={data}", "--no-locale", *initial)
        options = f"-k {folder} -c listen_addresses= -c fsync=off -c shared_buffers=16MB"
        _call("pg_ctl", f"--pgdata={data}", "-w", "-l", str(folder / "log"), "-o", options, "start")
        try:
            yield f"postgresql://{_USER}@/postgres?host={folder}"
        finally:
            _call("pg_ctl", f"--pgdata={data}", "-w", "-m", "immediate", "stop")
    finally:
        shutil.rmtree(folder)


def _call(name: str, *arguments: str) -> None:
    """Run one of PostgreSQL's programs; it refuses to be root."""
    program = _program(name)
    assert program is not None
    as_user = ["runuser", "-u", _USER, "--"] if os.geteuid() == 0 else []
    done = subprocess.run(
        [*as_user, program, *arguments],
        check=False,
        cwd="/",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,  # a pipe would stay open as long as the server lives
        stderr=subprocess.DEVNULL,
    )
    assert done.returncode == 0, f"{name} failed; run it by hand to see why"
