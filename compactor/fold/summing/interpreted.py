"""Summing in NumPy: what `compiled` does in C, bit for bit, and the text that explains it.

So that C can do the same to the last bit, floats are added in order: `numpy.add.reduceat` adds them in
an order of its own, `numpy.bincount` from left to right.
"""

import numpy as np
import numpy.typing as npt

from compactor.fold.cells import CELL, owners, pick, starts_of
from compactor.fold.exact import TERM, approximate, sum_exactly
from compactor.fold.records import Records
from compactor.fold.rows import Rows, fill_rows
from compactor.sampling.arrays import Floats, Ints, Mask


def summed(rows: Rows, starts: Ints, *, in_order: bool) -> tuple[Records, Records]:
    """A cell for each group of rows.

    Args:
        rows: ``N`` of them, one or more; in each group by step, then position.
        starts: Where each group starts, the first at 0, strictly increasing, shape ``(G,)``. A group
            has at most `compactor.fold.exact.MOST_VALUES` rows.
        in_order: Whether positions and times rise in each group, too.

    Returns:
        The cells, of `compactor.fold.cells.CELL`, and the terms of the sums of their values, of
        `compactor.fold.exact.TERM`, by cell and in decreasing exponents.
    """
    ends = np.append(starts[1:], len(rows)) - 1
    owner = owners(starts, len(rows))
    cells = Records.zeros(CELL, len(starts))
    cells["line"] = rows.line[starts]
    cells["rows"] = ends - starts + 1
    fill_rows(cells.part("first"), rows, starts)
    fill_rows(cells.part("last"), rows, ends)
    latest = ends if in_order else pick(owner, np.arange(len(rows)), [~rows.position])
    fill_rows(cells.part("latest"), rows, latest)
    if in_order:
        cells["begin"], cells["end"] = rows.time[starts], rows.time[ends]
    else:
        cells["begin"] = np.minimum.reduceat(rows.time, starts)
        cells["end"] = np.maximum.reduceat(rows.time, starts)
    finite = np.isfinite(rows.value)
    if not finite.all():
        _count_broken(cells, rows, owner, starts, finite)
        rows, owner = rows.take(finite), owner[finite]
        starts = starts_of(owner)
    if not len(rows):
        return cells, Records.zeros(TERM, 0)
    cells["finite"][owner[starts]] = np.diff(starts, append=len(rows))
    _choose_extremes(cells, rows, owner, starts, in_order=in_order)
    least, greatest = (cells.part(name)["value"] for name in ("least", "greatest"))
    terms = sum_exactly(rows.value, owner, starts, np.maximum(np.abs(least), np.abs(greatest)))
    _add_moments(cells, rows, owner, starts, terms)
    return cells, terms


def _count_broken(cells: Records, rows: Rows, owner: Ints, starts: Ints, finite: Mask) -> None:
    """What is not finite, by kind, in how many stretches, and the first of it."""
    opens = ~finite
    opens[1:] &= finite[:-1]
    opens[starts] = ~finite[starts]
    cells["stretches"] = np.bincount(owner[opens], minlength=len(cells))
    for name, kind in (("nan", np.isnan), ("above", np.isposinf), ("below", np.isneginf)):
        cells[name] = np.bincount(owner[kind(rows.value)], minlength=len(cells))
    broken = np.flatnonzero(~finite)
    first = broken[starts_of(owner[broken])]
    fill_rows(cells.part("broken"), rows, first, owner[first])


def _choose_extremes(
    cells: Records, rows: Rows, owner: Ints, starts: Ints, *, in_order: bool
) -> None:
    """The first and the last row in the log with the least value, and those with the greatest."""
    held, counts = owner[starts], np.diff(starts, append=len(rows))
    for name, reduce in (("least", np.minimum), ("greatest", np.maximum)):
        extreme = np.repeat(reduce.reduceat(rows.value, starts), counts)
        equal = np.flatnonzero(rows.value == extreme)
        begin = starts_of(owner[equal])
        first, last = equal[begin], equal[np.append(begin[1:], len(equal)) - 1]
        if not in_order:
            first = pick(owner, equal, [rows.position])
            last = pick(owner, equal, [~rows.position])
        for part, at in ((name, first), (f"{name}_end", last)):
            fill_rows(cells.part(part), rows, at, held)


def _add_moments(cells: Records, rows: Rows, owner: Ints, starts: Ints, terms: Records) -> None:
    """Means and moments of the finite rows."""
    held, counts = owner[starts], np.diff(starts, append=len(rows))
    first = cells.part("first")["step"][held]
    least, greatest = (cells.part(name)["value"] for name in ("least", "greatest"))
    with np.errstate(over="ignore", invalid="ignore"):
        mean = approximate(terms, np.maximum(cells["finite"], 1))
        mean = np.where(mean < least, least, mean)
        cells["mean"] = np.where(mean > greatest, greatest, mean)
        apart = (rows.step - np.repeat(first, counts)).view(np.uint64)
        cells["along"][held] = _means(apart, starts, counts)
        off = rows.value - np.repeat(cells["mean"][held], counts)
        away = apart.astype(np.float64)
        away -= np.repeat(cells["along"][held], counts)
        cells["product"] = np.bincount(owner, off * away, len(cells))
        for name, square in (("square", off), ("spread", away)):
            np.multiply(square, square, out=square)
            cells[name] = np.bincount(owner, square, len(cells))


def _means(apart: npt.NDArray[np.uint64], starts: Ints, counts: Ints) -> Floats:
    """The mean of each group."""
    # the sums of many 64-bit numbers do not fit into 64 bits; those of their halves do
    high, low = (np.add.reduceat(half, starts) for half in (apart >> 32, apart & 0xFFFFFFFF))
    means: Floats = (high * 2.0**32 + low) / counts
    return means
