"""Times as logs write them: seconds, or a part of them, since 1970, or a date and a time of day.

The unit of a number follows from its size, which leaves no doubt between 1980 and 2286. What was read
as what is said once a source, so that nobody need guess.
"""

import datetime as dt
from typing import Any

from logwriter.importing.records import number_in
from logwriter.importing.sayings import Sayings

_UNITS = (
    ("seconds", 10**6),
    ("milliseconds", 10**3),
    ("microseconds", 1),
    ("nanoseconds", -(10**3)),
)
_FROM, _TO = 315_532_800, 10**10
"""Seconds since 1970 that are taken for a time: 1980 to 2286."""
_ZERO = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


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
        for place, (unit, factor) in enumerate(_UNITS):
            if _FROM <= abs(number) / 1000**place < _TO:
                self._say(f"{unit} since 1970")
                return round(number * factor) if factor > 0 else int(number) // -factor
        return None

    def _date(self, text: str) -> int | None:
        try:
            moment = dt.datetime.fromisoformat(text.strip().replace(",", "."))
        except ValueError:
            return None
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=dt.UTC)
            self._say("dates without a time zone, read as UTC")
        else:
            self._say("dates with their time zone")
        return (moment - _ZERO) // dt.timedelta(microseconds=1)

    def _say(self, how: str) -> None:
        self._sayings.say(f"times: {self._column}, {how}")
