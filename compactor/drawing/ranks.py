"""Several ranks as one line: their mean at each step, and how far they lie apart."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from compactor.fold import line_of_points
from compactor.reading.lines import MEAN_RANK, Line, Points
from compactor.sampling.arrays import Floats, Ints

Fetch: TypeAlias = Callable[[Line], Points]
"""All rows of a line, from the log, by step, then position."""
RankChoice: TypeAlias = int | Literal["mean", "all"]
"""One rank, the mean over all of them, or each for itself."""


@dataclass(frozen=True)
class Ranks:
    """The lines of one metric whose mean is to be drawn, by rank; two or more."""

    lines: tuple[Line, ...]

    @property
    def metric(self) -> str:
        """The metric's name."""
        return self.lines[0].metric

    @property
    def rank(self) -> int:
        """That of a mean."""
        return MEAN_RANK


@dataclass(frozen=True)
class Together:
    """The ranks step by step: columns of shape ``(N,)``, one entry a step.

    Attributes:
        points: The mean of the finite values of the ranks that logged the step; where none is
            finite, the value of the lowest of them. Epoch, position and time are those of the
            lowest rank that logged the step (the epoch, of the lowest that was in one).
        least: The least finite value over the ranks; NaN without any.
        greatest: The greatest.
    """

    points: Points
    least: Floats
    greatest: Floats


def all_rows(line: Line, fetch: Fetch) -> Points:
    """All rows of a line, from the log only if the line has not got them."""
    return line.points if line.whole else fetch(line)


def mean_line(lines: Sequence[Line], fetch: Fetch) -> Line:
    """The mean over the ranks as a line.

    Args:
        lines: The lines of one metric, by rank; at least one.
        fetch: Asked for the rows of lines that are not whole.

    Returns:
        A line of rank `compactor.reading.lines.MEAN_RANK`. Of a metric that a single rank logged, the line
        of that rank, as it is.
    """
    if len(lines) == 1:
        return lines[0]
    return line_of_points(lines[0].metric, MEAN_RANK, mean_points(lines, fetch))


def mean_points(lines: Sequence[Line], fetch: Fetch) -> Points:
    """All rows of the mean over the ranks; see `Together`. Arguments as in `mean_line`."""
    return put_together(lines, fetch).points


def put_together(lines: Sequence[Line], fetch: Fetch) -> Together:
    """Put the ranks side by side, step by step. Arguments as in `mean_line`.

    Of several rows of a rank at one step the last one counts. A rank that did not log a step has no
    part in its mean.
    """
    ranks = [_last_of_each_step(all_rows(line, fetch)) for line in lines]
    steps = np.unique(np.concatenate([rows.step for rows in ranks]))
    places = [np.searchsorted(steps, rows.step) for rows in ranks]
    lead = Points(
        step=steps,
        position=np.zeros(len(steps), np.int64),
        epoch=np.zeros(len(steps), np.int64),
        in_epoch=np.zeros(len(steps), np.bool_),
        time=np.zeros(len(steps), np.int64),
        value=np.zeros(len(steps)),
    )
    for rows, place in zip(reversed(ranks), reversed(places), strict=True):
        for name in ("position", "time", "value"):
            getattr(lead, name)[place] = getattr(rows, name)
        inside = place[rows.in_epoch]
        lead.epoch[inside] = rows.epoch[rows.in_epoch]
        lead.in_epoch[inside] = True
    return _averaged(lead, ranks, places)


def _averaged(lead: Points, ranks: Sequence[Points], places: Sequence[Ints]) -> Together:
    """Give the leading rows the mean of all ranks for a value."""
    count = np.zeros(len(lead), np.int64)
    total = np.zeros(len(lead))
    least = np.full(len(lead), np.inf)
    greatest = np.full(len(lead), -np.inf)
    shift = len(ranks).bit_length()  # so that the sum of huge values stays finite
    for rows, place in zip(ranks, places, strict=True):
        finite = np.isfinite(rows.value)
        at, value = place[finite], rows.value[finite]
        count[at] += 1
        total[at] += np.ldexp(value, -shift)
        least[at] = np.minimum(least[at], value)
        greatest[at] = np.maximum(greatest[at], value)
    some = count > 0
    mean = np.ldexp(total[some] / count[some], shift)
    lead.value[some] = np.clip(mean, least[some], greatest[some])  # rounding must not lead outside
    least[~some] = greatest[~some] = np.nan
    return Together(lead, least, greatest)


def _last_of_each_step(rows: Points) -> Points:
    return rows.take(np.append(rows.step[1:] != rows.step[:-1], np.True_)[: len(rows)])
