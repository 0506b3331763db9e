"""Columns that may tell runs apart which share a table: what to suggest where nothing was said."""

from collections import Counter
from collections.abc import Iterator, Mapping

import numpy as np

from logwriter.importing.items import Ints, Item, Mask, Noted
from logwriter.importing.source import Options
from logwriter.importing.table.cells import Column
from logwriter.importing.table.chunks import Chunk
from logwriter.importing.table.names import TELLS_RUNS_APART

_FIRST_FALLS = 1000
"""So many of them in some rows are enough to see what changes with them."""


class RunsApart:
    """Watches where steps fall, and which columns change there."""

    def __init__(self) -> None:
        self._step: int | None = None
        self._labels: dict[str, str] = {}
        self._several: dict[str, bool] = {}
        self._falls = 0
        self._changes: Counter[str] = Counter()

    def look(self, chunk: Chunk, metrics: Mapping[str, Column], step: Ints, there: Mask) -> None:
        """Look at some rows, of which some are ``there``; all of shape ``(n,)``.

        Columns of well-known names may tell runs apart, and those that are called metrics but hold text.
        """
        at = np.flatnonzero(there)
        if not len(at):
            return
        steps = step[at]
        first = steps[0] if self._step is None else self._step
        falls = np.flatnonzero(steps < np.concatenate([[first], steps[:-1]]))[
            :_FIRST_FALLS
        ].tolist()
        self._falls += len(falls)
        self._step = int(steps[-1])
        for name in chunk.header:
            is_known = name.strip().lower() in TELLS_RUNS_APART
            if not is_known and (name not in metrics or metrics[name].given.any()):
                continue
            labels = chunk.labels(name)
            for fall in falls:
                before = labels[at[fall - 1]] if fall else self._labels.get(name, "")
                self._changes[name] += labels[at[fall]] != before
            if is_known and not self._several.get(name):
                seen = {labels[place] for place in at.tolist()} - {""}
                self._several[name] = len(seen | {self._labels.get(name, "")} - {""}) > 1
            self._labels[name] = labels[at[-1]]

    def notes(self, options: Options) -> Iterator[Item]:
        """What to suggest."""
        if options.split is not None:
            return
        for name, changes in self._changes.items():
            if changes and changes == self._falls:
                yield Noted(
                    f"steps go back where column {name!r} changes: --split {name} makes each of its values "
                    "a run"
                )
                return
        for name, several in self._several.items():
            if several:
                yield Noted(
                    f"column {name!r} has several values, whose rows are all in this run: --split {name} "
                    "makes each of them a run"
                )
                return
