"""A stretch of one writer's rows, and all that one writer wrote."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias

import pyarrow as pa

from logwriter.segments import open_segment
from logwriter.state import AttemptState
from logwriter.stretches import Stretch

Place: TypeAlias = tuple[int, int, int]
"""Rank, attempt and first sequence number."""
Wait: TypeAlias = Callable[[], None]
"""Returns when a segment was checked. What it raises is `logwriter.parts.check_part`'s."""


def checked() -> None:
    """The `Wait` of what was checked already."""


@dataclass(frozen=True)
class Part:
    """A stretch of one writer's rows, in a checked segment or in memory.

    Exactly one of ``path`` (a sealed Parquet segment, whole once ``wait`` has returned) and ``table``
    (rows not sealed yet, in the segments' schema) is set. ``rows`` counts rows, not values.
    ``unverified`` of the rows come from behind the last sync point of another boot. Rows whose
    ``seq`` is at least ``hidden_from`` are hidden by a later attempt. ``source`` is the name of the
    file that holds the rows.
    """

    rank: int
    attempt: int
    first_seq: int
    rows: int
    path: Path | None = None
    table: pa.Table | None = None
    unverified: int = 0
    hidden_from: int | None = None
    source: str = ""
    wait: Wait = field(default=checked, repr=False, compare=False)

    @property
    def place(self) -> Place:
        """Its rank, its attempt, and the sequence number of its first row: no two parts share them."""
        return self.rank, self.attempt, self.first_seq

    @property
    def stretch(self) -> Stretch:
        """The sequence numbers of its rows."""
        return self.first_seq, self.first_seq + self.rows

    def open(self) -> pa.NativeFile:
        """Its segment, for Arrow to read from.

        Raises:
            FileNotFoundError: It is gone.
            DamagedError: It is no file any more.
            ValueError: Its rows are in memory.
        """
        if self.path is None:
            raise ValueError("rows that are not sealed are in no file of their own")
        return open_segment(self.path)


@dataclass(frozen=True)
class WriterLog:
    """One writer's events, folded, and where its rows are, in order and without a gap."""

    state: AttemptState
    parts: tuple[Part, ...]
    torn_event: str | None

    @property
    def rows(self) -> int:
        """The number of rows that can be read."""
        return sum(part.rows for part in self.parts)
