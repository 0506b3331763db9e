"""Steps that begin again in each epoch count on, as `RunningStep` says, many rows at a time."""

from collections.abc import Mapping

import numpy as np

from logwriter.errors import EverystepError
from logwriter.importing.items import Ints, Mask
from logwriter.importing.parts import FOLLOWING
from logwriter.importing.running import RunningStep
from logwriter.importing.sayings import Sayings
from logwriter.journal import NO_EPOCH

_BEYOND = 1 << 62


def filled(values: Ints, given: Mask, before: int) -> Ints:
    """The values, each missing one as the one before it; ``before`` in front of the first."""
    places = np.maximum.accumulate(np.where(given, np.arange(len(values)), -1))
    kept: Ints = np.where(places >= 0, values[np.maximum(places, 0)], before)
    return kept


def kinds_of(given: Mapping[str, Mask]) -> tuple[Ints, list[frozenset[str]]]:
    """Which kind each row is, shape ``(n,)``, and the names that the rows of each kind have values of."""
    packed = np.packbits(np.column_stack(list(given.values())), axis=1)
    rows = packed.view([("", packed.dtype)] * packed.shape[1]).ravel()
    _, first, of = np.unique(rows, return_index=True, return_inverse=True)
    names = [
        frozenset(name for name, mask in given.items() if mask[place]) for place in first.tolist()
    ]
    return of, names


class EpochCounting:
    """Makes steps of the numbers of batches, chunk after chunk."""

    def __init__(self, column: str, sayings: Sayings) -> None:
        """Begin. ``column`` and ``sayings`` as for `RunningStep`."""
        self._running, self._sayings = RunningStep(column, sayings), sayings
        self._epoch = NO_EPOCH
        self._led: int | None = None

    def count_some(
        self, step: Ints, epoch: Ints, given: Mapping[str, Mask], *, there: Mask, following: Mask
    ) -> Ints:
        """The steps of the rows that are ``there``; all of shape ``(n,)``.

        Those that are ``following`` have the step of the last row that is not, once there was one.

        Raises:
            EverystepError: They have more than 64 bits.
        """
        leads = there & ~following
        counts = leads.copy()
        if self._led is None:
            first = int(np.argmax(leads)) if leads.any() else len(step)
            counts[:first] |= there[:first]
        if counts.any():
            masks = {name: mask[counts] for name, mask in given.items()}
            step = step.copy()
            step[counts] = self.count(step[counts], epoch[counts], masks)
        counted = filled(step, counts, self._led or 0)
        if np.any(there & ~counts):
            self._sayings.say(FOLLOWING)
        if leads.any():
            self._led = int(counted[np.flatnonzero(leads)[-1]])
        return counted

    def count(self, step: Ints, epoch: Ints, given: Mapping[str, Mask]) -> Ints:
        """The steps, counted on; all of shape ``(n,)``, with a row and a metric at least.

        Between two epochs, what is added changes only where a kind of row comes for the first time.

        Raises:
            EverystepError: They have more than 64 bits.
        """
        epoch = filled(epoch, epoch != NO_EPOCH, self._epoch)
        self._epoch = int(epoch[-1])
        if self._epoch == NO_EPOCH:
            return step
        turns = np.flatnonzero(np.diff(epoch)) + 1
        of, kinds = kinds_of(given)
        told = self._that_matter(step, turns, of)
        added = []
        for at in told:
            count = int(step[at])
            known = None if epoch[at] == NO_EPOCH else int(epoch[at])
            added.append(self._running.step(kinds[of[at]], known, count) - count)
        if max(map(abs, added)) >= _BEYOND:
            raise EverystepError(
                "steps that begin again in each epoch add up to more than 64 bits; name another column by "
                "--step"
            )
        counted: Ints = step + np.repeat(added, np.diff([*told, len(step)]))
        return counted

    @staticmethod
    def _that_matter(step: Ints, turns: Ints, of: Ints) -> list[int]:
        """The first and last row of each kind between two epochs, and what is largest up to the next first.

        From one first row to the next all rows have the same added, so the largest count is the largest step.
        """
        part = np.zeros(len(step), np.int64)
        part[turns] = 1
        codes = np.cumsum(part) * (int(of.max()) + 1) + of
        first = np.sort(np.unique(codes, return_index=True)[1]).tolist()
        last = len(step) - 1 - np.unique(codes[::-1], return_index=True)[1]
        largest = [
            start + int(np.argmax(step[start:stop]))
            for start, stop in zip(first, [*first[1:], len(step)], strict=True)
        ]
        return sorted({*first, *last.tolist(), *largest})
