"""The volatility policy, against its readable twins."""

from typing import Any

import numpy as np
import pytest
import sampling_oracles as twins
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.sampling import downsample
from compactor.sampling.arrays import Curve
from compactor.sampling.measures import WINDOWED, measured
from compactor.sampling.volatility import Volatility

few = settings(max_examples=50, deadline=None)
VALUES = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, 1.04, 1.06, -1.0]))


@st.composite
def lines(draw: st.DrawFn) -> tuple[list[int], list[float]]:
    """Steps, now and then repeated, and values."""
    gaps = draw(st.lists(st.integers(0, 5), min_size=1, max_size=80))
    values = draw(st.lists(VALUES, min_size=len(gaps), max_size=len(gaps)))
    return np.cumsum(gaps).tolist(), values


def without_pins(x: Any, y: Any) -> Curve:
    """A curve of which the rule alone decides what stays."""
    along = np.array(x, np.float64)
    passed = (along - along[0]) / max(along[-1] - along[0], 1)
    return Curve(along, np.array(y), np.zeros(len(y), np.bool_), passed)


@few
@given(
    line=lines(),
    threshold=st.sampled_from([0.0, 0.05, 0.5]),
    growth=st.booleans(),
    interval=st.sampled_from([0, 1, 2.5, 10]),
)
def test_relative_change_compares_with_the_last_kept_value(
    line: tuple[list[int], list[float]], threshold: float, growth: bool, interval: float
) -> None:
    """A point stays when it is far enough from the last one that stayed, in value and in steps."""
    x, y = line
    rule = Volatility("relative_change", threshold, growth, 32, interval)
    limits = twins.limits(x, threshold) if growth else [threshold] * len(x)
    assert rule(without_pins(x, y), None).tolist() == twins.last_kept(x, y, limits, interval)


@pytest.mark.parametrize("measure", WINDOWED)
@few
@given(line=lines(), window=st.integers(2, 100))
def test_a_measure_is_that_of_the_rows_up_to_a_point(
    measure: str, line: tuple[list[int], list[float]], window: int
) -> None:
    """As far as floats go: to a billionth of the largest value."""
    x, y = line
    wild, power = measured(measure, np.array(x, np.float64), np.array(y), window)
    exact = twins.measure(measure, x, y, window)
    if measure != "window_cv":
        assert np.ldexp(wild, power) == pytest.approx(
            exact, rel=1e-6, abs=1e-9 * max(map(abs, y)) + 1e-150
        )
        return
    means = [abs(np.mean(y[max(0, end - window) : end])) for end in range(1, len(y) + 1)]
    sound = [at for at, mean in enumerate(means) if mean > 1e-3 * max(map(abs, y))]
    assert wild[sound] == pytest.approx([exact[at] for at in sound], rel=1e-6, abs=1e-9)


@pytest.mark.parametrize("measure", WINDOWED)
@few
@given(
    line=lines(),
    threshold=st.sampled_from([0.0, 0.03, 1.0]),
    growth=st.booleans(),
    interval=st.sampled_from([0, 1, 2.5, 10]),
)
def test_a_windowed_measure_must_exceed_its_threshold(
    measure: str,
    line: tuple[list[int], list[float]],
    threshold: float,
    growth: bool,
    interval: float,
) -> None:
    """And the last point that stayed must be far enough behind."""
    x, y = line
    rule = Volatility(measure, threshold, growth, 4, interval)
    wild, power = measured(measure, np.array(x, np.float64), np.array(y), 4)
    limits = twins.limits(x, threshold) if growth else [threshold] * len(x)
    expected = twins.wild_ones(x, np.ldexp(wild, power).tolist(), limits, interval)
    assert rule(without_pins(x, y), None).tolist() == expected


def test_windows_are_measured_in_pieces_without_a_seam() -> None:
    """A line longer than what is held in memory at once."""
    y = np.random.default_rng(2).standard_normal(5000)
    x = np.arange(5000.0)
    for measure in WINDOWED:
        wild, power = measured(measure, x, y, 1024)
        exact = twins.measure(measure, range(4900, 5000), y[4900:].tolist(), 30)
        short = measured(measure, x, y, 30)[0]
        assert np.ldexp(short[4950:], power) == pytest.approx(exact[50:], rel=1e-6)
        assert (wild[2:] > 0).all()


@pytest.mark.parametrize("scale", [1e300, 1.0, 1e-300, 5e-324])
def test_a_measure_neither_overflows_nor_vanishes(scale: float) -> None:
    """Squares of the greatest and of the least floats are not needed."""
    y = np.array([1.0, -1.0] * 50) * scale
    kept = downsample(
        np.arange(100), y, None, policy=f"volatility:window_std,threshold={scale / 2}"
    )
    assert len(kept) == 100


def test_a_straight_trend_is_calm_to_the_residual_alone() -> None:
    """However steep: its ends remain, and a bend shows."""
    x = np.arange(1000)
    steep = np.where(x < 500, 3.0 * x, 1500.0)
    kept = {
        measure: downsample(x, steep, None, policy=f"volatility:{measure},threshold=0.1")
        for measure in ("window_std", "fit_residual")
    }
    assert len(kept["window_std"]) > 500
    assert 10 < len(kept["fit_residual"]) < 40
    assert ((kept["fit_residual"] >= 495) & (kept["fit_residual"] <= 535)).sum() > 10


def test_calm_stretches_give_points_to_wild_ones() -> None:
    """A burst in a tenth of the rows gets nearly all the points."""
    y = np.ones(10_000)
    y[5000:6000] += np.random.default_rng(0).standard_normal(1000)
    kept = downsample(np.arange(10_000), y, 200, policy="volatility:window_std,threshold=0.1")
    assert len(kept) == 200
    assert ((kept >= 5000) & (kept <= 6032)).mean() > 0.98


def test_a_growing_threshold_grows_with_the_epochs() -> None:
    """Where they are known; a row without one goes by its step."""
    x = np.arange(400)
    y = np.where(x % 2, 1.0, 1.07)
    policy = "volatility:relative_change,threshold=0.05,growth=true"
    by_step = downsample(x, y, None, policy=policy)
    epoch = np.where(x < 300, 0.0, 9.0)
    by_epoch = downsample(x, y, None, policy=policy, epoch=epoch)
    unknown = downsample(x, y, None, policy=policy, epoch=np.full(400, np.nan))
    assert 100 < by_step[-2] < 200
    assert by_epoch[-2] == 299
    assert unknown.tolist() == by_step.tolist()
    with pytest.raises(ValueError, match="epoch"):
        downsample(x, y, None, policy=policy, epoch=epoch[1:])
