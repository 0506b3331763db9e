"""The fold: cells say of rows what a plain walk says, and merge in any grouping."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.fold import line_of
from compactor.fold.cells import CELL, NO_EPOCH, merge, starts_of
from compactor.fold.digest import Digest, bucket_starts, cell_edges, digest, join, shift_for
from compactor.fold.exact import means, sum_exactly
from compactor.fold.records import Records
from compactor.fold.rows import Rows

VALUES = st.one_of(
    st.floats(),
    st.sampled_from([0.0, 1.0, 0.1, 1e300, -1e300, 5e-324, math.nan, math.inf, -math.inf]),
)
TAME = st.one_of(st.floats(-1e6, 1e6), st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf]))
SETTINGS = settings(max_examples=60, deadline=None)
EXACT = "rows finite nan above below stretches begin end first last latest least greatest least_end greatest_end broken".split()


def rows_of(steps: Sequence[int], values: Sequence[float], first: int = 0) -> Rows:
    """One line's rows outside epochs, a microsecond apart."""
    count = len(steps)
    return Rows(
        line=np.zeros(count, np.int64),
        step=np.array(steps, np.int64),
        position=np.arange(first, first + count),
        epoch=np.full(count, NO_EPOCH),
        time=np.arange(first, first + count),
        value=np.array(values, np.float64),
    )


def merged(cells: Records) -> Records:
    """All cells as one."""
    return merge(cells, np.zeros(1, np.int64))


def one(*parts: Records) -> np.void:
    """All cells of all parts as one, to look at."""
    cell: np.void = merged(Records.joined(CELL, parts)).plain()[0]
    return cell


@st.composite
def walks(
    draw: st.DrawFn, values: st.SearchStrategy[float] = VALUES
) -> tuple[list[int], list[float]]:
    """Steps that hardly ever fall, and values."""
    moves = draw(st.lists(st.sampled_from([0, 1, 1, 1, 2, 7, 100, -3]), min_size=1, max_size=60))
    steps = np.cumsum([draw(st.integers(-20, 5000)), *moves[1:]]).tolist()
    return steps, draw(st.lists(values, min_size=len(steps), max_size=len(steps)))


@SETTINGS
@given(walks())
def test_cells_count_and_choose_as_a_plain_walk_does(
    walk: tuple[list[int], list[float]],
) -> None:
    """Counts, and the rows that matter, of all rows together."""
    steps, values = walk
    cell = one(digest(rows_of(steps, values)).cells)
    rows = list(zip(steps, range(len(steps)), values, strict=True))
    finite = [row for row in rows if math.isfinite(row[2])]
    assert cell["rows"] == len(rows)
    assert cell["finite"] == len(finite)
    assert cell["nan"] == sum(math.isnan(value) for value in values)
    assert cell["above"] == values.count(math.inf)
    assert cell["below"] == values.count(-math.inf)
    assert cell["first"]["position"] == min(rows)[1]
    assert cell["last"]["position"] == max(rows)[1]
    assert cell["latest"]["position"] == len(rows) - 1
    assert (cell["begin"], cell["end"]) == (0, len(rows) - 1)
    if finite:
        assert cell["least"]["position"] == min((row[2], row[1]) for row in finite)[1]
        assert cell["greatest"]["position"] == min((-row[2], row[1]) for row in finite)[1]
    if len(finite) < len(rows):
        assert cell["broken"]["position"] == min(row for row in rows if row not in finite)[1]


@SETTINGS
@given(walks(TAME))
def test_moments_are_those_of_numpy(walk: tuple[list[int], list[float]]) -> None:
    """Mean, variance, and the line through the values."""
    steps, values = walk
    cell = one(digest(rows_of(steps, values)).cells)
    finite = np.isfinite(values)
    x, y = np.array(steps, float)[finite], np.array(values)[finite]
    if not len(x):
        assert cell["finite"] == 0
        return
    size = max(1.0, float(np.abs(y).max()))
    assert cell["mean"] == pytest.approx(y.mean(), abs=1e-9 * size)
    assert cell["square"] == pytest.approx(((y - y.mean()) ** 2).sum(), abs=1e-9 * size**2 * len(y))
    assert cell["spread"] == pytest.approx(((x - x.mean()) ** 2).sum(), rel=1e-9, abs=1e-6)
    expected = ((x - x.mean()) * (y - y.mean())).sum()
    assert cell["product"] == pytest.approx(expected, abs=1e-7 * size * 6000 * len(y))


@SETTINGS
@given(st.lists(walks(TAME), min_size=3, max_size=5), st.data())
def test_merging_is_associative(
    walks: list[tuple[list[int], list[float]]], data: st.DataObject
) -> None:
    """However cells are grouped first: what was counted and chosen to the bit, moments but for rounding."""
    parts, count = [], 0
    for steps, values in walks:
        parts.append(merged(digest(rows_of(steps, values, count)).cells))
        count += len(steps)
    at = data.draw(st.integers(1, len(parts) - 1))
    halves = [merged(Records.joined(CELL, some)) for some in (parts[:at], parts[at:])]
    grouped, whole = one(*halves), one(*parts)
    steps = [step for steps, _ in walks for step in steps]
    for name in EXACT if steps == sorted(steps) else set(EXACT) - {"stretches"}:
        assert grouped[name].tobytes() == whole[name].tobytes(), name
    for name in ("mean", "square", "along", "spread", "product"):
        assert grouped[name] == pytest.approx(whole[name], rel=1e-9, abs=1e-3), name


@SETTINGS
@given(st.lists(st.lists(VALUES.filter(math.isfinite), max_size=12), min_size=1, max_size=6))
def test_sums_are_exact_whatever_the_sizes(groups: list[list[float]]) -> None:
    """From subnormal to the largest floats, side by side; the mean is rounded once."""
    values = np.array([value for group in groups for value in group])
    owner = np.repeat(np.arange(len(groups)), [len(group) for group in groups])
    largest = np.array([max(map(abs, group), default=0.0) for group in groups])
    starts = starts_of(owner)
    found = means(
        sum_exactly(values, owner, starts, largest), np.array([len(group) for group in groups])
    )
    for mean, group in zip(found, groups, strict=True):
        expected = float(sum(map(Fraction, group), Fraction(0)) / len(group)) if group else None
        assert mean == expected


@SETTINGS
@given(walks(TAME), st.lists(st.integers(1, 59), max_size=4))
def test_how_a_log_is_cut_into_segments_changes_no_mean_and_no_gap(
    walk: tuple[list[int], list[float]], cuts: list[int]
) -> None:
    """Exact means and the number of stretches, from one segment or five."""
    steps, values = sorted(walk[0]), walk[1]
    bounds = sorted({0, len(steps), *(cut for cut in cuts if cut < len(steps))})
    pieces: list[Digest] = [
        digest(rows_of(steps[low:high], values[low:high], low))
        for low, high in itertools.pairwise(bounds)
    ]
    cut, whole = join(pieces), digest(rows_of(steps, values))
    several, single = one(cut.cells), one(whole.cells)
    assert several["stretches"] == single["stretches"]
    for digested in (cut, whole):
        digested.terms["cell"] = 0
    count = np.array([single["finite"]])
    assert means(cut.terms, count) == means(whole.terms, count)


@SETTINGS
@given(
    st.integers(-(1 << 40), 1 << 40),
    st.integers(0, 1 << 40),
    st.integers(2, 3000),
    st.integers(0, 6),
)
def test_cells_fit_into_buckets(low: int, span: int, most: int, wider: int) -> None:
    """Each cell lies in one bucket, of the same width or of a wider one, and there are not too many."""
    high = low + span
    shift = shift_for(low, high, most)
    edges = cell_edges(low, high, shift)
    assert edges[0] <= low
    assert (np.diff(edges) > 0).all()
    assert (high >> shift) - (low >> shift) < most
    first = edges[edges <= high]
    last = np.append(first[1:], high + 1) - 1
    assert (bucket_starts(first, shift + wider) == bucket_starts(last, shift + wider)).all()


def test_an_early_cell_is_a_64th_of_the_step() -> None:
    """A logarithmic axis shows the first steps as wide as the last ones."""
    edges = cell_edges(0, 1 << 20, 14)
    assert edges[:65].tolist() == list(range(65))
    widths = np.diff(edges)
    early = (edges[:-1] >= 64) & (edges[:-1] < 1 << 20)
    assert (widths[early] <= edges[:-1][early] / 64).all()


def test_cells_are_few() -> None:
    """A million rows leave some thousand cells; a cell is some hundred bytes."""
    rng = np.random.default_rng(0)
    cells = digest(rows_of(range(1_000_000), rng.standard_normal(1_000_000).tolist())).cells
    assert 4_000 < len(cells) < 10_000
    assert CELL.itemsize < 512


def test_a_slope_does_not_see_how_far_from_0_a_step_is() -> None:
    """Steps beyond 2^53 are told apart, and a straight line has no residual."""
    steps = (1 << 60) + np.arange(70_000)
    cell = one(digest(rows_of(steps.tolist(), (0.5 * np.arange(70_000)).tolist())).cells)
    assert cell["product"] / cell["spread"] == pytest.approx(0.5, rel=1e-12)


def test_a_whole_line_has_a_bucket_a_row() -> None:
    """And statistics by epoch."""
    line = line_of(
        "m", 0, np.arange(6), np.array([1.0, 2, 3, math.nan, 5, 7]), epoch=np.arange(6) // 3
    )
    assert line.buckets.rows.tolist() == [1] * 6
    first, second = line.epochs
    assert first.mean == 2.0
    assert first.std == pytest.approx(math.sqrt(2 / 3))
    assert (second.finite, second.mean, second.last, second.step) == (2, 6.0, 7.0, 5)
    assert second.greatest is not None
    assert second.greatest.step == 5


@pytest.mark.parametrize("first", [0, 10_000_000, 1_700_000_000_000, -(1 << 40)])
def test_a_line_far_from_step_0_has_as_many_cells(first: int) -> None:
    """A run that goes on elsewhere, or whose steps are milliseconds, is drawn as well as others."""
    steps = range(first, first + 100_000)
    assert 300 < len(digest(rows_of(steps, [1.0] * 100_000)).cells) < 1600


def test_steps_that_begin_anew_in_each_epoch_leave_few_cells() -> None:
    """Their rows lie between each other's; the epochs' means are still exact."""
    count, epochs = 60_000, 50
    rows = rows_of([n % (count // epochs) for n in range(count)], [0.1 * n for n in range(count)])
    rows = replace(rows, epoch=np.arange(count) // (count // epochs))
    digested = digest(rows)
    assert len(digested.cells) < count // 20
    line = line_of("m", 0, rows.step, rows.value, epoch=rows.epoch)
    for epoch in line.epochs:
        own = rows.value[rows.epoch == epoch.epoch]
        assert epoch.mean == float(sum(map(Fraction, own.tolist())) / len(own))
        assert (epoch.first_step, epoch.last_step) == (0, count // epochs - 1)


def test_the_mean_of_huge_values_is_no_more_than_they_are() -> None:
    """Their sum would be."""
    cell = one(digest(rows_of(range(1000), [1e308] * 1000)).cells)
    assert cell["mean"] == 1e308
    assert cell["square"] == 0


def test_the_least_step_of_all_is_not_the_last() -> None:
    """Its negative does not fit into 64 bits."""
    steps = [-(1 << 63), 1, 99]
    cell = one(digest(rows_of(steps, [1.0, 2.0, 3.0])).cells)
    assert (cell["first"]["step"], cell["last"]["step"]) == (-(1 << 63), 99)
