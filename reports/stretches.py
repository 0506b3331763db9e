"""Stretches of a run behind its curves: phases and attempts.

Every second phase is shaded over the whole height of the axes and each begins with a light line.
Where a run was resumed, a strip along the bottom of the axes changes its tone.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from matplotlib.axes import Axes

from compactor.record import Attempt, Phase
from reports import typeset
from reports.marks import Style
from reports.steps import StepAxis
from reports.wording import count, listing, whole

PHASE_LABEL, ATTEMPT_LABEL = "phase", "attempt"

_SIZE = 8.0
_ROW = 10.0
_ROWS = 3
_LONGEST_NAME = 110.0
_STRIP = 4.0
_RESUMPTIONS_NAMED = 4
Rows = list[tuple[Phase, int]]


def phase_rows(phases: Sequence[Phase], axis: StepAxis, room: float) -> Rows:
    """Which row above the axes each phase's name fits into, lowest first.

    Args:
        phases: The phases of the run.
        axis: The axis of steps.
        room: How wide the axes are, in points.

    Returns:
        The phases that begin within the axes and whose name fits into one of three rows.
    """
    ends = [-np.inf] * _ROWS
    rows = []
    for phase in sorted(phases, key=lambda phase: phase.step):
        begin = axis.share(phase.step) * room
        if not 0 <= begin <= room:
            continue
        wide = typeset.width(_name(phase), _SIZE)
        row = next((row for row, end in enumerate(ends) if end <= begin), None)
        if row is None or begin + wide > room + 10:
            continue
        ends[row] = begin + wide + 8
        rows.append((phase, row))
    return rows


def phase_height(rows: Rows) -> float:
    """How much room the names of the phases take above the axes, in points."""
    return (max(row for _, row in rows) + 1) * _ROW + 3 if rows else 0.0


def shade_phases(axes: Axes, style: Style) -> None:
    """Every second phase shaded, and a light line where each begins."""
    first, last = axes.get_xlim()
    steps = sorted(phase.step for phase in style.phases)
    for place, (begin, end) in enumerate(pairwise([*steps, max(last, *steps, first)])):
        if first <= begin <= last:
            axes.axvline(begin, color=style.theme.rule, linewidth=0.8, linestyle=(0, (4, 3)))
        if place % 2 and begin < end and begin < last:
            shade = axes.axvspan(max(begin, first), end, color=style.theme.shade, linewidth=0)
            shade.set(label=PHASE_LABEL, zorder=0.2)


def name_phases(axes: Axes, rows: Rows, style: Style) -> None:
    """The names of those phases that fit, above the axes."""
    for phase, row in rows:
        axes.annotate(
            _name(phase),
            xy=(phase.step, 1),
            xycoords=axes.get_xaxis_transform(),
            xytext=(0, 3 + row * _ROW),
            textcoords="offset points",
            fontsize=_SIZE,
            color=style.theme.muted,
            annotation_clip=False,
        )


def resumptions(attempts: Sequence[Attempt]) -> list[int]:
    """The steps from which attempts after the first went on, by the lowest rank, in their order.

    An attempt that was resumed from an earlier step than the one before it hides that one's rows
    from there on, so steps that come after a later, smaller one are left out.
    """
    lowest = min((attempt.rank for attempt in attempts), default=0)
    steps: list[int] = []
    for attempt in sorted(attempts, key=lambda attempt: attempt.attempt):
        if attempt.rank == lowest and attempt.resumed_from is not None:
            steps = [*(step for step in steps if step < attempt.resumed_from), attempt.resumed_from]
    return steps


def shade_attempts(axes: Axes, style: Style) -> None:
    """A strip along the bottom that changes its tone where an attempt took over."""
    if not style.resumed:
        return
    first, last = axes.get_xlim()
    inside = [float(step) for step in style.resumed if first < step < last]
    up = _STRIP / (axes.bbox.height * 72 / axes.figure.dpi)
    for place, (begin, end) in enumerate(pairwise([first, *inside, last])):
        axes.axvspan(
            begin,
            end,
            ymin=0.0,
            ymax=up,
            label=ATTEMPT_LABEL,
            facecolor=style.theme.muted if place % 2 else style.theme.rule,
            edgecolor="none",
            zorder=1.5,
        )


def said_of_attempts(steps: Sequence[int]) -> str | None:
    """What the strip means, in words."""
    if not steps:
        return None
    named = [whole(step) for step in steps[:_RESUMPTIONS_NAMED]]
    more = len(steps) - len(named)
    if more:
        named.append(count(more, "more place", "more places"))
    where = "step" if len(steps) == 1 else "steps"
    return f"strip at the bottom: resumed from {where} {listing(named)}"


def _name(phase: Phase) -> str:
    return typeset.shorten(phase.name, _SIZE, _LONGEST_NAME)
