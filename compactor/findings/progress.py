"""How long the monitor went on improving, and where early stopping would have stopped."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from compactor.findings.course import Course, follow
from compactor.findings.evidence import Evidence, split
from compactor.findings.report import counted, duration
from compactor.reading.lines import Line
from compactor.record import Finding
from compactor.sampling.arrays import Floats, Ints
from compactor.spelling import number

FLAT_SHARE = 0.4
"""A plateau: so much of the steps at the end brought no improvement ..."""
FLAT_PARTS = 5
"""... in at least so many parts of the course ..."""
IMPROVEMENT = 0.01
"""... by this share of what the monitor gained since the first eighth of its course ..."""
ABOVE_NOISE = 1.0
"""... or by its noise, whichever is more."""
FREAK = 4.0
"""A part that is better than its neighbours by more times the noise is taken for so much better only."""

MOST_VALUES = 1000
"""A monitor with more values (or one of training batches) is no evaluation: patience means nothing."""
LEAST_SAVED = 0.25
"""Early stopping is told of if it would have saved so much of the steps: at the end of a good run, a
monitor may well pause for a tenth of it."""
MISSED = 0.01
"""The best counts as missed if it is better by this share of what the monitor gained."""


def plateau(evidence: Evidence, spoiled: Sequence[Finding]) -> list[Finding]:
    """The monitor (without one, a training loss) did not improve for the last part of the run.

    Args:
        evidence: The run.
        spoiled: Findings that explain it better.
    """
    if spoiled:
        return []
    watched = [
        (line, mode)
        for line, mode in (evidence.judged() if evidence.monitor else evidence.training())
        if evidence.monitor in {None, line.metric}
    ]
    found = []
    for line, mode in watched[:1]:
        course = follow(line, mode)
        if course is None or course.gain <= 0:
            continue
        part = _last_improvement(course)
        if course.share_after(part) >= FLAT_SHARE and len(course) - 1 - part >= FLAT_PARTS:
            found.append(_flat(evidence.name(line), line, course, part))
    return found


def _last_improvement(course: Course) -> int:
    """The last part that was better than the best before it by more than a trifle."""
    early = float(np.median(course.value[: max(1, len(course) // 8)]))
    gained = early - float(course.value[course.best])
    least = max(IMPROVEMENT * gained, ABOVE_NOISE * course.noise)
    borne_out = np.maximum(course.value, course.calm - FREAK * course.noise)
    last, kept = 0, float(borne_out[0])
    for part, value in enumerate(borne_out.tolist()):
        if value < kept - least:
            last, kept = part, value
    return last


def _flat(name: str, line: Line, course: Course, part: int) -> Finding:
    step, value = int(course.last_step[part]), course.shown(float(course.calm[part]))
    share = course.share_after(part)
    return Finding(
        rule="plateau",
        severity="info",
        metric=line.metric,
        rank=line.rank,
        step=step,
        last_step=int(course.last_step[-1]),
        text=(
            f"{name} has not improved to speak of since step {step:,} ({share:.0%} of the steps): about "
            f"{number(value)} then, {number(course.shown(course.end))} at the end."
        ),
        evidence={
            "since_step": step,
            "value_then": value,
            "end_value": course.shown(course.end),
            "share_of_steps": share,
        },
        advice=(
            "Stop earlier, or lower the learning rate at that step; if the value is not good enough, "
            "change the model, the data or the regularisation instead of training for longer."
        ),
    )


class _Stop(NamedTuple):
    """Where early stopping stops, and the best it has by then, as places among the values."""

    at: int
    kept: int


def early_stopping(evidence: Evidence) -> list[Finding]:
    """Where early stopping by the monitor would have ended the run, if well before its end."""
    line = evidence.leading.get(evidence.monitor or "")
    if line is None or evidence.mode is None:
        return []
    step, epoch, value = _evaluations(line, evidence)
    single = split(line.metric) == "train" or (
        split(line.metric) is None and evidence.mode == "min"
    )
    if len(value) > MOST_VALUES or (single and not len(epoch)):
        return []
    sign = 1.0 if evidence.mode == "min" else -1.0
    stop = _stops(sign * value, evidence.patience, evidence.min_delta)
    if stop is None:
        return []
    saved = int(step[-1]) - int(step[stop.at])
    if saved < LEAST_SAVED * (int(step[-1]) - min(int(step[0]), 0)) or not saved:
        return []
    return [_stopped(line, evidence, (step, epoch, sign * value), stop)]


def _evaluations(line: Line, evidence: Evidence) -> tuple[Ints, Ints, Floats]:
    """Step, epoch and value of what early stopping would have looked at, NaN where not finite.

    The values of epochs that ended (means, where a metric has several rows in one); of a line
    without epochs its rows, and no epochs.
    """
    ended = evidence.ended.get(line.rank, frozenset())
    numbered = [(each.epoch, each) for each in line.epochs if each.epoch is not None]
    if not numbered:
        points = line.points if line.whole else line.points.take(slice(0, 0))
        value = points.value
        return points.step, np.empty(0, np.int64), np.where(np.isfinite(value), value, np.nan)
    used = [
        (each.step, epoch, each.mean)
        for epoch, each in sorted(numbered, key=lambda pair: pair[0])
        if not line.many_an_epoch or epoch in ended
    ]
    step, epoch = (np.array([row[i] for row in used], np.int64) for i in (0, 1))
    value = np.array([np.nan if row[2] is None else row[2] for row in used], np.float64)
    return step, epoch, value


def _stops(value: Floats, patience: int, min_delta: float) -> _Stop | None:
    """Stop at the first value by which ``patience`` in a row did not improve on the best.

    A value improves if it is better by more than ``min_delta``; NaN does not. Before the first number
    there is nothing to keep, so none to stop for. ``None`` if that does not happen.
    """
    kept, best = 0, np.inf
    for place, each in enumerate(value.tolist()):
        if each + min_delta < best:
            kept, best = place, each
        elif np.isfinite(best) and place - kept >= patience:
            return _Stop(place, kept)
    return None


def _stopped(
    line: Line, evidence: Evidence, values: tuple[Ints, Ints, Floats], stop: _Stop
) -> Finding:
    step, epoch, value = values
    sign = 1.0 if evidence.mode == "min" else -1.0
    missed = _missed(value, stop, evidence.min_delta)
    saved = int(step[-1]) - int(step[stop.at])
    epochs = len(value) - 1 - stop.at if len(epoch) else None
    took = evidence.seconds_per_step
    rule = f"a patience of {evidence.patience:,}"
    rule += f" and a min_delta of {number(evidence.min_delta)}" if evidence.min_delta else ""
    savings = [counted(saved, "step")]
    savings += [] if epochs is None else [counted(epochs, "epoch")]
    savings += [] if took is None else [duration(saved * took)]
    text = (
        f"Early stopping by {evidence.name(line)} with {rule} would have stopped at step "
        f"{int(step[stop.at]):,}, with {number(sign * float(value[stop.kept]))} from step "
        f"{int(step[stop.kept]):,}, and saved {', '.join(savings)}."
    )
    if missed is not None:
        text += (
            f" It would have missed the best, {number(sign * float(value[missed]))} at step "
            f"{int(step[missed]):,}."
        )
    return Finding(
        rule="early_stopping",
        severity="info",
        metric=line.metric,
        rank=line.rank,
        step=int(step[stop.at]),
        last_step=int(step[-1]),
        text=text,
        evidence={
            "patience": evidence.patience,
            "min_delta": evidence.min_delta,
            "stop_step": int(step[stop.at]),
            "stop_epoch": int(epoch[stop.at]) if len(epoch) else None,
            "kept_step": int(step[stop.kept]),
            "kept_value": sign * float(value[stop.kept]),
            "saved_steps": saved,
            "saved_epochs": epochs,
            "saved_seconds": None if took is None else saved * took,
            "misses_best": int(missed is not None),
            "best_step": evidence.best_step,
            "best_epoch": evidence.best_epoch,
        },
        advice=(
            "Stop runs like this one early; the best epoch is the same."
            if missed is None
            else "Give early stopping more patience, or none, in runs like this one."
        ),
    )


def _missed(value: Floats, stop: _Stop, min_delta: float) -> int | None:
    """The place of the best value, if it is better to speak of than what early stopping kept."""
    best = int(np.nanargmin(value))
    least = float(value[best])
    gain = float(np.nanmax(value[: best + 1])) - least
    lost = float(value[stop.kept]) - least
    return best if lost > MISSED * gain and lost > min_delta else None
