"""Lines as a small SVG, written as plain text. Pure.

Each pixel column is drawn from its least to its greatest value and joined to the next one that has
rows. Columns with rows of which none is finite break the line, and every column with a row that is
not finite has a red mark below. Words and axes have the colour of the page's text; lines have colours that can be
read on white and on black.
"""

import math
from collections.abc import Sequence
from itertools import groupby

from logwriter.notebook.columns import COLUMNS, Trace
from logwriter.notebook.markup import number, text

MOST_LINES = 3

_COLOURS = ("#3b82c4", "#d9772e", "#3a9a6c")
_TROUBLE = "#d63031"
_STEP, _LEFT, _TOP, _HEIGHT = 3, 8, 46, 134  # two units are a pixel; 1.5 pixels a column
_WIDTH = _LEFT + _STEP * COLUMNS
_BOTTOM = _TOP + _HEIGHT
_SIZE = (_WIDTH + 136, _BOTTOM + 44)
_LONGEST_TITLE, _LONGEST_LEGEND = 32, 10


def picture(
    title: str, traces: Sequence[Trace], first_step: int, last_step: int, remark: str = ""
) -> str:
    """The lines in one frame, with the least and greatest value and the steps at its edges.

    Args:
        title: What is drawn.
        traces: The lines, the first `MOST_LINES` of them are drawn.
        first_step: The step of the first pixel column.
        last_step: The step of the last one.
        remark: A few words below.
    """
    drawn = traces[:MOST_LINES]
    ends = [end for trace in drawn for span in trace.spans if span for end in span]
    ends += [trace.best[1] for trace in drawn if trace.best is not None]
    bounds = (min(ends), max(ends)) if ends else None
    broken = sorted({column for trace in drawn for column in trace.broken})
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_SIZE[0] // 2}" height="{_SIZE[1] // 2}"'
        f' viewBox="0 0 {_SIZE[0]} {_SIZE[1]}" role="img"'
        ' fill="none" font-family="sans-serif" font-size="22" stroke-linecap="round"'
        ' stroke-linejoin="round">'
        f"<title>{text(title, _LONGEST_TITLE)}</title>"
        + _title(title, drawn, len(traces))
        + f'<path d="M{_LEFT} {_TOP}V{_BOTTOM + 8}H{_WIDTH}" stroke="currentColor" opacity=".5"/>'
        + (_lines(drawn, bounds) if bounds else _word(_LEFT + 12, _BOTTOM - 50, "no finite value"))
        + _marks(broken)
        + _edges(bounds, first_step, last_step, remark)
        + "</svg>"
    )


def _title(title: str, drawn: Sequence[Trace], count: int) -> str:
    names = "".join(
        f'<tspan dx="14" fill="{_COLOURS[place]}">{text(trace.name, _LONGEST_LEGEND)}</tspan>'
        for place, trace in enumerate(drawn)
        if count > 1
    )
    more = f'<tspan dx="14">+{count - len(drawn)}</tspan>' if count > len(drawn) else ""
    shown = f"<tspan>{text(title, _LONGEST_TITLE)}</tspan>"
    return (
        f'<text x="{_LEFT}" y="28" fill="currentColor" font-size="24">{shown}{names}{more}</text>'
    )


def _lines(drawn: Sequence[Trace], bounds: tuple[float, float]) -> str:
    paths = []
    for colour, trace in zip(_COLOURS, drawn, strict=False):
        for path, width in zip(_strokes(trace, bounds), ("2.4", "8"), strict=True):
            if path:
                paths.append(f'<path d="{path}" stroke="{colour}" stroke-width="{width}"/>')
        if trace.best is not None:
            column, value = trace.best
            paths.append(
                f'<circle cx="{_x(column)}" cy="{_y(value, bounds)}" r="6" stroke="currentColor"'
                f' stroke-width="2" fill="{colour}"/>'
            )
    return "".join(paths)


def _strokes(trace: Trace, bounds: tuple[float, float]) -> tuple[str, str]:
    """A path for what is joined, and one for lone points, which a thin stroke would not show."""
    strokes, dots = [], []
    for stretch in _stretches(trace):
        if len(stretch) == 1 and stretch[0][1] == stretch[0][2]:
            column, value, _ = stretch[0]
            dots.append(f"M{_x(column)} {_y(value, bounds)}h0")
        else:
            strokes.append(_stroke(stretch, bounds))
    return "".join(strokes), "".join(dots)


def _stretches(trace: Trace) -> list[list[tuple[int, float, float]]]:
    """Column, least and greatest value of the columns with a finite value, cut at broken ones."""
    stretches: list[list[tuple[int, float, float]]] = [[]]
    for column, span in enumerate(trace.spans):
        if span is not None:
            stretches[-1].append((column, *span))
        elif column in trace.broken:
            stretches.append([])
    return [stretch for stretch in stretches if stretch]


def _stroke(stretch: Sequence[tuple[int, float, float]], bounds: tuple[float, float]) -> str:
    """To each column by its nearer end, and along it to the other; in relative moves, the shortest."""
    column, *ends = stretch[0]
    near, pen = (_y(end, bounds) for end in ends)
    moves = [f"M{_x(column)} {near}v{pen - near}"]
    before = column
    for column, *ends in stretch[1:]:
        near, far = sorted((_y(end, bounds) for end in ends), key=lambda y: abs(y - pen))
        moves.append(f"l{_STEP * (column - before)} {near - pen}")
        if far != near:
            moves.append(f"v{far - near}")
        before, pen = column, far
    return "".join(moves)


def _marks(broken: Sequence[int]) -> str:
    """A stroke below each run of columns that have a row that is not finite."""
    if not broken:
        return ""
    runs = [list(run) for _, run in groupby(enumerate(broken), lambda each: each[1] - each[0])]
    path = "".join(f"M{_x(run[0][1])} {_BOTTOM + 8}H{_x(run[-1][1])}" for run in runs)
    return f'<path d="{path}" stroke="{_TROUBLE}" stroke-width="7"/>'


def _edges(bounds: tuple[float, float] | None, first: int, last: int, remark: str) -> str:
    low, high = bounds or (None, None)
    words = [
        _word(_WIDTH + 14, _TOP + 16, number(high)),
        _word(_WIDTH + 14, _BOTTOM, number(low)) if low != high else "",
        _word(_LEFT, _SIZE[1] - 8, f"{first:,}"),
        _word(_WIDTH, _SIZE[1] - 8, f"{last:,}", "end") if first != last else "",
        _word((_LEFT + _WIDTH) // 2, _SIZE[1] - 8, remark, "middle") if remark else "",
    ]
    return "".join(words)


def _word(x: int, y: int, words: str, anchor: str = "start") -> str:
    return f'<text x="{x}" y="{y}" fill="currentColor" text-anchor="{anchor}">{text(words)}</text>'


def _x(column: int) -> int:
    return _LEFT + _STEP * column


def _y(value: float, bounds: tuple[float, float]) -> int:
    """Downwards."""
    low, high = bounds
    if low == high:
        return _TOP + _HEIGHT // 2
    if math.isinf(high - low):
        return _y(value / 2, (low / 2, high / 2))
    return round(_BOTTOM - _HEIGHT * ((value - low) / (high - low)))
