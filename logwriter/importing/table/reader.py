"""Rows of numbers from chunks of a table, with the roles of its columns decided once a header."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from logwriter.importing.items import Facts, Floats, Ints, Item, Mask, Noted, Rows, Skipped
from logwriter.importing.source import Source
from logwriter.importing.table.chunks import Chunk
from logwriter.importing.table.counting import EpochCounting, filled
from logwriter.importing.table.names import TELLS_RUNS_APART
from logwriter.importing.table.roles import EXACT, Roles, decide, whole
from logwriter.importing.table.split import value_of
from logwriter.journal import NO_EPOCH

_NO_TIME = -1


@dataclass(frozen=True, kw_only=True)
class Dialect:
    """What a tool's tables mean beyond their names.

    Attributes:
        lengths: A column whose running sum is the step, such as the lengths of episodes.
        elapsed: A column of seconds since the moment that the table tells.
        began: What it calls that moment, in seconds since 1970.
    """

    lengths: str = ""
    elapsed: str = ""
    began: str = ""


PLAIN = Dialect()


class TableReader:
    """Reads one run of a table."""

    def __init__(self, source: Source, dialect: Dialect = PLAIN) -> None:
        """Begin a run."""
        self._source, self._dialect = source, dialect
        self._header: tuple[str, ...] | None = None
        self._said: Mapping[str, Any] = {}
        self._counting = EpochCounting()
        self._restarts = _Restarts()
        self._rows = self._bare = 0
        self._length = 0
        self._time = _NO_TIME

    def read(self, chunks: Iterable[Chunk | Item]) -> Iterator[Item]:
        """The rows, in order, and what was decided.

        Raises:
            EverystepError: The columns cannot be what the user said.
        """
        if self._source.part:
            yield Facts(config={str(self._source.options.split): value_of(self._source)})
        for chunk in chunks:
            if not isinstance(chunk, Chunk):
                yield chunk
                continue
            if chunk.said and chunk.said != self._said:
                self._said = chunk.said
                yield Facts(config=self._said)
            if chunk.header != self._header:
                self._header = chunk.header
                roles = self._decide(chunk)
                yield from map(Noted, roles.notes)
                yield from self._dialect_notes(roles)
            yield from self._read(chunk, roles)
        if self._counting.begins_again:
            yield Noted("steps begin again in each epoch: they are counted on from epoch to epoch")
        if self._bare:
            yield Noted(f"rows without any number but their step or time: {self._bare:,}")
        yield from self._restarts.notes(self._source)

    def _decide(self, chunk: Chunk) -> Roles:
        counted = self._has(self._dialect.lengths)
        return decide(chunk, self._source.options, self._source.path, counted=counted)

    def _dialect_notes(self, roles: Roles) -> Iterator[Item]:
        if self._has(self._dialect.lengths) and roles.step is None:
            yield Noted(f"steps are the sums of column {self._dialect.lengths!r} so far")
        if self._has(self._dialect.elapsed) and self._dialect.began in self._said:
            since = f"{self._dialect.began!r} and the seconds since then in column"
            yield Noted(f"times are {since} {self._dialect.elapsed!r}")

    def _has(self, column: str) -> bool:
        return bool(column) and column in (self._header or ())

    def _read(self, chunk: Chunk, roles: Roles) -> Iterator[Item]:
        epoch, fraction = self._epochs(chunk, roles)
        step, there = self._steps(chunk, roles)
        for place in np.flatnonzero(~there).tolist():
            label = chunk.labels(roles.step)[place] if roles.step else ""
            why = f"its step is {label!r}, no whole number" if label else "it has no step"
            yield Skipped(f"{chunk.place} {chunk.lines[place]}", why)
        time = self._times(chunk, roles)
        metrics = {name: chunk.numbers(name) for name in roles.metrics(chunk.columns)}
        if fraction:
            yield Noted(
                f"column {fraction!r} holds fractions of epochs: where it does, it is a metric"
            )
            metrics[fraction] = chunk.numbers(fraction)
        some = {name: column for name, column in metrics.items() if column.given.any()}
        if epoch is not None and there.any():
            step[there] = self._counting.count(step[there], epoch[there])
        self._restarts.look(chunk, step, there)
        logged = np.zeros(len(step), np.bool_)
        for column in some.values():
            logged |= column.given
        self._bare += int(np.count_nonzero(there & ~logged))
        yield Rows(
            step=step[there],
            values={name: column.values[there] for name, column in some.items()},
            given={n: column.given[there] for n, column in some.items() if not column.given.all()},
            epoch=None if epoch is None else epoch[there],
            time=None if time is None else time[there],
        )

    def _steps(self, chunk: Chunk, roles: Roles) -> tuple[Ints, Mask]:
        """The steps, and which rows have one."""
        count = len(chunk.lines)
        if roles.step is not None:
            column = chunk.numbers(roles.step)
            there = whole(column)
            return np.where(there, column.values, 0.0).astype(np.int64), there
        if self._has(self._dialect.lengths):
            lengths = chunk.numbers(self._dialect.lengths)
            sums = self._length + np.cumsum(_integers(lengths.values, whole(lengths)))
            self._length = int(sums[-1])
            return sums, np.ones(count, np.bool_)
        self._rows += count
        return np.arange(self._rows - count, self._rows), np.ones(count, np.bool_)

    def _epochs(self, chunk: Chunk, roles: Roles) -> tuple[Ints | None, str | None]:
        """The epochs; and the column, if its numbers are fractions here after all."""
        if roles.epoch is None:
            return None, None
        column = chunk.numbers(roles.epoch)
        there = whole(column)
        epochs = np.where(there, column.values, 0.0).astype(np.int64)
        epochs[~there] = NO_EPOCH
        fractions = bool(np.any(column.given & ~there)) and roles.epoch != roles.step
        return epochs, roles.epoch if fractions else None

    def _times(self, chunk: Chunk, roles: Roles) -> Ints | None:
        """Each row's time; of a row without one, that of the row before."""
        if roles.clock is not None:
            times, there = roles.clock.read(chunk)
        elif self._has(self._dialect.elapsed) and self._dialect.began in self._said:
            column = chunk.numbers(self._dialect.elapsed)
            there = column.given & (np.abs(column.values) < EXACT / 10**6)
            seconds = float(self._said[self._dialect.began]) + column.values
            times = _integers(np.rint(seconds * 10**6), there)
        else:
            return None
        if self._time == _NO_TIME:
            if not there.any():
                return None
            self._time = int(times[there][0])
        settled = filled(times, there, self._time)
        self._time = int(settled[-1])
        return settled


def _integers(values: Floats, there: Mask) -> Ints:
    return np.where(there, values, 0.0).astype(np.int64)


class _Restarts:
    """Whether steps fall where a column changes that may tell runs apart."""

    def __init__(self) -> None:
        self._step: int | None = None
        self._labels: dict[str, str] = {}
        self._falls = 0
        self._changes: Counter[str] = Counter()

    def look(self, chunk: Chunk, step: Ints, there: Mask) -> None:
        """Look at some rows."""
        at = np.flatnonzero(there)
        if not len(at):
            return
        steps = step[at]
        first = steps[0] if self._step is None else self._step
        falls = np.flatnonzero(steps < np.concatenate([[first], steps[:-1]])).tolist()
        self._falls += len(falls)
        for name in chunk.header:
            if name.strip().lower() not in TELLS_RUNS_APART:
                continue
            labels = chunk.labels(name)
            for fall in falls:
                before = labels[at[fall - 1]] if fall else self._labels.get(name, "")
                self._changes[name] += labels[at[fall]] != before
            self._labels[name] = labels[at[-1]]
        self._step = int(steps[-1])

    def notes(self, source: Source) -> Iterator[Item]:
        """What to suggest."""
        if source.options.split is not None:
            return
        for name, changes in self._changes.items():
            if changes and changes == self._falls:
                yield Noted(
                    f"steps go back where column {name!r} changes: --split {name} makes each of its values "
                    "a run"
                )
                return
