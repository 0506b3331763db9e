"""Slow, readable twins of what the compactor computes."""

import math
from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


class Row(NamedTuple):
    """One logged value, in log order."""

    step: int
    epoch: int | None
    value: float


def exact_mean(values: Sequence[float]) -> float | None:
    """The mean of the finite values, rounded once."""
    finite = [Fraction(value) for value in values if math.isfinite(value)]
    return float(sum(finite, Fraction(0)) / len(finite)) if finite else None


def best_row(rows: Sequence[Row], mode: str) -> Row | None:
    """The first of the best finite rows."""
    best = None
    for row in rows:
        if math.isfinite(row.value) and (
            best is None or (row.value < best.value if mode == "min" else row.value > best.value)
        ):
            best = row
    return best


def stretches(rows: Sequence[tuple[int, float]]) -> list[tuple[int, int]]:
    """First and last step of each stretch of rows without a finite value."""
    found: list[tuple[int, int]] = []
    broken = False
    for step, value in rows:
        if math.isfinite(value):
            broken = False
        elif broken:
            found[-1] = (found[-1][0], step)
        else:
            broken = True
            found.append((step, step))
    return found
