"""Drawing one line: from its rows to the points of a chart."""

from dataclasses import dataclass, replace

import numpy as np

from compactor.deciding.best import Winner
from compactor.drawing.ranks import Fetch
from compactor.names import Mode
from compactor.reading.lines import Line, Points
from compactor.record import NonFinite, Point
from compactor.sampling import Policy, downsample
from compactor.sampling.arrays import Floats, Ints


@dataclass(frozen=True)
class Drawn:
    """A line as a chart shows it.

    ``rows`` are the rows behind its points, one a step; the other fields are as in
    `compactor.record.LineInfo`.
    """

    rows: Points
    best: Point | None
    policy: str
    repeated_steps: int
    first: Point | None
    last: Point | None
    minimum: Point | None
    maximum: Point | None
    non_finite: NonFinite

    @property
    def points(self) -> list[tuple[int, float | None]]:
        """As in `compactor.record.Chart`."""
        return pairs(self.rows.step, self.rows.value)


def draw(
    line: Line,
    *,
    policy: str | Policy,
    max_points: int | None,
    mode: Mode | None,
    winner: Winner | None = None,
) -> Drawn:
    """Choose the points of a line, one a step, and tell what they leave out.

    Of rows that share a step the last is drawn, unless another is the best, the least or the
    greatest (in this order). A row that stands for a mean comes after these: it has not the mean's
    value. Of a long line only the rows that the scan brought are looked at.

    Args:
        line: What was logged.
        policy: How to downsample.
        max_points: How many points to draw; ``None`` for as many as the policy keeps.
        mode: Which values are good, if that is known.
        winner: The best point of the run, if this line decided it; its row is one of the line's
            points.
    """
    points = line.points
    least, greatest = line.extreme("min"), line.extreme("max")
    best = line.extreme(mode, line.competing) if mode else None
    if winner:
        best = _place_of(points, winner)
    stands_in = winner is not None and points.value[best] != winner.value
    shown = _one_a_step(points, [best, greatest, least] if stands_in else [greatest, least, best])
    candidates = points.take(shown)
    keep = [] if best is None else [int(np.searchsorted(candidates.step, points.step[best]))]
    chosen = downsample(
        candidates.step,
        candidates.value,
        max_points,
        policy=policy,
        keep=keep,
        epoch=np.where(candidates.in_epoch, candidates.epoch, np.nan),
    )
    finite = np.flatnonzero(line.finite)
    ends = (int(finite[0]), int(finite[-1])) if len(finite) else (None, None)
    complete = line.whole and len(chosen) == len(shown)
    gaps = line.gaps
    return Drawn(
        rows=candidates.take(chosen),
        best=_winning_point(winner) if winner else _point(points, best),
        policy="all" if complete else policy if isinstance(policy, str) else policy.text,
        repeated_steps=len(points) - len(shown),
        first=_point(points, ends[0]),
        last=_point(points, ends[1]),
        minimum=_point(points, least),
        maximum=_point(points, greatest),
        non_finite=NonFinite(
            nan=gaps.nan,
            positive_infinity=gaps.positive_infinity,
            negative_infinity=gaps.negative_infinity,
            stretch_count=gaps.count,
            stretches=list(gaps.stretches),
        ),
    )


def with_winner(line: Line, winner: Winner | None, fetch: Fetch) -> Line:
    """The line with the winning row among its points: of a long line the scan may have left it out."""
    if winner is None or line.whole or _place_of(line.points, winner) is not None:
        return line
    rows = fetch(line)
    row = rows.take(slice(_place_of(rows, winner), None)).take(slice(1))
    columns = vars(line.points).items()
    together = Points(**{name: np.append(held, getattr(row, name)) for name, held in columns})
    order = np.lexsort((together.position, together.step))
    return replace(line, points=together.take(order))


def _place_of(points: Points, winner: Winner) -> int | None:
    """Which of the points has won. Rows of several ranks, in a mean, may share a position."""
    found = np.flatnonzero((points.position == winner.position) & (points.step == winner.step))
    return int(found[0]) if len(found) else None


def _one_a_step(points: Points, pins: list[int | None]) -> Ints:
    """One row of each step: its last, or the last of ``pins`` that lies there."""
    last = np.flatnonzero(np.append(points.step[1:] != points.step[:-1], np.True_))
    for pin in pins:
        if pin is not None:
            last[np.searchsorted(points.step[last], points.step[pin])] = pin
    return last


def _winning_point(winner: Winner) -> Point:
    return Point(step=winner.step, value=winner.value, epoch=winner.epoch)


def _point(points: Points, place: int | None) -> Point | None:
    if place is None:
        return None
    return Point(
        step=int(points.step[place]),
        value=float(points.value[place]),
        epoch=points.epoch_of(place),
    )


def pairs(step: Ints, value: Floats) -> list[tuple[int, float | None]]:
    """``(step, value)``, with ``None`` for what is not finite."""
    finite = np.isfinite(value).tolist()
    columns = zip(step.tolist(), value.tolist(), finite, strict=True)
    return [(step, value if good else None) for step, value, good in columns]
