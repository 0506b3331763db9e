"""The plain policy: every so-many-th point."""

import numpy as np

from compactor.sampling.arrays import Curve, Ints, thinned


def uniform(curve: Curve, n: int | None) -> Ints:
    """Points evenly spread over the rows, and the pins. Arguments and result: see `Choose`."""
    return thinned(curve, np.ones(len(curve), np.bool_), n)
