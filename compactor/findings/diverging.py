"""Divergence: a line that loses what it had gained, and does not come back."""

import numpy as np

from compactor.findings.course import Course, follow
from compactor.findings.evidence import Evidence
from compactor.findings.report import figure
from compactor.lines import Line
from compactor.record import Finding

LEAST_PARTS = 8
"""Shorter courses say too little."""
LOST = 0.15
"""Diverged: so much of what was gained is lost again at the end. Of the real logs that the rules were
tuned on, the mildest degradation loses a fifth of it, the healthy ones at most 6 %."""
MOST_LOST = 0.5
"""From here on it is critical."""
ABOVE_NOISE = 8.0
"""And what is lost is so many times the noise of a part, for flat, noisy lines gain next to nothing."""
LEAST_BLOW_UP = 16
"""A blow-up is told in courses of at least so many parts, ..."""
SIDE = 3
"""... by so many parts on either side of its onset."""


def divergence(evidence: Evidence) -> list[Finding]:
    """Judged lines that end far from their best and do not come back.

    They lost what they had gained, or all of their last values are beyond all of the earlier ones: a
    blow-up, in which the values may swing by orders of magnitude.
    """
    found = []
    for line, mode in evidence.judged():
        course = follow(line, mode)
        if course is None or len(course) < LEAST_PARTS:
            continue
        held = _lost_for_good(course)
        if held is not None:
            found.append(_diverged(line, course, held, course.end))
            continue
        held = _blow_up(course)
        if held is not None:
            found.append(_diverged(line, course, held, float(course.value[-1])))
    return found


def _lost_for_good(course: Course) -> int | None:
    """The last part before the line left its best; ``None`` if it did not, or came back."""
    best = float(course.value[course.best])
    lost = course.end - best
    stays = float(course.tail.min()) > best + lost / 2
    if not stays or lost < max(ABOVE_NOISE * course.noise, LOST * course.gain):
        return None
    return int(np.flatnonzero(course.value <= best + lost / 4)[-1])


def _blow_up(course: Course) -> int | None:
    """The last part before all values are worse than the worst until then, if there is one.

    For values in random order that happens once in hundreds of lines at most: of 16 parts the last
    or first three are all on one side in 2 / C(16, 3) of the orders.
    """
    if len(course) < LEAST_BLOW_UP or course.gain <= 0:
        return None
    worst_before = np.maximum.accumulate(course.value)[:-1]
    least_after = np.minimum.accumulate(course.value[::-1])[::-1][1:]
    splits = np.flatnonzero(least_after > worst_before)
    splits = splits[(splits >= SIDE - 1) & (splits < len(course) - SIDE)]
    return int(splits[0]) if len(splits) else None


def _diverged(line: Line, course: Course, held: int, end: float) -> Finding:
    best = float(course.value[course.best])
    lost = end - best
    verb, worse = ("rises", "above") if course.sign > 0 else ("falls", "below")
    best_step, onset = int(course.last_step[course.best]), int(course.last_step[held])
    share = lost / course.gain if course.gain > 0 else np.inf
    gained = f"{share:.0%} of" if share <= 1 else "more than"
    return Finding(
        rule="divergence",
        severity="critical" if share >= MOST_LOST else "warning",
        metric=line.metric,
        rank=line.rank,
        step=onset,
        last_step=int(course.last_step[-1]),
        text=(
            f"{line.metric} {verb} from step {onset:,} on and stays {worse} its best: about "
            f"{figure(course.shown(best))} around step {best_step:,}, "
            f"{figure(course.shown(end))} at the end. That is {gained} all it had gained."
        ),
        evidence={
            "start_value": course.shown(course.start),
            "best_value": course.shown(best),
            "best_step": best_step,
            "end_value": course.shown(end),
            "onset_step": onset,
        },
        advice=(
            "Go back to a checkpoint from before the onset and continue with a lower learning rate, a "
            "longer warm-up or clipped gradients; look at the batches and the gradient norm there."
        ),
    )
