"""Logs of other tools become runs, with every value as it was.

A *format* (`logwriter.importing.formats`) reads a source into *items*: rows, messages, facts, and what
could not be read, by line. A *target* writes the items of one run: rows as sealed segments, the rest
as events. Steps that fall begin a new attempt. The run appears under its name only when all of it
is written: a killed import leaves a hidden folder and no run.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logwriter.importing.transfer import import_log

__all__ = ["import_log"]


def __getattr__(name: str) -> Any:
    """Load `import_log` on first use (PEP 562): it brings NumPy and pyarrow."""
    if name == "import_log":
        from logwriter.importing.transfer import import_log  # noqa: PLC0415  see above

        return import_log
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
