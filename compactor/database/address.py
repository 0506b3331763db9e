"""Which database is meant: a URL, or the path of an SQLite file."""

from pathlib import PurePath

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from logwriter.errors import EverystepError

FILE_SUFFIXES = (".db", ".sqlite", ".sqlite3")
_DRIVERS = {
    "sqlite": "sqlite+pysqlite",
    "postgresql": "postgresql+psycopg",
    "postgres": "postgresql+psycopg",
}
_EXAMPLES = "such as runs.db, sqlite:///runs.db or postgresql://user@host/name"


class DatabaseError(EverystepError):
    """Raised when a database cannot be named, reached, read or written."""


def parse_address(given: str) -> URL:
    """The database that a person means.

    Args:
        given: A URL of SQLite or PostgreSQL, whatever driver it names; or the path of an SQLite
            file, which ends in ``.db``, ``.sqlite`` or ``.sqlite3``.

    Raises:
        DatabaseError: It is neither, or no database would outlast the program. The message does not
            repeat ``given``, which may hold a password.
    """
    if "://" not in given:
        if PurePath(given).suffix not in FILE_SUFFIXES:
            raise DatabaseError(
                f"the database is neither a URL nor a path that ends in {', '.join(FILE_SUFFIXES)}; "
                f"give one {_EXAMPLES}"
            )
        return URL.create(_DRIVERS["sqlite"], database=given)
    try:
        url = make_url(given)
    except (ArgumentError, ValueError) as error:
        raise DatabaseError(f"the database's URL cannot be read; give one {_EXAMPLES}") from error
    backend = url.drivername.partition("+")[0]
    if backend not in _DRIVERS:
        raise DatabaseError(
            f"a database of the kind {backend!r} is not supported; give SQLite or PostgreSQL, "
            f"{_EXAMPLES}"
        )
    if backend == "sqlite" and url.database in {None, "", ":memory:"}:
        raise DatabaseError(f"an SQLite database needs a file to outlast this command, {_EXAMPLES}")
    return url.set(drivername=_DRIVERS[backend])


def shown(url: URL) -> str:
    """The address for a message: without a password, and without options, which may hold one."""
    return url.set(query={}).render_as_string(hide_password=True)
