"""Oscillation: a line that swings to and fro, as one with too high a learning rate does."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from compactor.findings.course import Course, finite_means, follow, noise_of
from compactor.findings.evidence import Evidence, split
from compactor.reading.lines import Line
from compactor.record import Finding
from compactor.sampling.arrays import Floats
from compactor.spelling import number

SWING = 0.3
"""The middle four fifths of the values in the second half, less their trend, span so much of all that
the line gained. Of the healthy logs that the rules were tuned on, none reaches a tenth."""
REVERSALS = 6
"""So often it turns around there, each time by at least half that span."""
ABOVE_NOISE = 6.0
"""Of a line that is not of held-out data: the span is so many times what the noise of the batches
leaves in the mean of a part."""
ALTERNATION = -0.4
"""Or successive rows alternate: neighbours have at most this correlation. That of independent noise is
0 with a standard deviation of 1 / sqrt(rows)."""
LEAST_ROWS = 100
"""So many rows the second half must have for that."""


class Swing(NamedTuple):
    """How far a line swings, and how often it turns."""

    span: float
    turns: int


def oscillation(evidence: Evidence, diverged: Sequence[Finding]) -> list[Finding]:
    """Judged lines that swing in their second half more than noise does, and did not diverge.

    A warning where training itself swings; what held-out data do is only told, for there may be few of
    them.
    """
    spoiled = {each.metric for each in diverged}
    found = []
    for line, mode in evidence.judged():
        course = follow(line, mode)
        if course is None or course.reach <= 0 or line.metric in spoiled:
            continue
        swing = _slow_swing(line, course) or _alternation(line, course)
        if swing is not None:
            found.append(_oscillates(evidence.name(line), line, course, swing))
    return found


def _slow_swing(line: Line, course: Course) -> Swing | None:
    """Swings of the means of parts."""
    half = course.value[len(course) // 2 :]
    if len(half) < 2 * REVERSALS:
        return None
    rest = _detrended(half)
    span = _span(rest)
    swing = Swing(span, _turns(rest, span / 2))
    noisy = split(line.metric) != "val" and span < ABOVE_NOISE * _noise_of_parts(line, course)
    return (
        swing if span >= SWING * course.reach and swing.turns >= REVERSALS and not noisy else None
    )


def _alternation(line: Line, course: Course) -> Swing | None:
    """Swings from row to row, where all the rows are there."""
    rows = line.points.value[line.finite] / course.unit
    rows = rows[len(rows) // 2 :]
    if not line.whole or len(rows) < LEAST_ROWS:
        return None
    rest = _detrended(rows)
    span = _span(rest)
    scaled = rest / max(float(np.abs(rest).max()), np.finfo(np.float64).tiny)
    power = float(scaled @ scaled)
    if span < SWING * course.reach or power == 0.0:
        return None
    correlation = float(scaled[1:] @ scaled[:-1]) / power
    return Swing(span, _turns(rest, span / 2)) if correlation <= ALTERNATION else None


def _detrended(values: Floats) -> Floats:
    """Values less their straight trend."""
    place = np.arange(len(values)) - (len(values) - 1) / 2
    slope = float(place @ (values - values.mean())) / float(place @ place)
    rest: Floats = values - values.mean() - slope * place
    return rest


def _span(rest: Floats) -> float:
    low, high = np.quantile(rest, [0.1, 0.9])
    return float(high - low)


def _turns(values: Floats, least: float) -> int:
    """How often a line turns around by at least so much."""
    if least <= 0:
        return 0
    turns, direction, extreme = 0, 0, float(values[0])
    for value in values.tolist():
        moved = value - extreme
        if direction and moved * direction > 0:
            extreme = value
        elif abs(moved) >= least:
            turns += direction != 0
            direction, extreme = (1 if moved > 0 else -1), value
    return turns


def _noise_of_parts(line: Line, course: Course) -> float:
    """What the noise of single buckets would leave in the mean of a part, in the second half."""
    mean = finite_means(line) / course.unit
    buckets_a_part = max(len(mean) / len(course), 1.0)
    return noise_of(mean[len(mean) // 2 :]) / float(np.sqrt(buckets_a_part))


def _oscillates(name: str, line: Line, course: Course, swing: Swing) -> Finding:
    held_out = split(line.metric) == "val"
    span, gain = course.amount(swing.span), course.amount(course.reach)
    first, last = int(course.first_step[len(course) // 2]), int(course.last_step[-1])
    return Finding(
        rule="oscillation",
        severity="info" if held_out else "warning",
        metric=line.metric,
        rank=line.rank,
        step=first,
        last_step=last,
        text=(
            f"{name} swings by about {number(span)} and turns {swing.turns:,} times from step "
            f"{first:,} on; in all it gained {number(gain)}."
        ),
        evidence={"span": span, "turns": swing.turns, "gain": gain},
        advice=(
            "The learning rate is probably too high: lower it, let it decay, or take larger batches."
        ),
    )
