"""Numbers that come one by one, gathered in columns until they make a chunk of `Rows`."""

from array import array
from collections.abc import Iterable, Iterator

import numpy as np

from logwriter.importing.items import Floats, Ints, Rows

ROWS_A_CHUNK = 1 << 16
CELLS_A_CHUNK = 1 << 20
"""Rows times metrics: what bounds the memory where metrics are many."""
_LATEST = 1 << 53  # microseconds, some 285 years: beyond it a float64 no longer counts them


class Columns:
    """Gathers rows. ``untimed`` counts those that had no time, and got that of the row before."""

    def __init__(self, begun: int) -> None:
        """Begin. ``begun``, in microseconds since 1970, is the time of rows before any with a time."""
        self.untimed = 0
        self._last = begun
        self._clear()

    def add(self, step: int, seconds: float, values: Iterable[tuple[str, float]]) -> None:
        """Take a row; ``seconds`` since 1970. A metric that comes twice in it begins another row."""
        self._begin(step, seconds)
        seen: set[int] = set()
        for metric, value in values:
            code = self._codes.setdefault(metric, len(self._codes))
            if code in seen:
                self._begin(step, seconds)
                seen = set()
            seen.add(code)
            self._row_of.append(self._rows - 1)
            self._code_of.append(code)
            self._values.append(value)

    @property
    def is_full(self) -> bool:
        """Whether it is time to `flush`."""
        return self._rows >= ROWS_A_CHUNK or self._rows * len(self._codes) >= CELLS_A_CHUNK

    def flush(self) -> Iterator[Rows]:
        """What was gathered, if anything was; then begin anew."""
        if self._rows:
            rows = self._chunk()
            self._clear()
            yield rows

    def _begin(self, step: int, seconds: float) -> None:
        self._steps.append(step)
        self._seconds.append(seconds)
        self._rows += 1

    def _clear(self) -> None:
        self._rows = 0
        self._codes: dict[str, int] = {}
        self._steps, self._seconds = array("q"), array("d")
        self._row_of, self._code_of, self._values = array("q"), array("q"), array("d")

    def _chunk(self) -> Rows:
        row_of, code_of = np.array(self._row_of), np.array(self._code_of)
        by_code = np.argsort(code_of, kind="stable")
        ends = np.cumsum(np.bincount(code_of, minlength=len(self._codes)))
        found = np.array(self._values)
        values, given = {}, {}
        for metric, cells in zip(self._codes, np.split(by_code, ends[:-1]), strict=True):
            at = row_of[cells]
            values[metric] = np.zeros(self._rows)
            values[metric][at] = found[cells]
            if len(at) < self._rows:
                given[metric] = np.zeros(self._rows, np.bool_)
                given[metric][at] = True
        return Rows(np.array(self._steps), values, given, time=self._times())

    def _times(self) -> Ints:
        """Microseconds; a time that is none, such as NaN or 0, becomes that of the row before."""
        seconds: Floats = np.array(self._seconds)
        with np.errstate(over="ignore", invalid="ignore"):
            micros = np.rint(seconds * 1e6)
            usable = (micros >= 1) & (micros < _LATEST)
        self.untimed += self._rows - int(np.count_nonzero(usable))
        before = np.maximum.accumulate(np.where(usable, np.arange(self._rows), -1))
        times = np.where(usable, micros, 0).astype(np.int64)[before]
        times[before < 0] = self._last
        self._last = int(times[-1])
        return times
