"""Rows of a table that say of which part of the data they are: their metrics, and steps of their own."""

from collections.abc import Mapping, Sequence

import numpy as np

from logwriter.importing.items import Mask
from logwriter.importing.names import WITHIN, plain
from logwriter.importing.parts import TRAINING, in_part, part_of
from logwriter.importing.table.cells import Column


def parts_in(labels: Sequence[str]) -> dict[str, Mask]:
    """Which rows are of each part, by its name, in a stable order; each of shape ``(n,)``."""
    parts = np.array([part_of(label) or "" for label in labels])
    return {str(part): parts == part for part in np.unique(parts)}


def metrics_of(metrics: Mapping[str, Column], parts: Mapping[str, Mask]) -> dict[str, Column]:
    """The metrics of each part, with the part in front of their names."""
    found: dict[str, Column] = {}
    for part, rows in parts.items():
        for name, column in metrics.items():
            given = column.given & rows
            if given.any():
                named = in_part(name, part) if part else name
                found[name if named in found else named] = Column(column.values, given)
    return found


def follows(parts: Mapping[str, Mask], step: str | None, count: int) -> Mask:
    """Which of ``count`` rows take the step of the training row before.

    Those that are not of training, where the column counts within epochs, as validation counts anew.
    """
    none = np.zeros(count, np.bool_)
    if step is None or plain(step) not in WITHIN:
        return none
    others = [rows for part, rows in parts.items() if part not in ("", TRAINING)]
    found: Mask = np.logical_or.reduce([none, *others])
    return found
