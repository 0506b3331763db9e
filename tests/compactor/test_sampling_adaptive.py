"""The default policy: what it draws, and the twins of what it is made of."""

from typing import Any

import numpy as np
import pytest
import sampling_oracles as twins
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.sampling import POLICIES, downsample, parse_policy
from compactor.sampling.closer import closer
from compactor.sampling.ink import HEIGHT, canvas, scaled
from compactor.sampling.pruning.interpreted import worth
from compactor.sampling.spikes import spikes

few = settings(max_examples=60, deadline=None)
heights = st.lists(st.integers(-20, 20).map(float), min_size=3, max_size=25)


@few
@given(data=st.data(), y=heights, width=st.integers(1, 12))
def test_a_point_is_worth_the_ink_that_goes_wrong_without_it(
    data: st.DataObject, y: list[float], width: int
) -> None:
    """Drawn twice, with and without the point, and compared with the full line."""
    gaps = data.draw(st.lists(st.integers(1, 7), min_size=len(y), max_size=len(y)))
    x = np.cumsum(gaps).astype(np.float64)
    view = canvas(x, np.array(y), width, 1.0)
    inner = data.draw(st.sets(st.integers(1, len(y) - 2), min_size=1))
    kept = sorted({0, len(y) - 1} | inner)
    u, v = (scaled(x) * width).tolist(), (scaled(np.array(y)) * HEIGHT).tolist()

    def error(points: list[int]) -> float:
        drawn = twins.ink([u[at] for at in points], [v[at] for at in points], width)
        return twins.wrong_ink(drawn, twins.ink(u, v, width))

    lost = [error([at for at in kept if at != gone]) - error(kept) for gone in kept[1:-1]]
    assert worth(view, np.array(kept)) / view.weight == pytest.approx(lost, abs=1e-6)


@few
@given(
    y=st.lists(st.integers(-100, 100).map(float), min_size=16, max_size=200),
    most=st.integers(0, 20),
)
def test_spikes_stick_out_of_the_medians_around_them(y: list[float], most: int) -> None:
    """The highest first, the first of equals, none lower than a pixel."""
    assert spikes(np.array(y), most, 100.0).tolist() == twins.spikes(y, most, 100.0, 16)


@few
@given(data=st.data(), y=heights, room=st.integers(1, 20))
def test_what_is_left_goes_where_the_line_is_farthest_off(
    data: st.DataObject, y: list[float], room: int
) -> None:
    """Round by round, one point a segment, until all are near or the budget is spent."""
    gaps = data.draw(st.lists(st.sampled_from([1, 2, 4]), min_size=len(y), max_size=len(y)))
    x = np.cumsum(gaps).astype(np.float64)
    inner = data.draw(st.sets(st.integers(1, len(y) - 2)))
    kept = sorted({0, len(y) - 1} | inner)
    near = 4 * (max(y) - min(y)) / 4 / (32 * 10)
    found = closer(x, np.array(y), np.array(kept), len(kept) + room, 10.0)
    drawn = np.interp(x, x[found], np.array(y)[found])
    twin = twins.closer(x.tolist(), y, kept, len(kept) + room, near)
    expected = np.interp(x, x[twin], np.array(y)[twin])
    assert len(found) == len(twin)
    assert np.abs(drawn - y).max() == pytest.approx(np.abs(expected - y).max())


def test_what_misses_the_line_by_a_hair_stays_away() -> None:
    """Less than a thirty-second of a pixel is near enough."""
    x = np.arange(100.0)
    for bump, kept in ((0.015, [0, 99]), (0.016, [0, 39, 40, 41, 99])):
        y = np.where(x == 40, x + bump, x)
        assert closer(x, y, np.array([0, 99]), 50, 200.0).tolist() == kept


def test_spikes_in_one_pixel_column_all_stay() -> None:
    """Twenty of them in two hundred of a hundred thousand rows."""
    y = np.random.default_rng(4).uniform(0, 1, 100_000)
    peaks = np.arange(50_000, 50_200, 10)
    y[peaks] = np.linspace(3, 5, 20)
    assert set(peaks.tolist()) <= set(downsample(np.arange(100_000), y, 400).tolist())


def test_neither_a_trend_nor_a_step_is_a_spike() -> None:
    """Only the one point that stands alone is."""
    y = np.linspace(0, 1, 4000) + (np.arange(4000) > 1500)
    y[3000] += 1
    assert spikes(y, 10, HEIGHT).tolist() == [3000]


def test_calm_stretches_give_points_to_wild_ones() -> None:
    """A burst in a hundredth of the steps gets most of the points."""
    y = np.zeros(100_000)
    y[50_000:51_000] = np.random.default_rng(0).standard_normal(1000)
    kept = downsample(np.arange(100_000), y, 200)
    assert ((kept >= 49_999) & (kept <= 51_000)).mean() > 0.9


def test_a_straight_line_needs_few_points() -> None:
    """What is left still lies on the line."""
    x = np.arange(100_000)
    kept = downsample(x, 3.0 * x, 50)
    assert len(kept) <= 50
    assert np.allclose(np.interp(x, x[kept], 3.0 * x[kept]), 3.0 * x)


def test_a_step_is_drawn_upright() -> None:
    """The last point before it and the first behind it both stay."""
    y = np.where(np.arange(100_000) < 33_333, 1.0, 0.1)
    kept = downsample(np.arange(100_000), y, 100).tolist()
    assert {33_332, 33_333} <= set(kept)


def noisy(rows: int) -> Any:
    """A decaying curve with noise and sixty spikes, a tenth of them early."""
    rng = np.random.default_rng(3)
    y = 2.3 * (1 + np.arange(rows)) ** -0.12 + 0.02 * rng.standard_normal(rows)
    at = rng.choice(rows, 60, replace=False)
    y[at] += 0.5 + rng.exponential(1.0, 60)
    return y, set(at.tolist())


def test_no_policy_draws_a_truer_picture() -> None:
    """Ink that differs on a linear and on a logarithmic axis, and spikes that are missing."""
    y, peaks = noisy(40_000)
    x = np.arange(1.0, 40_001)
    views = [canvas(along, y, 200, 1.0) for along in (x, np.log(x))]
    wrong, found = {}, {}
    for name in POLICIES:
        try:
            policy = parse_policy(name)
        except ValueError:
            continue  # its package is not installed
        kept = downsample(x, y, 400, policy=policy)
        drawn = [canvas(view.u[kept], view.v[kept], 200, 1.0) for view in views]
        wrong[name] = [
            float(
                (np.abs(a.low - b.low * 1.0) + np.abs(a.high - b.high)).sum()
                / (a.high - a.low).sum()
            )
            for a, b in zip(views, drawn, strict=True)
        ]
        found[name] = len(peaks & set(kept.tolist()))
    for axis in (0, 1):
        assert min(wrong, key=lambda name: wrong[name][axis]) == "adaptive"
        assert wrong["adaptive"][axis] < 0.12
    assert max(found, key=found.__getitem__) == "adaptive"
    assert found["adaptive"] >= 25
