"""The plain policy: every so-many-th point."""

import numpy as np

from compactor.sampling.arrays import Floats, Ints, Mask


def uniform(x: Floats, y: Floats, pinned: Mask, n: int) -> Ints:  # noqa: ARG001  a Policy
    """Points evenly spread over the rows, and the pins. Arguments and result: see `Policy`."""
    must = np.flatnonzero(pinned)
    spread = np.linspace(0, len(y) - 1, n - len(must)).astype(np.int64)
    return np.union1d(must, spread)
