"""Text in figures: which fonts, how wide, and where to break or shorten it.

The fonts are DejaVu Sans, which matplotlib brings along, and after it those installed fonts that
cover more scripts. A character that none of them has is drawn as a box, and `without_glyph` names
it, so that a report can say so.
"""

import unicodedata
from collections.abc import Iterable
from functools import cache

from matplotlib.font_manager import FontProperties, findfont, fontManager, get_font
from matplotlib.textpath import TextToPath

from reports.wording import one_line

BOX = "□"
ELLIPSIS = "…"
_LONGEST = 1000

_MORE_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Sans",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
)


@cache
def families() -> list[str]:
    """The fonts to draw with, in the order they are asked for a character."""
    installed = set(fontManager.get_font_names())
    return ["DejaVu Sans", *(family for family in _MORE_SCRIPTS if family in installed)]


def printable(text: str) -> str:
    """``text`` on one line, with a box for each character that no font can draw."""
    known = _characters()
    return "".join(c if ord(c) in known else BOX for c in one_line(text))


def without_glyph(texts: Iterable[str]) -> list[str]:
    """The characters of ``texts`` that no installed font can draw, in order of code point."""
    known = _characters()
    return sorted({c for text in texts for c in one_line(text) if ord(c) not in known})


def width(text: str, size: float, weight: str = "normal") -> float:
    """How wide printable ``text`` is at ``size``, in points."""
    if not text:
        return 0.0
    font = FontProperties(family=families(), size=size, weight=weight)
    across, _, _ = TextToPath().get_text_width_height_descent(text, font, ismath=False)
    return float(across)


def shorten(text: str, size: float, room: float, weight: str = "normal") -> str:
    """Printable ``text``, its middle replaced by an ellipsis where it is wider than ``room``."""
    text = printable(text)[:_LONGEST]
    if width(text, size, weight) <= room:
        return text
    fits, fails = 0, len(text)
    while fails - fits > 1:
        middle = (fits + fails) // 2
        shorter = _without_middle(text, middle)
        fits, fails = (middle, fails) if width(shorter, size, weight) <= room else (fits, middle)
    return _without_middle(text, fits)


def wrap(text: str, size: float, room: float, most: int) -> list[str]:
    """Printable ``text`` in at most ``most`` lines no wider than ``room`` points."""
    lines: list[str] = []
    words = printable(text)[:_LONGEST].split()
    while words and len(lines) < most:
        last = len(lines) == most - 1
        taken = len(words) if last else _words_that_fit(words, size, room)
        lines.append(shorten(" ".join(words[:taken]), size, room))
        words = words[taken:]
    return lines


def _words_that_fit(words: list[str], size: float, room: float) -> int:
    taken = 1
    while taken < len(words) and width(" ".join(words[: taken + 1]), size) <= room:
        taken += 1
    return taken


def _without_middle(text: str, kept: int) -> str:
    head = (kept + 1) // 2
    return text[:head].rstrip() + ELLIPSIS + text[len(text) - (kept - head) :].lstrip()


@cache
def _characters() -> frozenset[int]:
    fonts = [get_font(findfont(family)) for family in families()]
    drawn = {code for font in fonts for code in font.get_charmap()}
    return frozenset(code for code in drawn if unicodedata.category(chr(code)) != "Cs")
