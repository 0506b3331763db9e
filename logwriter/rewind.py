"""Which rows a later attempt hides: history is never rewritten, only read differently.

Metrics may count steps differently (validation often logs step = epoch), so a rewind is a point in
the order of the log: resuming at step *s* hides, in earlier attempts of the same rank, everything
logged from the first row on whose step went past *s*.
"""

from collections.abc import Sequence
from dataclasses import replace

import pyarrow.compute as pc

from logwriter.extent import extent, first_step, steps
from logwriter.part import Part, WriterLog

_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1


def hide_rewound(writers: Sequence[WriterLog]) -> list[WriterLog]:
    """The writers, their parts marked with ``hidden_from`` where later attempts hide rows.

    Args:
        writers: In order of rank, then attempt.
    """
    resumed = [resume_step(log) for log in writers]
    return [
        replace(log, parts=_hide(log.parts, _least_later(number, writers, resumed)))
        for number, log in enumerate(writers)
    ]


def last_step(parts: Sequence[Part]) -> int | None:
    """The largest step of the rows that are not hidden; ``None`` without rows."""
    steps = [step for part in parts if (step := _largest_step(part)) is not None]
    return max(steps, default=None)


def _least_later(
    number: int, writers: Sequence[WriterLog], resumed: Sequence[int | None]
) -> int | None:
    """The smallest step that later attempts of the same rank leave to one of the writers.

    It alone tells what is hidden: the first row past it is never behind the first one past a larger.
    """
    rank = writers[number].state.writer.rank
    later = zip(writers[number + 1 :], resumed[number + 1 :], strict=True)
    left = [step for other, step in later if other.state.writer.rank == rank and step is not None]
    return min(left, default=None)


def _hide(parts: tuple[Part, ...], step: int | None) -> tuple[Part, ...]:
    """The parts, marked from the first row past the step on."""
    cut = None if step is None else first_past(parts, step)
    if cut is None:
        return parts
    return tuple(
        replace(part, hidden_from=cut) if part.first_seq + part.rows > cut else part
        for part in parts
    )


def resume_step(log: WriterLog) -> int | None:
    """The last step that the attempt leaves to earlier ones; ``None`` if it hides nothing.

    It is one less than any step can be where the attempt begins with the smallest of all.
    """
    if log.state.resumed is None:
        return None
    if log.state.resumed.step is not None:
        return log.state.resumed.step
    for part in log.parts:
        first = first_step(part)
        if first is not None:  # else a repair kept none of its values
            return first - 1
    return None


def first_past(parts: Sequence[Part], step: int) -> int | None:
    """The sequence number of the first row whose step is larger than ``step``."""
    if step >= _LARGEST:
        return None
    if step < _SMALLEST:
        return min((part.first_seq for part in parts), default=None)
    for part in parts:
        if part.path is not None:
            reach = extent(part, "step")
            if reach is None or reach[1] <= step:
                continue
        past = steps(part).filter(pc.field("step") > step)
        if past.num_rows:
            return int(pc.min(past.column("seq")).as_py())
    return None


def _largest_step(part: Part) -> int | None:
    if part.hidden_from is None and part.path is not None:
        reach = extent(part, "step")
        return None if reach is None else reach[1]
    table = steps(part)
    if part.hidden_from is not None:
        table = table.filter(pc.field("seq") < part.hidden_from)
    largest = pc.max(table.column("step")).as_py()
    return None if largest is None else int(largest)
