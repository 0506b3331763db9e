"""Where a log begins anew: the steps of a metric fall.

Metrics may count steps differently, so each is compared with itself only. Once a new attempt has
begun, what was logged before it says nothing of its steps. Pure but for what it remembers. Steps that fall
again and again after a few rows are in another order, and no restarts.
"""

from collections.abc import Sequence

import numpy as np

from logwriter.errors import EverystepError
from logwriter.importing.items import Rows

MOST_RESTARTS = 1000
"""Each restart makes a folder."""
_SEVERAL, _FEW_ROWS = 8, 3
"""So many restarts, with so few rows between them, are none."""


class Falls:
    """Finds the rows at which a new attempt begins, chunk after chunk."""

    def __init__(self) -> None:
        self._last: dict[str, int] = {}

    def cut(self, rows: Rows) -> list[int]:
        """Where in ``rows`` attempts begin, strictly increasing; empty where no steps fall."""
        falls: list[tuple[int, int]] = []
        for metric in rows.values:
            at = np.flatnonzero(rows.where(metric))
            if len(at):
                falls += self._falls_of(metric, rows, at)
        cuts: list[int] = []
        for place, before in sorted(falls):
            if not cuts or before >= cuts[-1]:
                cuts.append(place)
        self._remember(rows, cuts[-1] if cuts else None)
        return cuts

    def forget(self) -> None:
        """A new attempt has begun for another reason."""
        self._last.clear()

    def _falls_of(self, metric: str, rows: Rows, at: np.ndarray) -> list[tuple[int, int]]:
        """Each row whose step is less than that of the metric's row before: its place, and that one's."""
        steps = rows.step[at]
        fallen = np.flatnonzero(steps[1:] < steps[:-1])
        pairs = zip(at[fallen + 1].tolist(), at[fallen].tolist(), strict=True)
        last = self._last.get(metric)
        first = [(int(at[0]), -1)] if last is not None and steps[0] < last else []
        return first + list(pairs)

    def _remember(self, rows: Rows, begun: int | None) -> None:
        if begun is not None:
            self._last.clear()
        for metric in rows.values:
            at = np.flatnonzero(rows.where(metric)[begun or 0 :]) + (begun or 0)
            if len(at):
                self._last[metric] = int(rows.step[at[-1]])


def refuse_disorder(source: str, rows: Sequence[int]) -> None:
    """Make sure that another fall of the steps can be a restart: it begins a folder, and hides rows.

    Args:
        source: What is imported.
        rows: How many rows each attempt has, up to the fall.

    Raises:
        EverystepError: Steps fall too often for that.
    """
    restarts, total = len(rows), sum(rows)
    if restarts > MOST_RESTARTS or (restarts >= _SEVERAL and total < _FEW_ROWS * restarts):
        raise EverystepError(
            f"{source}: steps go back {restarts:,} times in its first {total:,} rows. No run was resumed so "
            "often, and taking them for restarts would hide most rows. --keep-restarts keeps all rows, as they "
            "are; --step names another counter; --split COLUMN tells runs apart that share a table; a source "
            "that begins with its last step is to be turned around"
        )
