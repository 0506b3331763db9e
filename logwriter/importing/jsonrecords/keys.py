"""Which keys of JSON records are the step, the epoch and the time: what the user says, else known names.

Known names are looked for among the first records only, in a fixed order, and what was found is told.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from logwriter.errors import EverystepError
from logwriter.importing import ranks
from logwriter.importing.items import Noted
from logwriter.importing.moments import Clock
from logwriter.importing.names import EPOCHS, STEPS, TIMES, known_among
from logwriter.importing.records import is_number, whole
from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Source

_LISTED = 30


@dataclass(frozen=True)
class Keys:
    """The keys of one source.

    Attributes:
        step: ``None`` where nothing counts, so that rows are counted.
        epoch: ``None`` where there is none.
        fractions: Whether an epoch such as ``1.0`` is one of a log of fractions.
        time: ``None`` where there is none.
        rank: ``None`` where all records are of one process.
    """

    step: str | None
    epoch: str | None
    fractions: bool
    time: str | None
    rank: str | None

    def notes(self) -> Iterator[Noted]:
        """What was decided."""
        if self.step is None:
            yield Noted("no key counts steps: rows are counted from 0; --step KEY names one")
        else:
            yield Noted(f"steps: {self.step!r}")
        if self.rank is not None:
            yield Noted(f"{ranks.SAID}, by {self.rank!r}")


def choose(records: Sequence[Mapping[str, Any]], source: Source) -> Keys:
    """The keys, from the leaves of the first records.

    Raises:
        EverystepError: A key that the user named is in none of them.
    """
    options = source.options
    for option, key in (("step", options.step), ("epoch", options.epoch), ("time", options.time)):
        if key is not None and not any(key in record for record in records):
            known = _names(records)
            raise EverystepError(
                f"{source.path}: no record has the key {key!r} that --{option} names; there are "
                f"{', '.join(known[:_LISTED]) or 'none'}{', …' if len(known) > _LISTED else ''}"
            )
    epoch = options.epoch or _first(EPOCHS, records)
    step = options.step or _first(STEPS, records) or epoch
    return Keys(
        step=step,
        epoch=epoch,
        fractions=epoch not in (None, options.epoch, step) and _is_fractional(epoch, records),
        time=options.time or _time(records),
        rank=next((key for key in ranks.NAMES if _tells_apart(key, records)), None),
    )


def counts(record: Mapping[str, Any]) -> bool:
    """Whether a record says by a known name at which step or epoch it was logged."""
    return any(whole(record.get(key)) is not None for key in (*STEPS, *EPOCHS))


def _first(known: Iterable[str], records: Sequence[Mapping[str, Any]]) -> str | None:
    return next(
        (
            key
            for key in known_among(_names(records), known)
            if any(whole(record.get(key)) is not None for record in records)
        ),
        None,
    )


def _time(records: Sequence[Mapping[str, Any]]) -> str | None:
    """The first known key that holds moments."""
    for key in known_among(_names(records), TIMES):
        clock = Clock(key, Sayings())
        if any(clock.read(record[key]) is not None for record in records if key in record):
            return key
    return None


def _tells_apart(rank: str, records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether it counts processes, from 0; another rank is a metric."""
    values = {record[rank] for record in records if type(record.get(rank)) is int}
    return 0 in values and values == set(range(max(values) + 1)) and len(values) > 1


def _names(records: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(name for record in records for name in record))


def _is_fractional(epoch: str, records: Sequence[Mapping[str, Any]]) -> bool:
    """Whether epochs are counted in fractions, so that ``1.0`` among them is one as well."""
    said = (record.get(epoch) for record in records)
    return any(is_number(leaf) and whole(leaf) is None for leaf in said)
