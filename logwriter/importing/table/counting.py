"""Steps that begin again in each epoch count on, from epoch to epoch.

Loops often number the batches of each epoch from the start. Taken as steps, each epoch would look like a
restart that hides the epochs before it. So where the step falls and the epoch rises, the steps below go
on from the last one. An epoch that comes again, after a restart, begins where it began before.
"""

import numpy as np

from logwriter.importing.items import Ints
from logwriter.journal import NO_EPOCH


def filled(values: Ints, given: np.ndarray, before: int) -> Ints:
    """The values, each missing one as the one before it; ``before`` in front of the first."""
    places = np.maximum.accumulate(np.where(given, np.arange(len(values)), -1))
    return np.where(places >= 0, values[np.maximum(places, 0)], before)


class EpochCounting:
    """Makes steps of the numbers of batches, chunk after chunk."""

    def __init__(self) -> None:
        self._raw = self._epoch = NO_EPOCH
        self._offset = 0
        self._offsets: dict[int, int] = {}
        self.begins_again = False
        """Whether steps have begun again in an epoch."""

    def count(self, step: Ints, epoch: Ints) -> Ints:
        """The steps, counted on; both of shape ``(n,)``."""
        epoch = filled(epoch, epoch != NO_EPOCH, self._epoch)
        raw_before = np.concatenate([[self._raw], step[:-1]])
        epoch_before = np.concatenate([[self._epoch], epoch[:-1]])
        known = (epoch_before != NO_EPOCH) & (epoch != NO_EPOCH)
        changes = np.flatnonzero(known & (epoch != epoch_before)).tolist()
        counted = np.empty_like(step)
        for start, stop in zip([0, *changes], [*changes, len(step)], strict=True):
            if start in changes[:1] or start:
                self._change(
                    (int(epoch_before[start]), int(epoch[start])),
                    (int(raw_before[start]), int(step[start])),
                )
            counted[start:stop] = step[start:stop] + self._offset
        self._raw, self._epoch = int(step[-1]), int(epoch[-1])
        return counted

    def _change(self, epochs: tuple[int, int], steps: tuple[int, int]) -> None:
        """Another epoch begins."""
        before, now = epochs
        last, first = steps
        self._offsets.setdefault(before, self._offset)
        if now > before and first < last:
            self.begins_again = True
            # Numbers from 0 follow on the last one; others count from it.
            self._offset += last + (1 if first == 0 else 0)
        elif now < before:
            self._offset = self._offsets.get(now, 0)
        self._offsets[now] = self._offset
