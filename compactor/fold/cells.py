"""Cells: what a stretch of one metric's rows comes to, in a form that can be put together again.

A cell holds counts, moments and the rows that matter of neighbouring rows of one metric, one epoch
and one attempt. Cells of the same group merge into one cell (`merge`), whichever were merged before:
counts and chosen rows come out the same to the bit; moments are floats, and are only ever merged in
the order of the log, so that they come out the same whenever the same cells go in. Sums that decide
something (the means of epochs) are kept apart, as exact terms (`compactor.fold.exact`).

The merge of moments is the pairwise update of Chan, Golub and LeVeque, "Algorithms for Computing the
Sample Variance" (The American Statistician 37(3), 1983), for many parts at once.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from compactor.fold.records import Records
from compactor.sampling.arrays import Floats, Ints

NO_EPOCH = -(1 << 63)
"""In place of an epoch, of a row that was logged outside epochs."""

ROW = np.dtype(
    [("step", "<i8"), ("position", "<i8"), ("epoch", "<i8"), ("time", "<i8"), ("value", "<f8")]
)
"""One logged row; ``position`` is its place in the log of its rank, ``time`` in microseconds."""

CELL = np.dtype(
    [
        ("line", "<i8"),  # which metric of which rank
        ("rows", "<i8"),
        ("finite", "<i8"),  # rows with a finite value
        ("nan", "<i8"),
        ("above", "<i8"),  # rows with an infinity
        ("below", "<i8"),  # rows with a negative one
        ("stretches", "<i8"),  # of rows without a finite value, one behind the other
        ("mean", "<f8"),  # of the finite values, and so are the moments below
        ("square", "<f8"),  # sum of squared distances from the mean
        ("along", "<f8"),  # mean of the steps, counted from the first row's step
        ("spread", "<f8"),  # sum of squared distances of the steps from their mean
        ("product", "<f8"),  # sum of the products of both distances
        ("begin", "<i8"),  # the earliest time
        ("end", "<i8"),  # the latest time
        ("first", ROW),  # by step, then position
        ("last", ROW),
        ("latest", ROW),  # the last of the log
        ("least", ROW),  # of the finite values, the first of the log among equals
        ("greatest", ROW),
        ("least_end", ROW),  # the last of the log among equals: a step down is drawn upright
        ("greatest_end", ROW),
        ("broken", ROW),  # the first without a finite value, by step, then position
    ]
)
_COUNTS = ("rows", "finite", "nan", "above", "below")
ALL_ROWS = tuple(name for name in CELL.names or () if CELL[name] == ROW)


def starts_of(*keys: npt.NDArray[Any]) -> Ints:
    """Where a new group begins in columns of shape ``(N,)`` that are sorted by group."""
    if not len(keys[0]):
        return np.zeros(0, np.int64)
    change = np.zeros(len(keys[0]), np.bool_)
    change[0] = True
    for key in keys:
        change[1:] |= key[1:] != key[:-1]
    return np.flatnonzero(change)


def owners(starts: Ints, count: int) -> Ints:
    """The group of each of ``count`` elements, from where the groups start."""
    return np.repeat(np.arange(len(starts)), np.diff(starts, append=count))


def distance(high: Ints, low: Ints) -> Floats:
    """How far each ``high`` is above its ``low``; together they may span all of 64 bits."""
    return (high - low).view(np.uint64).astype(np.float64)


def merge(cells: Records, starts: Ints, rows: Sequence[str] = ALL_ROWS) -> Records:
    """Merge neighbouring cells.

    Args:
        cells: Of `CELL`, shape ``(C,)``, grouped, in each group in the order of the log, and for
            ``stretches`` to be right, of the steps.
        starts: Where each group starts, shape ``(G,)``.
        rows: Which rows are wanted, at least ``first``, ``least`` and ``greatest``; others stay 0.

    Returns:
        A cell a group, shape ``(G,)``.
    """
    owner = owners(starts, len(cells))
    merged = Records.zeros(CELL, len(starts))
    merged["line"] = cells["line"][starts]
    for count in _COUNTS:
        merged[count] = _counted(cells[count], starts)
    merged["stretches"] = _counted(cells["stretches"] - _go_on(cells, starts), starts)
    merged["begin"] = np.minimum.reduceat(cells["begin"], starts)
    merged["end"] = np.maximum.reduceat(cells["end"], starts)
    for name, at in _chosen(cells, owner, starts):
        if name in rows:
            into = slice(None) if len(at) == len(starts) else owner[at]
            merged.part(name).columns[:, into] = cells.part(name).take(at).columns
    _merge_moments(cells, owner, starts, merged)
    return merged


def _chosen(cells: Records, owner: Ints, starts: Ints) -> Iterator[tuple[str, Ints]]:
    """Of each row that a cell names, the cells of which the merged ones take it."""
    everyone, first, last = np.arange(len(cells)), cells.part("first"), cells.part("last")
    if rises(cells, starts):
        ends = np.append(starts[1:], len(cells)) - 1
        yield from (("first", starts), ("last", ends), ("latest", ends))
    else:
        yield "first", pick(owner, everyone, [first["step"], first["position"]])
        yield "last", pick(owner, everyone, [~last["step"], ~last["position"]])
        yield "latest", pick(owner, everyone, [~cells.part("latest")["position"]])
    finite = np.flatnonzero(cells["finite"])
    for name, sign in (("least", 1), ("greatest", -1)):
        equal, end = tied(owner, finite, sign * cells.part(name)["value"]), f"{name}_end"
        # in order or not: a cell can hold a row that is older than its first
        yield name, pick(owner, equal, [cells.part(name)["position"]])
        yield end, pick(owner, equal, [~cells.part(end)["position"]])
    broken = cells.part("broken")
    among = np.flatnonzero(cells["finite"] < cells["rows"])
    yield "broken", pick(owner, among, [broken["step"], broken["position"]])


def rises(cells: Records, starts: Ints) -> bool:
    """Whether in each group positions rise from cell to cell, and steps never fall.

    The arguments are `merge`'s.
    """
    first, last, latest = (cells.part(name) for name in ("first", "last", "latest"))
    rising = first["position"][1:] > latest["position"][:-1]
    rising &= first["step"][1:] >= last["step"][:-1]
    rising[starts[1:] - 1] = True
    return bool(rising.all()) and bool((last["position"] == latest["position"]).all())


def pick(owner: Ints, among: Ints, keys: list[npt.NDArray[Any]]) -> Ints:
    """Of each group, the element with the least first key, among equals the least second, and so on.

    Args:
        owner: The group of each element, never decreasing, shape ``(N,)``.
        among: The elements that compete, increasing, shape ``(M,)``.
        keys: Each of shape ``(N,)``; all of them together tell elements of a group apart.

    Returns:
        One of ``among`` for each group that has one, in the order of the groups.
    """
    for key in keys:
        among = tied(owner, among, key)
    return among[starts_of(owner[among])]


def tied(owner: Ints, among: Ints, key: npt.NDArray[Any]) -> Ints:
    """Of each group, the elements with the least key. Arguments: see `pick`."""
    own = owner[among]
    starts = starts_of(own)
    if len(starts) == len(among):
        return among
    values = key[among]
    least = np.minimum.reduceat(values, starts)
    winners: Ints = among[values == least[owners(starts, len(among))]]
    return winners


def _counted(counts: Ints, starts: Ints) -> Ints:
    """The sum of each group: for groups of a few, far faster than to reduce each."""
    so_far = np.append(0, np.cumsum(counts))
    summed: Ints = np.diff(so_far[np.append(starts, len(counts))])
    return summed


def _go_on(cells: Records, starts: Ints) -> Ints:
    """1 for each cell that begins in the middle of a stretch, with which the one before it ends."""
    ends = ~np.isfinite(cells.part("last")["value"][:-1])
    begins = ~np.isfinite(cells.part("first")["value"][1:])
    on = np.append(0, ends & begins)
    on[starts] = 0
    return on


def _merge_moments(cells: Records, owner: Ints, starts: Ints, merged: Records) -> None:
    """Fill in the means and moments; cells without a finite value weigh nothing."""
    weight = cells["finite"].astype(np.float64)
    total = np.maximum(merged["finite"], 1).astype(np.float64)
    # steps count from the group's first: far apart, they are more than a float can tell apart
    shift = distance(cells.part("first")["step"], merged.part("first")["step"][owner])
    value, step = cells["mean"], cells["along"] + shift
    with np.errstate(over="ignore", invalid="ignore"):
        mean = _sum(value * (weight / total[owner]), starts)
        least, greatest = (merged.part(name)["value"] for name in ("least", "greatest"))
        merged["mean"] = np.clip(mean, least, greatest)
        merged["along"] = _sum(step * (weight / total[owner]), starts)
        off, away = value - merged["mean"][owner], step - merged["along"][owner]
        merged["square"] = _sum(cells["square"] + weight * off * off, starts)
        merged["spread"] = _sum(cells["spread"] + weight * away * away, starts)
        merged["product"] = _sum(cells["product"] + weight * off * away, starts)


def _sum(values: Floats, starts: Ints) -> Floats:
    """The sum of each group, in order."""
    summed: Floats = np.add.reduceat(values, starts)
    return summed
