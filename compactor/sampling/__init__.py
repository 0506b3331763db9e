"""Downsampling: arrays in, strictly increasing indices out.

Law 5, a chart never lies, is kept here once for every policy: the pins (first, last, least,
greatest and best point, the edges of stretches that are not finite) are set aside first; the
policy then spends what the budget leaves on the finite points; a line that fits is unchanged.
Every policy is a pure function: the same arrays give the same indices.
"""

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from compactor.sampling.adaptive import adaptive
from compactor.sampling.arrays import Floats, Ints, Mask
from compactor.sampling.piecewise import piecewise
from compactor.sampling.pins import gap_edges, pins
from compactor.sampling.uniform import uniform

Policy: TypeAlias = Callable[[Floats, Floats, Mask, int], Ints]
"""``(x, y, pinned, n)``: finite points, which of them must stay, and how many may.

Returns strictly increasing indices, the pinned ones among them, at most ``n``. There are more than
``n`` points, and at most ``n`` pins.
"""

POLICIES: dict[str, Policy] = {
    "adaptive": adaptive,
    "piecewise": piecewise,
    "uniform": uniform,
}
LEAST_POINTS = 16


def check(n: int, policy: str) -> None:
    """Refuse a budget or a policy that `downsample` cannot honour.

    Raises:
        ValueError: ``n`` is below 16, or there is no such policy.
    """
    if n < LEAST_POINTS:
        raise ValueError(
            f"{n} points are too few to keep a line's ends, extremes and gaps; "
            f"give at least {LEAST_POINTS}"
        )
    if policy not in POLICIES:
        raise ValueError(f"there is no policy {policy!r}; choose one of {', '.join(POLICIES)}")


def downsample(
    x: Any, y: Any, n: int, *, policy: str = "adaptive", keep: Sequence[int] = ()
) -> Ints:
    """The points of a line to draw.

    Args:
        x: Shape ``(N,)``, finite, never decreasing: usually steps.
        y: Shape ``(N,)``: values, in which NaN and infinities are gaps.
        n: How many points may be kept, at least 16.
        policy: ``"adaptive"``, ``"piecewise"`` or ``"uniform"``.
        keep: Up to four indices to keep besides the pins, such as the best point.

    Returns:
        Strictly increasing indices into ``x``, at most ``n``, all of them where ``N <= n``. The
        first and last point, the first of the least and of the greatest finite values and ``keep``
        are always among them; so are the edges of non-finite stretches, as far as half of ``n``
        allows.

    Raises:
        ValueError: The arrays do not match or ``x`` decreases, or see `check`.
    """
    check(n, policy)
    along, values = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if along.ndim != 1 or along.shape != values.shape:
        raise ValueError(f"x {along.shape} and y {values.shape} must be one-dimensional and alike")
    if not np.isfinite(along).all() or (np.diff(along) < 0).any():
        raise ValueError("x must be finite and must not decrease; sort the points by x first")
    if len(values) <= n:
        return np.arange(len(values))
    finite = np.isfinite(values)
    pinned = np.zeros(len(values), np.bool_)
    pinned[pins(values, finite)] = True
    pinned[list(keep)] = True
    pinned[gap_edges(finite, n // 2)] = True
    at = np.flatnonzero(finite)
    outside = np.flatnonzero(pinned & ~finite)
    room = n - len(outside)
    if len(at) > room:
        at = at[POLICIES[policy](along[at], values[at], pinned[at], room)]
    return np.union1d(at, outside)
