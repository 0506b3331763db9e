"""How numbers, times and names are spelt in figures, pages and file names. Pure text."""

import datetime as dt
import re
import unicodedata
from collections.abc import Iterable, Sequence
from statistics import median_low

from compactor.spelling import (
    ABSENT,
    MINUS,
    RANGE,
    decimals_for,
    exponent,
    number,
    signed,
    whole,
)

__all__ = [
    "ABSENT",
    "MINUS",
    "RANGE",
    "TIMES",
    "clock",
    "column",
    "count",
    "duration",
    "exponent",
    "listing",
    "number",
    "one_line",
    "signed",
    "slug",
    "span",
    "whole",
]

TIMES = "\N{MULTIPLICATION SIGN}"

_SLUG_LENGTH = 48
_COLUMN_LARGEST = 1e12


def column(values: Sequence[float | None]) -> list[str]:
    """The numbers of a table's column, with as many decimals each, so that they line up.

    The middle one keeps four significant digits and the smallest two; where that takes too many
    decimals, each is spelt on its own.
    """
    texts = [number(value) for value in values]
    sizes = [abs(value) for value in values if value]
    if not sizes or max(sizes) >= _COLUMN_LARGEST or any("e" in text for text in texts):
        return texts
    needed = max(len(text.partition(".")[2]) for text in texts)
    wanted = max(decimals_for(median_low(sizes), 4), decimals_for(min(sizes), 2))
    decimals = min(needed, wanted)
    return [ABSENT if value is None else signed(f"{value:,.{decimals}f}") for value in values]


def count(amount: int, noun: str, plural: str | None = None) -> str:
    """``1 row``, ``1,204 rows``."""
    return f"{amount:,} {noun if amount == 1 else plural or noun + 's'}"


def listing(words: Iterable[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    *head, last = words
    return f"{', '.join(head)} and {last}" if head else last


def span(first: int, last: int) -> str:
    """``1,800`` to ``1,802`` with a dash, or one number where the two are the same."""
    return whole(first) if first == last else f"{whole(first)}{RANGE}{whole(last)}"


def duration(seconds: float | None) -> str:
    """``4.2 s``, ``3 min 20 s``, ``5 h 2 min``, ``3 d 4 h``."""
    if seconds is None:
        return ABSENT
    if seconds < 59.95:
        return f"{seconds:.1f} s" if seconds >= 1 else f"{seconds * 1000:.0f} ms"
    whole = round(seconds)
    for size, unit, part, part_unit in (
        (86400, "d", 3600, "h"),
        (3600, "h", 60, "min"),
        (60, "min", 1, "s"),
    ):
        if whole >= size:
            rest = whole % size // part
            return f"{whole // size:,} {unit}" + (f" {rest} {part_unit}" if rest else "")
    return f"{whole} s"


def clock(stamp: str | None) -> str:
    """An ISO 8601 time to the second and in UTC; what is none is shown as it stands."""
    if stamp is None:
        return ABSENT
    try:
        time = dt.datetime.fromisoformat(stamp)
    except ValueError:
        return stamp
    if time.tzinfo is None:
        return f"{time:%Y-%m-%d %H:%M:%S}"
    return f"{time.astimezone(dt.UTC):%Y-%m-%d %H:%M:%S} UTC"


def slug(text: str) -> str:
    """A name for a file, made of ``a-z``, ``0-9`` and single hyphens only; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    hyphened = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return hyphened[:_SLUG_LENGTH].strip("-") or "chart"


def one_line(text: str) -> str:
    """``text`` without line breaks, control characters and runs of spaces."""
    controlled = "".join(" " if unicodedata.category(c) in {"Cc", "Cf"} else c for c in text)
    return " ".join(controlled.split())
