"""Rows folded into the pixel columns of a small picture: least and greatest of each, and trouble.

So a spike of one row among a million is drawn, and no value is drawn that was not logged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

COLUMNS = 200


@dataclass(frozen=True)
class Trace:
    """One line of a picture.

    ``spans`` are the least and greatest finite value of each of the `COLUMNS` pixel columns, in
    order, ``None`` where there is none; ``broken`` are the columns with a row that is not finite,
    ``best`` the column and value of a point to mark.
    """

    name: str
    spans: Sequence[tuple[float, float] | None]
    broken: frozenset[int] = frozenset()
    best: tuple[int, float] | None = None


class Fold:
    """The rows of one metric between two steps, taken piece by piece."""

    def __init__(self, first_step: int, last_step: int, goal: str | None = None) -> None:
        """Prepare for steps from ``first_step`` to ``last_step``; ``goal`` is ``min``, ``max`` or none."""
        self._first, self._span = float(first_step), max(1.0, float(last_step) - float(first_step))
        self._low, self._high = np.full(COLUMNS, np.inf), np.full(COLUMNS, -np.inf)
        self._broken = np.zeros(COLUMNS, dtype=bool)
        self._sign = {"min": 1.0, "max": -1.0}.get(goal or "", 0.0)
        self.best: tuple[int, float] | None = None
        """Step and value of the best row: the first of equals."""

    def add(self, steps: npt.NDArray[np.int64], values: npt.NDArray[np.float64]) -> None:
        """Take rows in log order; both arrays have shape (n,)."""
        if not len(steps):
            return
        place = self._place(steps)
        finite = np.isfinite(values)
        starts = np.flatnonzero(np.diff(place, prepend=-1))
        low = np.minimum.reduceat(np.where(finite, values, np.inf), starts)
        high = np.maximum.reduceat(np.where(finite, values, -np.inf), starts)
        np.minimum.at(self._low, place[starts], low)
        np.maximum.at(self._high, place[starts], high)
        self._broken[place[~finite]] = True
        if self._sign and finite.any():
            self._keep_best(steps, np.where(finite, self._sign * values, np.inf))

    def add_gap(self, first_step: int, last_step: int) -> None:
        """Take a stretch of rows none of which is finite."""
        first, last = self._place(np.array([first_step, last_step])).tolist()
        self._broken[first : last + 1] = True

    def trace(self, name: str) -> Trace:
        """The line that was folded."""
        spans = [
            (low, high) if low <= high else None
            for low, high in zip(self._low.tolist(), self._high.tolist(), strict=True)
        ]
        broken = frozenset(np.flatnonzero(self._broken).tolist())
        if self.best is None:
            return Trace(name, spans, broken)
        step, value = self.best
        column = int(self._place(np.array([step]))[0])
        return Trace(name, spans, broken, (column, value))

    def _place(self, steps: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        share = (steps.astype(np.float64) - self._first) / self._span
        return np.clip(share * (COLUMNS - 1), 0, COLUMNS - 1).astype(np.int64)

    def _keep_best(self, steps: npt.NDArray[np.int64], costs: npt.NDArray[np.float64]) -> None:
        at = int(np.argmin(costs))
        if self.best is None or costs[at] < self._sign * self.best[1]:
            self.best = int(steps[at]), self._sign * float(costs[at])
