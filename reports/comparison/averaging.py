"""The mean of several lines and the band they fill. Pure: arrays in, arrays out.

Where all lines have the same steps, the mean at each is that of their values. Else it is taken at
every step that any of them has, between the last of their first steps and the first of their last
ones, on straight lines between the points of each. Nothing is extrapolated. Where one line is not
finite, neither is the mean: a mean of the others would jump.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from compactor.sampling import downsample
from reports.scale import Floats
from reports.wording import count, span, whole

MOST_POINTS = 2000


@dataclass(frozen=True)
class Track:
    """One line: growing steps; values, NaN where not finite; elapsed seconds and epochs, NaN where unknown.

    Without ``whole`` it leaves out rows of the run.
    """

    steps: Floats
    values: Floats
    seconds: Floats
    epochs: Floats
    whole: bool = field(default=True, kw_only=True)


@dataclass(frozen=True)
class Average:
    """The mean of lines at ``track.steps``; ``notes`` tell how.

    ``least`` and ``greatest`` are those of all lines from there up to the next of these steps.
    """

    track: Track
    least: Floats
    greatest: Floats
    notes: tuple[str, ...]


def average(tracks: Sequence[Track], most: int = MOST_POINTS) -> Average | None:
    """The mean of two lines or more; ``None`` where they have no step in common.

    Args:
        tracks: The lines, each with one point at least.
        most: How many points the mean may have.
    """
    first = max(track.steps[0] for track in tracks)
    last = min(track.steps[-1] for track in tracks)
    alike = all(np.array_equal(track.steps, tracks[0].steps) for track in tracks)
    every = tracks[0].steps  # as they are alike, mostly: a million steps take their time to sort
    if not alike:
        every = np.unique(np.concatenate([track.steps for track in tracks]))
    steps = every[(every >= first) & (every <= last)]
    if not steps.size:
        return None
    values = np.stack([np.interp(steps, track.steps, track.values) for track in tracks])
    mean = (values / len(tracks)).sum(axis=0)
    kept = downsample(steps, mean, max(most, 16))
    track = Track(steps, mean, *(_mean_of(tracks, steps, name) for name in ("seconds", "epochs")))
    return Average(
        Track(*(column[kept] for column in (steps, mean, track.seconds, track.epochs))),
        _within(np.fmin, values.min(axis=0), kept),
        _within(np.fmax, values.max(axis=0), kept),
        tuple(_notes(alike=alike, tracks=tracks, steps=steps, mean=mean)),
    )


def mean_and_deviation(values: Floats, freedom: int = 0) -> tuple[float, float | None]:
    """Mean and standard deviation, also of values whose sums or squares no double holds.

    Args:
        values: One value at least, all finite.
        freedom: What the number of values is diminished by as a divisor.

    Returns:
        Both; ``None`` for a deviation of too few values, or one that no double holds.
    """
    power = int(np.frexp(np.abs(values).max())[1])
    scaled = np.ldexp(values, -power)
    mean = float(np.ldexp(scaled.mean(), power))
    if len(values) <= freedom:
        return mean, None
    with np.errstate(over="ignore"):
        deviation = float(np.ldexp(scaled.std(ddof=freedom), power))
    return mean, deviation if math.isfinite(deviation) else None


def _within(extreme: np.ufunc, edge: Floats, kept: npt.NDArray[np.intp]) -> Floats:
    """The extreme from each kept place up to the next; a gap stays one."""
    reached: Floats = extreme.reduceat(edge, kept)
    return np.where(np.isfinite(edge[kept]), reached, np.nan)


def _mean_of(tracks: Sequence[Track], steps: Floats, name: str) -> Floats:
    columns = [np.interp(steps, track.steps, getattr(track, name)) for track in tracks]
    mean: Floats = np.stack(columns).mean(axis=0)
    return mean


def _notes(*, alike: bool, tracks: Sequence[Track], steps: Floats, mean: Floats) -> list[str]:
    notes = []
    if not all(track.whole for track in tracks):
        notes.append(
            "made of the drawn points, between which it is interpolated: it swings more than the "
            "mean of all rows"
        )
    elif not alike:
        notes.append("the runs differ in steps: between those of a run the mean is interpolated")
    farthest = max(track.steps[-1] for track in tracks)
    if farthest > steps[-1]:
        notes.append(
            f"no mean beyond step {whole(int(steps[-1]))}, where the first of the runs ends"
        )
    gaps = np.flatnonzero(~np.isfinite(mean))
    if gaps.size:
        where = span(int(steps[gaps[0]]), int(steps[gaps[-1]]))
        notes.append(f"no mean at {count(gaps.size, 'step')} of {where}, where a run is not finite")
    return notes
