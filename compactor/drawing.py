"""Drawing one line: from its rows to the points of a chart."""

from dataclasses import dataclass

import numpy as np

from compactor.best import Winner
from compactor.lines import Line, Points
from compactor.names import Mode
from compactor.record import NonFinite, Point
from compactor.sampling import downsample
from compactor.sampling.arrays import Ints


@dataclass(frozen=True)
class Drawn:
    """A line as a chart shows it. Fields as in `compactor.record.LineInfo`."""

    points: list[tuple[int, float | None]]
    best: Point | None
    policy: str
    repeated_steps: int
    first: Point | None
    last: Point | None
    minimum: Point | None
    maximum: Point | None
    non_finite: NonFinite


def draw(
    line: Line, *, policy: str, max_points: int, mode: Mode | None, winner: Winner | None = None
) -> Drawn:
    """Choose the points of a line, one a step, and tell what they leave out.

    Of rows that share a step the last is drawn, unless another is the best, the least or the
    greatest (in this order). The row that stands for a mean comes after these: it has not the
    mean's value. Of a long line only the rows that the scan brought are looked at.

    Args:
        line: What was logged.
        policy: How to downsample.
        max_points: How many points to draw.
        mode: Which values are good, if that is known.
        winner: The best point of the run, if this line decided it.
    """
    points = line.points
    least, greatest = line.extreme("min"), line.extreme("max")
    best = line.extreme(mode, line.competing) if mode else None
    if winner:
        best = int(np.flatnonzero(points.position == winner.position)[0])
    by_mean = winner is not None and winner.per == "epoch mean"
    shown = _one_a_step(points, [best, greatest, least] if by_mean else [greatest, least, best])
    keep = [] if best is None else [int(np.searchsorted(points.step[shown], points.step[best]))]
    chosen = shown[
        downsample(points.step[shown], points.value[shown], max_points, policy=policy, keep=keep)
    ]
    finite = np.flatnonzero(line.finite)
    ends = (int(finite[0]), int(finite[-1])) if len(finite) else (None, None)
    complete = line.whole and len(chosen) == len(shown)
    gaps = line.gaps
    return Drawn(
        points=_pairs(points.take(chosen)),
        best=_winning_point(winner) if winner else _point(points, best),
        policy="all" if complete else policy,
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


def _pairs(points: Points) -> list[tuple[int, float | None]]:
    """``(step, value)``, with ``None`` for what is not finite."""
    finite = np.isfinite(points.value).tolist()
    pairs = zip(points.step.tolist(), points.value.tolist(), finite, strict=True)
    return [(step, value if good else None) for step, value, good in pairs]
