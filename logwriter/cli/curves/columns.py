"""Rows folded into columns of dots: what each column must show, however many rows there are.

Folding a log in pieces and joining them gives what folding it at once does.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Columns:
    """The rows of one curve, column by column; arrays of shape (n,).

    ``rows`` counts all rows, ``missing`` those that are not finite. ``low`` and ``high`` are the
    least and greatest finite value, infinite where there is none. ``enter`` is the value at the
    smallest step of the column and ``leave`` that at the largest, whatever they are.
    """

    rows: Ints
    missing: Ints
    low: Floats
    high: Floats
    enter: Floats
    enter_step: Ints
    leave: Floats
    leave_step: Ints


def place_steps(steps: Ints, span: tuple[int, int], count: int) -> Ints:
    """The column of each step: the first step of ``span`` lies in the first, the last in the last."""
    first, last = span
    if first == last:
        return np.full(len(steps), (count - 1) // 2, dtype=np.int64)
    share = (steps.astype(np.float64) - first) / (float(last) - first)
    return np.clip(np.rint(share * (count - 1)), 0, count - 1).astype(np.int64)


def fold_rows(steps: Ints, values: Floats, span: tuple[int, int], count: int) -> Columns:
    """Fold rows into ``count`` columns.

    Args:
        steps: Steps of shape (n,), in log order; they may repeat and step back.
        values: Values of shape (n,); they need not be finite.
        span: The first and the last step of the horizontal axis.
        count: Columns of dots.
    """
    if np.any(steps[1:] < steps[:-1]):
        order = np.argsort(steps, kind="stable")
        steps, values = steps[order], values[order]
    place = place_steps(steps, span, count)
    starts = np.flatnonzero(np.diff(place, prepend=-1))
    columns = _nothing(count)
    if not len(starts):
        return columns
    at, ends = place[starts], np.append(starts[1:], len(place)) - 1
    finite = np.isfinite(values)
    columns.rows[at] = np.diff(starts, append=len(place))
    columns.missing[at] = np.add.reduceat(~finite, starts, dtype=np.int64)
    columns.low[at] = np.minimum.reduceat(np.where(finite, values, np.inf), starts)
    columns.high[at] = np.maximum.reduceat(np.where(finite, values, -np.inf), starts)
    columns.enter[at], columns.enter_step[at] = values[starts], steps[starts]
    columns.leave[at], columns.leave_step[at] = values[ends], steps[ends]
    return columns


def join(before: Columns, after: Columns) -> Columns:
    """Both together; ``after`` holds rows that were logged later."""
    enters = (after.rows > 0) & ((before.rows == 0) | (after.enter_step < before.enter_step))
    leaves = (after.rows > 0) & ((before.rows == 0) | (after.leave_step >= before.leave_step))
    return Columns(
        rows=before.rows + after.rows,
        missing=before.missing + after.missing,
        low=np.minimum(before.low, after.low),
        high=np.maximum(before.high, after.high),
        enter=np.where(enters, after.enter, before.enter),
        enter_step=np.where(enters, after.enter_step, before.enter_step),
        leave=np.where(leaves, after.leave, before.leave),
        leave_step=np.where(leaves, after.leave_step, before.leave_step),
    )


def _nothing(count: int) -> Columns:
    return Columns(
        rows=np.zeros(count, dtype=np.int64),
        missing=np.zeros(count, dtype=np.int64),
        low=np.full(count, np.inf),
        high=np.full(count, -np.inf),
        enter=np.full(count, np.nan),
        enter_step=np.zeros(count, dtype=np.int64),
        leave=np.full(count, np.nan),
        leave_step=np.zeros(count, dtype=np.int64),
    )
