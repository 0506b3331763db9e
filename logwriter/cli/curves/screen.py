"""The terminal that curves are drawn for: how wide it is, and what it can show.

Colour is for a terminal alone, and not for one that refuses it (``NO_COLOR``, https://no-color.org;
``TERM=dumb``). Braille needs UTF-8 and a font that has it: Linux's own console has none.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO, TypeAlias, TypedDict

import click

from logwriter.cli.text import printable, shortened

Span: TypeAlias = tuple[str, str]
"""A text and its style: a key of `STYLES`, or ``""`` for none."""
Row: TypeAlias = Sequence[Span]
"""A line of text, in spans of one style each."""

CURVES = ("cyan", "yellow", "magenta", "green", "blue", "white", "bright_cyan", "bright_yellow")
"""The colours of curves in one plot; red is for trouble."""


class Style(TypedDict, total=False):
    """How a text looks, in the words of `click.style`."""

    fg: str
    bold: bool
    dim: bool


STYLES: Mapping[str, Style] = {
    **{colour: Style(fg=colour) for colour in CURVES},
    **{f"{colour} mark": Style(fg=colour, bold=True) for colour in CURVES},
    "title": Style(bold=True),
    "quiet": Style(dim=True),
    "good": Style(fg="green", bold=True),
    "critical": Style(fg="red", bold=True),
    "warning": Style(fg="yellow", bold=True),
    "info": Style(bold=True),
}
NARROWEST = 32
"""Below this many columns there is no room for a curve."""

_SAMPLE = "\N{BRAILLE PATTERN DOTS-12345678}\N{BOX DRAWINGS LIGHT VERTICAL}\N{BLACK STAR}"
_SPELT = str.maketrans(
    {"−": "-", "–": "-", "×": "x", "·": "-", "…": "~", "★": "@", "┤": "+", "│": "|", "∞": "inf"}
)


@dataclass(frozen=True)
class Screen:
    """What a terminal can show: columns of text, colours, and more than ASCII."""

    width: int = 80
    colour: bool = False
    unicode: bool = True

    def safe(self, text: str) -> str:
        """The text as this terminal can show it; nothing in it steers the terminal."""
        text = printable(text)
        if self.unicode:
            return text
        return text.translate(_SPELT).encode("ascii", "backslashreplace").decode()

    def fit(self, text: str, room: int) -> str:
        """The same in at most ``room`` columns."""
        text = shortened(self.safe(text), room)
        return text if self.unicode else text.translate(_SPELT)


def screen_of(stream: TextIO, environ: Mapping[str, str]) -> Screen:
    """The terminal behind ``stream``; without one, plain text of the usual width."""
    terminal = environ.get("TERM", "")
    return Screen(
        width=shutil.get_terminal_size().columns,
        colour=stream.isatty() and terminal != "dumb" and not environ.get("NO_COLOR"),
        unicode=terminal != "linux" and _can_write(stream, _SAMPLE),
    )


def paint(row: Row, screen: Screen) -> str:
    """A line as it is written to the terminal, without spaces at its end."""
    if not screen.colour:
        return "".join(text for text, _ in row).rstrip()
    return "".join(click.style(text, **STYLES[of]) if of else text for text, of in row)


def _can_write(stream: TextIO, text: str) -> bool:
    try:
        text.encode(stream.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True
