"""The offline half of everystep: from the complete log to one document.

`compact` reads a run and writes its ``record.json``; `downsample` picks the points of a line to
draw. Importing this package loads neither DuckDB nor Polars nor pyarrow: they wait for `compact`.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from compactor.compaction import compact
    from compactor.sampling import downsample

__all__ = ["compact", "downsample"]


def __getattr__(name: str) -> Any:
    """Load the two functions on first use (PEP 562)."""
    if name == "compact":
        from compactor.compaction import compact  # noqa: PLC0415  loads DuckDB

        return compact
    if name == "downsample":
        from compactor.sampling import downsample  # noqa: PLC0415  loads NumPy

        return downsample
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
