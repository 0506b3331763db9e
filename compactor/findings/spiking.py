"""Spikes: a loss that jumps up for a moment."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from compactor.findings.course import Course, follow
from compactor.findings.evidence import Evidence
from compactor.findings.report import counted
from compactor.names import Mode
from compactor.reading.lines import Buckets, Line
from compactor.record import Finding
from compactor.sampling.arrays import Floats, Ints
from compactor.spelling import number

WINDOW = 31
"""What is usual at a place is the median of so many buckets around it."""
ABOVE_SPREAD = 10.0
"""A spike is so many times the usual spread (as of a normal distribution) above the usual value. Of
healthy runs, one batch in a thousand reaches 6 to 13, so that this alone says little."""
OUTSTANDING = 2.0
"""It is also so many times as far above it as one value in twenty: where the loss of a batch has two
modes, as with mixed images, its higher one is usual."""
UNDONE = 0.2
"""And it undoes so much of what the line gained over the whole run: less is no harm."""
LEAST_BUCKETS = 2 * WINDOW
REST = 5
"""So many buckets before a spike show where it came from, and as many in a row that it came back."""


class Spike(NamedTuple):
    """A jump: where, how high, from where, and whether the line came back there."""

    step: int
    last_step: int
    value: float
    before: float
    recovered: bool


def spikes(evidence: Evidence, diverged: Sequence[Finding]) -> list[Finding]:
    """Losses that jump up for a moment, before they diverge if they do."""
    onsets = {each.metric: each.step for each in diverged}
    found = []
    for line, mode in evidence.judged():
        if mode == "min":
            finding = _spiked(evidence.name(line), line, mode, onsets.get(line.metric))
            found += [finding] if finding else []
    return found


def _spiked(name: str, line: Line, mode: Mode, onset: int | None) -> Finding | None:
    course = follow(line, mode)
    if course is None:
        return None
    jumps = [
        each
        for each in find_spikes(line.buckets, course)
        if onset is None or each.last_step < onset
    ]
    if not jumps:
        return None
    largest = max(jumps, key=lambda each: each.value - each.before)
    lasting = sum(not each.recovered for each in jumps)
    value, before = course.shown(largest.value), course.shown(largest.before)
    most = "up to" if len(jumps) == 1 else "the largest up to"
    return Finding(
        rule="spikes",
        severity="warning" if lasting else "info",
        metric=line.metric,
        rank=line.rank,
        step=jumps[0].step,
        last_step=jumps[-1].last_step,
        text=(
            f"{name} has {counted(len(jumps), 'spike')}, {most} {number(value)} at step "
            f"{largest.step:,} (about {number(before)} before it). {_ending(len(jumps), lasting)}"
        ),
        evidence={
            "spikes": len(jumps),
            "not_recovered": lasting,
            "largest_value": value,
            "usual_value": before,
            "largest_step": largest.step,
        },
        advice=(
            "Look at the batches of those steps; clip gradients, or skip a batch whose gradient norm "
            "is far above the usual."
        ),
    )


def _ending(spikes: int, lasting: int) -> str:
    if spikes == 1:
        return "It did not come back down." if lasting else "It came back down."
    if lasting:
        return f"It did not come back down after {lasting:,} of them."
    return "It came back down after each of them."


def find_spikes(buckets: Buckets, course: Course) -> list[Spike]:
    """The stretches of buckets whose greatest value stands out.

    Args:
        buckets: The line.
        course: Its course; small values are good.

    Returns:
        The spikes, by step, with values in the unit of the course; none of a line that gained nothing, or of one too short.
    """
    used = np.flatnonzero(buckets.finite > 0)
    if len(used) < LEAST_BUCKETS or course.gain <= 0:
        return []
    high = buckets.maximum[used] / course.unit
    usual = _running_median(high)
    spread = 1.4826 * _running_median(np.abs(high - usual))
    above = high - usual
    before = _median_before(high)
    common = OUTSTANDING * float(np.quantile(above, 0.95))
    stands_out = above > np.maximum(ABOVE_SPREAD * spread, common)
    jumps = stands_out & (np.minimum(above, high - before) >= UNDONE * course.gain)
    places = np.flatnonzero(jumps)
    if not len(places):
        return []
    stretches = np.split(places, np.flatnonzero(np.diff(places) > REST) + 1)
    return [
        _spike(buckets, used, high, float(before[stretch[0]]), stretch) for stretch in stretches
    ]


def _spike(buckets: Buckets, used: Ints, high: Floats, before: float, stretch: Ints) -> Spike:
    first, last = int(stretch[0]), int(stretch[-1])
    top = float(high[first : last + 1].max())
    return Spike(
        int(buckets.first_step[used[first]]),
        int(buckets.last_step[used[last]]),
        top,
        before,
        _lowest_level(high[last + 1 :]) <= before + (top - before) / 4,
    )


def _lowest_level(values: Floats) -> float:
    """The least median of `REST` values in a row, or of all if there are fewer; else infinite."""
    if not len(values):
        return np.inf
    windows = np.lib.stride_tricks.sliding_window_view(values, min(REST, len(values)))
    return float(np.median(windows, axis=1).min())


def _running_median(values: Floats) -> Floats:
    """The median of the `WINDOW` values around each; at the ends, of the first or last ones."""
    windows = np.lib.stride_tricks.sliding_window_view(values, WINDOW)
    inner: Floats = np.median(windows, axis=1)
    return np.pad(inner, WINDOW // 2, mode="edge")


def _median_before(values: Floats) -> Floats:
    """The median of the `REST` values before each: high values that fall at the start are no jump.

    Infinite where there are fewer.
    """
    windows = np.lib.stride_tricks.sliding_window_view(values[:-1], REST)
    inner: Floats = np.median(windows, axis=1)
    return np.pad(inner, (REST, 0), constant_values=np.inf)
