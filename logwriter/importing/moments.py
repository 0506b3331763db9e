"""Times as logs write them: seconds, or a part of them, since 1970, or a date and a time of day.

The unit of a number follows from its size, which leaves no doubt between 1990 and 2100; another number is
no time, such as seconds that went by. A date without a zone counts as UTC. What was read as what is said
once a source, so that nobody need guess.
"""

import datetime as dt
from typing import Any

from logwriter.importing.records import number_in
from logwriter.importing.sayings import Sayings

EARLIEST, LATEST = 631_152_000, 4_102_444_800
"""1990 and 2100, in seconds since 1970."""
UNITS = {"seconds": 1, "milliseconds": 10**3, "microseconds": 10**6, "nanoseconds": 10**9}
"""How many of each are a second."""
_MICROS = 10**6
_ZERO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


def date_in(text: str) -> dt.datetime | None:
    """The date and time of day that a text is, as ISO 8601 or ``logging`` write them, if it is one."""
    if "-" not in text[1:]:
        return None
    try:
        return dt.datetime.fromisoformat(text.strip().replace(",", "."))
    except ValueError:
        return None


def since_1970(moment: dt.datetime) -> int:
    """Microseconds since 1970; without a zone it counts as UTC."""
    known = moment if moment.tzinfo is not None else moment.replace(tzinfo=dt.UTC)
    return (known - _ZERO) // dt.timedelta(microseconds=1)


class Clock:
    """Reads the times of one source, and remembers how."""

    def __init__(self, column: str, sayings: Sayings) -> None:
        """Begin. ``column`` is what the source calls them; how they were read goes into ``sayings``."""
        self._column, self._sayings = column, sayings

    def read(self, leaf: Any) -> int | None:
        """Microseconds since 1970; ``None``: it is no time."""
        number = number_in(leaf) if isinstance(leaf, str) else leaf
        if isinstance(number, (int, float)) and not isinstance(number, bool):
            return self._number(number)
        return self._date(leaf) if isinstance(leaf, str) else None

    def _number(self, number: float) -> int | None:
        for unit, factor in UNITS.items():
            if EARLIEST * factor <= number < LATEST * factor:
                self._say(f"{unit} since 1970")
                return (
                    round(number * (_MICROS // factor))
                    if factor <= _MICROS
                    else round(number / 1000)
                )
        return None

    def _date(self, text: str) -> int | None:
        moment = date_in(text)
        if moment is None:
            return None
        zone = (
            "without a time zone, read as UTC" if moment.tzinfo is None else "with their time zone"
        )
        self._say(f"dates {zone}")
        return since_1970(moment)

    def _say(self, how: str) -> None:
        self._sayings.say(f"times: {self._column}, {how}")
