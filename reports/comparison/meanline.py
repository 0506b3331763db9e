"""The mean of a group of runs as a line of a chart. Pure."""

import math

import numpy as np

from compactor.record import Along, LineInfo, Point
from reports.comparison.averaging import Average, Track, mean_and_deviation
from reports.comparison.lines import DrawnLine, Points


def track_of(line: DrawnLine) -> Track:
    """A line as arrays; it has one point at least."""
    steps, values = zip(*line.points, strict=True)
    none = [None] * len(steps)
    along = line.along
    columns = (steps, values, along.seconds if along else none, along.epoch if along else none)
    return Track(*(np.array(column, dtype=np.float64) for column in columns), whole=line.every_step)


def points_of(track: Track) -> Points:
    """The points as a record has them."""
    pairs = zip(track.steps.tolist(), track.values.tolist(), strict=True)
    return [(int(step), value if math.isfinite(value) else None) for step, value in pairs]


def along_of(track: Track) -> Along | None:
    """Where the points lie in time and epochs; ``None`` where a run does not say when."""
    if not np.isfinite(track.seconds).all():
        return None
    return Along(
        seconds=track.seconds.tolist(),
        epoch=[each if math.isfinite(each) else None for each in track.epochs.tolist()],
    )


def info_of(one: LineInfo, mean: Average) -> LineInfo:
    """What is said of a mean: in the unit of one of its runs, without a best of its own."""
    steps, values = mean.track.steps, mean.track.values
    finite = np.flatnonzero(np.isfinite(values))
    points: list[Point | None] = [None] * 4
    if finite.size:
        inside = values[finite]
        places = (finite[0], finite[-1], finite[inside.argmin()], finite[inside.argmax()])
        points = [Point(step=int(steps[at]), value=float(values[at])) for at in places]
    first, last, minimum, maximum = points
    middle, deviation = mean_and_deviation(values[finite]) if finite.size else (None, None)
    return LineInfo(
        metric=one.metric,
        rank=None,
        raw_points=len(steps),
        drawn_points=len(steps),
        policy="all",
        first=first,
        last=last,
        minimum=minimum,
        maximum=maximum,
        mean=middle,
        std=deviation,
        unit=one.unit,
        goal=one.goal,
    )


def band_of(mean: Average, entries: int = 400) -> list[tuple[int, float, float]]:
    """The band of a mean in steps short enough for stairs to look like slopes.

    Each entry holds up to the next one's step. Where there is no mean, the band has no height.
    """
    steps = mean.track.steps
    between = np.rint(np.linspace(steps[0], steps[-1], entries))
    at = np.union1d(steps, between) if len(steps) < entries else steps
    low, high = (np.interp(at, steps, edge) for edge in (mean.least, mean.greatest))
    band: list[tuple[int, float, float]] = []
    for step, least, greatest in zip(at.tolist(), low.tolist(), high.tolist(), strict=True):
        if math.isfinite(least):
            band.append((int(step), least, greatest))
        elif band:
            flat = band[-1][1]
            band.append((int(step), flat, flat))
    return band
