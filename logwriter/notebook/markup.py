"""Text and tables as HTML. Pure: every word of a run passes through `text`.

Names stand between tags, never in attributes. Notebooks align all cells to the right, plain pages to
the left: so each cell says where it belongs.
"""

import datetime as dt
from collections.abc import Iterable, Sequence
from html import escape

from logwriter.cli.text import printable, shortened

LONGEST_NAME = 40
LONGEST_LINE = 200
MOST_LINES = 4


def text(words: str, longest: int = LONGEST_LINE) -> str:
    """``words`` for a page: control characters made visible, shortened, escaped."""
    return escape(shortened(printable(words), longest), quote=False)


def heading(name: str, status: str) -> str:
    """The name of what is shown, and how it stands."""
    return f"<div><b>{text(name, LONGEST_NAME)}</b> · {text(status, LONGEST_NAME)}</div>"


def lines(sentences: Iterable[str], most: int = MOST_LINES) -> str:
    """A line for each sentence, the first ones of many."""
    said = list(sentences)
    more = [f"… and {len(said) - most:,} more"] if len(said) > most else []
    return "".join(f"<div>{text(line.strip())}</div>" for line in [*said[:most], *more])


def table(headers: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table: the first column to the left, the others, numbers, to the right."""
    head = _row("th", headers)
    body = "".join(_row("td", row) for row in rows)
    return f'<table cellpadding="4"><thead>{head}</thead><tbody>{body}</tbody></table>'


def side_by_side(pictures: Iterable[str]) -> str:
    """Pictures in a line that wraps."""
    shown = "".join(pictures)
    return f"<div>{shown}</div>" if shown else ""


def fragment(*parts: str) -> str:
    """All parts as one element."""
    return f"<div>{''.join(parts)}</div>"


def fault(what: str, error: BaseException) -> str:
    """What is shown where a run cannot be."""
    return fragment(heading(what, "cannot be shown"), lines([f"{type(error).__name__}: {error}"]))


def number(value: float | None) -> str:
    """``value`` to four significant digits, or to the unit up to ten millions; nothing for ``None``."""
    if value is None:
        return ""
    return f"{value:,.0f}" if 1e4 <= abs(value) < 1e7 else f"{value:.4g}"


def duration(seconds: float) -> str:
    """Hours, minutes and seconds, with days before them if need be."""
    return str(dt.timedelta(seconds=max(0, round(seconds))))


def _row(tag: str, cells: Sequence[str]) -> str:
    sides = ['style="text-align:left"', *['align="right"'] * (len(cells) - 1)]
    inner = "".join(
        f"<{tag} {side}>{text(cell, LONGEST_NAME)}</{tag}>"
        for cell, side in zip(cells, sides, strict=True)
    )
    return f"<tr>{inner}</tr>"
