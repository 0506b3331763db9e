"""One attempt of an imported run, on its way to disk: rows gather, and are sealed when they are many.

The folder is one that `logwriter.read` reads like any other: events, and announced segments.
"""

import errno
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from logwriter.decode import Block
from logwriter.eventlog import EventLog
from logwriter.events import Event, RunFinished
from logwriter.importing.items import Floats, Ints, Rows
from logwriter.journal import NO_EPOCH
from logwriter.rundir import WriterId
from logwriter.segments import to_table, write_segment

SEGMENT_VALUES = 1 << 20
"""So many values make a segment."""


class AttemptWriter:
    """Writes one attempt. Not for several threads."""

    def __init__(self, folder: Path, writer: WriterId, run_id: str, *, begun: int) -> None:
        """Make the folder. ``begun`` is when the attempt began, in microseconds since 1970.

        Raises:
            OSError: The disk refused, also later.
        """
        folder.mkdir(parents=True)
        self._folder, self._writer, self._run_id = folder, writer, run_id
        self._events = EventLog(folder)
        self._blocks: list[Block] = []
        self._waiting = 0
        self._sealed = 0
        self.rows = self.values = 0
        self.moved_times = 0
        """How many rows got a later time than theirs, so that times never step back."""
        self.now = begun
        """The time of the last row."""

    def add(self, rows: Rows) -> None:
        """Take rows, each with a value at least."""
        time = np.full(len(rows), self.now) if rows.time is None else self._settled(rows.time)
        epoch = np.full(len(rows), NO_EPOCH) if rows.epoch is None else rows.epoch
        for names, at in _layouts(rows):
            self._blocks.append(
                Block(
                    names=names,
                    seq=self.rows + at,
                    time=time[at],
                    step=rows.step[at],
                    epoch=epoch[at],
                    values=_matrix(rows, names, at),
                )
            )
            self._waiting += len(names) * len(at)
        self.rows += len(rows)
        if len(rows):
            self.now = int(time[-1])
        if self._waiting >= SEGMENT_VALUES:
            self._seal()

    def tell(self, event: Event) -> None:
        """Write an event.

        Raises:
            OSError: The disk refused.
        """
        self._events.append(event)
        if self._events.waiting:
            raise OSError(errno.ENOSPC, "the disk refuses events", str(self._events.path))

    def close(self, *, status: str | None, error: str | None = None) -> None:
        """Seal what is left, and say how it ended; ``None``: nothing is known of an end."""
        self._seal()
        if status is not None:
            self.tell(RunFinished(time=self.now, status=status, error=error, rows=self.rows))
        self._events.drain(durable=True)
        self._events.close()

    def _settled(self, time: Ints) -> Ints:
        settled = np.maximum.accumulate(np.maximum(time, self.now))
        self.moved_times += int(np.count_nonzero(settled != time))
        return settled

    def _seal(self) -> None:
        if self.rows == self._sealed:
            return
        table = to_table(self._blocks)
        sealed = write_segment(
            self._folder,
            table,
            first_seq=self._sealed,
            rows=self.rows - self._sealed,
            run_id=self._run_id,
            writer=self._writer,
            time=self.now,
        )
        self.tell(sealed)
        self.values += table.num_rows
        self._blocks, self._waiting, self._sealed = [], 0, self.rows


def _layouts(rows: Rows) -> Iterator[tuple[tuple[str, ...], Ints]]:
    """The sets of metrics that rows have, and the places of the rows of each."""
    metrics = list(rows.values)
    if not metrics or not len(rows):
        return
    if not any(metric in rows.given for metric in metrics):
        yield tuple(metrics), np.arange(len(rows))
        return
    there = np.column_stack([rows.where(metric) for metric in metrics])
    codes = np.ascontiguousarray(np.packbits(there, axis=1))
    keys = codes.view([("", codes.dtype)] * codes.shape[1]).ravel()
    _, first, of = np.unique(keys, return_index=True, return_inverse=True)
    for number, place in enumerate(first.tolist()):
        names = tuple(metrics[at] for at in np.flatnonzero(there[place]).tolist())
        if names:
            yield names, np.flatnonzero(of == number)


def _matrix(rows: Rows, names: tuple[str, ...], at: Ints) -> Floats:
    return np.column_stack([rows.values[name][at] for name in names])
