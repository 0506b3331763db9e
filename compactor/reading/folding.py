"""Lines from the digests of all parts: the cells of a metric are gathered, and put together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np

from compactor.fold.assembly import assemble, is_in_order, joined
from compactor.fold.digest import Digest, join
from compactor.fold.parts import PartDigest
from compactor.reading.lines import MOST_STRETCHES, Line, Points, find_gaps
from compactor.reading.source import Source
from compactor.sampling.pins import gap_edges
from logwriter.part import Part

WHOLE_ROWS = 65_536
"""Lines of up to so many rows come whole."""
WHOLE_ROWS_TOGETHER = 1 << 22
"""So many rows of whole lines fit into memory."""
Key = tuple[int, str]
"""Rank and metric."""


def fold_lines(
    parts: Sequence[Part], digests: Sequence[PartDigest], source: Source, max_points: int
) -> list[Line]:
    """The lines that have rows in the effective history, by rank, then metric.

    Args:
        parts: The parts, in any order.
        digests: Theirs.
        source: Where the rows of short lines come from.
        max_points: How many points a chart will draw of a line; a line that fits comes whole.
    """
    pieces = _gather(parts, digests)
    keys = sorted(pieces)
    sizes = {key: sum(_rows(piece) for piece in pieces[key]) for key in keys}
    most = max(_whole_rows(sizes.values()), max_points)
    short = [key for key in keys if sizes[key] <= most]
    whole = dict(zip(short, source.points(short), strict=True))
    room = np.empty(max((_room(each) for each in pieces.values()), default=0), np.int64)
    return [
        _line(key, join(pieces.pop(key), room), whole.get(key), source, max_points) for key in keys
    ]


def _line(key: Key, digest: Digest, whole: Points | None, source: Source, max_points: int) -> Line:
    rank, metric = key
    line = assemble(metric, rank, digest, max_points=max_points, whole=whole)
    if whole is None and line.gaps.count and not is_in_order(digest.cells):
        # rows with falling steps: only all of them tell which are neighbours on a chart
        (rows,) = source.points([key])
        finite = np.isfinite(rows.value)
        edges = rows.take(np.unique(gap_edges(finite, 4 * MOST_STRETCHES)))
        outermost = rows.take(np.flatnonzero(finite)[[0, -1]]) if finite.any() else edges
        line = replace(line, gaps=find_gaps(rows), points=joined([line.points, edges, outermost]))
    return line


def _gather(parts: Sequence[Part], digests: Sequence[PartDigest]) -> dict[Key, list[Digest]]:
    """The digest of each line in each part."""
    pieces: dict[Key, list[Digest]] = defaultdict(list)
    in_order = sorted(
        zip(parts, digests, strict=True),
        key=lambda pair: (pair[0].rank, pair[0].attempt, pair[0].first_seq),
    )
    for part, held in in_order:
        for metric, piece in zip(held.metrics, held.by_line(), strict=True):
            pieces[part.rank, metric].append(piece)
    return pieces


def _room(pieces: list[Digest]) -> int:
    """How many numbers the cells of one line are."""
    return sum(each.cells.columns.size for each in pieces)


def _rows(piece: Digest) -> int:
    return int(piece.cells["rows"].sum())


def _whole_rows(sizes: Iterable[int]) -> int:
    """How long a line may be to come back whole, so that all of them fit into memory."""
    sizes, most = list(sizes), WHOLE_ROWS
    while sum(size for size in sizes if size <= most) > WHOLE_ROWS_TOGETHER:
        most //= 2
    return most
