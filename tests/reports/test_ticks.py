"""Tick labels."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.scale import Scale
from reports.ticks import decades, spell_steps, spell_values, value_ticks
from reports.wording import MINUS


@pytest.mark.parametrize(
    ("values", "labels"),
    [
        ([0.0, 0.25, 0.5], ["0", "0.25", "0.5"]),
        ([1e30, 2e30], ["1e30", "2e30"]),
        ([-1e-7, 0.0, 1e-7], [f"{MINUS}1e{MINUS}7", "0", f"1e{MINUS}7"]),
        ([1000.0, 2000.0], ["1,000", "2,000"]),
        ([0.1234560, 0.1234565], ["0.123456", "0.1234565"]),
        ([0.30000000000000004, 0.4], ["0.3", "0.4"]),
        ([-200_000.0, 0.0, 100_000.0], [f"{MINUS}200k", "0", "100k"]),
        ([1e6, 2.25e6], ["1M", "2.25M"]),
        ([123_456.0, 123_457.0], ["123,456", "123,457"]),
        ([1.0, 100.0, 10_000.0], ["1", "100", "10,000"]),
        ([], []),
    ],
)
def test_labels_are_as_short_as_they_can_be_told_apart(
    values: list[float], labels: list[str]
) -> None:
    """No common offset has to be added in the head."""
    assert spell_values(values) == labels


@pytest.mark.parametrize(
    ("steps", "labels"),
    [
        ([0, 500, 1000], ["0", "500", "1,000"]),
        ([0, 20_000, 40_000], ["0", "20k", "40k"]),
        ([0, 2_500_000, 10_000_000], ["0", "2.5M", "10M"]),
        ([100_001, 100_002], ["100,001", "100,002"]),
        ([-200, 0], [f"{MINUS}200", "0"]),
        ([-20_000, 0], [f"{MINUS}20k", "0"]),
    ],
)
def test_steps_are_spelt_by_thousands_where_all_come_out_short(
    steps: list[float], labels: list[str]
) -> None:
    """And in full where they would not."""
    assert spell_steps(steps) == labels


@pytest.mark.parametrize(
    ("low", "high", "ticks"),
    [
        (0.9, 2000.0, [1, 3, 10, 30, 100, 300, 1000]),
        (0.01, 100.0, [0.01, 0.1, 1, 10, 100]),
        (1.0, 1e16, [1.0, 1e3, 1e6, 1e9, 1e12, 1e15]),
        (2.0, 9.0, [3.0]),
    ],
)
def test_ticks_of_a_logarithmic_axis_are_powers_of_ten(
    low: float, high: float, ticks: list[float]
) -> None:
    """With their threes where there are few; never more than fit."""
    assert decades(low, high, most=8) == pytest.approx(ticks)


def test_ticks_are_labelled_by_their_distance_to_the_offset() -> None:
    """And stand where the values are."""
    ticks = value_ticks(Scale(offset=1e9), (1e9 - 0.1, 1e9 + 1.1))
    assert ticks.labels == ["0", "0.25", "0.5", "0.75", "1"]
    assert ticks.places == [1e9, 1e9 + 0.25, 1e9 + 0.5, 1e9 + 0.75, 1e9 + 1]


def test_ticks_of_a_logarithmic_axis_are_spelt_each_by_itself() -> None:
    """The smallest is no zero, however small it is beside the next."""
    ticks = value_ticks(Scale("log"), (1.0, 1e16))
    assert ticks.labels == ["1", "1,000", "1M", "1G", "1T", "1e15"]
    assert value_ticks(Scale("log"), (1e280, 1.7e308)).labels[0] == "1e280"


@given(st.floats(-290, 290), st.floats(0, 580))
def test_no_range_gives_too_many_ticks(power: float, span: float) -> None:
    """Nor one outside itself."""
    low, high = 10**power, 10 ** min(power + span, 300)
    ticks = decades(low, high, most=8)
    assert len(ticks) <= 9
    assert all(low * (1 - 1e-6) <= tick <= high * (1 + 1e-6) for tick in ticks)
