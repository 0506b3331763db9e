"""Sums of floats that are exact, and so do not depend on the order of adding.

A float is a whole number times a power of two. Scaled by a power of two, the values of a cell are cut
into pieces of forty bits, whole numbers, and the pieces are added as 64-bit integers. Such a sum is a
*term*: a cell, an exponent and an amount. The terms of a group are added as Python's integers and
rounded once. (The cutting is that of Demmel and Nguyen, "Parallel Reproducible Summation", IEEE
Transactions on Computers 64(7), 2015, section 4, with integers in place of their guard bits.)
"""

from collections import defaultdict

import numpy as np

from compactor.fold.cells import starts_of
from compactor.fold.records import Records
from compactor.sampling.arrays import Floats, Ints

TERM = np.dtype([("cell", "<i8"), ("exponent", "<i8"), ("amount", "<i8")])
"""``amount`` times two to the power of ``exponent`` belongs to the sum of a cell."""
BITS = 40
MOST_VALUES = 1 << 22
"""So many pieces of forty bits and a sign fit into 64 bits when added."""
_PIECE = float(1 << BITS)
_STEEP = 1000  # no power of two above this one is a float by itself, with some to spare
_FAINT = 2.0**-900


def sum_exactly(values: Floats, owner: Ints, starts: Ints, largest: Floats) -> Records:
    """The exact sums of groups of values.

    Args:
        values: Finite, at most `MOST_VALUES` in a group, shape ``(N,)``.
        owner: The group of each, never decreasing, shape ``(N,)``.
        starts: Where each group that has values starts.
        largest: The largest magnitude in each group, by group, shape ``(G,)``.

    Returns:
        Terms, of `TERM`, by group and in decreasing exponents.
    """
    magnitude = np.frexp(largest)[1].astype(np.int64)
    found = Records.joined(TERM, _cut(values, owner, starts, magnitude))
    return found.take(np.lexsort((-found["exponent"], found["cell"])))


def _cut(values: Floats, owner: Ints, starts: Ints, magnitude: Ints) -> list[Records]:
    """Cut all values piece by piece, until nothing is left. All are below ``2**magnitude[owner]``."""
    shift = BITS - magnitude
    half = np.clip(shift, -_STEEP, _STEEP)
    held, counts = owner[starts], np.diff(starts, append=len(values))
    rest = values * np.repeat(np.ldexp(1.0, half)[held], counts)
    if (half != shift).any():
        rest *= np.repeat(np.ldexp(1.0, shift - half)[held], counts)
    found = []
    is_down = magnitude > BITS
    if is_down.any():  # scaled down: what is very small beside the largest could vanish
        is_faint = (np.abs(rest) < _FAINT) & (values != 0) & np.repeat(is_down[held], counts)
        faint = np.flatnonzero(is_faint)
        if len(faint):
            own = starts_of(owner[faint])
            least = np.frexp(np.maximum.reduceat(np.abs(values[faint]), own))[1]
            below = np.zeros(len(magnitude), np.int64)
            below[owner[faint][own]] = least
            found += _cut(values[faint], owner[faint], own, below)
            rest[faint] = 0.0
    while len(rest):
        whole = np.rint(rest)
        term = Records.zeros(TERM, len(starts))
        term["cell"] = owner[starts]
        term["exponent"] = -shift[owner[starts]]
        term["amount"] = np.add.reduceat(whole.astype(np.int64), starts)
        found.append(term.take(term["amount"] != 0))
        rest -= whole
        is_left = rest != 0
        left = np.count_nonzero(is_left)
        if left <= len(rest) // 2:
            rest, owner = rest[is_left], owner[is_left]
            starts = starts_of(owner)
        if left:
            rest *= _PIECE
            shift = shift + BITS
    return found


def approximate(found: Records, counts: Ints) -> Floats:
    """The means of groups of ``counts`` values (at least 1), nearly rounded, shape ``(G,)``."""
    down = np.frexp(counts)[1]  # the sum may be more than a float can be, the mean is not
    parts = np.ldexp(found["amount"].astype(np.float64), found["exponent"] - down[found["cell"]])
    sums = np.bincount(found["cell"], parts, len(counts))
    means: Floats = np.ldexp(sums / counts, down)
    return means


def means(found: Records, counts: Ints) -> list[float | None]:
    """The mean of each group, rounded once.

    Args:
        found: Terms whose ``cell`` is the number of a group.
        counts: How many values each group has, shape ``(G,)``.

    Returns:
        By group; ``None`` for a group without values.
    """
    order = np.lexsort((found["exponent"], found["cell"]))
    found = found.take(order)
    starts = starts_of(found["cell"], found["exponent"])
    amounts: dict[int, dict[int, int]] = defaultdict(dict)
    if len(starts):
        # the sums of many amounts do not fit into 64 bits; those of their halves do
        high = np.add.reduceat(found["amount"] >> 32, starts).tolist()
        low = np.add.reduceat(found["amount"] & 0xFFFFFFFF, starts).tolist()
        groups, exponents = (found[name][starts].tolist() for name in ("cell", "exponent"))
        for group, exponent, upper, lower in zip(groups, exponents, high, low, strict=True):
            amounts[group][exponent] = (upper << 32) + lower
    return [
        _mean(amounts.get(group, {}), count) if count else None
        for group, count in enumerate(counts.tolist())
    ]


def _mean(amounts: dict[int, int], count: int) -> float:
    if not amounts:
        return 0.0
    least = min(amounts)
    total = sum(amount << (exponent - least) for exponent, amount in amounts.items())
    # Python divides whole numbers, however large, and rounds once
    return (total << least) / count if least > 0 else total / (count << -least)
