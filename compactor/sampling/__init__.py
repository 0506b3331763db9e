"""Downsampling: arrays in, strictly increasing indices out.

Law 5, a chart never lies, is kept here once for every policy: the pins (first, last, least,
greatest and best point, the edges of stretches that are not finite) are set aside first; the
policy then spends what the budget leaves on the finite points; a line that fits is unchanged.
Every policy is a pure function: the same arrays give the same indices.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np

from compactor.sampling.arrays import Curve, Floats, Ints
from compactor.sampling.ink import scaled
from compactor.sampling.pins import gap_edges, pins
from compactor.sampling.policy import POLICIES, Policy, parse_policy

__all__ = ["LEAST_POINTS", "POLICIES", "Policy", "check", "downsample", "parse_policy"]

LEAST_POINTS = 16


def check(n: int | None, policy: str | Policy) -> Policy:
    """Refuse a budget or a policy that `downsample` cannot honour.

    Returns:
        The policy, read.

    Raises:
        ValueError: ``n`` is below 16, the policy needs one, or see `parse_policy`.
    """
    read = parse_policy(policy)
    if n is None and read.needs_budget:
        raise ValueError(f"the policy {read.text} needs a number of points; give at least 16")
    if n is not None and n < LEAST_POINTS:
        raise ValueError(
            f"{n} points are too few to keep a line's ends, extremes and gaps; "
            f"give at least {LEAST_POINTS}"
        )
    return read


def downsample(
    x: Any,
    y: Any,
    n: int | None,
    *,
    policy: str | Policy = "adaptive",
    keep: Sequence[int] = (),
    epoch: Any = None,
) -> Ints:
    """The points of a line to draw.

    Args:
        x: Shape ``(N,)``, finite, never decreasing: usually steps.
        y: Shape ``(N,)``: values, in which NaN and infinities are gaps.
        n: How many points may be kept, at least 16; ``None``, for ``piecewise`` and
            ``volatility`` only, keeps all that their rule keeps.
        policy: How to choose, as `parse_policy` reads it: ``"adaptive"``, ``"piecewise"``,
            ``"volatility"``, ``"uniform"``, ``"minmaxlttb"``, ``"lttb"``, ``"m4"``, ``"minmax"``.
        keep: Up to four indices to keep besides the pins, such as the best point.
        epoch: Shape ``(N,)``, NaN where none: what a growing threshold grows with, instead of ``x``.

    Returns:
        Strictly increasing indices into ``x``, at most ``n``, all of them where ``N <= n``. The
        first and last point, the first of the least and of the greatest finite values and ``keep``
        are always among them; so are the edges of non-finite stretches, as far as half of ``n``
        allows. Inside such a stretch nothing is kept.

    Raises:
        ValueError: The arrays do not match or ``x`` decreases, or see `check`.
    """
    choose = check(n, policy).choose
    along, values = np.asarray(x, np.float64), np.asarray(y, np.float64)
    if along.ndim != 1 or along.shape != values.shape:
        raise ValueError(f"x {along.shape} and y {values.shape} must be one-dimensional and alike")
    if not np.isfinite(along).all() or (along[1:] < along[:-1]).any():
        raise ValueError("x must be finite and must not decrease; sort the points by x first")
    if len(values) <= (0 if n is None else n):
        return np.arange(len(values))
    if max(-along[0], along[-1]) > np.finfo(np.float64).max / 2:
        along = along / 2  # differences must not overflow
    finite = np.isfinite(values)
    pinned = np.zeros(len(values), np.bool_)
    pinned[pins(values, finite)] = True
    pinned[list(keep)] = True
    pinned[gap_edges(finite, 4 * len(values) if n is None else n // 2)] = True
    at = np.flatnonzero(finite)
    outside = np.flatnonzero(pinned & ~finite)
    room = None if n is None else n - len(outside)
    if len(at) > (0 if room is None else room):
        passed = _passed(along, epoch)
        at = at[choose(Curve(along[at], values[at], pinned[at], passed[at]), room)]
    return np.union1d(at, outside) if len(outside) else at


def _passed(x: Floats, epoch: Any) -> Floats:
    """The share of the run that has passed at each point: of its epochs, else of ``x``."""
    share = scaled(x)
    if epoch is None:
        return share
    epochs = np.asarray(epoch, np.float64)
    if epochs.shape != x.shape:
        raise ValueError(f"x {x.shape} and epoch {epochs.shape} must be alike")
    known = ~np.isnan(epochs)
    last = epochs[known].max(initial=0.0)
    return np.where(known, np.clip(epochs / (last or 1.0), 0, 1), share)
