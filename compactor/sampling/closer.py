"""A closer look at a calm line: points that bring a polyline nearer to all points."""

import numpy as np

from compactor.sampling.arrays import Floats, Ints, firsts

ROUNDS = 12
FINENESS = 32
"""Parts of a pixel by which a point may miss the polyline."""


def closer(x: Floats, y: Floats, kept: Ints, n: int, height: float) -> Ints:
    """Spend what is left of a budget where the line is farthest from its points.

    Round by round, the farthest point of each segment joins, as in the line simplification of
    Ramer ("An iterative procedure for the polygonal approximation of plane curves", Computer
    Graphics and Image Processing 1(3), 1972), with the vertical distance; after twelve rounds, or
    when all points are that close, the rest of the budget stays unspent.

    Args:
        x: Shape ``(N,)``, never decreasing.
        y: Values, finite, shape ``(N,)``.
        kept: Strictly increasing indices, the first and the last point among them.
        n: How many points may be kept.
        height: Of the chart in pixels.

    Returns:
        Strictly increasing indices, ``kept`` among them, at most ``n``.
    """
    quarter = y / 4  # differences cannot overflow
    near = (quarter.max() - quarter.min()) / (FINENESS * height)
    for _ in range(ROUNDS):
        room = n - len(kept)
        if room < 1 or len(kept) < 2:
            break
        off = np.abs(quarter - np.interp(x, x[kept], quarter[kept]))
        off[kept] = 0
        starts = kept[:-1]
        farthest = np.repeat(np.maximum.reduceat(off, starts), np.diff(starts, append=len(y)))
        at = np.flatnonzero((off > near) & (off == farthest))
        if not len(at):
            break
        at = firsts(at, starts.searchsorted(at, "right"))
        joining = at[np.argsort(-off[at], kind="stable")[:room]]
        kept = np.sort(np.concatenate((kept, joining)))
    return kept
