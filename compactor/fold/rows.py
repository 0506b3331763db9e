"""Rows as the fold takes them: columns of several lines, line by line."""

from dataclasses import dataclass

from compactor.fold.records import Records
from compactor.sampling.arrays import Floats, Ints, Mask


@dataclass(frozen=True)
class Rows:
    """Rows of several lines, as columns of shape ``(N,)``, line by line, in the order of the log.

    ``epoch`` is `compactor.fold.cells.NO_EPOCH` outside epochs, ``time`` in microseconds.
    """

    line: Ints
    step: Ints
    position: Ints
    epoch: Ints
    time: Ints
    value: Floats

    def __len__(self) -> int:
        return len(self.line)

    def take(self, at: Ints | Mask | slice) -> "Rows":
        """Some of the rows."""
        return Rows(**{name: column[at] for name, column in vars(self).items()})


def fill_rows(target: Records, rows: Rows, at: Ints, into: Ints | None = None) -> None:
    """Copy some rows into records of `compactor.fold.cells.ROW`: all of them, or those at ``into``."""
    for name in ("step", "position", "epoch", "time", "value"):
        target[name][slice(None) if into is None else into] = getattr(rows, name)[at]
