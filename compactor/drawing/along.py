"""Other horizontal positions of a line's points: seconds since the start of the run, and epochs."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TypeAlias

import numpy as np

from compactor.epochs import Epochs
from compactor.fold.cells import distance
from compactor.reading.lines import Line, Points
from compactor.record import Along

Spans: TypeAlias = Mapping[int, tuple[int, int]]
"""The first and the last step of each epoch."""


def epoch_spans(known: Epochs, lines: Sequence[Line]) -> Spans:
    """From which step to which each epoch of a rank goes.

    The line with the most rows in epochs sets the pace, together with what events say. Lines that
    count steps as it does extend its epochs: a validation after the last step of an epoch belongs to
    it. An epoch that did not end is taken to be as long as the one before it.

    Args:
        known: The epochs of the rank.
        lines: The lines of the rank.
    """
    by_rows = sorted(
        lines, key=lambda line: -sum(e.rows for e in line.epochs if e.epoch is not None)
    )
    spans = _spans_of(by_rows[0]) if by_rows else {}
    for epoch in known.recorded.values():
        last = epoch.first_step if epoch.last_step is None else epoch.last_step
        _extend(spans, epoch.epoch, epoch.first_step, max(epoch.first_step, last))
    for line in by_rows[1:]:
        own = _spans_of(line)
        if _keeps_pace(own, spans):
            for number, (first, last) in own.items():
                _extend(spans, number, first, last)
    for before, number in pairwise(sorted(spans)):
        if number not in known.ended:
            first, length = spans[number][0], spans[before][1] - spans[before][0]
            _extend(spans, number, first, first + length)
    return spans


def along(line: Line, shown: Points, spans: Spans, start_us: int) -> Along:
    """Where the points of a line lie in time and in epochs.

    The share of an epoch is that of its steps before the point's: 0 at its first step, always less
    than 1. It grows with the step, in an epoch as from one to a later one. A metric that counts
    steps in a way of its own is measured by its own steps.

    Args:
        line: What was logged.
        shown: The drawn points.
        spans: The epochs of the line's rank.
        start_us: When the run started, in microseconds since 1970.
    """
    own = _spans_of(line)
    reach = spans if _keeps_pace(own, spans) else own
    inside = np.flatnonzero(shown.in_epoch)
    epoch: list[float | None] = [None] * len(shown)
    for place, found in zip(inside.tolist(), _fractions(shown.take(inside), reach), strict=True):
        epoch[place] = found
    return Along(
        seconds=[(time - start_us) / 1e6 for time in shown.time.tolist()],
        epoch=epoch,
    )


def _fractions(shown: Points, reach: Spans) -> list[float]:
    """Where points in epochs lie; an epoch reaches as far as its points do, at least."""
    numbers, own = np.unique(shown.epoch, return_inverse=True)
    ends = np.repeat([[np.iinfo(np.int64).max], [np.iinfo(np.int64).min]], len(numbers), axis=1)
    np.minimum.at(ends[0], own, shown.step)
    np.maximum.at(ends[1], own, shown.step)
    whole = dict(reach)
    for number, low, high in zip(numbers.tolist(), *ends.tolist(), strict=True):
        _extend(whole, number, low, high)
    spans = [whole[number] for number in numbers.tolist()]
    first = np.array([begin for begin, _ in spans], np.int64)
    length = np.array([end - begin + 1 for begin, end in spans], np.float64)
    share = distance(shown.step, first[own]) / length[own]
    epoch = numbers.astype(np.float64)[own]
    fractions: list[float] = np.minimum(epoch + share, np.nextafter(epoch + 1, -np.inf)).tolist()
    return fractions


def _spans_of(line: Line) -> dict[int, tuple[int, int]]:
    return {
        each.epoch: (each.first_step, each.last_step)
        for each in line.epochs
        if each.epoch is not None
    }


def _extend(spans: dict[int, tuple[int, int]], number: int, first: int, last: int) -> None:
    """Let an epoch reach from one step to another at least."""
    low, high = spans.get(number, (first, last))
    spans[number] = min(low, first), max(high, last)


def _keeps_pace(own: Spans, spans: Spans) -> bool:
    """Whether a line's steps fall into the epochs they belong to, or right behind them."""
    ends = _room(spans)
    return any(number in spans for number in own) and all(
        number not in spans or (first >= spans[number][0] and last <= ends[number])
        for number, (first, last) in own.items()
    )


def _room(spans: Spans) -> dict[int, int]:
    """Up to which step rows of an epoch may come late: to the end of the next one."""
    numbers: Iterable[tuple[int, int]] = pairwise(sorted(spans))
    room = {number: 2 * last - first + 1 for number, (first, last) in spans.items()}
    return room | {number: spans[behind][1] for number, behind in numbers}
