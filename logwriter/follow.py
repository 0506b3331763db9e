"""The last rows of a run, and those that come after them, without disturbing the writer."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow.compute as pc

from logwriter import rundir
from logwriter.part import Part, WriterLog
from logwriter.rundir import WriterId
from logwriter.runlog import RunLog, load_part, read
from logwriter.watch import Row, WriterWatch, assemble

__all__ = ["Follower", "Row", "last_rows"]


def last_rows(log: RunLog, count: int, metrics: Sequence[str] | None = None) -> list[Row]:
    """The last ``count`` rows of each rank's effective history, in log order.

    Raises:
        UnknownMetricError: A metric was asked for that was not logged.
    """
    if metrics:
        log.require(metrics)
    return _last_rows(log, count, metrics)


class Follower:
    """The last rows of a run, then each new one, of whatever rank and attempt, while any lives.

    A metric may be asked for that is not there yet, as long as the run lives: ``missing`` says
    which, at the start.
    """

    def __init__(
        self, path: Path, count: int, metrics: Sequence[str] | None, *, forever: bool = False
    ) -> None:
        """Read the run as it is now.

        Args:
            path: The run.
            count: How many rows of each rank to begin with.
            metrics: Only rows, and values, of these metrics.
            forever: Go on when no process lives any more: another attempt may begin.

        Raises:
            UnknownMetricError: The run has ended without a metric that was asked for.
        """
        self._path, self._count, self._metrics = path, count, metrics or None
        self._forever = forever
        self._log = log = read(path)
        self._watches = {
            writer.state.writer: self._watch(writer.state.writer, _end(writer))
            for writer in log.writers
        }
        self._live = dict(self._watches)
        known = set(log.metrics) if metrics else set()
        self.missing = sorted(set(metrics or ()) - known)
        if self.missing and not (forever or log.is_live):
            log.require(self.missing)

    def rows(self, every: float) -> Iterator[Row]:
        """The rows, each once, those of one rank in log order.

        Args:
            every: Seconds between two looks.

        Raises:
            UnknownMetricError: The run ended, and a metric that was waited for never came.
        """
        yield from _last_rows(self._log, self._count, self._metrics)
        waited_for = set(self.missing)
        live = True
        while live:
            live = (
                self._find_live() or self._forever
            )  # before the look: so the last one is complete
            time.sleep(every if live else 0)
            for row in self._look():
                waited_for.difference_update(row.values)
                yield row
        if waited_for:
            read(self._path).require(waited_for)

    def _find_live(self) -> bool:
        """Whether any process writes; writers that began meanwhile are watched from now on."""
        for writer in rundir.list_writers(self._path):
            if writer not in self._watches:
                self._live[writer] = self._watches[writer] = self._watch(writer, 0)
        return any(watch.is_live() for watch in self._live.values())

    def _look(self) -> Iterator[Row]:
        """What is new. A writer that was dead before its last look is not looked at again."""
        for writer, watch in list(self._live.items()):
            lives = watch.is_live()
            yield from watch.look(self._metrics)
            if not lives and watch.has_started():
                del self._live[writer]

    def _watch(self, writer: WriterId, next_seq: int) -> WriterWatch:
        return WriterWatch(rundir.writer_path(self._path, writer), writer, next_seq)


def _last_rows(log: RunLog, count: int, metrics: Sequence[str] | None) -> list[Row]:
    rows: list[Row] = []
    for rank in log.state.ranks:
        found: list[Row] = []
        for part in reversed(log.parts(ranks=[rank])):
            found = _last_of(part, count - len(found), metrics) + found
            if len(found) >= count:
                break
        rows += found
    return rows


def _last_of(part: Part, count: int, metrics: Sequence[str] | None) -> list[Row]:
    """The last visible rows of a part."""
    table = load_part(part, metrics or None)
    numbers = np.unique(table.column("seq").to_numpy())[-count:]
    if not len(numbers):
        return []
    table = table.filter(pc.field("seq") >= int(numbers[0]))
    return list(assemble(table, WriterId(part.rank, part.attempt)))


def _end(log: WriterLog) -> int:
    """The sequence number behind the last row that was there, or given up."""
    ends = [part.stretch[1] for part in log.parts]
    return max([*ends, *(lost.last_seq + 1 for lost in log.state.lost)], default=0)
