"""What went wrong at the disk while training went on."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

_log = logging.getLogger("everystep")


@dataclass
class Troubles:
    """Failures of the disk, counted by kind; each kind is warned about once."""

    stalls: int = 0
    counts: dict[str, int] = field(default_factory=dict)

    def report(self, what: str, error: Exception) -> None:
        """Count a failure, and say so the first time; with its trace if it is no disk's doing."""
        self.counts[what] = self.counts.get(what, 0) + 1
        if self.counts[what] == 1:
            trace = None if isinstance(error, OSError) else error
            text = "everystep: %s: %s; training goes on, and it will be tried again"
            # in words: a handler may keep its arguments, and an error keeps all that it came through
            _log.warning(text, what, str(error), exc_info=trace)

    def guard(self, what: str, act: Callable[[], None]) -> bool:
        """Whether ``act`` succeeded. Nothing that goes wrong in it reaches the training."""
        try:
            act()
        except Exception as error:  # noqa: BLE001  counted, said, and told by finish()
            self.report(what, error)
            return False
        return True
