"""How numbers, times and names are spelt."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compactor import spelling
from reports import wording


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1"),
        (0.5, "0.5"),
        (0.1123456, "0.1123"),
        (9999.0, "9,999"),
        (1204331.0, "1,204,331"),
        (0.00003, f"3e{wording.MINUS}5"),
        (1.5e30, "1.5e30"),
        (-2.34567, f"{wording.MINUS}2.346"),
        (None, wording.ABSENT),
    ],
)
def test_a_number_is_spelt_short_and_plain(value: float | None, text: str) -> None:
    """Four significant digits, thousands apart, powers of ten only where they are needed."""
    assert wording.number(value) == text


@pytest.mark.parametrize(
    "text",
    [wording.whole(-4300), wording.span(-4300, -4300), wording.column([-4300.0, 1.0])[0]],
)
def test_what_is_negative_has_one_sign_everywhere(text: str) -> None:
    """A minus sign, as on the axes, for steps and values alike."""
    assert text == f"{wording.MINUS}4,300"


def test_zeros_at_the_end_say_that_a_number_was_rounded() -> None:
    """An accuracy of 0.99998 never reads like a perfect one."""
    assert wording.number(0.99998) == "1.000"
    assert wording.number(0.50001) == "0.5000"


@given(st.floats(min_value=-1e308, max_value=1e308))
def test_a_number_reads_back_to_what_it_was(value: float) -> None:
    """What is shown is the value to a thousandth of itself."""
    shown = float(wording.number(value).replace(",", "").replace(wording.MINUS, "-"))
    assert shown == pytest.approx(value, rel=1e-3)


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_findings_and_reports_spell_numbers_alike(value: float) -> None:
    """By one function: nowhere is 217,400 called 2.174e+05."""
    assert wording.number is spelling.number
    assert "+" not in spelling.number(value)


def test_a_column_of_numbers_lines_up() -> None:
    """All have as many decimals; an absent one is a dash."""
    assert wording.column([0.5, None, 0.98752, 1.0]) == [
        "0.5000",
        wording.ABSENT,
        "0.9875",
        "1.0000",
    ]
    assert wording.column([1.0, 2.0]) == ["1", "2"]
    assert wording.column([None]) == [wording.ABSENT]


def test_a_column_keeps_two_digits_of_its_smallest_number() -> None:
    """A loss that falls far is not shown as zero, nor with a tail of noise."""
    assert wording.column([2.3456789, 0.2345678, 0.0034567]) == ["2.3457", "0.2346", "0.0035"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (None, wording.ABSENT),
        (0.0042, "4 ms"),
        (4.2, "4.2 s"),
        (59.97, "1 min"),
        (200.0, "3 min 20 s"),
        (18120.0, "5 h 2 min"),
        (273600.0, "3 d 4 h"),
    ],
)
def test_a_duration_has_two_units_at_most(seconds: float | None, text: str) -> None:
    """Enough to plan by."""
    assert wording.duration(seconds) == text


def test_a_time_is_shown_in_utc() -> None:
    """What is no ISO 8601 time is shown as it stands."""
    assert wording.clock("2026-05-04T17:30:00.123+02:00") == "2026-05-04 15:30:00 UTC"
    assert wording.clock("2026-05-04T17:30:00") == "2026-05-04 17:30:00"
    assert wording.clock("yesterday") == "yesterday"
    assert wording.clock(None) == wording.ABSENT


@given(st.text())
def test_a_slug_is_safe_in_a_path(text: str) -> None:
    """No name can reach out of its folder, hide itself or be too long."""
    slug = wording.slug(text)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]*[a-z0-9])?", slug)
    assert len(slug) <= 48


@given(st.text())
def test_one_line_is_one_line(text: str) -> None:
    """No break, tab or control character is left of any text."""
    assert len(wording.one_line(text).splitlines()) <= 1


def test_a_listing_reads_like_a_sentence() -> None:
    """Commas, then an "and"."""
    assert wording.listing(["a"]) == "a"
    assert wording.listing(["a", "b", "c"]) == "a, b and c"
