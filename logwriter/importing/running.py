"""Running steps, of logs that count them anew in every epoch.

Whether a log does so shows at its second epoch: the epoch goes up, and the count of the same kind of
record does not. From then on each epoch begins after the largest step before it. Logs whose counts run
on already stay as they are. An epoch that goes back is a run that was resumed: it begins where it
began before.
"""

from collections.abc import Hashable

from logwriter.importing.sayings import Sayings


class RunningStep:
    """Turns epoch and count within it into one step. Remembers one number an epoch."""

    def __init__(self, column: str, sayings: Sayings) -> None:
        """Begin. ``column`` is what the source calls the count; what was decided goes to ``sayings``."""
        self._column, self._sayings = column, sayings
        self._last: dict[Hashable, tuple[int, int]] = {}
        self._begins: dict[int, int] = {}
        self._epoch: int | None = None
        self._largest = 0
        self._within = False

    def step(self, kind: Hashable, epoch: int, count: int) -> int:
        """The running step.

        Args:
            kind: What kind of record it is; validation may count by other rules than training.
            epoch: Its epoch.
            count: Its count, within the epoch or not.
        """
        before = self._last.get(kind)
        self._within |= before is not None and epoch > before[0] and count <= before[1]
        self._last[kind] = epoch, count
        if epoch != self._epoch:
            self._turn(epoch)
        step = count
        if self._within:
            step += self._begins[epoch]
            self._sayings.say(
                f"{self._column!r} counts within epochs: steps run on instead, each epoch after the "
                "largest step before it"
            )
        self._largest = max(self._largest, step)
        return step

    @property
    def now(self) -> int:
        """The largest step of this attempt so far."""
        return self._largest

    def _turn(self, epoch: int) -> None:
        if self._epoch is not None and epoch < self._epoch:
            earlier = [known for known in self._begins if known <= epoch]
            self._largest = self._begins[max(earlier)] if earlier else 0
            self._last.clear()
            self._begins = {known: self._begins[known] for known in earlier}
        self._begins.setdefault(epoch, self._largest)
        self._epoch = epoch
