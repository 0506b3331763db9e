"""Text in figures: how wide it is, and where to break or shorten it.

matplotlib shapes text by HarfBuzz and orders it by the Unicode bidirectional algorithm, so Arabic
letters join and right-to-left words stand in their order; the fonts are those of `reports.fonts`.
A run of characters that none of them has is not drawn as boxes but named, ``[4 CJK letters]``, and
`without_glyph` lists them, so that a report can say what to install.
"""

import re
import unicodedata
from collections.abc import Iterable
from functools import cache, lru_cache

from matplotlib.font_manager import FontProperties, findfont, get_font
from matplotlib.textpath import TextToPath

from reports.fonts import families
from reports.wording import count, one_line

ELLIPSIS = "…"
_LONGEST = 1000
_MOST_SCRIPTS = 2


def printable(text: str) -> str:
    """``text`` on one line, with each run of characters that no font can draw named instead."""
    line, known = one_line(text), _characters()
    missing = sorted({c for c in line if ord(c) not in known})
    if not missing:
        return line
    alike = "".join(map(re.escape, missing))
    return re.sub(f"[{alike}]+", lambda run: f"[{_named(run[0])}]", line)


def without_glyph(texts: Iterable[str]) -> list[str]:
    """The characters of ``texts`` that no installed font can draw, in order of code point."""
    known = _characters()
    return sorted({c for text in texts for c in one_line(text) if ord(c) not in known})


@lru_cache(maxsize=4096)  # names, ticks and notes are measured again and again
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


def script_of(character: str) -> str:
    """The script of a character as Unicode names it: ``CJK``, ``Hangul``, ``Emoji``, ``other``."""
    if unicodedata.category(character) in {"So", "Sk"}:
        return "Emoji"
    first = unicodedata.name(character, "other").split(" ")[0].split("-")[0]
    return first if first in {"CJK", "other"} else first.capitalize()


def _named(run: str) -> str:
    scripts = list(dict.fromkeys(map(script_of, run)))
    said = " and ".join(scripts[:_MOST_SCRIPTS])
    if scripts == ["Emoji"]:
        return count(len(run), "symbol")
    return f"{len(run):,} {said} {'letter' if len(run) == 1 else 'letters'}"


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
