"""From groups of rows to cells: once in C, once in NumPy.

`compiled` (``compiled.c``) is built where there is a C compiler, or comes ready in a wheel. Where it is
missing, `interpreted` makes the same cells, at several times the cost, and as the text that explains
them. ``EVERYSTEP_COMPILED=0`` in the environment asks for the latter.
"""

from types import ModuleType

import numpy as np

from compactor.fold.cells import CELL, ROW
from compactor.fold.exact import TERM
from compactor.fold.records import Kind, Records
from compactor.fold.rows import Rows
from compactor.fold.summing import interpreted
from compactor.sampling.arrays import Ints
from logwriter.built import built

CONTRACT = 1  # what is expected of C: one that was built before a change is not used after it

_compiled = built("compactor.fold.summing.compiled", CONTRACT)
IS_COMPILED = _compiled is not None


def summed(rows: Rows, starts: Ints, *, in_order: bool) -> tuple[Records, Records]:
    """As `interpreted.summed`, in C where that was built. The interpreter's lock is let go of then.

    Raises:
        ValueError: In C: the columns are not as rows have them, or the groups not as they should be.
    """
    if _compiled is None:
        return interpreted.summed(rows, starts, in_order=in_order)
    return _summed_in_c(_compiled, rows, starts, in_order=in_order)


def _summed_in_c(
    module: ModuleType, rows: Rows, starts: Ints, *, in_order: bool
) -> tuple[Records, Records]:
    """Nothing else may write to the rows meanwhile."""
    cells = Records.zeros(CELL, len(starts))
    line, *columns = (np.ascontiguousarray(getattr(rows, name)) for name in ("line", *module.ROW))
    places, row_places = _places(CELL, module.CELL), _places(ROW, module.ROW)
    found = module.sum(line, tuple(columns), starts, in_order, cells.columns, places, row_places)
    parts = np.frombuffer(found, np.int64).reshape(len(module.TERM), -1)
    terms = Records.zeros(TERM, parts.shape[1])
    for name, part in zip(module.TERM, parts, strict=True):
        terms[name] = part
    return cells, terms


def _places(kind: Kind, names: tuple[str, ...]) -> tuple[int, ...]:
    """The column of each field in `Records` of this kind; of a field that is a row, its first one."""
    if kind.fields is None:
        raise TypeError(f"{kind} has no fields")
    return tuple(kind.fields[name][1] // 8 for name in names)
