"""Downsampling: what a drawn line must keep, whatever the policy."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from compactor import downsample
from compactor.sampling import POLICIES
from compactor.sampling.piecewise import points_up_to
from compactor.sampling.volatility import scaled

VALUES = st.one_of(
    st.floats(),
    st.sampled_from([0.0, -0.0, 1.0, math.nan, math.inf, -math.inf, 1.7e308, -1.7e308, 5e-324]),
)


@st.composite
def lines(draw: st.DrawFn) -> tuple[Any, Any]:
    """Steps that never decrease, and values of every kind."""
    size = draw(st.integers(1, 400))
    gaps = draw(npst.arrays(np.int64, size, elements=st.integers(0, 2000)))
    start = draw(st.integers(-(10**6), 10**6))
    y = draw(npst.arrays(np.float64, size, elements=VALUES, fill=VALUES))
    return start + np.cumsum(gaps), y


@pytest.mark.parametrize("policy", POLICIES)
@given(line=lines(), n=st.integers(16, 120))
def test_a_line_keeps_its_ends_and_extremes(policy: str, line: tuple[Any, Any], n: int) -> None:
    """Law 5: first, last, least and greatest stay; indices increase; the budget holds."""
    x, y = line
    kept = downsample(x, y, n, policy=policy)
    assert len(kept) <= n
    assert (np.diff(kept) > 0).all()
    assert kept[0] == 0
    assert kept[-1] == len(y) - 1
    finite = y[np.isfinite(y)]
    if len(finite):
        assert finite.min() in y[kept]
        assert finite.max() in y[kept]


@pytest.mark.parametrize("policy", POLICIES)
@given(line=lines(), n=st.integers(16, 120), data=st.data())
def test_a_point_to_keep_is_kept(
    policy: str, line: tuple[Any, Any], n: int, data: st.DataObject
) -> None:
    """The best point of a run stays wherever it lies."""
    x, y = line
    point = data.draw(st.integers(0, len(y) - 1))
    assert point in downsample(x, y, n, policy=policy, keep=[point])


@pytest.mark.parametrize("policy", POLICIES)
@given(line=lines())
def test_a_line_that_fits_is_unchanged(policy: str, line: tuple[Any, Any]) -> None:
    """As many points as the budget: all of them."""
    x, y = line
    kept = downsample(x, y, max(16, len(y)), policy=policy)
    assert kept.tolist() == list(range(len(y)))


@pytest.mark.parametrize("policy", POLICIES)
@given(line=lines(), n=st.integers(16, 120))
def test_the_same_line_gives_the_same_points(policy: str, line: tuple[Any, Any], n: int) -> None:
    """No clock, no chance."""
    x, y = line
    first = downsample(x, y, n, policy=policy)
    assert first.tolist() == downsample(x.copy(), y.copy(), n, policy=policy).tolist()


@pytest.mark.parametrize("policy", POLICIES)
def test_the_edges_of_a_gap_are_drawn(policy: str) -> None:
    """A stretch of NaN shows: its first and last row, and the finite rows beside it."""
    y = np.sin(np.arange(5000) / 50)
    y[2000:2100] = math.nan
    kept = set(downsample(np.arange(5000), y, 100, policy=policy).tolist())
    assert {1999, 2000, 2099, 2100} <= kept
    assert not kept & set(range(2001, 2099))


@pytest.mark.parametrize("policy", POLICIES)
def test_many_gaps_leave_room_for_the_line(policy: str) -> None:
    """Every other value is NaN: at most half the budget goes to gaps."""
    y = np.where(np.arange(5000) % 2, math.nan, np.arange(5000.0))
    kept = downsample(np.arange(5000), y, 64, policy=policy)
    assert 0 < np.isnan(y[kept]).sum() <= 33


def test_a_line_without_a_finite_value_keeps_its_ends() -> None:
    """All NaN: one gap from end to end."""
    kept = downsample(np.arange(100), np.full(100, math.nan), 16)
    assert kept.tolist() == [0, 99]


def test_calm_stretches_give_points_to_wild_ones() -> None:
    """A burst in a hundredth of the steps gets most of the points."""
    y = np.zeros(100_000)
    y[50_000:51_000] = np.random.default_rng(0).standard_normal(1000)
    kept = downsample(np.arange(100_000), y, 200)
    assert ((kept >= 49_999) & (kept <= 51_000)).mean() > 0.9


def test_a_straight_line_needs_few_points() -> None:
    """The budget is met, and what is left still lies on the line."""
    x = np.arange(100_000)
    kept = downsample(x, 3.0 * x, 50)
    assert len(kept) <= 50
    assert np.allclose(np.interp(x, x[kept], 3.0 * x[kept]), 3.0 * x)


def test_the_piecewise_table_is_that_of_the_design() -> None:
    """1 in 1, 10, 50, 200, 1000."""
    ends = np.array([0, 1_000, 10_000, 100_000, 1_000_000, 2_000_000], np.float64)
    assert points_up_to(ends).tolist() == [0, 1000, 1900, 3700, 8200, 9200]


def test_piecewise_with_room_follows_its_table() -> None:
    """The first thousand steps in full, then the last of every ten."""
    kept = downsample(np.arange(10_000), np.zeros(10_000), 5000, policy="piecewise")
    assert kept[:1000].tolist() == list(range(1000))
    assert set(np.diff(kept[1000:]).tolist()) <= {10, 9, 1}


def test_scaling_does_not_overflow() -> None:
    """The whole range of floats fits on a canvas."""
    assert scaled(np.array([-1.7e308, 0.0, 1.7e308])).tolist() == [0.0, 0.5, 1.0]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([0, 1], [0.0, 1.0], 15), "at least 16"),
        (([0, 1], [0.0], 16), "alike"),
        (([1, 0], [0.0, 1.0], 16), "sort the points"),
        (([0, math.nan], [0.0, 1.0], 16), "must be finite"),
    ],
)
def test_what_cannot_be_sampled_is_refused(arguments: tuple[Any, Any, int], message: str) -> None:
    """The error says what to do."""
    with pytest.raises(ValueError, match=message):
        downsample(*arguments)


def test_an_unknown_policy_is_refused_by_name() -> None:
    """And the known ones are listed."""
    with pytest.raises(ValueError, match="choose one of adaptive, piecewise, uniform"):
        downsample([0], [0.0], 16, policy="nth")
