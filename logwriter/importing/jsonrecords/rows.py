"""Rows from JSON records, and the ways of well-known loggers.

A whole epoch is the epoch of the row; one with a fraction is a metric. A record of ``mode``, ``split`` or
``phase`` ``train``, ``val`` or the like gets that word in front of its names. mmdetection counts ``iter`` within
epochs, and validation lines by the size of the validation set, so these take the step of the training
line before. mmengine validation lines, which lack ``iter``, repeat names of training lines and count
epochs as steps: ``val/`` goes in front.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from logwriter.importing import parts
from logwriter.importing.items import Ended, Facts, Item, Noted, Skipped
from logwriter.importing.jsonrecords.keys import Keys
from logwriter.importing.jsonrecords.objects import Found
from logwriter.importing.moments import Clock
from logwriter.importing.names import WITHIN, known_among, plain
from logwriter.importing.ranks import of_rank
from logwriter.importing.records import Row, as_float, is_number, leaves_of, number_in, whole
from logwriter.importing.running import RunningStep
from logwriter.importing.sayings import Sayings

_BEFORE = "records with an epoch and no step have the step of the one before"
_MMENGINE = "records without 'iter' are validation, and count steps in their own way"


class RecordReader:
    """Makes rows of the records of one source, in their order. Remembers little of those before."""

    def __init__(self, keys: Keys) -> None:
        self._keys = keys
        self._sayings = Sayings()
        self._clock = Clock(repr(keys.time), self._sayings)
        self._running = RunningStep(keys.step or "", self._sayings)
        self._step: int | None = None
        self._trained: int | None = None
        self._texts: dict[str, None] = {}
        self._mmengine = False
        self._rows = 0
        self._planned: int | None = None

    def rows(self, found: Iterable[Found | Skipped]) -> Iterator[Row | Item]:
        """The rows of records, and between them what is to be told."""
        first = True
        for each in found:
            if isinstance(each, Skipped):
                yield each
                continue
            leaves = leaves_of(each.value)
            if first and self._keys.step is not None and self._keys.step not in leaves:
                yield Facts(config=each.value)
            else:
                yield from self._row(leaves, f"line {each.line}")
            first = False

    def end(self) -> Iterator[Item]:
        """What is known when all records are read."""
        if self._texts:
            yield Noted(f"texts read as numbers: {', '.join(self._texts)}")
        if self._planned is not None and self._step is not None and self._step < self._planned:
            yield Noted(f"the run stopped at step {self._step:,} of {self._planned:,}")
            yield Ended("unfinished")

    def _row(self, leaves: dict[str, Any], where: str) -> Iterator[Row | Item]:
        keys = self._keys
        epoch = _epoch(leaves.get(keys.epoch or ""), fractions=keys.fractions)
        part = next(filter(None, map(parts.part_of, _words(leaves))), None)
        part = self._part_of_mmengine(leaves) or part
        but = {keys.step, keys.time, keys.rank, keys.epoch if epoch is not None else None}
        rank = whole(leaves.get(keys.rank or ""))
        values = of_rank(rank, self._numbers(leaves, but, part))
        step = self._step_of(leaves, epoch, part, frozenset(values))
        if isinstance(step, str):
            yield Skipped(where, step)
            return
        if not values:
            yield Skipped(where, "no number but its step")
            return
        time = None
        if keys.time in leaves:
            time = self._clock.read(leaves[keys.time])
            if time is None:
                yield Skipped(
                    where, f"{keys.time!r} is no time; the row has that of the one before"
                )
        self._step = step
        self._rows += 1
        if keys.step == "current_steps":
            self._planned = whole(leaves.get("total_steps"))
        if part:
            self._sayings.say(parts.SAID)
        yield from self._sayings.notes()
        yield Row(step, values, epoch, time)

    def _step_of(
        self, leaves: dict[str, Any], epoch: int | None, part: str | None, metrics: frozenset[str]
    ) -> int | str:
        """The step, or why there is none."""
        key = self._keys.step
        if key is None:
            return self._rows
        if key not in leaves and epoch is not None and self._step is not None:
            self._sayings.say(_BEFORE)
            return self._step
        count = whole(leaves.get(key))
        if count is None:
            return f"{key!r} is no whole number" if key in leaves else f"it has no {key!r}"
        if key == self._keys.epoch:
            return count
        follows = part not in (None, parts.TRAINING) and plain(key) in WITHIN
        if follows and self._trained is not None:
            self._sayings.say(parts.FOLLOWING)
            return self._trained
        step = self._running.step(metrics, epoch, count)
        self._trained = self._trained if follows else step
        return step

    def _numbers(
        self, leaves: dict[str, Any], but: set[str | None], part: str | None
    ) -> dict[str, float]:
        values = {}
        for name, leaf in leaves.items():
            if name in but:
                continue
            number = as_float(leaf) if is_number(leaf) else None
            if isinstance(leaf, str):
                number = number_in(leaf)
                if number is not None:
                    self._texts.setdefault(name)
            if number is not None:
                values[parts.in_part(name, part) if part else name] = number
        return values

    def _part_of_mmengine(self, leaves: dict[str, Any]) -> str | None:
        if self._keys.step != "step":
            return None
        if "iter" in leaves:
            self._mmengine |= leaves["iter"] == leaves.get("step")
        elif self._mmengine and "epoch" not in leaves:
            self._sayings.say(_MMENGINE)
            return "val"
        return None


def _words(leaves: dict[str, Any]) -> Iterator[str]:
    """What a record says of the part of the data that it is of."""
    for name in known_among(list(leaves), parts.NAMES):
        word = leaves.get(name)
        if isinstance(word, str):
            yield word


def _epoch(leaf: Any, *, fractions: bool) -> int | None:
    """The epoch, where it is whole; ``1.0`` in a log of fractions is a metric like ``1.5``."""
    return None if fractions and isinstance(leaf, float) else whole(leaf)
