"""Overfitting and underfitting: how training and held-out data go together."""

from collections.abc import Sequence

import numpy as np

from compactor.findings.course import Course, follow
from compactor.findings.evidence import Evidence, split
from compactor.findings.report import figure
from compactor.lines import Line
from compactor.record import Finding

LEAST_PARTS = 6
"""Fewer values of held-out data have no trend."""
LEAST_BEHIND = 3
"""So many of them come after the best."""
WORSE = 0.1
"""Overfitting: held-out data have become worse by so much of what they had gained since the first
eighth of their course (the fall from an untrained model's loss is no yardstick) ..."""
ABOVE_NOISE = 4.0
"""... and by so many times their noise ..."""
BETTER = 0.02
"""... while training improved by so much of its own gain, and by its noise."""

LEAST_TRAINING = 16
"""Training losses with fewer parts are not called underfitted."""
HARDLY = 0.01
"""Underfitting: a loss fell by less than this share of what it was (this compares a loss with 0, so
it holds for scaled losses but not for shifted ones), or by less than its noise explains."""
LAST_QUARTER = 0.2
"""Or the last quarter of the steps still brought so much of the whole fall; a straight line brings
0.25, a training that comes to an end less than a tenth."""


def overfitting(evidence: Evidence) -> list[Finding]:
    """Held-out lines that passed their best while training went on improving."""
    found = []
    for line, mode in evidence.judged():
        partner = evidence.partner(line.metric) if split(line.metric) == "val" else None
        if partner is None:
            continue
        course, training = follow(line, mode), follow(partner, mode)
        if course is None or training is None or len(course) < LEAST_PARTS:
            continue
        if _got_worse(course) and _went_on(training, int(course.last_step[course.best])):
            found.append(_overfits(line, course, partner, training))
    return found


def _got_worse(course: Course) -> bool:
    best = float(course.value[course.best])
    early = float(np.median(course.value[: max(1, len(course) // 8)]))
    lost = course.end - best
    behind = len(course) - 1 - course.best
    return (
        behind >= LEAST_BEHIND
        and lost > ABOVE_NOISE * course.noise
        and lost > WORSE * (early - best)
    )


def _went_on(training: Course, step: int) -> bool:
    better = training.at(step) - training.end
    return better > BETTER * training.gain and better > training.noise


def _overfits(line: Line, course: Course, partner: Line, training: Course) -> Finding:
    onset = int(course.last_step[course.best])
    best, then = float(course.value[course.best]), training.at(onset)
    fell, rose = ("fell", "rose") if course.sign > 0 else ("rose", "fell")
    return Finding(
        rule="overfitting",
        severity="warning",
        metric=line.metric,
        rank=line.rank,
        step=onset,
        last_step=int(course.last_step[-1]),
        text=(
            f"{line.metric} was best around step {onset:,} at about {figure(course.shown(best))} and "
            f"{rose} to {figure(course.shown(course.end))}, while {partner.metric} still {fell} from "
            f"{figure(course.shown(then))} to {figure(course.shown(training.end))}."
        ),
        evidence={
            "onset_step": onset,
            "best_value": course.shown(best),
            "end_value": course.shown(course.end),
            "training_metric": partner.metric,
            "training_at_onset": course.shown(then),
            "training_at_end": course.shown(training.end),
        },
        advice=(
            "Use the checkpoint from the best step, or stop there; more data, augmentation, weight "
            "decay, dropout or a smaller model move that step further out."
        ),
    )


def underfitting(evidence: Evidence, explained: Sequence[Finding]) -> list[Finding]:
    """Training losses that hardly fell, or that still fell steadily when the run was completed.

    Args:
        evidence: The run.
        explained: Findings that explain it better.
    """
    spoiled = {each.metric for each in explained}
    found = []
    for line, mode in evidence.training():
        course = follow(line, mode)
        if course is None or len(course) < LEAST_TRAINING or line.metric in spoiled:
            continue
        if _hardly_fell(course):
            found.append(_learned_little(line, course))
        elif evidence.status == "completed" and _still_falls(course):
            found.append(_unfinished(line, course))
    return found


def _hardly_fell(course: Course) -> bool:
    fell = course.start - course.end
    return fell <= HARDLY * abs(course.start) or (
        fell <= ABOVE_NOISE * course.noise and not _has_trend(course)
    )


def _has_trend(course: Course) -> bool:
    """Whether the median of the first quarter is higher than that of the last, beyond noise.

    The median of n values has a standard error of sqrt(pi / 2n) times that of one of them.
    """
    quarter = len(course) // 4
    fell = float(np.median(course.value[:quarter]) - np.median(course.value[-quarter:]))
    return fell > ABOVE_NOISE * course.noise * float(np.sqrt(np.pi / quarter))


def _last_quarter(course: Course) -> float:
    """How much lower the end is than the place where three quarters of the steps had passed."""
    first, last = int(course.first_step[0]), int(course.last_step[-1])
    near = max(1, len(course) // 16)
    place = int(np.searchsorted(course.last_step, first + 3 * (last - first) // 4))
    around = course.value[max(0, place - near) : place + near + 1]
    return float(np.median(around)) - float(np.median(course.value[-near:]))


def _still_falls(course: Course) -> bool:
    fell = _last_quarter(course)
    return fell >= LAST_QUARTER * (course.start - course.end) and fell > ABOVE_NOISE * course.noise


def _learned_little(line: Line, course: Course) -> Finding:
    return _finding(
        line,
        course,
        f"{line.metric} hardly fell: from about {figure(course.start)} to {figure(course.end)} by "
        f"step {int(course.last_step[-1]):,}.",
        "Check that the optimiser has all parameters, that gradients reach them, and that inputs and "
        "targets belong together; then try a higher learning rate or a larger model.",
    )


def _unfinished(line: Line, course: Course) -> Finding:
    share = _last_quarter(course) / (course.start - course.end)
    return _finding(
        line,
        course,
        f"{line.metric} still fell steadily when the run ended: the last quarter of the steps brought "
        f"{share:.0%} of the whole fall from {figure(course.start)} to {figure(course.end)}.",
        "Train for longer, or with a higher learning rate.",
    )


def _finding(line: Line, course: Course, text: str, advice: str) -> Finding:
    return Finding(
        rule="underfitting",
        severity="warning",
        metric=line.metric,
        rank=line.rank,
        step=int(course.first_step[0]),
        last_step=int(course.last_step[-1]),
        text=text,
        evidence={
            "start_value": course.start,
            "end_value": course.end,
            "last_quarter": _last_quarter(course),
        },
        advice=advice,
    )
