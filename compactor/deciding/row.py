"""The whole row at a point of the log: what every metric was at that moment.

A metric's value is the one logged at the point or nearest before it. Where it was not logged at
that step yet, but was at the same step right after (several calls may make up one step), the later
value is the step's.
"""

from collections.abc import Iterable
from math import isfinite

from compactor.reading.lines import Line
from compactor.reading.source import Logged, Source

_END = 1 << 62
"""Behind every position."""


def row_at(
    source: Source, lines: Iterable[Line], position: int, step: int
) -> dict[str, float | None]:
    """Each metric's value at a place in the log of one rank.

    Args:
        source: Where rows of long lines are looked up.
        lines: All lines of the rank.
        position: The place.
        step: The step of the row at that place.

    Returns:
        By metric; ``None`` for a value that is not finite. Metrics without a row up to there are
        left out.
    """
    row = {}
    for line, before, behind in _beside(source, list(lines), position):
        later = behind is not None and behind.step == step
        chosen = behind if later and (before is None or before.step != step) else before
        if chosen is not None:
            row[line.metric] = chosen.value if isfinite(chosen.value) else None
    return row


def _beside(
    source: Source, lines: list[Line], position: int
) -> Iterable[tuple[Line, Logged | None, Logged | None]]:
    """Of each line, the last row up to the place and the first one behind it."""
    known = [(line, *line.points.beside(position)) for line in lines]
    long = [(line.points, before, behind) for line, before, behind in known if not line.whole]
    # Of a long line some rows are here: the nearest of them bound the search, where there are any.
    low = [0 if before is None else int(points.position[before]) for points, before, _ in long]
    high = [_END if behind is None else int(points.position[behind]) for points, _, behind in long]
    looked_up = {}
    if long:
        looked_up = source.beside(lines[0].rank, position, min(low), max(high))
    for line, before, behind in known:
        if line.whole:
            yield line, _logged(line, before), _logged(line, behind)
        else:
            yield line, *looked_up.get(line.metric, (None, None))


def _logged(line: Line, place: int | None) -> Logged | None:
    if place is None:
        return None
    return Logged(int(line.points.step[place]), float(line.points.value[place]))
