"""Smoothing, against the definitions written out in full."""

import math
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.drawing import smoothing
from compactor.drawing.smoothing import Exponential, RunningMean, parse_smoothing, smooth

FINITE = st.floats(-1e300, 1e300)
VALUES = st.lists(st.one_of(FINITE, st.sampled_from([math.nan, math.inf, -math.inf])), max_size=60)
WEIGHTS = st.sampled_from([0.0, 0.1, 0.6, 0.98, 0.999, 0.999999])


def slow_ema(values: Sequence[float], weight: float) -> list[float]:
    """The weighted mean of all finite values so far, each time from scratch."""
    smoothed, seen = [], list[float]()
    for value in values:
        if not math.isfinite(value):
            smoothed.append(math.nan)
            continue
        seen.append(value)
        weights = [weight**age for age in reversed(range(len(seen)))]
        total = math.fsum(weights)
        smoothed.append(math.fsum(w / total * v for w, v in zip(weights, seen, strict=True)))
    return smoothed


def slow_mean(values: Sequence[float], window: int) -> list[float]:
    """The mean of the last finite values, each time from scratch."""
    smoothed, seen = [], list[float]()
    for value in values:
        if not math.isfinite(value):
            smoothed.append(math.nan)
            continue
        seen = [*seen, value][-window:]
        smoothed.append(math.fsum(v / len(seen) for v in seen))
    return smoothed


def assert_close(
    found: Sequence[float], expected: Sequence[float], values: Sequence[float]
) -> None:
    """Alike to 12 digits of the largest value so far; not finite at the same places.

    Values below 1e-300 count as nothing: near the end of the floats, they have not got 12 digits.
    """
    assert len(found) == len(expected)
    largest = 0.0
    for got, wanted, value in zip(found, expected, values, strict=True):
        largest = max(largest, abs(value)) if math.isfinite(value) else largest
        assert math.isnan(got) == math.isnan(wanted)
        assert math.isnan(wanted) or abs(got - wanted) <= 1e-12 * largest + 1e-300


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks so short that a few dozen values fill several."""
    monkeypatch.setattr(smoothing, "_BLOCK", 7)


@pytest.mark.usefixtures("small_blocks")
def test_the_exponential_average_is_the_one_it_is_defined_as() -> None:
    """A weighted mean of all that came before, across the borders of blocks and gaps."""

    @settings(deadline=None, max_examples=150)
    @given(VALUES, WEIGHTS)
    def check(values: list[float], weight: float) -> None:
        found = smooth(np.array(values, np.float64), Exponential(weight)).tolist()
        assert_close(found, slow_ema(values, weight), values)

    check()


@pytest.mark.usefixtures("small_blocks")
def test_the_running_mean_is_the_one_it_is_defined_as() -> None:
    """For windows shorter and longer than a block, or than the line."""

    @settings(deadline=None, max_examples=150)
    @given(VALUES, st.integers(1, 80))
    def check(values: list[float], window: int) -> None:
        found = smooth(np.array(values, np.float64), RunningMean(window)).tolist()
        assert_close(found, slow_mean(values, window), values)

    check()


@pytest.mark.parametrize("weight", [0.3, 0.9, 0.99, 0.9999])
def test_long_lines_follow_the_recursion(weight: float) -> None:
    """As TensorBoard computes it, row by row, to 12 digits."""
    values = np.random.default_rng(3).standard_normal(200_000).cumsum() + 1e3
    last, expected = 0.0, []
    for count, value in enumerate(values.tolist(), start=1):
        last = last * weight + (1 - weight) * value
        expected.append(last / (1 - weight**count))
    found = smooth(values, Exponential(weight))
    assert np.allclose(found[1000:], expected[1000:], rtol=1e-12, atol=0)
    assert np.allclose(found, expected, rtol=1e-10, atol=0)  # there 1 - w^k has lost some digits


def test_a_huge_value_leaves_no_trace_behind_its_window() -> None:
    """Sums are put together, not subtracted."""
    values = np.full(200_000, 0.1)
    values[50_000] = 1e30
    found = smooth(values, RunningMean(1000))
    assert np.abs(found[51_000:] - 0.1).max() < 1e-15


def test_a_constant_line_stays_what_it_is() -> None:
    """From its first row on: there is no bias towards zero."""
    values = np.full(100, 3.5)
    for filtered in (Exponential(0.99), RunningMean(10)):
        assert np.allclose(smooth(values, filtered), 3.5, rtol=1e-14, atol=0)


def test_smoothing_looks_back_only() -> None:
    """Rows that follow change nothing of what was said."""
    values = np.random.default_rng(5).standard_normal(1000)
    for filtered in (Exponential(0.9), RunningMean(50)):
        assert (smooth(values, filtered)[:500] == smooth(values[:500], filtered)).all()


@pytest.mark.parametrize("kind", [Exponential(0.9), RunningMean(3)])
def test_lines_without_a_finite_value_are_all_gap(kind: Exponential | RunningMean) -> None:
    """Also an empty one."""
    assert smooth(np.array([]), kind).tolist() == []
    assert np.isnan(smooth(np.array([np.nan, np.inf]), kind)).all()


def test_texts_name_filters() -> None:
    """And a filter gives its text back."""
    assert parse_smoothing("ema:0.98") == Exponential(0.98)
    assert parse_smoothing("ema:.5") == Exponential(0.5)
    assert parse_smoothing("ema:0") == Exponential(0.0)
    assert parse_smoothing("mean:100") == RunningMean(100)
    for text in ("ema:0.98", "mean:100"):
        assert parse_smoothing(text).text == text


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "ema",
            "ema:",
            "ema:1",
            "ema:1.0",
            "ema:.99999999999999999",
            "ema:-0.1",
            "ema:nan",
            "ema:1e-3",
            "EMA:0.5",
        ),
        *("ema:0.5 ", "mean:0", "mean:1.5", "mean:-1", "mean:", "mean:1_0", "median:3"),
    ],
)
def test_other_texts_are_refused(text: str) -> None:
    """With what to give instead."""
    with pytest.raises(ValueError, match=r"ema:0\.98"):
        parse_smoothing(text)
