"""Values that are no numbers, and values that never change."""

import re
from typing import NamedTuple

from compactor.findings.evidence import COUNTS, SETTINGS, Evidence, is_loss, words
from compactor.findings.report import counted
from compactor.reading.lines import MEAN_RANK, Line
from compactor.record import Finding
from compactor.spelling import number

LEAST_ROWS = 20
"""So many equal values are no chance."""
_GRADIENT = re.compile(r"grad(ient)?s?([^a-z]|$)|grdn", re.IGNORECASE)
_MAY_STAY = SETTINGS | COUNTS | {"rate", "skipped", "total"}
"""What is named so is set or counted, or may well be 0: a loss's scale may stay as it is."""


class _Gap(NamedTuple):
    """How a line with values that are not finite is to be taken."""

    severity: str
    first: int
    to_the_end: bool


def non_finite(evidence: Evidence) -> list[Finding]:
    """Lines with NaN or infinities: critical where a judged one ends in them or has nothing else.

    A judged line that recovered, any other line that has no finite value at all, and any other loss
    that ends so is a warning; the rest is only told: a gradient norm is infinite now and then where losses are scaled, and
    training skips those steps.
    """
    judged = {line.metric for line, _ in evidence.judged()}
    lines = [line for line in evidence.lines if line.rank != MEAN_RANK]
    return [
        _not_finite(evidence.name(line), line, _gap(line, line.metric in judged))
        for line in lines
        if line.gaps.stretches
    ]


def _gap(line: Line, judged: bool) -> _Gap:
    first = line.gaps.stretches[0][0]
    finite = line.points.step[line.finite]
    never = not len(finite)
    to_the_end = never or int(finite[-1]) < int(line.points.step[-1])
    if judged:
        return _Gap("critical" if to_the_end else "warning", first, to_the_end)
    grave = never or (to_the_end and is_loss(line.metric))
    return _Gap("warning" if grave else "info", first, to_the_end)


def _not_finite(name: str, line: Line, gap: _Gap) -> Finding:
    gaps = line.gaps
    kinds = {
        "NaN": gaps.nan,
        "infinity": gaps.positive_infinity,
        "negative infinity": gaps.negative_infinity,
    }
    what = " and ".join(f"{kind} in {counted(n, 'row')}" for kind, n in kinds.items() if n)
    if sum(kinds.values()) == line.rows:
        where = "and never finite"
    elif gap.to_the_end:
        where = f"first at step {gap.first:,}, and at the end"
    else:
        where = f"first at step {gap.first:,}; it is finite at the end"
    return Finding(
        rule="non_finite",
        severity=gap.severity,
        metric=line.metric,
        rank=line.rank,
        step=gap.first,
        last_step=None if gap.to_the_end else gaps.stretches[-1][1],
        text=f"{name} is {what} of {line.rows:,}, {where}.",
        evidence={
            "first_step": gap.first,
            "nan": gaps.nan,
            "positive_infinity": gaps.positive_infinity,
            "negative_infinity": gaps.negative_infinity,
            "rows": line.rows,
            "stretches": gaps.count,
        },
        advice=(
            "Look at the batch and the gradient norm at the first of these steps; logarithms, divisions "
            "and exponentials of extreme values, half precision, and a learning rate that is too high "
            "are the usual causes."
        ),
    )


def is_gradient(metric: str) -> bool:
    """Whether a metric is named after gradients, such as their norm."""
    return _GRADIENT.search(metric) is not None


def constant(evidence: Evidence) -> list[Finding]:
    """Metrics that ought to move but have one value only.

    Those are metrics for which small or large values are known to be good, and gradient norms. A
    learning rate, a counter or a setting may stay as it is.
    """
    return [
        _never_changes(line, evidence)
        for metric, line in evidence.leading.items()
        if _ought_to_move(metric, evidence) and _is_constant(line)
    ]


def _ought_to_move(metric: str, evidence: Evidence) -> bool:
    known = evidence.mode_of(metric) is not None or is_gradient(metric)
    return metric == evidence.monitor or (known and not words(metric) & _MAY_STAY)


def _is_constant(line: Line) -> bool:
    values = line.points.value[line.finite]
    finite = sum(epoch.finite for epoch in line.epochs)
    return finite >= LEAST_ROWS and float(values.min()) == float(values.max())


def _never_changes(line: Line, evidence: Evidence) -> Finding:
    value = float(line.points.value[line.finite][0])
    first, last = int(line.points.step[0]), int(line.points.step[-1])
    monitored = line.metric == evidence.monitor
    reason = (
        " It decides which epoch is best, and cannot tell one from another." if monitored else ""
    )
    return Finding(
        rule="constant",
        severity="warning",
        metric=line.metric,
        rank=line.rank,
        step=first,
        last_step=last,
        text=(
            f"{evidence.name(line)} is {number(value)} in all of {counted(line.rows, 'row')}, so it tells "
            f"nothing of the training.{reason}"
        ),
        evidence={"value": value, "rows": line.rows},
        advice=(
            "Check that it is computed from the model's present output and logged after each update; a "
            "loss or a gradient norm that does not move means that nothing is learned."
        ),
    )
