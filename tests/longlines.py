"""Long lines out of short ones: what a scan leaves of a line that is too long to come back whole."""

from dataclasses import replace
from statistics import fmean, pvariance

import numpy as np
from hypothesis import strategies as st

from compactor.fold import line_of
from compactor.reading.lines import Buckets, Line, Points


def long_line(line: Line, width: int) -> Line:
    """The same line, known by buckets that are ``width`` steps wide, and by the rows that matter."""
    points = line.points
    groups: dict[int, list[int]] = {}
    for place, step in enumerate(points.step.tolist()):
        groups.setdefault(step // width, []).append(place)
    kept: set[int] = set()
    buckets = []
    for places in groups.values():
        good = [place for place in places if np.isfinite(points.value[place])]
        values = points.value[good].tolist()
        kept |= {places[0], places[-1]}
        if good:
            kept |= {good[values.index(min(values))], good[values.index(max(values))]}
        buckets.append(
            (
                *(int(points.step[place]) for place in (places[0], places[-1])),
                len(places),
                len(good),
                *((fmean(values), pvariance(values), min(values), max(values)) if good else NANS),
                *((0.0, 0.0) if good else NANS[:2]),  # nobody here asks for slopes
            )
        )
    broken = ~np.isfinite(points.value)
    for place in np.flatnonzero(broken).tolist():  # with their neighbours
        kept |= {near for near in (place - 1, place, place + 1) if 0 <= near < len(points)}
    return replace(
        line,
        points=points.take(np.array(sorted(kept), np.int64)),
        whole=False,
        buckets=Buckets(*(np.array(column) for column in zip(*buckets, strict=True))),
    )


NANS = (float("nan"),) * 4


@st.composite
def lines(draw: st.DrawFn, most: int = 60, *, rank: int = 0, epochs: bool = False) -> Line:
    """Lines with gaps, repeated steps and steps that go back; values are small."""
    count = draw(st.integers(1, most))
    steps = draw(st.lists(st.integers(0, 2 * most), min_size=count, max_size=count))
    value = st.one_of(
        st.floats(-100, 100), st.sampled_from([float("nan"), float("inf"), -float("inf")])
    )
    values = draw(st.lists(value, min_size=count, max_size=count))
    if draw(st.booleans()):
        steps.sort()
    return line_of(
        "m",
        rank,
        np.array(steps),
        np.array(values),
        epoch=np.array(steps) // 10 if epochs else None,
    )


def rows_of(points: Points) -> list[tuple[int, float]]:
    """Step and value of each row that is finite."""
    pairs = zip(points.step.tolist(), points.value.tolist(), strict=True)
    return [(step, value) for step, value in pairs if np.isfinite(value)]
