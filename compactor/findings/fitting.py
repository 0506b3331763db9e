"""Overfitting and underfitting: how training and held-out data go together."""

from collections.abc import Sequence

import numpy as np

from compactor.findings.course import Course, follow, smoothed_over
from compactor.findings.evidence import Evidence, split
from compactor.findings.report import counted
from compactor.reading.lines import Line
from compactor.record import Finding
from compactor.spelling import number

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
TREND = 3.0
"""A fall of so many standard errors is one: it is better to miss a flat loss than to blame a good one."""
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
            found.append(_overfits(evidence, (line, course), (partner, training)))
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


def _overfits(
    evidence: Evidence, held_out: tuple[Line, Course], trained: tuple[Line, Course]
) -> Finding:
    (line, course), (partner, training) = held_out, trained
    onset = int(course.last_step[course.best])
    best, then = float(course.value[course.best]), training.at(onset)
    fell, rose = ("fell", "rose") if course.sign > 0 else ("rose", "fell")
    extreme = "lowest" if course.sign > 0 else "highest"
    return Finding(
        rule="overfitting",
        severity="warning",
        metric=line.metric,
        rank=line.rank,
        step=onset,
        last_step=int(course.last_step[-1]),
        text=(
            f"Smoothed over {counted(smoothed_over(line, course), 'value')}, {evidence.name(line)} was "
            f"{extreme} around step {onset:,}, at about {number(course.shown(best))}, and {rose} to "
            f"{number(course.shown(course.end))}, while {partner.metric} "
            f"still {fell} from {number(training.shown(then))} to {number(training.shown(training.end))}."
        ),
        evidence={
            "onset_step": onset,
            "best_value": course.shown(best),
            "end_value": course.shown(course.end),
            "training_metric": partner.metric,
            "training_at_onset": training.shown(then),
            "training_at_end": training.shown(training.end),
        },
        advice=(
            "Use the checkpoint from the best step, or stop there; more data, augmentation, weight "
            "decay, dropout or a smaller model move that step further out."
        ),
    )


def underfitting(evidence: Evidence, explained: Sequence[Finding]) -> list[Finding]:
    """Training losses that hardly fell, or that still fell steadily when the run was completed.

    Where held-out data get better, something is learned, however little of it shows in the noise of
    training.

    Args:
        evidence: The run.
        explained: Findings that explain it better.
    """
    spoiled = {each.metric for each in explained}
    learns = _held_out_improve(evidence)
    found = []
    for line, mode in evidence.training():
        course = follow(line, mode)
        if course is None or len(course) < LEAST_TRAINING or line.metric in spoiled:
            continue
        if not learns and (_hardly_fell(course) or _within_noise(course)):
            found.append(_learned_little(evidence.name(line), line, course))
        elif evidence.status == "completed" and _still_falls(course):
            found.append(_unfinished(evidence.name(line), line, course))
    return found


def _hardly_fell(course: Course) -> bool:
    return course.start - course.end <= HARDLY * abs(course.start)


def _within_noise(course: Course) -> bool:
    return course.start - course.end <= ABOVE_NOISE * course.noise and not _has_trend(course)


def _held_out_improve(evidence: Evidence) -> bool:
    """Whether a held-out line gets better, beyond its noise."""
    courses = [
        follow(line, mode) for line, mode in evidence.judged() if split(line.metric) == "val"
    ]
    return any(each and len(each) >= LEAST_PARTS and _has_trend(each) for each in courses)


def _has_trend(course: Course) -> bool:
    """Whether the median of the first parts, however many, is above that of the last half.

    By more than noise: the median of n values has a standard error of sqrt(pi / 2n) times that of one.
    """
    half = len(course) // 2
    late = float(np.median(course.value[-half:]))
    first = 2 ** np.arange(1, int(np.log2(half)) + 1)
    fell = np.array([np.median(course.value[:parts]) for parts in first.tolist()]) - late
    error = course.noise * np.sqrt(np.pi / 2 * (1 / first + 1 / half))
    return bool((fell > TREND * error).any())


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


def _learned_little(name: str, line: Line, course: Course) -> Finding:
    start, end = course.shown(course.start), course.shown(course.end)
    if end >= start:
        what = "did not fall"
    elif start - end <= HARDLY * abs(start):
        what = "hardly fell"
    else:
        what = "fell no further than its ups and downs explain"
    return _finding(
        line,
        course,
        f"{name} {what}: from about {number(start)} to {number(end)} by step "
        f"{int(course.last_step[-1]):,}.",
        "Check that the optimiser has all parameters, that gradients reach them, and that inputs and "
        "targets belong together; then try a higher learning rate or a larger model.",
    )


def _unfinished(name: str, line: Line, course: Course) -> Finding:
    share = min(1.0, _last_quarter(course) / (course.start - course.end))
    return _finding(
        line,
        course,
        f"{name} still fell steadily when the run ended: the last quarter of the steps brought "
        f"{share:.0%} of the whole fall from {number(course.shown(course.start))} to "
        f"{number(course.shown(course.end))}.",
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
            "start_value": course.shown(course.start),
            "end_value": course.shown(course.end),
            "last_quarter": course.amount(_last_quarter(course)),
        },
        advice=advice,
    )
