"""From the candidates of a line to those that its picture needs: once in C, once in NumPy.

`compiled` (``compiled.c``) is built where there is a C compiler, or comes ready in a wheel. Where it is
missing, `interpreted` finds the same points, at seven times the cost, and as the text that explains
it. ``EVERYSTEP_COMPILED=0`` in the environment asks for the latter.
"""

import numpy as np

from compactor.sampling.arrays import Ints, Mask
from compactor.sampling.ink import HEIGHT, Canvas
from compactor.sampling.pruning import interpreted
from logwriter.built import built

CONTRACT = 1  # what is expected of C: one that was built before a change is not used after it

_compiled = built("compactor.sampling.pruning.compiled", CONTRACT)
IS_COMPILED = _compiled is not None


def prune(views: list[Canvas], pinned: Mask, n: int) -> Ints:
    """As `interpreted.prune`, in C where that was built. The interpreter's lock is let go of then.

    Raises:
        ValueError: In C: an array is not what a canvas has.
    """
    if _compiled is None:
        return interpreted.prune(views, pinned, n)
    kept = np.empty(len(pinned), np.int64)
    pictures = tuple((on.u, on.v, on.low, on.high, on.weight) for on in views)
    rule = (
        HEIGHT,
        interpreted.APART,
        interpreted.NARROW,
        interpreted.unseen(views),
        interpreted.DROPPED_AT_ONCE,
        interpreted.DROPPED_AT_FIRST,
        interpreted.FAR,
    )
    count: int = _compiled.prune(pictures, pinned, n, rule, kept)
    return kept[:count]
