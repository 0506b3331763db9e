"""A table of densities: early steps in full, later ones ever more thinly.

1 in 1 up to step 1000, 1 in 10 to 10 000, 1 in 50 to 100 000, 1 in 200 to 1 000 000, and 1 in
1000 beyond. Where that is more than the budget, all densities shrink alike.
"""

import numpy as np

from compactor.sampling.arrays import Floats, Ints, Mask

TABLE = ((0, 1), (1_000, 10), (10_000, 50), (100_000, 200), (1_000_000, 1_000))
"""``(from step, one in so many)``."""


def points_up_to(x: Floats) -> Floats:
    """How many points the table grants between step 0 and each ``x``."""
    starts = [start for start, _ in TABLE[1:]]
    total = np.minimum(x, starts[0])
    for (start, stride), end in zip(TABLE[1:], [*starts[1:], np.inf], strict=True):
        total = total + np.clip(x - start, 0, end - start) / stride
    return total


def piecewise(x: Floats, y: Floats, pinned: Mask, n: int) -> Ints:  # noqa: ARG001  a Policy
    """The last point of each step of the table, and the pins. Arguments and result: see `Policy`."""
    must = np.flatnonzero(pinned)
    granted = points_up_to(x)
    granted -= np.floor(granted[0])
    room = max(0, n - len(must) - 2)
    bins = np.floor(granted * min(1.0, room / max(granted[-1], 1.0)))
    return np.union1d(must, np.flatnonzero(np.diff(bins, append=np.inf)))
