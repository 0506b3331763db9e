"""Summing, in C and in NumPy: the same cells and terms to the last bit, whatever the rows."""

import itertools
import math
import struct
from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType
from unittest import mock

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.fold import summing
from compactor.fold.cells import NO_EPOCH, distance
from compactor.fold.digest import digest
from compactor.fold.records import Records
from compactor.fold.rows import Rows
from compactor.fold.summing import interpreted
from compactor.sampling.arrays import Floats, Ints

NAME = "compactor.fold.summing.compiled"
some = settings(max_examples=150, deadline=None)
LEAST, MOST = -(1 << 63), (1 << 63) - 1
PAYLOAD = struct.unpack("<d", struct.pack("<Q", 0xFFF8_0000_DEAD_BEEF))[0]
"""Not a number, but one that is told from others."""
SIZES = [0.0, -0.0, 1.0, 0.1, -3.0, 5e-324, -1e-310, 1e-16, 2.0**41, 1e300, -1e308, 1.7e308]
"""Some of which vanish beside others when these are scaled to fit."""
GONE = [math.nan, math.inf, -math.inf, PAYLOAD]
finite = st.sampled_from(SIZES) | st.floats(allow_nan=False, allow_infinity=False)
sparse = st.sampled_from([*SIZES[:4], *GONE])
moves = st.sampled_from([0, 1, 1, 1, 2, 7, 100, -3, 1 << 31, 1 << 40])
far = st.integers(LEAST, MOST) | st.sampled_from([LEAST, MOST, 0, 1 << 53, (1 << 53) + 1])


@pytest.fixture(scope="module")
def compiled() -> ModuleType:
    """The module in C; it is not there where no compiler was."""
    module: ModuleType = pytest.importorskip(NAME, exc_type=ImportError)
    return module


def columns(found: tuple[Records, Records]) -> list[list[list[int]]]:
    """The bits of cells and terms."""
    return [each.columns.tolist() for each in found]


def in_c(
    module: ModuleType, rows: Rows, starts: Ints, *, in_order: bool
) -> tuple[Records, Records]:
    """As the package does it where it uses C."""
    with mock.patch.object(summing, "_compiled", module):
        return summing.summed(rows, starts, in_order=in_order)


@st.composite
def groups(draw: st.DrawFn) -> tuple[Rows, Ints, bool]:
    """Rows in groups, in each by step, then position; in the order of the log, or in another."""
    value = draw(st.sampled_from([finite, finite | sparse, sparse, st.sampled_from(SIZES[:3])]))
    values = draw(st.lists(value, min_size=1, max_size=60))
    count = len(values)
    walk = [draw(st.integers(-20, 20)), *(abs(draw(moves)) for _ in values[1:])]
    leaps = st.lists(far, min_size=count, max_size=count)
    steps = np.array(draw(leaps) if draw(st.booleans()) else np.cumsum(walk), np.int64)
    cuts = draw(st.sets(st.integers(0, count - 1), max_size=8)) | {0}
    if draw(st.integers(0, 5)) == 0:
        cuts = set(range(count))  # a row a cell
    starts = np.array(sorted(cuts))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    in_order = draw(st.booleans())
    position = np.arange(count) + (1 << 40)
    group = np.searchsorted(starts, np.arange(count), side="right") - 1
    if not in_order:
        rng.shuffle(position)
    order = np.lexsort((position, steps, group))
    position = np.sort(position) if in_order else position[order]
    rows = Rows(
        line=group // 3,
        step=steps[order],
        position=position,
        epoch=rng.integers(0, 3, count) if draw(st.booleans()) else np.full(count, NO_EPOCH),
        time=np.sort(rng.integers(0, 99, count)) if in_order else rng.integers(0, 99, count),
        value=np.array(values, np.float64),
    )
    return rows, starts, in_order


@some
@given(given_groups=groups())
def test_both_make_the_same_cells(
    compiled: ModuleType, given_groups: tuple[Rows, Ints, bool]
) -> None:
    """Of values that overflow and vanish beside each other, and of steps that span all of 64 bits."""
    rows, starts, in_order = given_groups
    expected = columns(interpreted.summed(rows, starts, in_order=in_order))
    assert columns(in_c(compiled, rows, starts, in_order=in_order)) == expected


@st.composite
def logs(draw: st.DrawFn) -> Rows:
    """Several lines with epochs, whose steps rise, or fall, or begin anew."""
    parts = []
    for line in range(draw(st.integers(1, 4))):
        value = draw(st.sampled_from([finite | sparse, sparse]))
        column = draw(st.lists(value, min_size=1, max_size=80))
        at = np.arange(len(column))
        step = draw(st.sampled_from([at, at % 17, at * (1 << 57) + LEAST, -at * (1 << 56)]))
        parts.append((at * 0 + line, step, np.array(column)))
    lines, steps, values = (np.concatenate(column) for column in zip(*parts, strict=True))
    at = np.arange(len(lines))
    return Rows(lines, steps, at, at // draw(st.integers(1, 40)), at, values)


@some
@given(rows=logs())
def test_digests_are_the_same(compiled: ModuleType, rows: Rows) -> None:
    """Of whole lines, with the edges of what is not finite."""
    found = []
    for module in (compiled, None):
        with mock.patch.object(summing, "_compiled", module):
            each = digest(rows)
        found.append([part.columns.tolist() for part in (each.cells, each.terms, each.edges)])
    assert found[0] == found[1]
    assert any(found[0][2]) == (not np.isfinite(rows.value).all())


def walked(rows: Rows, begin: int, end: int) -> dict[str, object]:
    """A cell by a plain walk over its rows."""
    at = range(begin, end)
    whole = [n for n in at if math.isfinite(rows.value[n])]
    gone = [n for n in at if n not in whole]
    cell: dict[str, object] = {
        "line": rows.line[begin],
        "rows": len(at),
        "finite": len(whole),
        "nan": sum(math.isnan(rows.value[n]) for n in gone),
        "above": sum(rows.value[n] == math.inf for n in gone),
        "below": sum(rows.value[n] == -math.inf for n in gone),
        "stretches": sum(n == begin or n - 1 in whole for n in gone),
        "begin": min(rows.time[n] for n in at),
        "end": max(rows.time[n] for n in at),
    }
    chosen = {"first": begin, "last": end - 1, "latest": max(at, key=rows.position.__getitem__)}
    if gone:
        chosen["broken"] = gone[0]
    for name, sign in (("least", 1), ("greatest", -1)):
        if whole:
            best = min(sign * rows.value[n] for n in whole)
            equal = [n for n in whole if sign * rows.value[n] == best]
            chosen[name] = min(equal, key=rows.position.__getitem__)
            chosen[f"{name}_end"] = max(equal, key=rows.position.__getitem__)
    for name in ("first", "last", "latest", "least", "greatest", "least_end", "greatest_end"):
        cell[name] = rows.position[chosen[name]] if name in chosen else 0
    cell["broken"] = rows.position[chosen["broken"]] if gone else 0
    return cell


@some
@given(given_groups=groups())
def test_cells_say_what_a_plain_walk_says(
    compiled: ModuleType, given_groups: tuple[Rows, Ints, bool]
) -> None:
    """Counts and chosen rows; ties go by the place in the log."""
    rows, starts, in_order = given_groups
    bounds = [*starts.tolist(), len(rows)]
    for cells, _ in (
        interpreted.summed(rows, starts, in_order=in_order),
        in_c(compiled, rows, starts, in_order=in_order),
    ):
        for cell, (begin, end) in zip(cells.plain(), itertools.pairwise(bounds), strict=True):
            for name, expected in walked(rows, begin, end).items():
                found = cell[name]
                assert (found if found.dtype.fields is None else found["position"]) == expected


def of_values(values: Sequence[float] | Floats) -> Rows:
    """One line's rows."""
    at = np.arange(len(values))
    return Rows(at * 0, at, at, at * 0, at, np.array(values, np.float64))


@pytest.mark.parametrize(
    "values",
    [
        [1e308, 1e-320, 3.0, 1e20, -1e-300, 5e-324],  # faint ones, and fainter ones beside them
        [2.0**1000, 2.0**60, 2.0**59, 3 * 2.0**-1074],
        [2.0**1023 * (2 - 2.0**-52), 2.0**83 * (1 + 2.0**-52), 2.0**-857],
        [2.0**41, 2.0**-898, 2.0**-899, np.nextafter(2.0**-898, 0), -(2.0**-1022)],
        [2.0**1000, 2.0**61 + 2.0**9, 2.0**40 + 1],  # two terms of the same exponent
        [2.0**40, 2.0**-1074],
        [0.0, -0.0],
        [math.nan, math.inf],
        [0.5, 1.5, 2.5, -0.5, -1.5, 2.0**-41, 3 * 2.0**-41],  # halves are rounded to even
    ],
)
def test_terms_of_faint_values_are_the_same(compiled: ModuleType, values: list[float]) -> None:
    """Whatever vanishes beside what, and in one cell with others or alone; none is zero."""
    for starts in (np.zeros(1, np.int64), np.arange(len(values))):
        cells, terms = interpreted.summed(of_values(values), starts, in_order=True)
        assert columns(in_c(compiled, of_values(values), starts, in_order=True)) == columns(
            (cells, terms)
        )
        assert terms["amount"].all()
        assert (np.diff(terms["cell"]) >= 0).all()
        same = np.diff(terms["cell"]) == 0
        assert (np.diff(terms["exponent"])[same] <= 0).all()


def test_the_mean_of_steps_that_span_64_bits_is_near(compiled: ModuleType) -> None:
    """Distances are added in halves, which do not overflow."""
    step = np.sort(np.random.default_rng(0).integers(LEAST, MOST, 5000))
    rows = replace(of_values([1.0] * 5000), step=step)
    expected = sum(int(each) - int(step[0]) for each in step) / 5000
    for cells, _ in (
        interpreted.summed(rows, np.zeros(1, np.int64), in_order=True),
        in_c(compiled, rows, np.zeros(1, np.int64), in_order=True),
    ):
        assert cells["along"][0] == pytest.approx(expected, rel=1e-15)
        away = distance(step, np.full(5000, step[0])) - expected
        assert cells["spread"][0] == pytest.approx((away**2).sum(), rel=1e-12)


def test_steps_that_fall_by_more_than_63_bits_are_out_of_order() -> None:
    """And those that rise by as much are in order: both differences do not fit into 64 bits."""
    falls, rises = ([MOST, LEAST, LEAST + 1], [LEAST, MOST - 1, MOST])
    for steps in (falls, rises):
        cells = digest(replace(of_values([1.0, 2.0, 3.0]), step=np.array(steps))).cells
        assert cells.part("first")["step"][0] == LEAST
        assert cells["rows"].sum() == 3
        first, last = (cells.part(name)["step"] for name in ("first", "last"))
        assert (first <= last).all()
        assert (first[1:] > last[:-1]).all()


def test_many_rows_make_the_same_cells(compiled: ModuleType) -> None:
    """More terms than the first room of C's holds, and columns that lie apart in memory."""
    rng = np.random.default_rng(3)
    count = 60_000
    values = rng.standard_normal(count) * 10.0 ** rng.integers(-300, 300, count)
    rows = of_values(values)
    apart = replace(rows, value=np.repeat(values, 2)[::2], step=np.repeat(rows.step, 3)[::3])
    starts = np.arange(0, count, 7)
    expected = interpreted.summed(rows, starts, in_order=True)
    assert len(expected[1]) > 20_000
    for each in (rows, apart):
        assert columns(in_c(compiled, each, starts, in_order=True)) == columns(expected)
