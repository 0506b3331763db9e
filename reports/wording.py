"""How numbers, times and names are spelt in figures, pages and file names. Pure text."""

import datetime as dt
import math
import re
import unicodedata
from collections.abc import Iterable, Sequence
from statistics import median_low

RANGE, MINUS, TIMES = "\N{EN DASH}", "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
ABSENT = RANGE

_SLUG_LENGTH = 48
_COLUMN_LARGEST = 1e12


def number(value: float | None) -> str:
    """``value`` to four significant digits, or to the unit where it has more before the point.

    Zeros at the end say that it was rounded: 0.99998 is ``1.000`` and 1.0 is ``1``. Other examples:
    ``0.1123``, ``1,204,331``, ``1.5e30``; minus signs, not hyphens; a dash for ``None``.
    """
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return str(value)
    rounded = float(f"{value:.4g}")
    if rounded == 0:
        return "0"
    if not 1e-4 <= abs(rounded) < 1e7:
        return signed(exponent(f"{value:.4g}"))
    if abs(rounded) >= 1e4:
        return whole(round(value))
    text = signed(f"{rounded:,.{_decimals(rounded, 4)}f}")
    exact = "." in text and math.isclose(rounded, value, rel_tol=1e-9)
    return text.rstrip("0").rstrip(".") if exact else text


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
    wanted = max(_decimals(median_low(sizes), 4), _decimals(min(sizes), 2))
    decimals = min(needed, wanted)
    return [ABSENT if value is None else signed(f"{value:,.{decimals}f}") for value in values]


def whole(amount: int) -> str:
    """``4,300``, and a minus sign rather than a hyphen before what is negative."""
    return signed(f"{amount:,}")


def signed(text: str) -> str:
    """A number's text with minus signs for hyphens."""
    return text.replace("-", MINUS)


def exponent(text: str) -> str:
    """``1e-05`` as ``1e-5`` and ``1e+30`` as ``1e30``."""
    mantissa, e, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if e else text


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


def _decimals(value: float, digits: int) -> int:
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))
