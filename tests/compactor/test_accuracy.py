"""How far rows are from the drawn line, against a slow look at each of them."""

import itertools
import math
from fractions import Fraction
from statistics import fmean, pstdev

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from longlines import lines, long_line, rows_of

from compactor.drawing.accuracy import max_error, mean_and_std
from compactor.drawing.line import draw
from compactor.fold import line_of
from compactor.reading.lines import Line, Points

STEP_EDGES = st.sampled_from([0, -(2**63), 2**62, -5])


def slow_height(shown: Points, at: int) -> float | None:
    """The drawn line at a step, by exact arithmetic; nothing where it is interrupted."""
    pairs = list(zip(shown.step.tolist(), shown.value.tolist(), strict=True))
    for step, value in pairs:
        if step == at:
            return value if math.isfinite(value) else None
    for (left, low), (right, high) in itertools.pairwise(pairs):
        if left < at < right and math.isfinite(low) and math.isfinite(high):
            share = Fraction(at - left, right - left)
            return float(Fraction(low) * (1 - share) + Fraction(high) * share)
    return None


def slow_error(shown: Points, line: Line) -> float | None:
    """The largest distance of all finite rows."""
    heights = [(value, slow_height(shown, step)) for step, value in rows_of(line.points)]
    if any(height is None for _, height in heights):
        return None
    return max((abs(value - height) for value, height in heights if height is not None), default=0)


@settings(deadline=None, max_examples=100)
@given(lines(), STEP_EDGES, st.sampled_from(["adaptive", "piecewise", "uniform"]))
def test_the_distance_of_whole_lines_is_exact(line: Line, start: int, policy: str) -> None:
    """Wherever on the number line the steps are."""
    points = line.points
    line = line_of("m", 0, points.step + start, points.value)
    shown = draw(line, policy=policy, max_points=16, mode=None).rows
    found, expected = max_error(line, shown, line.points), slow_error(shown, line)
    assert (found is None) == (expected is None)
    if found is not None and expected is not None:
        assert found == pytest.approx(expected, rel=1e-12, abs=1e-12)


@settings(deadline=None, max_examples=100)
@given(lines(), st.sampled_from([1, 4, 32]))
def test_no_row_of_a_long_line_is_further_than_the_bound(line: Line, width: int) -> None:
    """Though nobody looks at the rows; where the bound is unknown, it is not given."""
    long = long_line(line, width)
    shown = draw(long, policy="adaptive", max_points=16, mode=None).rows
    bound, expected = max_error(long, shown, None), slow_error(shown, line)
    if bound is not None:
        assert expected is not None
        assert expected <= bound * (1 + 1e-12) + 1e-12


def test_a_bound_looks_at_the_line_inside_a_bucket() -> None:
    """A row that nobody knows of, at a step where the line dips, is further than what is known."""
    rows = ((0, 0.0), (3, 15.0), (3, -6.0), (5, 14.0), (5, -10.0), (10, 0.0))
    step, value = (np.array(column) for column in zip(*rows, strict=True))
    line = line_of("m", 0, step, value)
    long = long_line(line, 16)
    assert 14.0 not in long.points.value
    shown = line.points.take(np.array([0, 2, 4, 5]))
    assert max_error(line, shown, line.points) == 24
    assert max_error(long, shown, None) == 25


@pytest.mark.parametrize("kept", [slice(1, None), slice(0, -1)])
def test_a_row_beyond_the_ends_of_the_line_has_no_known_distance(kept: slice) -> None:
    """There is no line above or below it."""
    line = line_of("m", 0, np.arange(4), np.ones(4))
    assert max_error(line, line.points.take(kept), line.points) is None


def test_the_bound_of_a_smooth_line_is_close() -> None:
    """It grows with the width of the buckets, not with the length of the line."""
    step = np.arange(20_000)
    line = line_of("m", 0, step, np.sin(step / 2000))
    long = long_line(line, 8)
    shown = draw(long, policy="adaptive", max_points=500, mode=None).rows
    bound, exact = max_error(long, shown, None), max_error(line, shown, line.points)
    assert bound is not None
    assert exact is not None
    assert exact <= bound <= exact + 8 / 2000


def test_a_line_that_is_drawn_as_a_whole_is_exact() -> None:
    """With a gap in it, too."""
    line = line_of("m", 0, np.arange(5), np.array([1.0, 5.0, np.nan, 2.0, 9.0]))
    shown = draw(line, policy="adaptive", max_points=16, mode=None).rows
    assert max_error(line, shown, line.points) == 0


def test_a_row_where_the_line_is_interrupted_has_no_known_distance() -> None:
    """Its step shows a gap, because the step's last row is one."""
    line = line_of("m", 0, np.array([0, 1, 1, 2]), np.array([0.0, 0.0, np.nan, 1.0]))
    shown = draw(line, policy="adaptive", max_points=16, mode=None).rows
    assert max_error(line, shown, line.points) is None


def test_a_long_line_with_very_many_gaps_has_no_known_distance() -> None:
    """Not all of their edges are known."""
    value = np.ones(1000)
    value[::3] = np.nan
    long = long_line(line_of("m", 0, np.arange(1000), value), 1)
    shown = draw(long, policy="adaptive", max_points=2000, mode=None).rows
    assert long.gaps.count > len(long.gaps.stretches)
    assert max_error(long, shown, None) is None


def test_a_distance_beyond_all_floats_is_not_known() -> None:
    """Rather than infinite."""
    line = line_of("m", 0, np.array([0, 0, 1]), np.array([-1.7e308, 1.7e308, 0.0]))
    shown = draw(line, policy="adaptive", max_points=16, mode=None).rows
    assert max_error(line, shown, line.points) is None


@settings(deadline=None, max_examples=100)
@given(lines(), st.sampled_from([0, 1, 5, 300]))
def test_mean_and_deviation_are_those_of_all_finite_rows(line: Line, width: int) -> None:
    """However they are put into buckets."""
    values = [value for _, value in rows_of(line.points)]
    mean, std = mean_and_std((long_line(line, width) if width else line).buckets)
    if not values:
        assert (mean, std) == (None, None)
        return
    assert mean == pytest.approx(fmean(values), rel=1e-12, abs=1e-12)
    assert std == pytest.approx(pstdev(values), rel=1e-9, abs=1e-9)


def test_a_deviation_beyond_all_floats_is_not_known() -> None:
    """The mean still is."""
    line = line_of("m", 0, np.arange(2), np.array([-1e300, 1e300]))
    assert mean_and_std(line.buckets) == (0.0, None)
