"""A closer look at a calm line: points that bring a polyline nearer to all points."""

import numpy as np

from compactor.sampling.arrays import Floats, Ints

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
        farthest = np.maximum.reduceat(off, starts)
        chosen = np.sort(np.argsort(-farthest, kind="stable")[:room])
        chosen = chosen[farthest[chosen] > near]
        if not len(chosen):
            break
        ends = np.append(starts[1:], len(y))
        joining = [
            int(a + np.argmax(off[a:b])) for a, b in zip(starts[chosen], ends[chosen], strict=True)
        ]
        kept = np.union1d(kept, joining)
    return kept
