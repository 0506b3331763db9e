"""The course of a noisy line: what is drawn strong, and the band its values fill. Pure.

A line that is not crowded is drawn as it is: a filter would only lag behind it. Where the record has
a crowded one smoothed, filtered over all rows, that is the strong one. Otherwise it is a running
mean: of the means of all rows where the line leaves some out, as its points are chosen for what they
show and their mean is another; else of its points. The chart says which. A band too thin to be seen
is left out.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from reports.scale import Floats
from reports.view import ChartView, Line

_SHARE = 40
_LEAST_WINDOW, _MOST_WINDOW = 9, 101
_TRIMMED = 10
_THIN, _HERE_AND_THERE = 0.01, 0.05


@dataclass(frozen=True)
class Band:
    """Between which values all rows lie; ``steps`` are edges, one more than there are values."""

    steps: Floats
    least: Floats
    greatest: Floats


@dataclass(frozen=True)
class Means:
    """The means of all rows of a thinned line, in stretches: ``at`` is the middle of each, in steps.

    ``smooth`` is their running mean. All of shape ``(n,)``.
    """

    at: Floats
    value: Floats
    smooth: Floats


@dataclass(frozen=True)
class Course:
    """How one line of a chart runs. ``strong`` belongs to the line's own steps.

    ``said`` tells what ``strong`` is, ``None`` where the line itself is drawn strong. ``means`` are
    what it was made from, where that is not the line's points.
    """

    line: Line
    strong: Floats | None
    said: str | None
    band: Band | None
    means: Means | None = None

    @property
    def faint(self) -> bool:
        """Whether the points themselves are drawn faint."""
        return self.strong is not None

    @cached_property
    def leading(self) -> Floats:
        """The values that the eye follows."""
        return self.line.values if self.strong is None else self.strong


def courses_of(view: ChartView) -> list[Course]:
    """The course of each line of a chart, in its order."""
    return [_course_of(view, line) for line in view.lines]


def running_mean(values: Floats, window: int) -> Floats:
    """The mean of the ``window`` values around each, without the outermost tenths of them.

    A trimmed mean (Tukey, "The future of data analysis", 1962, section 2), so that one spike does
    not become a plateau. Towards the beginning the window shrinks on both sides, as a run changes
    fastest there, but to no less than a quarter of it; towards the end on one, so that the last
    value, noisy as it is, does not draw the curve to itself. No more values than the window has
    are all given one mean.

    Args:
        values: Finite values, in order.
        window: How many of them; odd.
    """
    half = window // 2
    if len(values) <= window:
        return np.full(len(values), _trimmed(values)) if len(values) else values
    ordered = np.sort(sliding_window_view(values, window), axis=1)
    cut = window // _TRIMMED
    middle = ordered[:, cut : window - cut].mean(axis=1)
    begin = [_trimmed(values[: i + max(i, half // 2) + 1]) for i in range(half)]
    end = [_trimmed(values[i - half :]) for i in range(len(values) - half, len(values))]
    return np.concatenate((begin, middle, end))


def window_for(points: int) -> int:
    """How many of a line's points a running mean spans: a fortieth, at least 9, at most 101."""
    return min(max(points // _SHARE, _LEAST_WINDOW), _MOST_WINDOW) | 1


def _course_of(view: ChartView, line: Line) -> Course:
    band = _band_of(view, line)
    if not line.crowded:
        return Course(line, None, None, band)
    smoothed = view.chart.smoothed.get(line.name)
    if smoothed:
        strong = np.array([np.nan if v is None else v for _, v in smoothed], dtype=np.float64)
        said = f"smoothed over all rows ({line.info.smoothing or 'filtered'})"
        return Course(line, strong, said, band)
    if view.chart.means.get(line.name):
        means = _means_of(view, line)
        strong = np.where(line.finite, np.interp(line.steps, means.at, means.smooth), np.nan)
        return Course(line, strong, "running mean over all rows", band, means)
    values = line.values[line.finite]
    window = window_for(len(values))
    strong = np.full(len(line.values), np.nan)
    strong[line.finite] = _mean_along(values, window, view)
    return Course(line, strong, f"running {_kind(view)} of {window} drawn points", band)


def _means_of(view: ChartView, line: Line) -> Means:
    steps, values = np.array(view.chart.means[line.name], dtype=np.float64).T
    ends = np.append(steps[1:], max(line.steps[-1], steps[-1]))
    # the middle by proportion, where steps have one: it suits a logarithmic axis, too
    at = np.where(
        steps > 0, np.sqrt(np.maximum(steps, 1) * np.maximum(ends, 1)), (steps + ends) / 2
    )
    return Means(at, values, _mean_along(values, window_for(len(values)), view))


def _mean_along(values: Floats, window: int, view: ChartView) -> Floats:
    if view.scale.kind == "log":
        smooth: Floats = np.exp(running_mean(np.log(values), window))
        return smooth
    return running_mean(values / view.scale.unit, window) * view.scale.unit


def _kind(view: ChartView) -> str:
    return "geometric mean" if view.scale.kind == "log" else "mean"


def _band_of(view: ChartView, line: Line) -> Band | None:
    entries = view.chart.bands.get(line.name)
    if not entries or not line.steps.size:
        return None
    steps, least, greatest = np.array(entries, dtype=np.float64).T
    if not _seen(view, least, greatest):
        return None
    end = max(float(line.steps[-1]), float(steps[-1]))
    return Band(np.append(steps, end), least, greatest)


def _seen(view: ChartView, least: Floats, greatest: Floats) -> bool:
    """Whether a band is more than a line's breadth of the axis high, here and there."""
    low, high = view.bounds
    if view.scale.kind == "log":
        shares = np.log(greatest / least) / np.log(high / low)
    else:
        shares = (greatest / view.scale.unit - least / view.scale.unit) / (high - low)
    return bool((shares > _THIN).mean() > _HERE_AND_THERE)


def _trimmed(values: Floats) -> float:
    cut = len(values) // _TRIMMED
    return float(np.sort(values)[cut : len(values) - cut].mean())
