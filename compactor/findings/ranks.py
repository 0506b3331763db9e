"""Ranks that logged nothing, that lag behind the others, or whose values differ from theirs."""

from collections import defaultdict

import numpy as np

from compactor.findings.course import Course, follow, noise_of, unit_of
from compactor.findings.evidence import Evidence
from compactor.findings.report import counted
from compactor.findings.values import is_gradient
from compactor.names import Mode, listed
from compactor.reading.lines import MEAN_RANK, Line
from compactor.record import Finding
from compactor.sampling.arrays import Floats, Mask
from compactor.spelling import number

BEHIND = 0.02
"""A rank lags if its last step is behind by so much of all steps: ranks that work in step are never
more than a few apart."""
FAR_BEHIND = 0.1
"""From here on it is critical: it has stopped."""
LEAST_STEPS = 10

PARTS = 16
"""Ranks are compared over so many parts of the run, of which at least half is needed."""
APART = 3.0
"""In a part, a rank is apart if its distance from the median of the others is so many times the noise of
that distance ..."""
RELEVANT = 0.1
"""... and so much of the range that the metric went through."""
MOSTLY = 0.5
"""A rank differs if it is apart in so many of the parts, on the same side."""


def silent_ranks(evidence: Evidence) -> list[Finding]:
    """The expected ranks without a row, in one finding: a warning if most of the ranks have rows.

    Else it is only told, for perhaps one rank, or one a machine, logs for all.
    """
    lines = _by_metric(evidence)
    heard = {rank for of in lines.values() for rank in of}
    silent = sorted(set(evidence.expected_ranks) - heard)
    if not silent or not heard:
        return []
    named = f"Rank {silent[0]}" if len(silent) == 1 else f"Ranks {listed(list(map(str, silent)))}"
    return [
        Finding(
            rule="rank_silent",
            severity="warning" if len(heard) > len(silent) else "info",
            metric=min(lines),
            rank=silent[0],
            step=None,
            last_step=None,
            text=f"{named} logged nothing; {counted(len(heard), 'other rank')} did.",
            evidence={"silent": len(silent), "heard": len(heard)},
            advice=(
                "Look whether their processes started and wrote to the same run; if they need not "
                "log, let the ranks that do say so by their world_size."
            ),
        )
    ]


def lagging_ranks(evidence: Evidence) -> list[Finding]:
    """Ranks whose last step is behind that of the others, by the metrics that all of them log."""
    lines = _by_metric(evidence)
    ranks = {rank for lines_of in lines.values() for rank in lines_of}
    last = {
        rank: max(int(of[rank].points.step[-1]) for of in lines.values() if set(of) == ranks)
        for rank in sorted(ranks)
        if any(set(of) == ranks for of in lines.values())
    }
    if len(last) < 2:
        return []
    front = max(last.values())
    metric = min(name for name, of in lines.items() if set(of) == ranks)
    found = []
    for rank, step in last.items():
        behind = front - step
        if behind >= LEAST_STEPS and behind > BEHIND * front:
            found.append(_lags(metric, rank, step, front))
    return found


def _lags(metric: str, rank: int, step: int, front: int) -> Finding:
    behind = front - step
    return Finding(
        rule="rank_lags",
        severity="critical" if behind > FAR_BEHIND * front else "warning",
        metric=metric,
        rank=rank,
        step=step,
        last_step=front,
        text=(
            f"Rank {rank} is at step {step:,}, {counted(behind, 'step')} behind the furthest rank "
            f"({front:,})."
        ),
        evidence={"last_step": step, "furthest_step": front, "behind": behind},
        advice=(
            "Look at that rank's process and its last messages: it has stopped, is slower, or was "
            "left behind by a collective operation that the others do not wait for."
        ),
    )


def differing_ranks(evidence: Evidence) -> list[Finding]:
    """Ranks whose metrics keep a distance from those of the others that noise does not explain.

    Compared are metrics for which small or large values are known to be good, and gradient norms; how
    busy a machine is may differ. Of two ranks, none is the odd one out: the higher is named.
    """
    found = []
    for metric, lines in sorted(_by_metric(evidence).items()):
        mode = evidence.mode_of(metric) or ("min" if is_gradient(metric) else None)
        if mode is not None and len(lines) > 1:
            found += _differing(lines, mode)
    return found


def _differing(lines: dict[int, Line], mode: Mode) -> list[Finding]:
    """Compare in the middle of the parts of the lowest rank, as far as all ranks have come."""
    unit = max(map(unit_of, lines.values()))
    courses = {
        rank: course
        for rank in sorted(lines)
        if (course := follow(lines[rank], mode, PARTS, unit)) is not None
    }
    if len(courses) < 2 or min(map(len, courses.values())) < PARTS // 2:
        return []
    reached = min(int(each.last_step[-1]) for each in courses.values())
    first = next(iter(courses.values()))
    grid = first.middle[first.last_step <= reached]
    if len(grid) < PARTS // 2:
        return []
    table = np.array([np.interp(grid, each.middle, each.value) for each in courses.values()])
    spread = float(np.ptp(np.median(table, axis=0)))
    found = []
    for place, rank in enumerate(courses):
        if len(courses) == 2 and place == 0:
            continue
        usual = np.median(np.delete(table, place, axis=0), axis=0)
        distance = table[place] - usual
        side = 1.0 if float(np.median(distance)) > 0 else -1.0
        least = max(APART * noise_of(distance), RELEVANT * spread)
        apart = side * distance > least
        if float(apart.mean()) >= MOSTLY:
            found.append(_differs(lines[rank], first, apart, table[place], usual))
    return found


def _differs(line: Line, course: Course, apart: Mask, there: Floats, usual: Floats) -> Finding:
    first, last = np.flatnonzero(apart)[[0, -1]].tolist()
    value, elsewhere = (course.shown(float(np.median(each[apart]))) for each in (there, usual))
    share = float(apart.mean())
    return Finding(
        rule="rank_differs",
        severity="warning",
        metric=line.metric,
        rank=line.rank,
        step=int(course.first_step[first]),
        last_step=int(course.last_step[last]),
        text=(
            f"{line.metric} of rank {line.rank} is about {number(value)} where that of the other ranks "
            f"is {number(elsewhere)}, in {share:.0%} of the run."
        ),
        evidence={"value": value, "value_elsewhere": elsewhere, "share_of_run": share},
        advice=(
            "Compare the data, the seed, the weights after loading and the precision of that rank with "
            "the others'."
        ),
    )


def _by_metric(evidence: Evidence) -> dict[str, dict[int, Line]]:
    """The lines with rows, by metric and rank."""
    found: dict[str, dict[int, Line]] = defaultdict(dict)
    for line in evidence.lines:
        if line.rank != MEAN_RANK and line.rows:
            found[line.metric][line.rank] = line
    return dict(found)
