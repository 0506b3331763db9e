"""The newest rows of a run, as many as a display has time for."""

from collections.abc import Sequence

import pyarrow.parquet as pq

from logwriter.part import Part
from logwriter.runlog import Attempts, RunLog

MOST_VALUES = 10_000_000  # under two seconds


class RecentLog(RunLog):
    """A run whose parts are the newest ones of each rank; lower ranks are asked first.

    ``shown`` of the ``values`` that its effective history has, rewound rows of a part included, are
    in them. The newest part is there however large it is.
    """

    def __init__(self, log: RunLog, most: int = MOST_VALUES) -> None:
        """Choose parts of ``log`` until they hold ``most`` values."""
        self.path, self.state, self.writers = log.path, log.state, log.writers
        self.values = self.shown = 0
        self._chosen: list[Part] = []
        for rank in log.state.ranks:
            parts = log.parts(ranks=[rank])
            sizes = [_values(part) for part in parts]
            kept = len(parts)
            while kept and self.shown < most:
                kept -= 1
                self.shown += sizes[kept]
            self.values += sum(sizes)
            self._chosen += parts[kept:]

    def parts(
        self, attempts: Attempts = "effective", ranks: Sequence[int] | None = None
    ) -> list[Part]:
        """The chosen parts; they are of the effective history, whatever is asked for."""
        del attempts
        return [part for part in self._chosen if ranks is None or part.rank in ranks]


def _values(part: Part) -> int:
    if part.table is not None:
        return int(part.table.num_rows)
    with part.open() as file:
        return int(pq.read_metadata(file).num_rows)
