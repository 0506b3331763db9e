"""Curves in a terminal: honest columns, exact drawings, and lines that fit."""

import io
import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wcwidth import width

from logwriter.cli.curves import (
    Axis,
    Columns,
    Curve,
    Mark,
    Plot,
    Screen,
    arrange,
    dot_columns,
    draw_plot,
    fold_rows,
    join,
    paint,
    screen_of,
)
from logwriter.cli.curves.axis import Kind
from logwriter.cli.curves.columns import place_steps
from logwriter.cli.curves.dots import BRAILLE, characters, thin, trace
from logwriter.cli.curves.plot import beside, room

NARROW = Screen(width=36)
PLAIN = Screen(width=36, unicode=False)
ROWS = 28

numbers = st.floats(-10, 10) | st.sampled_from([math.nan, math.inf, -math.inf, 1e300, -1e300])
histories = st.lists(st.tuples(st.integers(-5, 60), numbers), min_size=1, max_size=40)


def folded(rows: list[tuple[int, float]], span: tuple[int, int], count: int) -> Columns:
    """The rows in columns."""
    steps = np.array([step for step, _ in rows], dtype=np.int64)
    return fold_rows(steps, np.array([value for _, value in rows]), span, count)


def plot_of(
    *histories: list[tuple[int, float]], screen: Screen, mark: Mark | None = None, lines: int = 4
) -> Plot:
    """Curves on one pair of axes."""
    steps = [step for rows in histories for step, _ in rows]
    finite = [value for rows in histories for _, value in rows if math.isfinite(value)]
    span = min(steps), max(steps)
    curves = [
        Curve(name, folded(rows, span, dot_columns(screen)), mark)
        for name, rows in zip("abcdefgh", histories, strict=False)
    ]
    axis = Axis(min(finite), max(finite)) if finite else None
    return Plot("loss", curves, span, axis, lines=lines)


def drawn(plot: Plot, screen: Screen) -> list[str]:
    """The lines of a plot without colour."""
    return [paint(row, screen) for row in draw_plot(plot, screen)]


def test_a_falling_line_with_a_gap_looks_like_one() -> None:
    """Joined where it goes on, broken and marked where it was no number; both ends are named."""
    rows = [(step, math.nan if 12 <= step < 16 else 24.0 - step) for step in range(24)]
    assert drawn(plot_of(rows, screen=NARROW), NARROW) == [
        "loss",
        "        24 ┤⠑⠒⠒⢄⣀⣀",
        "           │      ⠑⠒⠒⢄⣀⡀",
        "           │                ⠠⣀⡀",
        "         1 ┤                  ⠈⠉⠒⠢⠤⣀",
        "                        xxxx",
        "            step 0                23",
    ]


def test_without_unicode_stars_draw_it() -> None:
    """Nothing but ASCII, and the marked point stands out."""
    rows = [(step, float(step % 6)) for step in range(24)]
    assert drawn(plot_of(rows, screen=PLAIN, mark=Mark(5, 5.0)), PLAIN) == [
        "loss",
        "         5 +     @     *     *     *",
        "           |   ***   ***   ***   **",
        "           | **   ***   ***   ***",
        "         0 +*     *     *     *",
        "            step 0                23",
    ]


def test_a_line_can_be_followed_through_noise_without_colour() -> None:
    """It hides what fills the characters it goes through, and is dotted where the other is whole."""
    noise = [(step, 8.0 * (step % 3)) for step in range(96)]
    line = [(step * 8, 16 - step * 1.2) for step in range(12)]
    assert drawn(plot_of(noise, line, screen=NARROW), NARROW) == [
        "loss",
        "            ⠒⠒⠒⠒ a   ⠂⠂⠂⠂ b",
        "        16 ┤⢹⡇⠂⢺⡇⡀⣸⡇⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿",
        "           │⣿⣿⣿⣿⣿⣿⣿⠁⠂⠂⠄⡀⡀⡀⣿⣿⣿⣿⣿⣿⣿⣿⣿⣿",
        "           │⣿⢿⡿⣿⢿⡿⣿⢿⡿⣿⢿⡿⣿⢿⠁⠂⠂⠂⠄⡀⡀⡀⢿⡿",
        "         0 ┤⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿⢸⡇⣿⢹⡇",
        "            step 0                95",
    ]
    assert drawn(plot_of(noise, line, screen=PLAIN), PLAIN)[1:4] == [
        "            **** a   oooo b",
        "        16 +ooooo*******************",
        "           |*****ooooooooo**********",
    ]


def test_one_point_and_a_flat_line_lie_in_the_middle() -> None:
    """There is one value to name, and one step."""
    assert drawn(plot_of([(7, 2.5)], screen=NARROW), NARROW) == [
        "loss",
        "           │",
        "       2.5 ┤           ⢀",
        "           │",
        "           │",
        "                     step 7",
    ]
    flat = drawn(plot_of([(0, 2.5), (9, 2.5)], screen=NARROW), NARROW)
    assert sum("2.5" in line for line in flat) == 1


def test_without_a_finite_value_there_are_only_words() -> None:
    """Axes without a curve would look like one at zero."""
    plot = plot_of([(0, math.nan)], screen=NARROW)
    assert drawn(plot, NARROW) == ["loss"]


@given(histories, st.integers(2, 30))
@settings(max_examples=150, deadline=None)
def test_columns_hold_what_their_rows_say(rows: list[tuple[int, float]], count: int) -> None:
    """As a plain loop over the rows of each column would have it."""
    span = min(step for step, _ in rows), max(step for step, _ in rows)
    columns = folded(rows, span, count)
    places = place_steps(np.array([step for step, _ in rows]), span, count).tolist()
    for column in range(count):
        inside = sorted(
            (row for row, place in zip(rows, places, strict=True) if place == column),
            key=lambda row: row[0],
        )
        finite = [value for _, value in inside if math.isfinite(value)]
        assert columns.rows[column] == len(inside)
        assert columns.missing[column] == len(inside) - len(finite)
        assert columns.low[column] == min(finite, default=math.inf)
        assert columns.high[column] == max(finite, default=-math.inf)
        if inside:
            ends = [inside[0][1], inside[-1][1]]
            np.testing.assert_equal([columns.enter[column], columns.leave[column]], ends)


@given(histories, histories)
@settings(max_examples=100, deadline=None)
def test_a_log_read_in_pieces_gives_the_same_columns(
    before: list[tuple[int, float]], after: list[tuple[int, float]]
) -> None:
    """However its rows were cut into segments."""
    together = folded(before + after, (-5, 60), 20)
    pieces = join(folded(before, (-5, 60), 20), folded(after, (-5, 60), 20))
    for field in Columns.__dataclass_fields__:
        np.testing.assert_equal(getattr(pieces, field), getattr(together, field))


@given(histories, st.integers(2, 30))
@settings(max_examples=150, deadline=None)
def test_a_column_shows_its_rows_and_nothing_beyond_its_neighbours(
    rows: list[tuple[int, float]], count: int
) -> None:
    """Each row has its dot; no dot lies outside the values of its column and those beside it."""
    finite = [value for _, value in rows if math.isfinite(value)]
    span = min(step for step, _ in rows), max(step for step, _ in rows)
    if not finite:
        return
    axis, columns = Axis(min(finite), max(finite)), folded(rows, span, count)
    grid = trace(columns, axis, ROWS)
    for step, value in rows:
        if math.isfinite(value):
            column = place_steps(np.array([step]), span, count)[0]
            assert grid[axis.dots(np.array([value]), ROWS)[0], column]
    occupied = np.flatnonzero(columns.rows)
    for column in np.flatnonzero(grid.any(axis=0)):
        near = {column, *occupied[occupied < column][-1:], *occupied[occupied > column][:1]}
        ends = [v for at in near for v in (columns.low[at], columns.high[at]) if math.isfinite(v)]
        dots = np.flatnonzero(grid[:, column])
        least, most = axis.dots(np.array([min(ends), max(ends)]), ROWS)
        assert least <= dots[0] <= dots[-1] <= most


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=40), st.integers(2, 60))
@settings(max_examples=100, deadline=None)
def test_a_finite_line_has_no_hole(values: list[float], count: int) -> None:
    """Every column has dots, and those of neighbours touch."""
    rows = list(enumerate(values))
    axis = Axis(min(values), max(values))
    grid = trace(folded(rows, (0, len(rows) - 1), count), axis, ROWS)
    spans = [(dots[0], dots[-1]) for dots in map(np.flatnonzero, grid.T)]
    assert len(spans) == count
    for (low, high), (next_low, next_high) in pairwise(spans):
        assert next_low <= high + 1
        assert low <= next_high + 1


def test_nothing_is_drawn_where_no_value_is_finite() -> None:
    """The line stops before, and begins anew behind."""
    rows = [(0, 0.0), (1, math.nan), (2, 1.0)]
    grid = trace(folded(rows, (0, 2), 21), Axis(0, 1), ROWS)
    assert np.flatnonzero(grid.any(axis=0)).tolist() == [0, 20]


@given(st.lists(st.floats(-10, 10), min_size=2, max_size=60), st.integers(0, 7), st.integers(2, 60))
@settings(max_examples=100, deadline=None)
def test_a_pattern_keeps_the_highest_and_the_lowest_dot(
    values: list[float], curve: int, count: int
) -> None:
    """It only leaves out what columns beside it span."""
    axis = Axis(min(values), max(values))
    rows = list(enumerate(values))
    grid = trace(folded(rows, (0, len(rows) - 1), count), axis, ROWS)
    thinned = thin(grid, curve)
    assert not (thinned & ~grid).any()
    assert np.flatnonzero(thinned.any(axis=1))[[0, -1]].tolist() == (
        np.flatnonzero(grid.any(axis=1))[[0, -1]].tolist()
    )


def test_a_curve_on_top_leaves_the_extremes_of_the_one_beneath() -> None:
    """Else a spike of the training loss could go by unseen."""
    beneath, above = np.ones((4, 4), dtype=np.bool_), np.zeros((4, 4), dtype=np.bool_)
    above[1] = True
    texts, owners = characters([beneath, above], BRAILLE)
    assert texts == [["⣿", "⠤"]]
    assert owners.tolist() == [[1, 1]]


@given(
    name=st.text(max_size=120),
    several=st.lists(histories, min_size=1, max_size=5),
    columns=st.integers(32, 200),
    unicode=st.booleans(),
)
@settings(max_examples=60, deadline=None)
def test_no_line_is_wider_than_the_terminal(
    name: str, several: list[list[tuple[int, float]]], columns: int, *, unicode: bool
) -> None:
    """Nor steers it, whatever the names and numbers are."""
    screen = Screen(width=columns, unicode=unicode)
    plot = plot_of(*several, screen=screen)
    curves = [Curve(name, curve.columns) for curve in plot.curves]
    hostile = Plot(name, curves, plot.span, plot.axis, remark=name, captions=[name])
    rows = arrange([draw_plot(hostile, screen)] * 3, screen)
    for line in (paint(row, screen) for row in rows):
        assert width(line) <= columns
        assert line.isprintable()
        assert unicode or line.isascii()


def test_a_wide_terminal_has_two_beside_each_other() -> None:
    """And the second begins where it should, whatever is written beside it."""
    screen = Screen(width=160)
    plot = plot_of([(0, 0.0), (1, 1.0)], screen=screen)
    lines = [paint(row, screen) for row in arrange([draw_plot(plot, screen)] * 3, screen)]
    assert (beside(screen), room(screen)) == (2, 78)
    assert lines[0] == f"{'loss':<81}loss"
    assert lines.count("") == 1
    assert lines[7] == "loss"


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0.1234567, 2.0, ("0.1235", "2")),
        (1000.0001, 1000.0002, ("1000.0001", "1000.0002")),
        (5.0, 5.0, ("5", "5")),
        (-123456.0, 1e30, ("-123,456", "1e+30")),
    ],
)
def test_the_ends_of_an_axis_can_be_told_apart(
    low: float, high: float, labels: tuple[str, str]
) -> None:
    """In as few digits as that takes."""
    assert Axis(low, high).labels == labels


@pytest.mark.parametrize("kind", ["linear", "log", "symlog"])
def test_greater_values_never_lie_lower(kind: Kind) -> None:
    """On any axis, even the widest."""
    tiny = 5e-324 if kind == "log" else -1.7e308
    axis = Axis(tiny, 1.7e308, kind, threshold=1e-3)
    values = np.array([tiny, 1e-300, 1.0, 1e300, 1.7e308])
    dots = axis.dots(values, ROWS).tolist()
    assert dots == sorted(dots)
    assert (dots[0], dots[-1]) == (0, ROWS - 1)


def test_equal_steps_on_a_logarithmic_axis_are_equal_factors() -> None:
    """Beyond its threshold also on a symmetric one."""
    assert Axis(1, 1000, "log").dots(np.array([10.0, 100.0]), 31).tolist() == [10, 20]
    around = Axis(-1000, 1000, "symlog").dots(np.array([-1.0, 0.0, 1.0, 100.0]), 31).tolist()
    assert around[1] == 15
    assert around[3] - around[2] > around[2] - around[1]


class Terminal(io.TextIOWrapper):
    """A stream that says it is one."""

    def isatty(self) -> bool:
        """It is."""
        return True


@pytest.mark.parametrize(
    ("environ", "encoding", "colour", "unicode"),
    [
        ({"TERM": "xterm"}, "utf-8", True, True),
        ({"TERM": "xterm", "NO_COLOR": "1"}, "utf-8", False, True),
        ({"TERM": "xterm", "NO_COLOR": ""}, "utf-8", True, True),
        ({"TERM": "dumb"}, "utf-8", False, True),
        ({"TERM": "linux"}, "utf-8", True, False),
        ({}, "ascii", True, False),
        ({}, "latin-1", True, False),
    ],
)
def test_what_a_terminal_can_show(
    environ: dict[str, str], encoding: str, *, colour: bool, unicode: bool
) -> None:
    """Colours unless refused; braille where it can be written and has glyphs."""
    screen = screen_of(Terminal(io.BytesIO(), encoding=encoding), environ)
    assert (screen.colour, screen.unicode) == (colour, unicode)


def test_a_file_gets_no_colours() -> None:
    """Escape sequences are for terminals."""
    stream = io.TextIOWrapper(io.BytesIO(), encoding="utf-8")
    assert not screen_of(stream, {"TERM": "xterm"}).colour


def test_colours_change_no_character() -> None:
    """What is read without them is what is read with them."""
    plot = plot_of([(0, 0.0), (1, 1.0)], [(0, 1.0), (1, math.nan)], screen=NARROW)
    painted = [paint(row, Screen(36, colour=True)) for row in draw_plot(plot, NARROW)]
    plain = drawn(plot, NARROW)
    bare = [
        "".join(part.partition("m")[2] for part in f"m{line}".split("\x1b[")) for line in painted
    ]
    assert [line.rstrip() for line in bare] == plain
    assert "\x1b[36m" in "".join(painted)
    assert "\x1b[33m" in "".join(painted)
