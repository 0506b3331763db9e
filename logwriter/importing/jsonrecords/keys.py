"""Which keys of JSON records are the step, the epoch and the time: what the user says, else known names.

Known names are looked for among the first records only, in a fixed order, and what was found is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logwriter.errors import EverystepError
from logwriter.importing.items import Noted
from logwriter.importing.moments import Clock
from logwriter.importing.records import whole
from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Source

STEPS = (
    *("step", "global_step", "trainer/global_step", "_step", "iteration", "current_steps"),
    *("num_updates", "iter", "iters", "it", "update", "batch"),
)
"""Keys that count steps, the surest first."""
EPOCHS = ("epoch", "trainer/epoch")
_TIMES = ("timestamp", "_timestamp", "wall_time", "datetime", "asctime", "date", "ts", "time")
_LISTED = 30


@dataclass(frozen=True)
class Keys:
    """The keys of one source.

    Attributes:
        step: ``None`` where nothing counts, so that rows are counted.
        epoch: ``None`` where there is none.
        fractions: Whether an epoch such as ``1.0`` is one of a log of fractions.
        time: ``None`` where there is none.
    """

    step: str | None
    epoch: str | None
    fractions: bool
    time: str | None

    def notes(self) -> Iterator[Noted]:
        """What was decided."""
        if self.step is None:
            yield Noted("no key counts steps: rows are counted from 0; --step KEY names one")
        else:
            yield Noted(f"steps: {self.step!r}")


def choose(records: Sequence[Mapping[str, Any]], source: Source) -> Keys:
    """The keys, from the leaves of the first records.

    Raises:
        EverystepError: A key that the user named is in none of them.
    """
    options = source.options
    for option, key in (("step", options.step), ("epoch", options.epoch), ("time", options.time)):
        if key is not None and not any(key in record for record in records):
            known = list(dict.fromkeys(name for record in records for name in record))
            raise EverystepError(
                f"{source.path}: no record has the key {key!r} that --{option} names; there are "
                f"{', '.join(known[:_LISTED]) or 'none'}{', …' if len(known) > _LISTED else ''}"
            )
    epoch = options.epoch or _first(EPOCHS, records)
    step = options.step or _first(STEPS, records) or epoch
    return Keys(
        step=step,
        epoch=epoch,
        fractions=epoch not in (options.epoch, step),
        time=options.time or _time(records),
    )


def counts(record: Mapping[str, Any]) -> bool:
    """Whether a record says by a known name at which step or epoch it was logged."""
    return any(whole(record.get(key)) is not None for key in (*STEPS, *EPOCHS))


def _first(known: Iterable[str], records: Sequence[Mapping[str, Any]]) -> str | None:
    return next(
        (
            key
            for key in known
            if any(whole(record.get(key)) is not None for record in records if key in record)
        ),
        None,
    )


def _time(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The first known key that holds moments; ``time`` is more often how long something took."""
    clocks = {key: Clock(key, Sayings()) for key in _TIMES}
    return next(
        (
            key
            for key in _TIMES
            if any(clocks[key].read(record[key]) is not None for record in records if key in record)
        ),
        None,
    )
