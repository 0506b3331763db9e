"""From a journal's slots and row bytes to arrays. Pure, and NumPy but for the layout records.

Widths come from the slots, offsets from their cumulative sum, values by fancy indexing.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from logwriter.errors import DamagedError
from logwriter.journal import LAYOUT_SLOT, PENDING, ROW_WORDS, Header, decode_layout

_Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Block:
    """Rows of one layout, in log order.

    Shapes: ``seq``, ``time`` (µs since 1970), ``step`` and ``epoch`` are (n,); ``values`` is
    (n, len(names)).
    """

    names: tuple[str, ...]
    seq: npt.NDArray[np.int64]
    time: npt.NDArray[np.int64]
    step: npt.NDArray[np.int64]
    epoch: npt.NDArray[np.int64]
    values: npt.NDArray[np.float64]


@dataclass(frozen=True)
class Located:
    """Where the rows of a journal lie.

    ``number`` counts the journal's rows from 0, ``starts`` and ``ends`` are byte offsets into the
    row region, ``layout`` the index into ``layouts`` of each row; all (n,), in log order, layout
    records left out.
    """

    layouts: list[tuple[str, ...]]
    number: _Ints
    starts: _Ints
    ends: _Ints
    layout: _Ints

    def front(self, rows: int) -> "Located":
        """The first ``rows`` rows."""
        return self.only(slice(rows))

    def only(self, chosen: slice | npt.NDArray[np.bool_]) -> "Located":
        """The chosen rows."""
        columns = (self.number, self.starts, self.ends, self.layout)
        return Located(self.layouts, *(column[chosen] for column in columns))


def locate(
    slots: npt.NDArray[np.uint16], rows: bytes | memoryview, where: str
) -> tuple[Located, DamagedError | None]:
    """Find each row from the slots in use, up to the first that makes no sense.

    Args:
        slots: The used slots, (n,), none of them 0.
        rows: The row region, or as much of its front as the slots use.
        where: The journal's name, for errors.

    Returns:
        The rows found, and what is wrong behind them: a slot that names no layout, a damaged layout
        record, or rows past the end of the region.
    """
    layouts: list[tuple[str, ...]] = []
    found: list[tuple[_Ints, _Ints]] = []
    damage = None
    position = begin = 0
    marks = np.flatnonzero(slots == LAYOUT_SLOT).tolist()
    widths = np.zeros(len(marks) + 1, dtype=np.int64)
    for mark in [*marks, len(slots)]:
        ids = slots[begin:mark].astype(np.int64)
        known = int(np.argmax(np.append(ids > len(layouts), True)))
        ends = position + np.cumsum(widths[ids[:known]])
        fitting = int(np.searchsorted(ends, len(rows), side="right"))
        found.append((ends[:fitting], ids[:fitting]))
        if fitting < len(ids):
            fault = "its row does not fit" if fitting < known else "it names no layout"
            damage = DamagedError(f"{where}: slot {begin + fitting} is damaged: {fault}")
            break
        position = int(ends[-1]) if len(ends) else position
        if mark < len(slots):
            try:
                names, record = decode_layout(rows, position, where)
            except DamagedError as error:
                damage = error
                break
            layouts.append(names)
            widths[len(layouts)] = 8 * (ROW_WORDS + len(names))
            position += record
        begin = mark + 1
    ends, ids = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return Located(layouts, np.arange(len(ends)), ends - widths[ids], ends, ids - 1), damage


def find_timeless(located: Located, rows: bytes | memoryview) -> npt.NDArray[np.bool_]:
    """Which of the located rows, (n,), were committed but hold no time."""
    words = np.frombuffer(rows, dtype="<i8", count=len(rows) // 8)
    return np.asarray(words[located.starts // 8] == 0)


def find_pending(located: Located, rows: bytes | memoryview) -> npt.NDArray[np.bool_]:
    """Which of the located rows, (n,), wait for a value from a device."""
    words = np.frombuffer(rows, dtype="<u8", count=len(rows) // 8)
    waiting = np.flatnonzero(words == PENDING) * 8
    if not len(waiting):
        return np.zeros(len(located.ends), dtype=np.bool_)
    first = np.searchsorted(waiting, located.starts + 8 * ROW_WORDS)
    return np.asarray(first < np.searchsorted(waiting, located.ends))


def decode(located: Located, rows: bytes | memoryview, header: Header) -> list[Block]:
    """The located rows as arrays, grouped by layout, in log order inside each group."""
    words = np.frombuffer(rows, dtype="<i8", count=len(rows) // 8)
    order = np.argsort(located.layout, kind="stable")
    bounds = np.searchsorted(located.layout[order], np.arange(len(located.layouts) + 1))
    blocks = []
    for number, names in enumerate(located.layouts):
        at = order[bounds[number] : bounds[number + 1]]
        if not len(at):
            continue
        table = words[located.starts[at][:, None] // 8 + np.arange(ROW_WORDS + len(names))]
        values = np.ascontiguousarray(table[:, ROW_WORDS:]).view(np.float64)
        time = (header.clock_origin + table[:, 0]) // 1000
        seq = header.first_seq + located.number[at]
        blocks.append(Block(names, seq, time, table[:, 1], table[:, 2], values))
    return blocks


def count_rows(slots: npt.NDArray[np.uint16]) -> int:
    """How many of the used slots hold a row: all but the layout records."""
    return int(np.count_nonzero(slots != LAYOUT_SLOT))
