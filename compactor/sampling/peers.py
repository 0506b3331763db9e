"""Policies of others, for comparison, through the package ``tsdownsample``.

MinMax keeps the least and greatest point of each bucket; M4 the first and last as well (Jugel,
Jerzak, Hackenbroich and Markl, PVLDB 7(10), 2014); LTTB the point of each bucket that spans the
largest triangle (Steinarsson, "Downsampling Time Series for Visual Representation", 2013);
MinMaxLTTB runs LTTB over the extremes (Van Der Donckt et al., IEEE VIS 2023).
"""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from compactor.sampling.arrays import Curve, Ints
from compactor.sampling.ink import scaled

SAMPLERS = {
    "minmaxlttb": ("MinMaxLTTBDownsampler", 1),
    "lttb": ("LTTBDownsampler", 1),
    "m4": ("M4Downsampler", 4),
    "minmax": ("MinMaxDownsampler", 2),
}
"""Name of a policy: the sampler's class, and what its number of points must be a multiple of."""
NARROWEST = 1e-6
"""Where the points but the first and last share so narrow a part of the axis, samplers count rows:
buckets of no width at all make them panic."""
FEWEST = 4
"""A sampler asked for fewer points, or for fewer than two buckets of them, is not asked at all: it would
panic."""


def installed(name: str) -> None:
    """Refuse a policy whose package is missing.

    Raises:
        ValueError: It is.
    """
    if find_spec("tsdownsample") is None:
        raise ValueError(
            f"the policy {name!r} needs the package tsdownsample: pip install 'everystep[peers]'"
        )


def sample(curve: Curve, n: int | None, *, name: str) -> Ints:
    """The points that one of the `SAMPLERS` picks, and the pins.

    Args:
        curve: Finite points.
        n: How many may stay.
        name: Which sampler.

    Returns:
        Strictly increasing indices. Where the sampler leaves no room for the pins, it is asked
        again for that many points less.
    """
    most = len(curve) if n is None else n
    kind, multiple = SAMPLERS[name]
    sampler: Any = getattr(import_module("tsdownsample"), kind)()
    along = scaled(curve.x)
    places = [along] if along[-2] - along[1] > NARROWEST else []
    values = scaled(curve.y)
    for room in (most, most - len(curve.pins)):
        count = room // multiple * multiple
        if count < max(FEWEST, 2 * multiple):
            break
        picked = sampler.downsample(*places, values, n_out=count).astype(np.int64)
        kept = np.union1d(curve.pins, picked)
        if len(kept) <= most:
            return kept
    return curve.pins
