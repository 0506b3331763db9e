"""The mean over the ranks, against a dictionary for each step."""

from statistics import fmean

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from longlines import lines, long_line

from compactor.drawing.band import band_of_ranks
from compactor.drawing.ranks import mean_line, put_together
from compactor.fold import line_of
from compactor.reading.lines import MEAN_RANK, Line, Points


def never(line: Line) -> Points:
    """For lines that are whole: nothing need be read again."""
    raise AssertionError(f"the rows of {line.metric} were fetched")


def slow_mean(several: list[Line]) -> dict[int, tuple[float, list[float], Line, int]]:
    """By step: mean, finite values, the lowest rank's line and its row there."""
    found = {}
    for step in sorted({step for line in several for step in line.points.step.tolist()}):
        rows = [
            (line, np.flatnonzero(line.points.step == step)[-1])
            for line in several
            if step in line.points.step
        ]
        values = [float(line.points.value[row]) for line, row in rows]
        finite = [value for value in values if np.isfinite(value)]
        lead, row = rows[0]
        found[step] = (fmean(finite) if finite else values[0], finite, lead, int(row))
    return found


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 4).flatmap(lambda n: st.tuples(*(lines(20, rank=r) for r in range(n)))))
def test_each_step_is_the_mean_of_the_ranks_that_have_it(several: tuple[Line, ...]) -> None:
    """Of each its last row there; what is not finite has no part; the lowest lends the rest."""
    together = put_together(several, never)
    expected = slow_mean(list(several))
    points = together.points
    assert points.step.tolist() == list(expected)
    for place, (mean, finite, lead, row) in enumerate(expected.values()):
        assert points.value[place] == pytest.approx(mean, rel=1e-14, abs=1e-14, nan_ok=True)
        assert points.position[place] == lead.points.position[row]
        assert points.time[place] == lead.points.time[row]
        if finite:
            assert (together.least[place], together.greatest[place]) == (min(finite), max(finite))
            assert together.least[place] <= points.value[place] <= together.greatest[place]
        else:
            assert np.isnan([together.least[place], together.greatest[place]]).all()


def ranks(*values: list[float], epoch: bool = True) -> list[Line]:
    """A rank for each list, all with the steps 0, 1, 2 …, two an epoch."""
    return [
        line_of(
            "loss",
            rank,
            np.arange(len(each)),
            np.array(each),
            epoch=np.arange(len(each)) // 2 if epoch else None,
        )
        for rank, each in enumerate(values)
    ]


def test_the_mean_is_a_line_like_any_other() -> None:
    """With all its aggregates, and a rank that is none."""
    line = mean_line(ranks([1.0, 2.0, 3.0, 4.0], [3.0, 4.0, 5.0, 6.0]), never)
    assert (line.metric, line.rank, line.rows, line.whole) == ("loss", MEAN_RANK, 4, True)
    assert line.points.value.tolist() == [2.0, 3.0, 4.0, 5.0]
    assert [(each.epoch, each.mean) for each in line.epochs] == [(0, 2.5), (1, 4.5)]


def test_the_mean_of_one_rank_is_that_rank() -> None:
    """A validation that rank 0 alone runs stays a line of rank 0, and nothing is fetched."""
    (line,) = ranks([1.0, 2.0])
    assert mean_line([long_line(line, 2)], never).rank == 0
    assert mean_line([line], never) is line


def test_rows_of_long_lines_are_fetched_and_those_of_whole_ones_are_not() -> None:
    """Each long line once."""
    whole, other = ranks([1.0, 2.0, 3.0], [3.0, 4.0, 8.0])
    asked = []

    def fetch(line: Line) -> Points:
        asked.append(line.rank)
        return other.points

    assert mean_line([whole, long_line(other, 4)], fetch).points.value.tolist() == [2.0, 3.0, 5.5]
    assert asked == [1]


def test_a_row_outside_epochs_leaves_the_epoch_to_a_higher_rank() -> None:
    """The epoch is that of the lowest rank that was in one."""
    outside, inside = ranks([1.0], epoch=False)[0], ranks([2.0], [3.0])[1]
    line = mean_line([outside, inside], never)
    assert line.points.in_epoch.tolist() == [True]


def test_huge_values_have_a_mean() -> None:
    """Their sum would be infinite."""
    line = mean_line(ranks([1.7e308], [1.7e308], [1.7e308]), never)
    assert line.points.value.tolist() == [1.7e308]


def test_the_band_of_the_ranks_is_their_range() -> None:
    """At each step, of a short line."""
    together = put_together(ranks([1.0, np.nan, 3.0], [5.0, np.nan, -1.0]), never)
    assert band_of_ranks(together).reach == [(0, 1.0, 5.0), (2, -1.0, 3.0)]
