"""The mean of several lines and the band they fill. Pure: arrays in, arrays out.

Where all lines have the same steps, the mean at each is that of their values. Else it is taken at
every step that any of them has, between the last of their first steps and the first of their last
ones, on straight lines between the points of each. Nothing is extrapolated. Where one line is not
finite, neither is the mean: a mean of the others would jump.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from compactor.sampling import downsample
from reports.scale import Floats
from reports.wording import count, span, whole

MOST_POINTS = 2000


@dataclass(frozen=True)
class Track:
    """One line: growing steps; values, NaN where not finite; elapsed seconds and epochs, NaN where unknown."""

    steps: Floats
    values: Floats
    seconds: Floats
    epochs: Floats


@dataclass(frozen=True)
class Average:
    """The mean of lines at ``track.steps``, and between what they lie there; ``notes`` tell how."""

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
        values.min(axis=0)[kept],
        values.max(axis=0)[kept],
        tuple(_notes(alike=alike, tracks=tracks, steps=steps, mean=mean)),
    )


def _mean_of(tracks: Sequence[Track], steps: Floats, name: str) -> Floats:
    columns = [np.interp(steps, track.steps, getattr(track, name)) for track in tracks]
    mean: Floats = np.stack(columns).mean(axis=0)
    return mean


def _notes(*, alike: bool, tracks: Sequence[Track], steps: Floats, mean: Floats) -> list[str]:
    notes = []
    if not alike:
        notes.append(
            "the runs differ in steps: between their drawn points the mean is interpolated"
        )
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
