"""Sums of floats that are exact, and so do not depend on the order of adding.

A float is a whole number times a power of two. Scaled by a power of two, the values of a cell are cut
into pieces of forty bits, whole numbers, and the pieces are added as 64-bit integers. Such a sum is a
*term*: a cell, an exponent and an amount. The terms of a group are added as Python's integers and
rounded once. (The cutting is that of Demmel and Nguyen, "Parallel Reproducible Summation", IEEE
Transactions on Computers 64(7), 2015, section 4, with integers in place of their guard bits.)
"""

from collections import defaultdict
from fractions import Fraction

import numpy as np

from compactor.fold.cells import Records, starts_of
from compactor.sampling.arrays import Floats, Ints

TERM = np.dtype([("cell", "<i8"), ("exponent", "<i8"), ("amount", "<i8")])
"""``amount`` times two to the power of ``exponent`` belongs to the sum of a cell."""
BITS = 40
MOST_VALUES = 1 << 22
"""So many pieces of forty bits and a sign fit into 64 bits when added."""
_PIECE = float(1 << BITS)
_STEEP = 1000  # no power of two above this one is a float by itself, with some to spare
_FAINT = 2.0**-900


def sum_exactly(values: Floats, owner: Ints, largest: Floats) -> Records:
    """The exact sums of groups of values.

    Args:
        values: Finite, at most `MOST_VALUES` in a group, shape ``(N,)``.
        owner: The group of each, never decreasing, shape ``(N,)``.
        largest: The largest magnitude in each group, by group, shape ``(G,)``.

    Returns:
        Terms, of `TERM`, by group and in decreasing exponents.
    """
    found = list(_cut(values, owner, np.frexp(largest)[1].astype(np.int64)))
    joined = np.concatenate([np.zeros(0, TERM), *found])
    return joined[np.lexsort((-joined["exponent"], joined["cell"]))]


def _cut(values: Floats, owner: Ints, magnitude: Ints) -> list[Records]:
    """Cut all values piece by piece, until nothing is left. All are below ``2**magnitude[owner]``."""
    shift = BITS - magnitude
    half = np.clip(shift, -_STEEP, _STEEP)
    rest = values * np.ldexp(1.0, half)[owner]
    if (half != shift).any():
        rest *= np.ldexp(1.0, shift - half)[owner]
    found = []
    if (magnitude > BITS).any():  # scaled down: what is very small beside the largest could vanish
        faint = np.flatnonzero((np.abs(rest) < _FAINT) & (values != 0))
        if len(faint):
            own = starts_of(owner[faint])
            least = np.frexp(np.maximum.reduceat(np.abs(values[faint]), own))[1]
            below = np.zeros(len(magnitude), np.int64)
            below[owner[faint][own]] = least
            found += _cut(values[faint], owner[faint], below)
            rest[faint] = 0.0
    while len(rest):
        whole = np.rint(rest)
        starts = starts_of(owner)
        term = np.zeros(len(starts), TERM)
        term["cell"] = owner[starts]
        term["exponent"] = -shift[owner[starts]]
        term["amount"] = np.add.reduceat(whole.astype(np.int64), starts)
        found.append(term[term["amount"] != 0])
        rest -= whole
        left = np.flatnonzero(rest)
        if len(left) < len(rest):
            rest, owner = rest[left], owner[left]
        rest *= _PIECE
        shift = shift + BITS
    return found


def approximate(found: Records, groups: int) -> Floats:
    """The sums of groups as floats, nearly rounded, shape ``(groups,)``."""
    with np.errstate(over="ignore"):
        parts = np.ldexp(found["amount"].astype(np.float64), found["exponent"])
    return np.bincount(found["cell"], parts, groups).astype(np.float64)


def means(found: Records, counts: Ints) -> list[float | None]:
    """The mean of each group, rounded once.

    Args:
        found: Terms whose ``cell`` is the number of a group.
        counts: How many values each group has, shape ``(G,)``.

    Returns:
        By group; ``None`` for a group without values.
    """
    amounts: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
    columns = (found[name].tolist() for name in ("cell", "exponent", "amount"))
    for group, exponent, amount in zip(*columns, strict=True):
        amounts[group][exponent] += amount
    return [
        _mean(amounts.get(group, {}), count) if count else None
        for group, count in enumerate(counts.tolist())
    ]


def _mean(amounts: dict[int, int], count: int) -> float:
    if not amounts:
        return 0.0
    least = min(amounts)
    total = sum(amount << (exponent - least) for exponent, amount in amounts.items())
    return float(Fraction(total) * Fraction(2) ** least / count)
