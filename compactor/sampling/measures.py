"""How wild a line is around each of its points, over a window of rows that ends there.

All work on values scaled by a power of two, which is exact, so that squares neither overflow nor
vanish. Windows at the start of the line are shorter; a window of one row is calm.
"""

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from compactor.sampling.arrays import Floats

EPSILON = 1e-12
"""Keeps a division by the last kept value, or by the mean, away from zero."""
LEAST_POWER = -900  # still smaller values are left as small as they are
_AT_ONCE = 1 << 20  # values of windows in memory

Measure: TypeAlias = Callable[[Floats, Floats, float], Floats]
"""``(x, y, epsilon)`` of windows, shape ``(M, window)``, to one number each, shape ``(M,)``."""


def window_std(x: Floats, y: Floats, epsilon: float) -> Floats:  # noqa: ARG001  a Measure
    """Standard deviation (of the population)."""
    deviation: Floats = y.std(axis=1)
    return deviation


def window_cv(x: Floats, y: Floats, epsilon: float) -> Floats:
    """Coefficient of variation: the standard deviation over the size of the mean."""
    share: Floats = window_std(x, y, epsilon) / (np.abs(y.mean(axis=1)) + epsilon)
    return share


def mean_abs_diff(x: Floats, y: Floats, epsilon: float) -> Floats:  # noqa: ARG001  a Measure
    """Mean distance between neighbours."""
    distance: Floats = np.abs(np.diff(y, axis=1)).mean(axis=1)
    return distance


def fit_residual(x: Floats, y: Floats, epsilon: float) -> Floats:  # noqa: ARG001  a Measure
    """Root mean square distance from the least-squares line, so that a straight trend is calm."""
    span = x[:, -1:] / 2 - x[:, :1] / 2
    along = (x / 2 - x[:, :1] / 2) / np.where(span > 0, span, 1.0)
    along -= along.mean(axis=1, keepdims=True)
    off = y - y.mean(axis=1, keepdims=True)
    spread = (along * along).sum(axis=1, keepdims=True)
    slope = (along * off).sum(axis=1, keepdims=True) / np.where(spread > 0, spread, 1.0)
    off -= slope * along
    residual: Floats = np.sqrt((off * off).mean(axis=1))
    return residual


WINDOWED: dict[str, Measure] = {
    "window_std": window_std,
    "window_cv": window_cv,
    "mean_abs_diff": mean_abs_diff,
    "fit_residual": fit_residual,
}
RELATIVE = ("relative_change", "window_cv")
"""The measures without a unit; the others are in units of the values."""


def measured(name: str, x: Floats, y: Floats, window: int) -> tuple[Floats, int]:
    """One of the windowed measures, at each point.

    Args:
        name: A key of `WINDOWED`.
        x: Shape ``(N,)``, never decreasing.
        y: Shape ``(N,)``, finite.
        window: Rows in a window, at least 2.

    Returns:
        The measure, shape ``(N,)``, and the power of two that it is to be multiplied by.
    """
    measure = WINDOWED[name]
    power = max(int(np.frexp(np.abs(y).max())[1]), LEAST_POWER)
    scaled = np.ldexp(y, -power)
    epsilon = max(float(np.ldexp(EPSILON, -power)), float(np.finfo(np.float64).tiny))
    wild = np.zeros(len(y))
    for end in range(2, min(window, len(y) + 1)):
        wild[end - 1] = measure(x[None, :end], scaled[None, :end], epsilon)[0]
    if len(y) >= window:
        along, values = sliding_window_view(x, window), sliding_window_view(scaled, window)
        rows = max(1, _AT_ONCE // window)
        for start in range(0, len(values), rows):
            few = slice(start, min(start + rows, len(values)))
            wild[window - 1 :][few] = measure(along[few], values[few], epsilon)
    return wild, 0 if name in RELATIVE else power
