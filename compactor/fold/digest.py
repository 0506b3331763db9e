"""From rows to cells: one pass over rows of a segment, and nothing of them is needed again.

The cells are a few hundred steps wide: 2^k steps, aligned to 0, ever finer towards step 0, so that
cells of several segments fit into the same buckets. How wide depends on the segment alone: the cells
of a segment never change, and can be kept.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from compactor.fold.cells import CELL, starts_of
from compactor.fold.exact import MOST_VALUES, TERM
from compactor.fold.gaps import EDGE, find_edges
from compactor.fold.records import Records
from compactor.fold.rows import Rows
from compactor.fold.summing import summed
from compactor.reading.lines import ATTEMPT_SHIFT
from compactor.sampling.arrays import Ints

ROWS_A_CELL, MOST_ROWS_A_CELL = 128, 512
"""Rows of a metric in a cell, where it was logged at every step. Cells of a long run may be wider."""
CELLS_A_RUN = 4096
"""A cell need not be finer than this share of all rows up to its segment's end."""
FEWEST_CELLS = 4
EARLY_BITS = 6
"""Early cells: each doubling of the step is cut into this power of two."""
_TOGETHER = 1 << 17
"""So many values at once stay in the processor's cache."""


@dataclass(frozen=True)
class Digest:
    """What is left of the rows of one segment.

    ``line`` in all of them counts the segment's metrics from 0.

    Attributes:
        cells: Of `compactor.fold.cells.CELL`, by line and step.
        terms: Of `compactor.fold.exact.TERM`, by cell.
        edges: Of `compactor.fold.gaps.EDGE`, by line and step.
        first: What the terms call the first of the cells.
    """

    cells: Records
    terms: Records
    edges: Records
    first: int = 0


def join(digests: Sequence[Digest], room: Ints | None = None) -> Digest:
    """Digests one after another, as one.

    Args:
        digests: In the order of the log.
        room: Where the cells go, if there is room for them; see `Records.joined`.
    """
    terms, count = [], 0
    for each in digests:
        moved = Records(TERM, each.terms.columns.copy())
        moved["cell"] += count - each.first
        terms.append(moved)
        count += len(each.cells)
    return Digest(
        Records.joined(CELL, [each.cells for each in digests], room),
        Records.joined(TERM, terms),
        Records.joined(EDGE, [each.edges for each in digests]),
    )


def digest(rows: Rows) -> Digest:
    """The digest of rows of one attempt: of one segment, or of a journal that is not sealed yet."""
    starts = starts_of(rows.line)
    bounds = np.append(starts, len(rows)).tolist()
    digests = []
    begin = 0
    while begin < len(starts):
        end = begin + 1
        while end < len(starts) and bounds[end + 1] - bounds[begin] <= _TOGETHER:
            end += 1
        some = rows.take(slice(bounds[begin], bounds[end]))
        digests.append(_digest_some(some, starts[begin:end] - bounds[begin]))
        begin = end
    return join(digests)


def cell_edges(low: int, high: int, shift: int) -> Ints:
    """Where the cells between two steps start: those that end behind ``low``, and those up to ``high``.

    Args:
        low: The first step.
        high: The last.
        shift: The cells are 2^shift steps wide, or finer towards step 0.
    """
    wide = _wide_edges(low, high, shift)
    if high <= 0 or low >= 1 << (shift + EARLY_BITS):
        return wide
    early = _early_edges(shift)
    return np.concatenate((wide[wide <= 0], early, wide[wide >= 1 << (shift + EARLY_BITS)]))


def _wide_edges(low: int, high: int, shift: int) -> Ints:
    """The same for cells that are 2^shift steps wide everywhere."""
    return np.arange(low >> shift, (high >> shift) + 1) << shift


def shift_for(low: int, high: int, most: int) -> int:
    """The least k for which buckets of 2^k steps between two steps are at most ``most``, 2 or more."""
    shift = max(0, ((high - low) // most).bit_length() - 1)
    while (high >> shift) - (low >> shift) >= most:
        shift += 1
    return shift


def _early_edges(shift: int) -> Ints:
    """The starts of the cells from step 1 to where cells of 2^shift steps begin."""
    edges = [
        np.arange(1 << power, 2 << power, max(1, 1 << max(0, power - EARLY_BITS)))
        for power in range(shift + EARLY_BITS)
    ]
    return np.concatenate([np.zeros(0, np.int64), *edges])


def bucket_starts(step: Ints, shift: int) -> Ints:
    """The first step of the bucket that each step lies in, for buckets that are 2^shift steps wide."""
    wide = (step >> shift) << shift
    early = (step >= 1) & (step < 1 << (shift + EARLY_BITS))
    if early.any():
        edges = _early_edges(shift)
        wide[early] = edges[np.searchsorted(edges, step[early], side="right") - 1]
    return wide


def _digest_some(rows: Rows, line: Ints) -> Digest:
    """The cells of some lines, which start at ``line``."""
    falls = rows.step[1:] < rows.step[:-1]
    falls[line[1:] - 1] = False
    in_order = not falls.any()
    if in_order:
        starts = [line, _changes(rows.epoch)]
    else:
        # an epoch's rows stay together: steps that begin anew in each would be cells of a row each
        rows = rows.take(np.lexsort((rows.position, rows.step, rows.epoch, rows.line)))
        line = np.union1d(line, _changes(rows.epoch))
        starts = [line]
    a_cell = _rows_a_cell(rows)
    for begin, end in pairwise([*line.tolist(), len(rows)]):
        steps = rows.step[begin:end]
        low, high = int(steps[0]), int(steps[-1])
        wanted = max(FEWEST_CELLS, (end - begin) // a_cell)
        shift = shift_for(low, high, wanted)
        edges = cell_edges(low, high, shift) if in_order else _wide_edges(low, high, shift)
        starts.append(begin + np.searchsorted(steps, edges[1:]))
        starts.append(np.arange(begin + MOST_VALUES, end, MOST_VALUES))
    cut = np.unique(np.concatenate(starts))
    cells, terms = summed(rows, cut[cut < len(rows)], in_order=in_order)
    is_whole = bool((cells["finite"] == cells["rows"]).all())
    return Digest(cells, terms, Records.zeros(EDGE, 0) if is_whole else find_edges(rows))


def _changes(column: Ints) -> Ints:
    """Where a column of shape ``(N,)`` changes."""
    return np.flatnonzero(column[1:] != column[:-1]) + 1


def _rows_a_cell(rows: Rows) -> int:
    """How many rows of a line a cell should hold, by how long the log is up to these rows."""
    logged = (int(rows.position.max()) & ((1 << ATTEMPT_SHIFT) - 1)) + 1
    return min(max(ROWS_A_CELL, logged // CELLS_A_RUN), MOST_ROWS_A_CELL)
