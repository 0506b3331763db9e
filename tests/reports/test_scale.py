"""Which y axis shows all values."""

import math

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from reports.scale import choose_scale, limits

ROOM = (0.1, 0.1)


def test_positive_values_over_more_than_three_decades_get_a_logarithmic_axis() -> None:
    """And its label says so."""
    scale = choose_scale(np.geomspace(1e-3, 10, 50))
    assert scale.kind == "log"
    assert scale.remark == "log scale"


def test_values_within_three_decades_get_a_linear_axis() -> None:
    """Nothing needs to be said of it."""
    scale = choose_scale(np.geomspace(0.1, 10, 50))
    assert scale.kind == "linear"
    assert scale.remark is None


def test_one_tiny_value_does_not_make_the_axis_logarithmic() -> None:
    """It would squeeze all others into a corner."""
    assert choose_scale(np.array([1e-9, *np.linspace(1, 2, 100)])).kind == "linear"


def test_a_zero_keeps_the_axis_linear() -> None:
    """A logarithm could not show it."""
    assert choose_scale(np.array([0.0, *np.linspace(1e-3, 2, 100)])).kind == "linear"


def test_a_huge_spike_among_positive_values_makes_the_axis_logarithmic() -> None:
    """Both the spike and the course beneath it are seen."""
    assert choose_scale(np.array([1e6, *np.linspace(1, 2, 100)])).kind == "log"


def test_spikes_that_would_flatten_the_rest_make_the_axis_logarithmic() -> None:
    """From thirty times the small values on, where all else lay in the lowest tenth."""
    assert choose_scale(np.array([30.0, 20.0, *np.linspace(0.5, 1, 100)])).kind == "log"
    assert choose_scale(np.array([9.0, 8.0, *np.linspace(0.5, 1, 100)])).kind == "linear"


def test_a_huge_spike_among_values_of_both_signs_makes_the_axis_symmetric_logarithmic() -> None:
    """It is linear as far as the usual values go."""
    scale = choose_scale(np.array([-1e6, *np.linspace(-2, 2, 100)]))
    assert scale.kind == "symlog"
    assert scale.threshold == pytest.approx(2, rel=0.1)
    assert scale.remark == "symmetric log scale"


@example([1.0, 1.7000000000000001e308])
@example([1.0, 1.7976931348623157e308])
@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1))
def test_no_value_lies_outside_the_axis(values: list[float]) -> None:
    """Nothing is ever clipped, and the axis has a width that floating point can hold."""
    array = np.array(values)
    scale = choose_scale(array)
    low, high = limits(array, scale, ROOM)
    assert low < high
    assert math.isfinite(high - low)
    assert low <= (array / scale.unit).min()
    assert (array / scale.unit).max() <= high


def test_values_near_the_end_of_floating_point_are_drawn_in_units() -> None:
    """And the axis says in which."""
    scale = choose_scale(np.array([-1.7e308, 1.7e308]))
    assert scale.unit == 1e308
    assert scale.remark == "\N{MULTIPLICATION SIGN} 1e308"


@pytest.mark.parametrize(
    ("low", "high", "offset", "remark"),
    [
        (1e9, 1e9 + 1, 1e9, "+ 1e9"),
        (-1234567.891, -1234567.890, -1234567.89, "\N{MINUS SIGN} 1,234,567.89"),
        (0.5, 0.5000001, 0.5, "+ 0.5"),
        (1e9, 1.1e9, 0.0, None),
        (0.0, 1e-9, 0.0, None),
        (3.0, 3.0, 0.0, None),
    ],
)
def test_a_narrow_range_far_from_zero_is_told_from_a_round_number(
    low: float, high: float, offset: float, remark: str | None
) -> None:
    """Its labels would differ in their last digits only; the axis says what to add to them."""
    scale = choose_scale(np.linspace(low, high, 50))
    assert scale.offset == pytest.approx(offset, rel=1e-8)
    assert scale.remark == remark


def test_an_axis_without_values_is_linear() -> None:
    """There is nothing to decide by."""
    none = np.array([])
    assert choose_scale(none).kind == "linear"
    assert limits(none, choose_scale(none), ROOM) == (0.0, 1.0)
