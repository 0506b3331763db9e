"""Numbers as logs for people write them: ``13K``, ``1703.56ms``, ``97%``, ``nanms``, ``1.2E+01``.

Letters of a size multiply; a percent sign and a unit are left off, and the number stays as it is printed.
"""

import re

from logwriter.importing.records import number_in, whole
from logwriter.importing.sayings import Sayings

_SIZES = {"K": 10**3, "k": 10**3, "M": 10**6, "B": 10**9, "T": 10**12}
_UNITS = (
    r"%|(?:[num\u00b5\u03bc]?s|secs?|mins?|h)(?:/\w+)?|\w{2,12}/s(?:ec)?|[KMGT]i?B(?:/s)?|[WCx]"
)
NUMBER = r"[-+]?(?:(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?|(?i:nan|inf(?:inity)?))"
QUANTITY = rf"{NUMBER}(?:[KkMBT]|{_UNITS})?"
"""A number with what may follow it, as a regular expression without groups."""
_SPLIT = re.compile(rf"\s*({NUMBER})\s*([KkMBT]|{_UNITS})?\s*")


def quantity(text: str, sayings: Sayings) -> float | None:
    """The number that a text is; ``None`` if it is none. What was left off is told to ``sayings``."""
    plain = number_in(text)
    if plain is not None:
        return plain
    split = _SPLIT.fullmatch(text)
    if split is None:
        return None
    number, mark = split[1], split[2]
    if mark is None:
        return float(number)
    if mark in _SIZES:
        sayings.say(
            "K, M, B and T after a number are thousands and so on: such numbers are rounded"
        )
        return float(number) * _SIZES[mark]
    sayings.say(f"left off after numbers: {mark}")
    return float(number)


def count(text: str, sayings: Sayings) -> int | None:
    """The whole number that a text begins with, as in ``10`` or ``10/100``; ``None`` if none."""
    before, slash, after = text.partition("/")
    if slash and not after.strip().isdecimal():
        return None
    if before.strip().isdecimal():
        return whole(before)
    number = quantity(before, sayings)
    return None if number is None or not number.is_integer() else int(number)
