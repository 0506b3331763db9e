"""The axis of steps: linear, or stretched where a run begins.

A stretched axis is ``asinh(step / w)`` with ``w`` a thousandth of the last step, rounded to a power
of ten: linear up to ``w``, logarithmic beyond it, and it can show step 0, which a logarithm cannot.
A long run asks for it where most of what its curve does is over within the first fiftieth of it.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from matplotlib.axes import Axes

from reports.courses import Course
from reports.view import ChartView

_FROM_ZERO = 0.1
_ROOM = 0.02
_PART = 1000.0
_LONG, _EARLY = 50_000, 0.02
_LEAST_EARLY, _MOST_LATE = 16, 0.5


@dataclass(frozen=True)
class StepAxis:
    """From which step to which a chart reaches, and whether early steps are stretched."""

    first: float
    last: float
    stretched: bool = False

    @cached_property
    def width(self) -> float:
        """Up to where a stretched axis is all but linear, in steps."""
        largest = max(abs(self.first), abs(self.last), 1.0)
        return float(10.0 ** max(math.floor(math.log10(largest / _PART)), 0))

    @cached_property
    def limits(self) -> tuple[float, float]:
        """The ends of the axis, with a little room beyond the first and the last step."""
        first, last = self._along(self.first), self._along(self.last)
        room = (last - first) * _ROOM or max(1.0, abs(last) * 0.01)
        return self._back(first - room), self._back(last + room)

    def share(self, step: float) -> float:
        """How far from left to right a step lies; 0 and 1 are the ends of the axis."""
        first, last = map(self._along, self.limits)
        return (self._along(step) - first) / (last - first)

    def dress(self, axes: Axes) -> None:
        """Give ``axes`` this axis."""
        if self.stretched:
            axes.set_xscale("asinh", linear_width=self.width)
        axes.set_xlim(*self.limits)

    def _along(self, step: float) -> float:
        return math.asinh(step / self.width) if self.stretched else step

    def _back(self, place: float) -> float:
        return math.sinh(place) * self.width if self.stretched else place


def asks_for_stretching(courses: Sequence[Course], *, logarithmic: bool) -> bool:
    """Whether early steps need more room than their share of a linear axis.

    Judged by the longest line, where it reaches over fifty thousand steps or more: at least sixteen
    of its points lie within the first fiftieth, and what comes after covers less than half of the
    height that the strong line covers in all.

    Args:
        courses: How the lines of a chart run.
        logarithmic: Whether heights are to be measured on a logarithmic y axis.
    """
    longest = max(courses, key=lambda course: int(course.line.finite.sum()), default=None)
    if longest is None:
        return False
    finite = np.isfinite(longest.leading)
    steps, values = longest.line.steps[finite], longest.leading[finite]
    if steps.size < _LEAST_EARLY or steps[-1] - steps[0] < _LONG:
        return False
    early = steps <= steps[0] + _EARLY * (steps[-1] - steps[0])
    heights = np.log(values) if logarithmic else values / np.abs(values).max(initial=1.0)
    if early.sum() < _LEAST_EARLY or early.all():
        return False
    return bool(np.ptp(heights[~early]) < _MOST_LATE * np.ptp(heights))


def step_axis(view: ChartView, *, stretched: bool) -> StepAxis:
    """The axis that shows all steps of a chart, those without a finite value too."""
    steps = np.concatenate([line.steps for line in view.lines] or [np.zeros(1)])
    marked = [
        edge for line in view.lines for pair in line.info.non_finite.stretches for edge in pair
    ]
    marked += [line.best.step for line in view.lines if line.best]
    every = np.concatenate((steps, np.array(marked, dtype=np.float64)))
    first, last = (float(every.min()), float(every.max())) if every.size else (0.0, 1.0)
    if 0 < first < last * _FROM_ZERO:
        first = 0.0
    return StepAxis(first, last, stretched)
