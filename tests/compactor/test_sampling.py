"""Downsampling: what a drawn line must keep, whatever the policy."""

import math
from importlib.util import find_spec
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from compactor.sampling import POLICIES, downsample, parse_policy
from compactor.sampling.ink import scaled
from compactor.sampling.peers import SAMPLERS

MISSING = pytest.mark.skipif(find_spec("tsdownsample") is None, reason="needs tsdownsample")
MEASURED = [
    f"volatility:{measure},growth=true,window=5,min_interval=3"
    for measure in ("relative_change", "window_std", "window_cv", "mean_abs_diff", "fit_residual")
]
EVERY = [
    pytest.param(name, marks=[MISSING] if name in SAMPLERS else [])
    for name in (*POLICIES, *MEASURED, "piecewise:0=3,100=7")
]
UNBOUNDED = ["piecewise", "volatility", *MEASURED]
VALUES = st.one_of(
    st.floats(),
    st.floats(-1e-300, 1e-300),
    st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf, 1.7e308, -1.7e308, 5e-324]),
)
few = settings(max_examples=50, deadline=None)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Any, Any]:
    """Steps that never decrease, and values of every kind; now and then a constant line."""
    size = draw(st.integers(1, 400))
    gaps = draw(npst.arrays(np.int64, size, elements=st.integers(0, 2000)))
    start = draw(st.integers(-(10**6), 10**6))
    values = st.just(draw(VALUES)) if draw(st.integers(0, 9)) == 0 else VALUES
    y = draw(npst.arrays(np.float64, size, elements=values, fill=values))
    return start + np.cumsum(gaps), y


def holds(y: Any, kept: Any) -> None:
    """Law 5, but for the budget."""
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert kept[-1] == len(y) - 1
    finite = np.isfinite(y)
    if finite.any():
        assert np.flatnonzero(finite & (y == y[finite].min()))[0] in kept
        assert np.flatnonzero(finite & (y == y[finite].max()))[0] in kept


@pytest.mark.parametrize("policy", EVERY)
@few
@given(line=lines(), n=st.integers(16, 120), data=st.data())
def test_a_line_keeps_its_ends_and_extremes(
    policy: str, line: tuple[Any, Any], n: int, data: st.DataObject
) -> None:
    """First, last, least, greatest and best stay; indices increase; the budget holds; no chance."""
    x, y = line
    best = data.draw(st.integers(0, len(y) - 1))
    kept = downsample(x, y, n, policy=policy, keep=[best])
    holds(y, kept)
    assert best in kept
    assert len(kept) <= n
    again = downsample(x.copy(), y.copy(), n, policy=parse_policy(policy), keep=[best])
    assert kept.tolist() == again.tolist()


@pytest.mark.parametrize("policy", UNBOUNDED)
@few
@given(line=lines())
def test_a_line_without_a_budget_keeps_its_ends_extremes_and_gaps(
    policy: str, line: tuple[Any, Any]
) -> None:
    """A rule alone decides, and every edge of every gap is there."""
    x, y = line
    kept = downsample(x, y, None, policy=policy)
    holds(y, kept)
    finite = np.isfinite(y)
    edges = np.flatnonzero(finite[1:] != finite[:-1])
    assert {*edges.tolist(), *(edges + 1).tolist()} <= set(kept.tolist())


@pytest.mark.parametrize("policy", EVERY)
def test_a_line_that_fits_is_unchanged(policy: str) -> None:
    """As many points as the budget: all of them, and none of none."""
    y = np.array([0.0, math.nan, 2.0] * 10)
    assert downsample(np.arange(30), y, 30, policy=policy).tolist() == list(range(30))
    assert downsample([], [], 16, policy=policy).tolist() == []


@pytest.mark.parametrize("policy", EVERY)
def test_the_edges_of_a_gap_are_drawn(policy: str) -> None:
    """A stretch of NaN shows: its first and last row, and the finite rows beside it."""
    y = np.sin(np.arange(5000) / 50)
    y[2000:2100] = math.nan
    kept = set(downsample(np.arange(5000), y, 100, policy=policy).tolist())
    assert {1999, 2000, 2099, 2100} <= kept
    assert not kept & set(range(2001, 2099))


@pytest.mark.parametrize("policy", EVERY)
def test_many_gaps_leave_room_for_the_line(policy: str) -> None:
    """Every other value is NaN: half the budget goes to the edges of gaps, and half of these are."""
    y = np.where(np.arange(5000) % 2, math.nan, np.arange(5000.0))
    kept = downsample(np.arange(5000), y, 64, policy=policy)
    assert 0 < np.isnan(y[kept]).sum() <= 64 // 4 + 1


@pytest.mark.parametrize("policy", EVERY)
def test_a_line_without_a_finite_value_keeps_its_ends(policy: str) -> None:
    """All NaN: one gap from end to end."""
    kept = downsample(np.arange(100), np.full(100, math.nan), 16, policy=policy)
    assert kept.tolist() == [0, 99]


@pytest.mark.parametrize("policy", EVERY)
def test_rows_of_one_step_are_a_line_too(policy: str) -> None:
    """A chart without any width has a first and a last point, and its extremes."""
    y = np.random.default_rng(0).standard_normal(300)
    kept = downsample(np.full(300, 7), y, 50, policy=policy)
    holds(y, kept)
    assert len(kept) <= 50


@pytest.mark.parametrize("policy", ["minmax", "m4"])
@MISSING
def test_the_samplers_of_others_are_what_their_names_say(policy: str) -> None:
    """The least and the greatest of each quarter of a line are drawn."""
    y = np.random.default_rng(1).standard_normal(4000)
    kept = set(downsample(np.arange(4000), y, 200, policy=policy).tolist())
    for quarter in range(0, 4000, 1000):
        part = y[quarter : quarter + 1000]
        assert {quarter + int(part.argmin()), quarter + int(part.argmax())} <= kept


def test_scaling_does_not_overflow() -> None:
    """The whole range of floats fits on a canvas."""
    assert scaled(np.array([-1.7e308, 0.0, 1.7e308])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize("policy", EVERY)
def test_positions_may_span_all_floats(policy: str) -> None:
    """Their differences overflow; the points do not."""
    x = 2 * np.linspace(-0.85e308, 0.85e308, 300)
    y = np.sin(np.arange(300.0))
    kept = downsample(x, y, 17, policy=policy)
    holds(y, kept)
    assert len(kept) <= 17


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0.0, 1.0], 15), "at least 16"),
        (([0, 1], [0.0, 1.0], None), "adaptive needs a number of points"),
        (([0, 1], [0.0], 16), "alike"),
        (([1, 0], [0.0, 1.0], 16), "sort the points"),
        (([0, math.nan], [0.0, 1.0], 16), "must be finite"),
    ],
)
def test_what_cannot_be_sampled_is_refused(arguments: tuple[Any, ...], message: str) -> None:
    """The error says what to do."""
    with pytest.raises(ValueError, match=message):
        downsample(*arguments)


@MISSING
@pytest.mark.parametrize("policy", SAMPLERS)
@pytest.mark.parametrize("pins", range(12))
def test_a_sampler_left_with_little_room_gives_way_to_the_pins(policy: str, pins: int) -> None:
    """Whatever is left of the budget, no sampler is asked for less than it can do."""
    y = np.sin(np.arange(400.0))
    asked = list(range(7, 7 + 30 * pins, 30))
    kept = downsample(np.arange(400), y, 16, policy=policy, keep=asked)
    assert set(asked) <= set(kept.tolist())
    assert len(kept) <= 16
