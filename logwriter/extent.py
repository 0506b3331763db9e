"""How far the rows of a part reach, from as little of it as tells."""

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from logwriter.arrow import to_numbers
from logwriter.part import Part


def extent(part: Part, column: str) -> tuple[int, int] | None:
    """The least and the largest number in a column of whole numbers or times, in microseconds.

    Rows that a later attempt hides count. Of a segment, its footer tells.

    Returns:
        ``None`` for a part without values.

    Raises:
        FileNotFoundError: The segment is gone.
        DamagedError: It is no file any more.
        pyarrow.ArrowException: It is damaged.
    """
    if part.table is not None:
        values = part.table.column(column)
        if not len(values):
            return None
        numbers = to_numbers(values.cast(pa.int64()))
        return int(numbers.min()), int(numbers.max())
    with part.open() as file:
        footer = pq.read_metadata(file)
    place = footer.schema.names.index(column)
    groups = [footer.row_group(n) for n in range(footer.num_row_groups)]
    # of rows whose values never came, a segment is one group of nothing
    found = [group.column(place).statistics for group in groups if group.num_rows]
    if not found:
        return None
    return min(each.min_raw for each in found), max(each.max_raw for each in found)


def first_step(part: Part) -> int | None:
    """The step of the first row in the order of the log; ``None`` for a part without values.

    Rows that a later attempt hides count. What it raises is `extent`'s.
    """
    rows = steps(part)
    if not rows.num_rows:
        return None
    first = int(np.argmin(to_numbers(rows.column("seq"))))
    return int(rows.column("step")[first].as_py())


def steps(part: Part) -> pa.Table:
    """The columns ``seq`` and ``step`` of all rows, hidden ones too. What it raises is `extent`'s."""
    columns = ["seq", "step"]
    if part.table is not None:
        return part.table.select(columns)
    with part.open() as file:
        return pq.ParquetFile(file).read(columns=columns)
