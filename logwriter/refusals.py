"""What was given and is no number: left out, counted by name, and warned about once each."""

import logging
from collections import Counter
from collections.abc import Mapping
from typing import Any

from logwriter.errors import BadValueError
from logwriter.events import readable
from logwriter.journal import PENDING_FLOAT
from logwriter.values import is_on_device, to_float

LONGEST_NAME = 1_024

_log = logging.getLogger("everystep")


class Refusals:
    """Sorts the numbers out of what a training loop gives."""

    def __init__(self, *, on_error: str) -> None:
        """``on_error``: ``"warn"`` or ``"raise"``."""
        self._raises = on_error == "raise"
        self.counts: Counter[str] = Counter()

    def sort_out(self, values: Mapping[Any, Any]) -> tuple[dict[str, float], dict[str, Any]]:
        """The numbers by name, and the tensors on a device, whose numbers are pending.

        Raises:
            BadValueError: With ``on_error="raise"``, for what is neither.
        """
        numbers, tensors = {}, {}
        for key, value in values.items():
            name = readable(str.__str__(key) if isinstance(key, str) else str(key))
            if not name or len(name) > LONGEST_NAME:
                self.refuse(name[:80], value, None)
                continue
            try:
                if is_on_device(value):
                    tensors[name] = value
                    numbers[name] = PENDING_FLOAT
                else:
                    numbers[name] = to_float(value)
            except Exception as error:  # noqa: BLE001  whatever a value does when asked
                self.refuse(name, value, error)
        return numbers, tensors

    def whole_step(self, step: Any, *, current: int) -> int:
        """The step as a 64-bit integer; the current step where it is none.

        Raises:
            BadValueError: With ``on_error="raise"``, where it is none.
        """
        try:
            whole: int = int(step)
        except Exception as error:  # noqa: BLE001  whatever a step does when asked
            self.refuse("step", step, error)
            return current
        if whole != step or not -(1 << 63) <= whole < 1 << 63:
            self.refuse("step", step, None)
            return current
        return whole

    def refuse(self, name: str, value: Any, error: Exception | None) -> None:
        """Leave a value out.

        Raises:
            BadValueError: With ``on_error="raise"``.
        """
        text = f"{name!r} was given a {type(value).__name__}, which is not one number"
        if self._raises:
            raise BadValueError(
                f"{text}: log floats, integers, or tensors of one element"
            ) from error
        self.counts[name] += 1
        if self.counts[name] == 1:
            _log.warning("everystep: %s; such values are left out and counted (%s)", text, error)
