"""Running steps, of logs that count them anew in every epoch.

Whether a log does so shows at its second epoch: the epoch goes up, and the count of a record does not,
compared with the last record of each set of metrics that overlaps its own, as others may count by other
rules. In which order a record names its metrics does not matter. From then on each epoch begins after the
largest step before it: a count from 0 one step after it, another from it. Logs whose counts run on already
stay as they are. A record without an epoch is of the one before it. An epoch that goes back is a run that
was resumed: it begins where it began before.
"""

from logwriter.importing.sayings import Sayings


class RunningStep:
    """Turns epoch and count within it into one step. Remembers one number an epoch."""

    def __init__(self, column: str, sayings: Sayings) -> None:
        """Begin. ``column`` is what the source calls the count; what was decided goes to ``sayings``."""
        self._column, self._sayings = column, sayings
        self._last: dict[frozenset[str], tuple[int, int]] = {}
        self._begins: dict[int, int] = {}
        self._epoch: int | None = None
        self._largest = 0
        self._within = False

    def step(self, metrics: frozenset[str], epoch: int | None, count: int) -> int:
        """The running step.

        Args:
            metrics: What the record has values of.
            epoch: Its epoch; ``None``: that of the record before.
            count: Its count, within the epoch or not.
        """
        epoch = self._epoch if epoch is None else epoch
        if epoch is None:
            return count
        if not self._within and self._last.get(metrics, (None, 0))[0] != epoch:
            self._within = self._begins_again(metrics, epoch, count)
        self._last[metrics] = epoch, count
        if epoch != self._epoch:
            self._turn(epoch, count)
        step = count
        if self._within:
            step += self._begins[epoch]
            self._sayings.say(
                f"{self._column!r} counts within epochs: steps run on instead, each epoch after the "
                "largest step before it"
            )
        self._largest = max(self._largest, step)
        return step

    def _begins_again(self, metrics: frozenset[str], epoch: int, count: int) -> bool:
        return any(
            epoch > before and count <= last and not metrics.isdisjoint(others)
            for others, (before, last) in self._last.items()
        )

    def _turn(self, epoch: int, count: int) -> None:
        if self._epoch is not None and epoch < self._epoch:
            earlier = [known for known in self._begins if known <= epoch]
            self._largest = self._begins[max(earlier)] if earlier else 0
            self._last.clear()
            self._begins = {known: self._begins[known] for known in earlier}
        follows = count == 0 and bool(self._begins)
        self._begins.setdefault(epoch, self._largest + follows)
        self._epoch = epoch
