"""A plot in a terminal: curves, the numbers at their axes, and words; and plots beside each other.

A loss that stopped being a number half of the way::

    loss
            24 ┤⠑⠒⠒⢄⣀⣀
               │      ⠑⠒⠒⢄⣀⡀
               │                ⠠⣀⡀
             1 ┤                  ⠈⠉⠒⠢⠤⣀
                            xxxx
                step 0                23
                x 4 of 24 values are NaN or inf
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest

import numpy as np
from wcwidth import width as width_of
from wcwidth import wrap

from logwriter.cli.curves.axis import Axis
from logwriter.cli.curves.columns import Columns, place_steps
from logwriter.cli.curves.dots import BRAILLE, PLAIN, Grid, characters, thin, trace
from logwriter.cli.curves.screen import CURVES, Row, Screen, Span

_GUTTER = 11
_SIDE_BY_SIDE = 72
_GAP = 3
_SAMPLE = 4


@dataclass(frozen=True)
class Mark:
    """A point that is marked, as the best one is."""

    step: int
    value: float


@dataclass(frozen=True)
class Curve:
    """A curve: its name, its rows in as many columns as `dot_columns` says, and its marked point."""

    name: str
    columns: Columns
    mark: Mark | None = None


@dataclass(frozen=True)
class Plot:
    """Curves that share their axes.

    ``span`` is the first and the last step; ``axis`` is ``None`` where no value is finite. The
    ``remark`` stands beside the title, ``captions`` beneath the plot, a paragraph each. Curves are
    ``lines`` lines of text high.
    """

    title: str
    curves: Sequence[Curve]
    span: tuple[int, int]
    axis: Axis | None
    remark: str = ""
    captions: Sequence[str] = ()
    lines: int = 7


def beside(screen: Screen) -> int:
    """How many plots stand beside each other."""
    return max(1, screen.width // _SIDE_BY_SIDE)


def room(screen: Screen) -> int:
    """How many columns of text each of them has."""
    count = beside(screen)
    return (screen.width - _GAP * (count - 1)) // count


def dot_columns(screen: Screen) -> int:
    """How many columns of dots a curve has on this terminal."""
    return (room(screen) - _GUTTER - 1) * _cell(screen)[1]


def draw_plot(plot: Plot, screen: Screen) -> list[Row]:
    """The lines of a plot, none of them wider than `room`."""
    rows = _heading(plot, screen)
    if plot.axis is not None:
        rows += _body(plot, plot.axis, screen)
    wide = room(screen)
    for caption in plot.captions:
        indent = " " * (_GUTTER + 1)
        lines = wrap(screen.safe(caption), wide, initial_indent=indent, subsequent_indent=indent)
        rows += [[(line, "")] for line in lines]
    return rows


def arrange(blocks: Sequence[Sequence[Row]], screen: Screen) -> list[Row]:
    """Blocks of lines, beside each other where there is room, with an empty line between them."""
    count, wide = beside(screen), room(screen)
    rows: list[Row] = []
    for first in range(0, len(blocks), count):
        for parts in zip_longest(*blocks[first : first + count], fillvalue=()):
            spans: list[Span] = []
            for part in parts:
                if spans:
                    spans.append((" " * _GAP, ""))
                spans += [*part, (" " * (wide - _width(part)), "")]
            rows.append(spans[:-1])
        rows.append(())
    return rows[:-1]


def _heading(plot: Plot, screen: Screen) -> list[Row]:
    wide = room(screen)
    title = screen.fit(plot.title, wide)
    rest = wide - width_of(title) - 2
    rows: list[Row] = [[(title, "title")]]
    if plot.remark and rest > 0:
        rows = [[(title, "title"), (f"  {screen.fit(plot.remark, rest)}", "quiet")]]
    return rows + (_legend(plot, screen) if len(plot.curves) > 1 else [])


def _legend(plot: Plot, screen: Screen) -> list[Row]:
    """A sample of each curve and its name, in as many lines as that takes."""
    wide = room(screen) - _GUTTER - 1
    rows: list[list[Span]] = []
    for number, curve in enumerate(plot.curves):
        name = screen.fit(curve.name, wide - _SAMPLE - 1)
        entry: list[Span] = [(_sample(number, screen), _colour(number)), (f" {name}", "")]
        if rows and _width(rows[-1]) - _GUTTER - 1 + _GAP + _width(entry) <= wide:
            rows[-1] += [(" " * _GAP, ""), *entry]
        else:
            rows.append([(" " * (_GUTTER + 1), ""), *entry])
    return list(rows)


def _sample(number: int, screen: Screen) -> str:
    high, wide = _cell(screen)
    grid = np.zeros((high, wide * _SAMPLE), dtype=np.bool_)
    grid[high // 2] = True
    empty = np.zeros_like(grid)
    grids = [*[empty] * number, thin(grid, number) if screen.unicode else grid]
    return "".join(characters(grids, (high, wide))[0][0])


def _body(plot: Plot, axis: Axis, screen: Screen) -> list[Row]:
    cell = _cell(screen)
    rows = plot.lines * cell[0]
    grids = [trace(curve.columns, axis, rows) for curve in plot.curves]
    if screen.unicode:
        grids = [thin(grid, number) for number, grid in enumerate(grids)]
    texts, owners = characters(grids, cell)
    styles = [[_colour(owner) if owner >= 0 else "" for owner in line] for line in owners.tolist()]
    for number, curve in enumerate(plot.curves):
        if curve.mark is not None:
            line, place = _spot(curve.mark, plot, axis, grids[number], cell)
            texts[line][place] = screen.safe("★")
            styles[line][place] = f"{_colour(number)} mark"
    labels = _labels(axis, rows, cell)
    body: list[Row] = []
    for line, (text, style) in enumerate(zip(texts, styles, strict=True)):
        tick = screen.safe("┤" if line in labels else "│")
        gutter = screen.fit(labels.get(line, ""), _GUTTER - 1).rjust(_GUTTER - 1)
        body.append([(f"{gutter} {tick}", "quiet"), *_spans(text, style)])
    return [*body, *_missing(plot, cell), _steps(plot, screen)]


def _labels(axis: Axis, rows: int, cell: tuple[int, int]) -> dict[int, str]:
    """Which line of text says which number."""
    ends = axis.dots(np.array([axis.low, axis.high]), rows).tolist()
    return {
        (rows - 1 - dot) // cell[0]: label for dot, label in zip(ends, axis.labels, strict=True)
    }


def _spot(mark: Mark, plot: Plot, axis: Axis, grid: Grid, cell: tuple[int, int]) -> tuple[int, int]:
    """The line and the place in it of a marked point."""
    rows, count = grid.shape
    dot = int(axis.dots(np.array([mark.value]), rows)[0])
    column = int(place_steps(np.array([mark.step]), plot.span, count)[0])
    return (rows - 1 - dot) // cell[0], column // cell[1]


def _missing(plot: Plot, cell: tuple[int, int]) -> list[Row]:
    """A cross beneath each place where a curve has a value that is not finite."""
    missing = np.sum([curve.columns.missing for curve in plot.curves], axis=0)
    if not missing.any():
        return []
    places = missing.reshape(-1, cell[1]).any(axis=1).tolist()
    crosses = "".join("x" if is_missing else " " for is_missing in places)
    return [[(" " * (_GUTTER + 1), ""), (crosses, "critical")]]


def _steps(plot: Plot, screen: Screen) -> Row:
    first, last = plot.span
    wide = room(screen) - _GUTTER - 1
    if first == last:
        text = f"step {first:,}".center(wide)
    else:
        start, end = f"step {first:,}", f"{last:,}"
        text = start + end.rjust(wide - len(start))
    return [(" " * (_GUTTER + 1) + screen.fit(text, wide), "quiet")]


def _spans(texts: Sequence[str], styles: Sequence[str]) -> list[Span]:
    """Characters of one style, taken together."""
    pairs = zip(texts, styles, strict=True)
    return [
        ("".join(text for text, _ in group), style)
        for style, group in groupby(pairs, key=lambda pair: pair[1])
    ]


def _colour(number: int) -> str:
    return CURVES[number % len(CURVES)]


def _cell(screen: Screen) -> tuple[int, int]:
    return BRAILLE if screen.unicode else PLAIN


def _width(row: Row) -> int:
    return sum(width_of(text) for text, _ in row)
