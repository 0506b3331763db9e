"""Columns to dots, and dots to characters.

A braille character holds two columns of four dots (Unicode, "Braille Patterns"), so a curve of seven
lines has 28 heights. Where the terminal has no such characters, one dot is one plain character.

Curves that share a plot differ by colour and by pattern: of a patterned curve some columns are left
out, but never a dot that stands out from the columns beside it. Of a character that two curves go
through, the upper one has the colour; it also hides the dots beneath it where these fill most of
the character, so that a line can be followed through noise, save where a curve first has its
highest or lowest dot.
"""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from logwriter.cli.curves.axis import Axis
from logwriter.cli.curves.columns import Columns

Grid = npt.NDArray[np.bool_]
"""Dots of shape (rows, columns), the lowest row first."""
Codes = npt.NDArray[np.int64]

BRAILLE = (4, 2)
PLAIN = (1, 1)
"""Rows and columns of dots in a character."""

PLAIN_INKS = "*o+x%&@$"
_BLANK = 0x2800
_BITS = np.array([[0x40, 0x80], [0x04, 0x20], [0x02, 0x10], [0x01, 0x08]])
_PATTERNS = ((True,), (True, False), (True, True, False, False), (True, False, False, False))


def trace(columns: Columns, axis: Axis, rows: int) -> Grid:
    """The dots of one curve.

    A column covers its rows from the least to the greatest; neighbours that are apart are joined, each
    coming half of the way. Nothing is joined over a value that is not finite.
    """
    grid = np.zeros((rows, len(columns.rows)), dtype=np.bool_)
    has = np.flatnonzero(columns.low <= columns.high)
    for at, low, high in zip(
        has, axis.dots(columns.low[has], rows), axis.dots(columns.high[has], rows), strict=True
    ):
        grid[low : high + 1, at] = True
    for at, then in pairwise(np.flatnonzero(columns.rows)):
        ends = np.array([columns.leave[at], columns.enter[then]])
        if np.isfinite(ends).all():
            one, other = axis.dots(ends, rows)
            path = np.rint(np.linspace(one, other, then - at + 1)).astype(np.int64)
            for column, (here, there) in enumerate(pairwise(path.tolist()), start=int(at)):
                _link(grid, column, here, there)
    return grid


def _link(grid: Grid, column: int, here: int, there: int) -> None:
    """Join a dot to one in the next column, so that they touch."""
    middle = (here + there) // 2
    if there >= here:
        grid[here : middle + 1, column] = True
        grid[min(middle + 1, there) : there + 1, column + 1] = True
    else:
        grid[middle + 1 : here + 1, column] = True
        grid[there : middle + 1, column + 1] = True


def thin(grid: Grid, curve: int) -> Grid:
    """The dots in the pattern of the plot's ``curve``-th curve; the first is whole."""
    pattern = _PATTERNS[curve % len(_PATTERNS)]
    stays = np.resize(pattern, grid.shape[1])
    filled = np.flatnonzero(grid.any(axis=0))
    kept = filled[stays[filled]]
    thinned = grid.copy()
    for column in filled[~stays[filled]]:
        place = int(np.searchsorted(kept, column))
        beside = grid[:, kept[max(0, place - 1) : place + 1]].any(axis=1)
        covered = np.flatnonzero(beside)
        if len(covered):
            thinned[covered[0] : covered[-1] + 1, column] = False
    return thinned


def characters(grids: Sequence[Grid], cell: tuple[int, int]) -> tuple[list[list[str]], Codes]:
    """The characters of curves on top of each other, the last one uppermost.

    Args:
        grids: Dots of the curves, all of one shape, which is a multiple of ``cell``.
        cell: `BRAILLE` or `PLAIN`.

    Returns:
        The characters, from the top row down, and of each the curve whose it is; -1 for none.
    """
    high, wide = cell
    shape = grids[0].shape[0] // high, grids[0].shape[1] // wide
    codes, owners = np.zeros(shape, dtype=np.int64), np.full(shape, -1)
    stays = np.zeros(shape, dtype=np.bool_)
    for number, grid in enumerate(grids):
        blocks = grid.reshape(shape[0], high, shape[1], wide)
        ink = np.einsum("ahbw,hw->ab", blocks, _BITS if cell == BRAILLE else np.ones(cell, int))
        sparse = np.bitwise_count(codes) * 2 <= high * wide
        codes = np.where(ink > 0, ink | np.where(stays | sparse, codes, 0), codes)
        owners = np.where(ink > 0, number, owners)
        stays |= _extreme_cells(grid, cell)
    spelt = _braille if cell == BRAILLE else _plain
    return spelt(codes[::-1], owners[::-1]), owners[::-1]


def _extreme_cells(grid: Grid, cell: tuple[int, int]) -> Grid:
    """The characters that hold a curve's first lowest and first highest dot."""
    high, wide = cell
    cells = np.zeros((grid.shape[0] // high, grid.shape[1] // wide), dtype=np.bool_)
    rows = np.flatnonzero(grid.any(axis=1))
    for row in {*rows[:1].tolist(), *rows[-1:].tolist()}:
        cells[row // high, int(np.argmax(grid[row])) // wide] = True
    return cells


def _braille(codes: Codes, owners: Codes) -> list[list[str]]:
    return [
        [chr(_BLANK + code) if owner >= 0 else " " for code, owner in zip(line, of, strict=True)]
        for line, of in zip(codes.tolist(), owners.tolist(), strict=True)
    ]


def _plain(codes: Codes, owners: Codes) -> list[list[str]]:  # noqa: ARG001 - as `_braille`
    inks = len(PLAIN_INKS)
    return [
        [PLAIN_INKS[owner % inks] if owner >= 0 else " " for owner in line]
        for line in owners.tolist()
    ]
