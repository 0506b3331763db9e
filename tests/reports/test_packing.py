"""Numbers inside a page come out as they went in."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from packed import unpacked

from reports.packing import Packing, outward, rounded

FLOATS = st.lists(st.floats(), max_size=40)
FINITE = st.lists(st.floats(allow_nan=False, allow_infinity=False), max_size=40)


@settings(deadline=None, max_examples=60)
@given(FLOATS, FLOATS)
def test_any_numbers_are_kept_to_the_bit(one: list[float], other: list[float]) -> None:
    """NaN and infinity too, side by side with other arrays."""
    packing = Packing()
    places = [packing.add(np.array(each, dtype=np.float64)) for each in (one, other)]
    for values, place in zip((one, other), places, strict=True):
        np.testing.assert_array_equal(unpacked(packing.text, place), values)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(-(2**52), 2**52), max_size=40))
def test_steps_are_kept_exactly(steps: list[int]) -> None:
    """Their differences add up again, whatever their size and order."""
    packing = Packing()
    place = packing.add_growing(np.array(sorted(steps), dtype=np.float64))
    assert unpacked(packing.text, place).tolist() == sorted(steps)


def test_numbers_that_four_bytes_hold_take_four() -> None:
    """As those of most training loops do."""
    packing = Packing()
    assert packing.add(np.array([0.5, math.nan, np.float32(0.1)], dtype=np.float64))[2] == 4
    assert packing.add(np.array([0.1]))[2] == 8


@settings(deadline=None, max_examples=80)
@given(FINITE)
def test_rounding_moves_a_number_by_less_than_its_eleventh_digit(values: list[float]) -> None:
    """And never makes it infinite."""
    given_, short = np.array(values, dtype=np.float64), rounded(np.array(values, dtype=np.float64))
    assert np.isfinite(short).all()
    assert (np.abs(short - given_) <= np.maximum(np.abs(given_) * 2.0**-37, 5e-324)).all()


def test_rounding_leaves_gaps_alone() -> None:
    """NaN stays NaN, and what is short already stays as it is."""
    values = np.array([np.nan, 0.0, 0.25, 123456789.0, -3.0])
    np.testing.assert_array_equal(rounded(values), values)
    assert rounded(np.array([0.1]))[0] == pytest.approx(0.1, rel=1e-11)


@settings(deadline=None, max_examples=80)
@given(FINITE)
def test_a_band_never_gets_narrower(values: list[float]) -> None:
    """Its ends move outward by a 4-byte step at most."""
    ends = np.array(values, dtype=np.float64)
    low, high = outward(ends, ends)
    assert (low <= ends).all()
    assert (high >= ends).all()
    assert np.allclose(low, ends, rtol=1e-6, atol=1e-44)
    assert np.allclose(high, ends, rtol=1e-6, atol=1e-44)
