"""What each column of a table is: which one counts steps, which epochs, and which holds times.

What the user says goes first. Otherwise a column has a role if its name is well known and what is in it
fits: steps and epochs are whole numbers. Whatever is decided is noted.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from logwriter.errors import EverystepError
from logwriter.importing import parts
from logwriter.importing.items import Mask
from logwriter.importing.names import EPOCHS, STEPS, TIMES, known_among
from logwriter.importing.source import Options
from logwriter.importing.table.cells import Column, listed
from logwriter.importing.table.chunks import Chunk
from logwriter.importing.table.clock import Clock, find_clock
from logwriter.importing.table.names import INDEX

_SHOWN = 40
_MOSTLY = 0.9
EXACT = float(1 << 53)
"""Whole numbers up to here are exact as float64."""


@dataclass(frozen=True)
class Roles:
    """The columns with a role; ``step`` is ``None`` where the rows themselves are counted.

    ``part`` says of which part of the data each row is, such as ``val``.
    """

    step: str | None
    epoch: str | None
    clock: Clock | None
    part: str | None
    left_out: frozenset[str]
    notes: tuple[str, ...]

    def metrics(self, columns: Sequence[str]) -> list[str]:
        """The columns that are metrics."""
        taken = {self.step, self.epoch, self.clock and self.clock.column, self.part, *self.left_out}
        return [column for column in columns if column not in taken]


def decide(chunk: Chunk, options: Options, path: Path, *, counted: bool) -> Roles:
    """The roles of the columns, from the first rows below their names.

    Args:
        chunk: Those rows.
        options: What the user said.
        path: The source, for errors.
        counted: Whether something else than a column says the steps.

    Raises:
        EverystepError: A column that the user named is not there, or cannot be what it was said to be.
    """
    notes: list[str] = []
    epoch = _epoch(chunk, options, path, notes)
    step = None if counted and options.step is None else _step(chunk, options, path, epoch)
    if step:
        notes.insert(0, f"steps are those of column {step!r}")
    elif not counted:
        why = "no column counts steps: the row's number is its step, from 0"
        notes.insert(0, f"{why}; --step COLUMN says otherwise")
    clock = _clock(chunk, options, path, notes)
    left_out = {name for name in chunk.columns[:1] if name in INDEX and name != step}
    if left_out:
        notes.append("the first column has no name, as an index has: it is left out")
    if options.split is not None:
        left_out.add(find_column(chunk, options.split, "--split", path))
    part = next(
        (name for name in known_among(chunk.header, parts.NAMES) if _says_parts(chunk, name)), None
    )
    if part in left_out:
        part = None
    if part:
        notes.append(f"{parts.SAID}, in column {part!r}")
    return Roles(step, epoch, clock, part, frozenset(left_out), tuple(notes))


def find_column(chunk: Chunk, wanted: str, option: str, path: Path) -> str:
    """The column of a name that the user gave; blanks around it and its case matter only if they must.

    Raises:
        EverystepError: There is none.
    """
    if wanted in chunk.header:
        return wanted
    plain = wanted.strip().casefold()
    alike = [name for name in chunk.header if name.casefold() == plain]
    if len(alike) == 1:
        return alike[0]
    raise EverystepError(
        f"{path}: there is no column {wanted!r} for {option}; there are {listed(chunk.header)}"
    )


def whole(column: Column) -> Mask:
    """Where the column has a whole number, shape ``(n,)``."""
    values = np.where(column.given & np.isfinite(column.values), column.values, 0.5)
    fits: Mask = (np.floor(values) == values) & (np.abs(values) <= EXACT)
    return fits


def _counts(column: Column) -> bool:
    """Whether a column can count: numbers in most rows, and but for a few all of them whole."""
    some = np.count_nonzero(column.given)
    fits = np.count_nonzero(whole(column)) >= _MOSTLY * some
    return bool(fits and some * 2 >= len(column.given))


def _says_parts(chunk: Chunk, name: str) -> bool:
    """Whether all that a column says are parts of the data."""
    words = {label for label in chunk.labels(name) if label}
    return bool(words) and all(parts.part_of(word) for word in words)


def _step(chunk: Chunk, options: Options, path: Path, epoch: str | None) -> str | None:
    if options.step is None:
        known = known_among(chunk.header, STEPS)
        return next((name for name in known if _counts(chunk.numbers(name))), epoch)
    name = find_column(chunk, options.step, "--step", path)
    fits = whole(chunk.numbers(name))
    labels = chunk.labels(name)
    if np.count_nonzero(fits) * 2 <= sum(map(bool, labels)):
        others = (label for label, fit in zip(labels, fits, strict=True) if label and not fit)
        first = next(others, "nothing")
        raise EverystepError(
            f"{path}: column {name!r} holds {first[:_SHOWN]!r}, and steps are whole numbers; give another "
            "column by --step"
        )
    return name


def _epoch(chunk: Chunk, options: Options, path: Path, notes: list[str]) -> str | None:
    known = known_among(chunk.header, EPOCHS)
    if options.epoch is not None:
        known = iter([find_column(chunk, options.epoch, "--epoch", path)])
    for name in known:
        column = chunk.numbers(name)
        some = np.count_nonzero(column.given)
        if some and np.count_nonzero(whole(column)) == some:
            notes.append(f"epochs are those of column {name!r}")
            return name
        if some:
            notes.append(f"column {name!r} holds fractions of epochs, so it is a metric")
    return None


def _clock(chunk: Chunk, options: Options, path: Path, notes: list[str]) -> Clock | None:
    known = known_among(chunk.header, TIMES)
    if options.time is not None:
        known = iter([find_column(chunk, options.time, "--time", path)])
    for name in known:
        if clock := find_clock(chunk, name):
            notes.append(clock.described)
            return clock
        if chunk.numbers(name).given.any():
            notes.append(f"column {name!r} holds no times since 1970, so it is a metric")
    return None
