"""Where a line is not finite, from the rows at the edges of such stretches alone.

Kept are the first and the last row of a stretch and the finite rows next to it, so that two stretches
never look like one. A stretch that a segment's end cuts in two is one again when the segments' edges
are put together.
"""

import numpy as np

from compactor.fold.cells import ROW, starts_of
from compactor.fold.records import Records
from compactor.fold.rows import Rows, fill_rows
from compactor.reading.lines import MOST_STRETCHES

EDGE = np.dtype([("line", "<i8"), ("row", ROW)])


def find_edges(rows: Rows) -> Records:
    """The edges of the first hundred stretches and of the last one, for each line.

    Args:
        rows: By line, in each by step.

    Returns:
        Of `EDGE`, in the order of the rows.
    """
    finite = np.isfinite(rows.value)
    begin = starts_of(rows.line)
    first = np.zeros(len(rows), np.bool_)
    first[begin] = True
    last = np.append(first[1:], True)
    opens = ~finite & (first | np.append(True, finite[:-1]))
    closes = ~finite & (last | np.append(finite[1:], True))
    start, end = np.flatnonzero(opens), np.flatnonzero(closes)
    group = starts_of(rows.line[start])
    count = np.diff(group, append=len(start))
    number = np.arange(len(start)) - np.repeat(group, count)
    kept = (number < MOST_STRETCHES) | (number == np.repeat(count, count) - 1)
    before, after = start[kept & ~first[start]] - 1, end[kept & ~last[end]] + 1
    at = np.unique(np.concatenate((before, start[kept], end[kept], after)))
    edges = Records.zeros(EDGE, len(at))
    edges["line"] = rows.line[at]
    fill_rows(edges.part("row"), rows, at)
    return edges
