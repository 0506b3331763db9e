"""Lines read by the user's regular expression: named groups are metrics, and ``step``, ``epoch``, ``time``.

A line may match several times. ``__`` in a group's name stands for ``/``, which names of groups cannot hold.
Lines that do not match are counted, not faulted. A pattern that tries too many ways, such as
``(a+)+``, takes as long as it takes: lines of more than `LONGEST_LINE` characters are never tried.
"""

import re
from collections.abc import Iterator

from logwriter.errors import EverystepError
from logwriter.importing.items import Item, Skipped
from logwriter.importing.moments import Clock
from logwriter.importing.records import Row
from logwriter.importing.running import RunningStep
from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Options
from logwriter.importing.textlogs.quantities import count, quantity

_EXAMPLE = r"'step (?P<step>\d+) loss (?P<loss>\S+)'"


class PatternReader:
    """Reads the lines of one source by a pattern."""

    def __init__(self, options: Options, sayings: Sayings) -> None:
        """Compile the pattern.

        Raises:
            EverystepError: It is no regular expression, has no named group, or lacks one that is named.
        """
        self._pattern = compiled(options)
        groups = self._pattern.groupindex
        self._step, self._epoch, self._time = (
            given or name if (given or name) in groups else None
            for given, name in (
                (options.step, "step"),
                (options.epoch, "epoch"),
                (options.time, "time"),
            )
        )
        special = {self._step, self._epoch, self._time}
        self._metrics = {name: name.replace("__", "/") for name in groups if name not in special}
        self._sayings = sayings
        self._clock = Clock(repr(self._time), sayings)
        self._running = RunningStep(self._step or "", sayings)
        self._last: int | None = None
        self._count = 0
        if self._step is None:
            counts = f"{self._epoch!r}" if self._epoch else "the number of the match, from 0"
            sayings.say(f"steps: {counts}, as the pattern has no group 'step'")

    def read(self, line: str, where: str) -> Iterator[Row | Item]:
        """The rows of a line, one a match."""
        for match in self._pattern.finditer(line):
            yield from self._row(match.groupdict(), where)

    def _row(self, found: dict[str, str | None], where: str) -> Iterator[Row | Item]:
        values = {}
        for group, metric in self._metrics.items():
            text = found[group]
            number = quantity(text, self._sayings) if text else None
            if number is not None:
                values[metric] = number
            elif text:
                yield Skipped(where, f"{group!r} is {text[:40]!r}, no number")
        said = found.get(self._epoch or "") or ""
        epoch = count(said, self._sayings) if "." not in said else None
        if said and epoch is None:
            number = quantity(said, self._sayings)
            values |= {} if number is None else {"epoch": number}
        step = self._step_of(found, epoch, frozenset(values))
        if isinstance(step, str):
            yield Skipped(where, step)
        elif values:
            self._last = step
            self._count += 1
            time = found.get(self._time or "")
            moment = self._clock.read(time) if time else None
            if time and moment is None:
                yield Skipped(
                    where, f"{time[:40]!r} is no time; the row has that of the one before"
                )
            yield Row(step, values, epoch, moment)

    def _step_of(
        self, found: dict[str, str | None], epoch: int | None, metrics: frozenset[str]
    ) -> int | str:
        """The step, or why there is none."""
        if self._step is None:
            return (
                self._count if self._epoch is None else epoch if epoch is not None else "no epoch"
            )
        text = found[self._step]
        if not text:
            return "it has no step" if self._last is None else self._last
        step = count(text, self._sayings)
        if step is None:
            return f"its step is {text[:40]!r}, no whole number"
        return self._running.step(metrics, epoch, step)


def compiled(options: Options) -> re.Pattern[str]:
    """The user's pattern.

    Raises:
        EverystepError: It is no regular expression, has no named group but the step and the like, or
            lacks a group that the user named.
    """
    try:
        pattern = re.compile(options.pattern or "")
    except re.error as error:
        raise EverystepError(
            f"--pattern is no regular expression: {error}; it is '{options.pattern}', and one that works "
            f"looks like {_EXAMPLE}"
        ) from error
    groups = pattern.groupindex
    for option, name in (("step", options.step), ("epoch", options.epoch), ("time", options.time)):
        if name is not None and name not in groups:
            raise EverystepError(
                f"--pattern has no group {name!r} that --{option} names; it has {', '.join(groups)}"
            )
    if not groups.keys() - {"step", "epoch", "time", options.step, options.epoch, options.time}:
        raise EverystepError(
            f"--pattern names no metric: write a named group for each, as in {_EXAMPLE}"
        )
    return pattern
