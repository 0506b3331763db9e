"""Divergence: a line that loses what it had gained, and does not come back."""

from typing import NamedTuple

import numpy as np

from compactor.findings.course import Course, finite_means, follow, smoothed_over
from compactor.findings.evidence import Evidence
from compactor.findings.report import counted
from compactor.reading.lines import Line
from compactor.record import Finding
from compactor.spelling import number

LEAST_PARTS = 8
"""Shorter courses say too little."""
LOST = 0.15
"""Diverged: so much of what was gained is lost again at the end. Of the real logs that the rules were
tuned on, the mildest degradation loses a fifth of it, the healthy ones at most 6 %."""
MOST_LOST = 0.5
"""From here on it is critical, if the whole training hangs on the metric."""
ABOVE_NOISE = 8.0
"""And what is lost is so many times the noise of a part, for flat, noisy lines gain next to nothing."""
LEAST_BLOW_UP = 16
"""A blow-up is told in courses of at least so many parts, ..."""
SIDE = 3
"""... by so many parts on either side of its onset."""


class _Departure(NamedTuple):
    """How a line left its best: the last part that was near it, the value at the end, and a verb."""

    held: int
    end: float
    verb: str


def divergence(evidence: Evidence) -> list[Finding]:
    """Judged lines that end far from their best and do not come back.

    They lost what they had gained; or all of their last values are beyond all of the earlier ones: a
    blow-up, in which the values may swing by orders of magnitude; or the very last are, by far.
    """
    found = []
    for line, mode in evidence.judged():
        course = follow(line, mode)
        if course is None or len(course) < LEAST_PARTS:
            continue
        left = _lost_for_good(course) or _blow_up(course) or _ends_far_off(line, course)
        if left is not None:
            found.append(_diverged(evidence, line, course, left))
    return found


def _lost_for_good(course: Course) -> _Departure | None:
    """The line left its best before its last eighth, and did not come back in it."""
    best = float(course.value[course.best])
    lost = course.end - best
    stays = float(course.tail.min()) > best + lost / 2
    if not stays or lost < max(ABOVE_NOISE * course.noise, LOST * course.gain):
        return None
    return _Departure(_last_near(course, lost), course.end, "stays")


def _last_near(course: Course, lost: float) -> int:
    """The last part that was no further from the best than a quarter of what was lost."""
    best = float(course.value[course.best])
    return int(np.flatnonzero(course.calm <= best + lost / 4)[-1])


def _blow_up(course: Course) -> _Departure | None:
    """From some part on, all values are worse than the worst until then.

    For values in random order that happens once in hundreds of lines at most: of 16 parts the last
    or first three are all on one side in 2 / C(16, 3) of the orders.
    """
    if len(course) < LEAST_BLOW_UP or course.gain <= 0:
        return None
    worst_before = np.maximum.accumulate(course.value)[:-1]
    least_after = np.minimum.accumulate(course.value[::-1])[::-1][1:]
    splits = np.flatnonzero(least_after > worst_before)
    splits = splits[(splits >= SIDE - 1) & (splits < len(course) - SIDE)]
    return _Departure(int(splits[0]), float(course.value[-1]), "ends") if len(splits) else None


def _ends_far_off(line: Line, course: Course) -> _Departure | None:
    """The run ended in values far beyond all since its best: too few to move its last eighth."""
    if course.gain <= 0 or course.best == len(course) - 1:
        return None
    kept = course.value[course.best : max(course.best + 1, len(course) - SIDE)]
    rows = course.sign * finite_means(line)[-2:] / course.unit
    end = min(float(course.value[-1]), float(rows.min()))
    lost = end - float(course.value[course.best])
    far = max(MOST_LOST * course.gain, ABOVE_NOISE * course.noise)
    if lost < far or end - float(kept.max()) < far / 2:
        return None
    return _Departure(_last_near(course, lost), float(rows[-1]), "ends")


def _diverged(evidence: Evidence, line: Line, course: Course, left: _Departure) -> Finding:
    best = float(course.value[course.best])
    lost = left.end - best
    verb, worse = ("rises", "above") if course.sign > 0 else ("falls", "below")
    best_step, onset = int(course.last_step[course.best]), int(course.last_step[left.held])
    share = lost / course.gain if course.gain > 0 else np.inf
    gained = f"{share:.0%} of" if share <= 1 else "more than"
    return Finding(
        rule="divergence",
        severity="critical" if share >= MOST_LOST and evidence.leads(line.metric) else "warning",
        metric=line.metric,
        rank=line.rank,
        step=onset,
        last_step=int(course.last_step[-1]),
        text=(
            f"{evidence.name(line)} {verb} from step {onset:,} on and {left.verb} {worse} its best. "
            f"Smoothed over {counted(smoothed_over(line, course), 'value')}, that was about "
            f"{number(course.shown(best))} around step {best_step:,}; at the end it is "
            f"{number(course.shown(left.end))}. It lost {gained} all it had gained."
        ),
        evidence={
            "start_value": course.shown(course.start),
            "best_value": course.shown(best),
            "best_step": best_step,
            "end_value": course.shown(left.end),
            "onset_step": onset,
        },
        advice=(
            "Go back to a checkpoint from before the onset and continue with a lower learning rate, a "
            "longer warm-up or clipped gradients; look at the batches and the gradient norm there."
        ),
    )
