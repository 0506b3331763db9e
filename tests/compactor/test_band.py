"""Bands, against a look at every row."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from longlines import lines, long_line, rows_of

from compactor.drawing import band
from compactor.drawing.band import NO_BAND, Band, band_of_buckets
from compactor.fold import line_of
from compactor.reading.lines import Line


def check_band(found: Band, line: Line) -> None:
    """Each entry is the range, and the mean, of all finite rows from its step up to the next one's."""
    rows = rows_of(line.points)
    ends = [*(step for step, _, _ in found.reach[1:]), 2**63][: len(found.reach)]
    covered = 0
    for (step, least, greatest), (at_step, mean), end in zip(
        found.reach, found.means, ends, strict=True
    ):
        inside = [value for at, value in rows if step <= at < end]
        assert (least, greatest) == (min(inside), max(inside))
        exact = float(sum(map(Fraction, inside)) / len(inside))
        assert at_step == step
        assert least <= mean <= greatest
        assert mean == pytest.approx(exact, rel=1e-9, abs=1e-9 * max(abs(least), abs(greatest)))
        covered += len(inside)
    assert covered == len(rows)


@settings(deadline=None, max_examples=100)
@given(lines(), st.sampled_from([0, 1, 3, 16, 300]), st.sampled_from([1, 2, 7, 300]))
def test_an_entry_is_the_range_of_all_rows_up_to_the_next(
    line: Line, width: int, most: int
) -> None:
    """Of whole lines and of long ones, whatever is merged; no row is left out."""
    before, band.MOST_ENTRIES = band.MOST_ENTRIES, most
    try:
        found = band_of_buckets((long_line(line, width) if width else line).buckets)
    finally:
        band.MOST_ENTRIES = before
    check_band(found, line)
    assert len(found.reach) <= most


def test_a_band_of_a_very_long_line_is_short() -> None:
    """At most three hundred entries, along all of the line, and finer at its beginning."""
    values = np.random.default_rng(1).standard_normal(10_000)
    line = line_of("m", 0, np.arange(10_000), values)
    found = band_of_buckets(line.buckets)
    check_band(found, line)
    steps = np.array([step for step, _, _ in found.reach])
    assert 225 <= len(steps) <= 300
    assert np.diff(steps).max() <= 10_000 // 225 + 1
    assert steps[:6].tolist() == [0, 4, 5, 6, 7, 8]


def test_a_line_without_a_finite_value_has_no_band() -> None:
    """There is no range to tell."""
    assert band_of_buckets(line_of("m", 0, np.arange(3), np.full(3, np.nan)).buckets) == NO_BAND
