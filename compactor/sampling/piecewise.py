"""A table of strides: early steps in full, later ones ever more thinly.

1 in 1 up to step 1000, 1 in 10 to 10 000, 1 in 50 to 100 000, 1 in 200 to 1 000 000, and 1 in 1000
beyond: 17,200 of the first ten million steps. A point stays if its step is a multiple of the stride
that holds there, so that charts of different runs show the same steps.
"""

from typing import TypeAlias

import numpy as np

from compactor.sampling.arrays import Curve, Ints, thinned

Table: TypeAlias = tuple[tuple[int, int], ...]
"""``(from step, one in so many)``; the first row begins at 0 and holds before it too."""

TABLE: Table = ((0, 1), (1_000, 10), (10_000, 50), (100_000, 200), (1_000_000, 1_000))


def piecewise(curve: Curve, n: int | None, *, table: Table = TABLE) -> Ints:
    """The steps of the table, and the pins; thinned alike where that is more than ``n``.

    Args:
        curve: Finite points; ``x`` are steps.
        n: How many points may stay; ``None`` keeps all that the table grants.
        table: The strides.

    Returns:
        Strictly increasing indices.
    """
    chosen = np.zeros(len(curve), np.bool_)
    begins = np.searchsorted(curve.x, [start for start, _ in table[1:]])
    for begin, end, (_, stride) in zip([0, *begins], [*begins, len(curve)], table, strict=True):
        chosen[begin:end] = np.fmod(curve.x[begin:end], stride) == 0
    return thinned(curve, chosen, n)


def parse_table(options: str) -> Table:
    """Read ``0=1,1000=10``: from each step on, one in so many.

    Raises:
        ValueError: It is not such a table.
    """
    try:
        table = tuple((int(start), int(stride)) for start, stride in _pairs(options))
    except ValueError:
        raise ValueError(_refusal(options, "it takes pairs STEP=STRIDE of whole numbers")) from None
    starts = [start for start, _ in table]
    if starts[0] != 0:
        raise ValueError(_refusal(options, "its first step must be 0"))
    if starts != sorted(set(starts)):
        raise ValueError(_refusal(options, "its steps must increase"))
    if min(stride for _, stride in table) < 1:
        raise ValueError(_refusal(options, "its strides must be at least 1"))
    return table


def table_text(table: Table) -> str:
    """The table as `parse_table` reads it."""
    return ",".join(f"{start}={stride}" for start, stride in table)


def _pairs(options: str) -> list[list[str]]:
    return [pair.split("=") for pair in options.split(",")]


def _refusal(options: str, fault: str) -> str:
    return (
        f"piecewise cannot use the table {options!r}: {fault}, for example "
        f"piecewise:{table_text(TABLE[:3])}"
    )
