"""Which point of a line was best, decided with all of it in hand.

What competes:

- A metric logged at most once an epoch: its values, each with its epoch.
- One logged more often: what its values in each epoch come to (``of``: their mean, least, greatest or
  last), in the epochs that ended. An epoch that never ended is no candidate, whatever is asked of it:
  more values would have changed it.
- One logged only outside epochs, and any other if asked for (``per="step"``): its rows, each by
  itself. Where a metric has epochs, its rows outside them do not compete; where an epoch was
  repeated, the latest attempt at it does.

A metric that holds the epoch as a fraction, as Hugging Face's trainer logs ``epoch`` = 0.33, makes no
epochs: metrics beside it compete row by row, the winner has no epoch, and the row at its step shows
the fraction.

Candidates come in the order of the log. Epochs have the place of their last row. The first finite
one is the best so far; a later one takes its place if it is better by more than ``min_delta``
(``value + min_delta < best`` for ``"min"``, ``value - min_delta > best`` for ``"max"``, in double
precision). So of equals the first wins, and with ``min_delta`` the winner need not be the extreme:
it is the point from which on nothing was better by more than that. This is what EarlyStopping of
PyTorch Lightning calls an improvement: a change of up to and including ``min_delta`` is none. NaN
and infinities never win, and hidden rows are not here to begin with.
"""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from typing import Literal, NamedTuple, TypeAlias, get_args

import numpy as np

from compactor.drawing.ranks import Fetch
from compactor.names import Mode
from compactor.reading.lines import EpochStats, Line, Place
from compactor.sampling.arrays import Floats

Per: TypeAlias = Literal["epoch", "step"]
Of: TypeAlias = Literal["mean", "min", "max", "last"]


@dataclass(frozen=True)
class Winner:
    """The best point.

    ``step`` and ``position`` (the place in the log) are those of the winning row; for a mean, of
    the last row in it. ``per`` is ``"step"``, ``"epoch"`` (one value an epoch) or ``"epoch mean"``
    (or ``min``, ``max``, ``last``). ``candidates`` counts the finite values compared.
    """

    value: float
    step: int
    epoch: int | None
    position: int
    per: str
    candidates: int


class _Candidate(NamedTuple):
    value: float
    step: int
    epoch: int | None
    position: int


def check_rule(per: str | None, of: str, min_delta: float) -> None:
    """Make sure that the rule means something.

    Raises:
        ValueError: It does not; the message says what does.
    """
    if per is not None and per not in get_args(Per):
        raise ValueError(f"per is {per!r}; give 'epoch' or 'step', or leave it out")
    if of not in get_args(Of):
        raise ValueError(f"of is {of!r}; give one of: {', '.join(get_args(Of))}")
    if not (math.isfinite(min_delta) and min_delta >= 0):
        raise ValueError(f"min_delta is {min_delta}; give a number, 0 or more")


def find_winner(
    line: Line,
    mode: Mode,
    ended: Collection[int],
    *,
    per: Per | None = None,
    of: Of = "mean",
    min_delta: float = 0.0,
    fetch: Fetch | None = None,
) -> Winner | None:
    """The best point of a line.

    Args:
        line: The metric.
        mode: Which values are better.
        ended: The epochs that ended.
        per: What competes: ``"epoch"``, ``"step"``, or ``None`` for epochs if the line has any and
            else steps.
        of: What several values of an epoch come to. Of a single one, and of rows that compete by
            themselves, it changes nothing.
        min_delta: By how much a candidate must be better than the best before it, in the metric's
            own unit.
        fetch: Gives all rows of a line that is not whole. Only rows that compete by themselves with
            a ``min_delta`` above 0 need it.

    Returns:
        The winner; ``None`` if no candidate is finite, or if epochs are to compete and there are
        none.

    Raises:
        ValueError: The rule means nothing, or rows are needed and there is no ``fetch``.
    """
    check_rule(per, of, min_delta)
    epochs = [epoch for epoch in line.epochs if epoch.epoch is not None]
    if per == "step" or not epochs:
        return None if per == "epoch" else _best_row(line, mode, min_delta, fetch)
    epochs.sort(key=lambda epoch: epoch.position)
    if all(epoch.rows == 1 for epoch in epochs):
        return _first_best([_value(epoch, "last") for epoch in epochs], mode, min_delta, "epoch")
    candidates = [_value(epoch, of) for epoch in epochs if epoch.epoch in ended]
    return _first_best(candidates, mode, min_delta, f"epoch {of}")


def last_improvement(values: Floats, min_delta: float) -> int:
    """Where a falling search for the least value ends.

    Args:
        values: Finite, shape ``(N,)``, ``N`` at least 1, in the order of the search.
        min_delta: By how much a value must be below the least before it.

    Returns:
        The index of the last value that took the place of the one before it; the first value takes
        it from nobody.
    """
    # Whatever is taken is below all before it: what was not taken is within min_delta of the best.
    lowest = np.minimum.accumulate(values)
    records = np.concatenate([[0], 1 + np.flatnonzero(values[1:] < lowest[:-1])])
    if min_delta == 0:
        return int(records[-1])
    best, least = 0, float(values[0])
    for place, value in enumerate(map(float, values[records])):
        if value + min_delta < least:
            best, least = place, value
    return int(records[best])


def _value(epoch: EpochStats, of: Of) -> _Candidate | None:
    """What an epoch's values come to, at the row that stands for it."""
    place: Place | None
    match of:
        case "mean":
            value = epoch.mean
            place = None if value is None else Place(value, epoch.step, epoch.position)
        case "min":
            place = epoch.least
        case "max":
            place = epoch.greatest
        case "last":
            place = Place(epoch.last, epoch.step, epoch.position)
    return (
        None if place is None else _Candidate(place.value, place.step, epoch.epoch, place.position)
    )


def _first_best(
    candidates: Sequence[_Candidate | None], mode: Mode, min_delta: float, per: str
) -> Winner | None:
    finite = [each for each in candidates if each is not None and math.isfinite(each.value)]
    if not finite:
        return None
    values = np.array([each.value for each in finite])
    best = finite[last_improvement(values if mode == "min" else -values, min_delta)]
    return Winner(best.value, best.step, best.epoch, best.position, per, len(finite))


def _best_row(line: Line, mode: Mode, min_delta: float, fetch: Fetch | None) -> Winner | None:
    competing = [epoch for epoch in line.epochs if epoch.epoch is not None] or line.epochs
    candidates = sum(epoch.finite for epoch in competing)
    if not candidates:
        return None
    if min_delta > 0:
        best = _best_of_all(line, mode, min_delta, fetch)
    else:
        sides = [_value(epoch, mode) for epoch in competing]
        extremes = [side for side in sides if side is not None]
        sign = 1 if mode == "min" else -1
        best = min(extremes, key=lambda each: (sign * each.value, each.position))
    return Winner(best.value, best.step, best.epoch, best.position, "step", candidates)


def _best_of_all(line: Line, mode: Mode, min_delta: float, fetch: Fetch | None) -> _Candidate:
    """Each row by itself, in the order of the log."""
    if not line.whole:
        if fetch is None:
            raise ValueError(f"{line.metric}: min_delta takes all rows; give fetch to read them")
        line = replace(line, points=fetch(line))
    points = line.points
    places = np.flatnonzero(line.finite & line.competing)
    places = places[np.argsort(points.position[places], kind="stable")]
    values = points.value[places]
    best = int(places[last_improvement(values if mode == "min" else -values, min_delta)])
    return _Candidate(
        float(points.value[best]),
        int(points.step[best]),
        points.epoch_of(best),
        int(points.position[best]),
    )
