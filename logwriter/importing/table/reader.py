"""Rows of numbers from chunks of a table, with the roles of its columns decided once a header."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from logwriter.importing.items import Facts, Floats, Ints, Item, Mask, Noted, Rows, Skipped
from logwriter.importing.records import as_float, is_number
from logwriter.importing.sayings import Sayings
from logwriter.importing.source import Source
from logwriter.importing.table.cells import Column
from logwriter.importing.table.chunks import Chunk
from logwriter.importing.table.counting import EpochCounting, filled
from logwriter.importing.table.parted import follows, metrics_of, parts_in
from logwriter.importing.table.roles import EXACT, Roles, decide, whole
from logwriter.importing.table.split import value_of
from logwriter.importing.table.suggesting import RunsApart
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
        self._sayings = Sayings()
        self._counting: EpochCounting | None = None
        self._apart = RunsApart()
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
            yield from self._sayings.notes()
        if self._bare:
            yield Noted(f"rows without any number but their step or time: {self._bare:,}")
        yield from self._apart.notes(self._source.options)

    def _decide(self, chunk: Chunk) -> Roles:
        counted = self._has(self._dialect.lengths)
        return decide(chunk, self._source.options, self._source.path, counted=counted)

    def _dialect_notes(self, roles: Roles) -> Iterator[Item]:
        if self._has(self._dialect.lengths) and roles.step is None:
            yield Noted(f"steps are the sums of column {self._dialect.lengths!r} so far")
        if self._has(self._dialect.elapsed) and self._began is not None:
            since = f"{self._dialect.began!r} and the seconds since then in column"
            yield Noted(f"times are {since} {self._dialect.elapsed!r}")

    @property
    def _began(self) -> float | None:
        """The moment that the table tells, if it does."""
        began = self._said.get(self._dialect.began)
        return as_float(began) if is_number(began) else None

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
        parts = parts_in(chunk.labels(roles.part)) if roles.part else {}
        some = metrics_of(some, parts) if parts else some
        if roles.step not in (None, roles.epoch) and some:
            step = self._counted(roles, some, step, epoch, there=there, parts=parts)
        self._apart.look(chunk, metrics, step, there)
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

    def _counted(
        self,
        roles: Roles,
        metrics: Mapping[str, Column],
        step: Ints,
        epoch: Ints | None,
        *,
        there: Mask,
        parts: Mapping[str, Mask],
    ) -> Ints:
        """Steps, of counts that may begin again in each epoch, or in each part of the data."""
        if self._counting is None:
            self._counting = EpochCounting(roles.step or "", self._sayings)
        given = {name: column.given for name, column in metrics.items()}
        following = follows(parts, roles.step, len(step))
        epoch = np.full(len(step), NO_EPOCH) if epoch is None else epoch
        return self._counting.count_some(step, epoch, given, there=there, following=following)

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
        elif self._has(self._dialect.elapsed) and self._began is not None:
            column = chunk.numbers(self._dialect.elapsed)
            seconds = self._began + column.values
            there = column.given & (seconds > 0) & (seconds < EXACT / 10**6)
            times = np.rint(np.where(there, seconds, 0.0) * 10**6).astype(np.int64)
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
