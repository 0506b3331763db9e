"""What sampling speaks of: arrays, and the curve that a policy is given."""

from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]
Ints: TypeAlias = npt.NDArray[np.int64]
Mask: TypeAlias = npt.NDArray[np.bool_]


@dataclass(frozen=True)
class Curve:
    """The finite points of a line, as columns of shape ``(N,)``.

    Attributes:
        x: Finite, never decreasing.
        y: Values, all finite.
        pinned: Which points must stay.
        passed: How much of the run has passed at each point, 0 to 1.
    """

    x: Floats
    y: Floats
    pinned: Mask
    passed: Floats

    def __len__(self) -> int:
        return len(self.x)

    @property
    def pins(self) -> Ints:
        """The points that must stay, as indices."""
        return np.flatnonzero(self.pinned)


def firsts(at: Ints, group: Ints) -> Ints:
    """Of the places in each group the first.

    Args:
        at: Strictly increasing indices.
        group: Of each of them, never decreasing, 0 or more.
    """
    return at[np.diff(group, prepend=-1) > 0]


def thinned(curve: Curve, chosen: Mask, n: int | None) -> Ints:
    """The pins, and of the chosen points as many as the budget leaves room for, evenly.

    Every k-th is taken of them, whatever their density, so that all densities shrink alike.

    Returns:
        Strictly increasing indices, at most ``n`` if the pins are not more.
    """
    others = np.flatnonzero(chosen & ~curve.pinned)
    room = len(others) if n is None else max(0, n - len(curve.pins))
    if len(others) > room:
        others = others[(np.arange(room) * len(others)) // max(room, 1)]
    return np.union1d(curve.pins, others)
