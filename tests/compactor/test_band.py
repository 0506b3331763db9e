"""Bands, against a look at every row."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from longlines import lines, long_line, rows_of

from compactor.drawing import band
from compactor.drawing.band import Band, band_of_buckets
from compactor.fold import line_of
from compactor.reading.lines import Line


def check_band(found: Band, line: Line) -> None:
    """Each entry is the range of all finite rows from its step up to the next entry's step."""
    rows = rows_of(line.points)
    ends = [*(step for step, _, _ in found[1:]), 2**63]
    covered = 0
    for (step, least, greatest), end in zip(found, ends, strict=False):
        inside = [value for at, value in rows if step <= at < end]
        assert (least, greatest) == (min(inside), max(inside))
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
    assert len(found) <= most


def test_a_band_of_a_very_long_line_is_short() -> None:
    """Three hundred entries, evenly along the line."""
    values = np.random.default_rng(1).standard_normal(10_000)
    line = line_of("m", 0, np.arange(10_000), values)
    found = band_of_buckets(line.buckets)
    check_band(found, line)
    assert len(found) == 300
    assert np.ptp(np.diff([step for step, _, _ in found])) <= 1


def test_a_line_without_a_finite_value_has_no_band() -> None:
    """There is no range to tell."""
    assert band_of_buckets(line_of("m", 0, np.arange(3), np.full(3, np.nan)).buckets) == []
