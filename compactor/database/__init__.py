"""Records in a database: one row a run, the document in one JSON column.

The table is ``everystep_runs`` (`compactor.database.table`). `store` writes a run's row in one
transaction, as one statement: what kills it leaves the row as it was, or as it shall be, and
storing again is harmless. SQLite and PostgreSQL are spoken to through SQLAlchemy, which comes with
the extra ``everystep[store]``. No message shows a password.
"""

from logwriter.errors import EverystepError

try:
    from compactor.database.access import load, store
    from compactor.database.address import DatabaseError, parse_address
except ModuleNotFoundError as error:
    raise EverystepError(
        f"a database needs {error.name}, which is not installed; pip install 'everystep[store]'"
    ) from error

__all__ = ["DatabaseError", "load", "parse_address", "store"]
