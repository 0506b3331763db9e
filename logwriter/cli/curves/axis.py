"""Where a value lies between the bottom and the top of a curve."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from logwriter.cli.text import number

Floats = npt.NDArray[np.float64]
Kind: TypeAlias = Literal["linear", "log", "symlog"]


@dataclass(frozen=True)
class Axis:
    """A vertical axis from its least to its greatest value.

    ``log`` asks for positive values; ``symlog`` is linear up to ``threshold`` on either side of
    zero, and logarithmic beyond.
    """

    low: float
    high: float
    kind: Kind = "linear"
    threshold: float = 1.0

    @property
    def labels(self) -> tuple[str, str]:
        """Both ends in as few digits as tell them apart."""
        low, high = number(self.low), number(self.high)
        digits = 4
        while low == high and self.low != self.high:
            digits += 1
            low, high = f"{self.low:.{digits}g}", f"{self.high:.{digits}g}"
        return low, high

    def dots(self, values: Floats, rows: int) -> npt.NDArray[np.int64]:
        """The row of each finite value, (n,), counted from the bottom among ``rows`` of dots."""
        bottom, top = self._bend(np.array([self.low, self.high]))
        if bottom == top:
            return np.full(len(values), rows // 2, dtype=np.int64)
        share = (self._bend(values) - bottom) / (top - bottom)
        dots: Floats = np.clip(np.rint(share * (rows - 1)), 0, rows - 1)
        return dots.astype(np.int64)

    def _bend(self, values: Floats) -> Floats:
        if self.kind == "log":
            return np.asarray(np.log10(values))
        if self.kind == "symlog":
            apart = np.log(np.abs(values) + self.threshold) - np.log(self.threshold)
            return np.asarray(np.sign(values) * apart)
        scale = max(abs(self.low), abs(self.high)) or 1.0
        return values / scale  # the widest range would be infinite otherwise
