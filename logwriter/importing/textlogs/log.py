"""Rows from lines of well-known logs: names and numbers, MLPerf's lines, and headers of sessions.

Among others llm.c ``main.log``, modded-nanogpt, Megatron-LM, LeRobot and CycleGAN ``loss_log.txt``. A line with an
epoch and no step has the step of the line before; in a log without any step the epoch is the step.
"""

import re
from collections.abc import Iterator

from logwriter.importing.items import Item, Restart
from logwriter.importing.moments import Clock
from logwriter.importing.ranks import SAID as RANKS
from logwriter.importing.ranks import of_rank
from logwriter.importing.records import Row, whole
from logwriter.importing.running import RunningStep
from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Options
from logwriter.importing.textlogs.mlperf import MARK, mlperf_line
from logwriter.importing.textlogs.pairs import Pairs, pairs_on
from logwriter.importing.textlogs.quantities import quantity

_RANK = re.compile(
    r"\[\s*(?:default|(?:(?:local|global)[_ ]?)?rank)\s*[:=]?\s*(\d{1,9})\s*\]:?", re.IGNORECASE
)
"""How launchers and loggers mark the lines of each process."""
_SESSION = re.compile(r"=+ Training Loss \(.*\) =+")


class LogReader:
    """Reads the lines of one source, in their order."""

    def __init__(self, options: Options, sayings: Sayings) -> None:
        self._options, self._sayings = options, sayings
        self._dates = Clock("that on the line", sayings)
        self._named = Clock(repr(options.time), sayings)
        self._running: RunningStep | None = None
        self._last: int | None = None

    def read(self, line: str, where: str) -> Iterator[Row | Item]:
        """The row of a line, if it is one."""
        if MARK in line:
            found = mlperf_line(line, where, self._dates, self._sayings)
            if found is not None:
                yield found
        elif _SESSION.fullmatch(line.strip()):
            yield Restart()
        else:
            said = _RANK.search(line) if "[" in line else None
            rest = f"{line[: said.start()]} {line[said.end() :]}" if said else line
            pairs = pairs_on(rest, self._options, self._sayings)
            if pairs is not None:
                yield from self._row(pairs, int(said[1]) if said else 0)

    def _row(self, pairs: Pairs, rank: int) -> Iterator[Row]:
        epoch = whole(pairs.epoch) if pairs.epoch and "." not in pairs.epoch else None
        values = of_rank(rank, pairs.values)
        if rank:
            self._sayings.say(RANKS)
        fraction = quantity(pairs.epoch, self._sayings) if pairs.epoch and epoch is None else None
        if fraction is not None:
            values["epoch"] = fraction
        step = self._step_of(pairs, epoch, frozenset(values))
        if step is None:
            return
        self._last = step
        time = None
        if self._options.time in pairs.values:
            time = self._named.read(pairs.values[self._options.time])
            values = of_rank(
                rank, {n: v for n, v in pairs.values.items() if n != self._options.time}
            )
        elif pairs.date:
            time = self._dates.read(pairs.date)
        yield Row(step, values, epoch, time)

    def _step_of(self, pairs: Pairs, epoch: int | None, metrics: frozenset[str]) -> int | None:
        if pairs.step is None:
            if self._running is None and epoch is not None:
                self._sayings.say("steps: 'epoch', where a line has no other count")
                return epoch
            if self._last is None:
                return None
            self._sayings.say("lines with an epoch and no step have the step of the line before")
            return self._last
        name, count = pairs.step
        self._sayings.say(f"steps: {name!r}")
        if self._running is None:
            self._running = RunningStep(name, self._sayings)
        return self._running.step(metrics, epoch, count)
