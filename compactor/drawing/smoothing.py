"""Smoothing, over all rows of a line and before any of them is left out.

Both filters look back only: what they say of a step never changes when training goes on. Values that
are not finite are passed over: they are gaps of the smoothed line too, and the filter goes on behind
them as if they had not been logged.
"""

import re
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from compactor.sampling.arrays import Floats

_BLOCK = 1 << 16
"""How many values are filtered at a time: they stay in the processor's cache."""


@dataclass(frozen=True)
class Exponential:
    """An exponential moving average without the bias of its start, as TensorBoard defines it.

    The value at the k-th finite row is ``Σ w^(k-i) v_i / Σ w^(k-i)`` over the rows ``i <= k``: the
    average with zero as its start, divided by ``1 - w^k`` (Kingma and Ba, "Adam", 2015, section 3;
    in TensorBoard, ``resmoothDataset`` of its line chart). TensorBoard leaves a constant line as it
    is; here it comes out the same up to rounding.

    Attributes:
        weight: ``w``, from 0 (no smoothing) to below 1.
    """

    weight: float

    @property
    def text(self) -> str:
        """As `parse_smoothing` reads it."""
        return f"ema:{self.weight!r}"

    def filtered(self, values: Floats) -> Floats:
        """Filter finite values of shape ``(N,)``."""
        if self.weight == 0:
            return values.copy()
        decay = np.log1p(self.weight - 1)
        ages = np.arange(1, min(_BLOCK, len(values)) + 1)
        carried = self.weight**ages
        smoothed = np.empty_like(values)
        state = 0.0
        for start in range(0, len(values), _BLOCK):
            block = values[start : start + _BLOCK] * (1 - self.weight)
            _decayed_sums(block, self.weight)
            block += state * carried[: len(block)]
            state = float(block[-1])
            block /= -np.expm1(decay * (start + ages[: len(block)]))
            smoothed[start : start + _BLOCK] = block
        return smoothed


@dataclass(frozen=True)
class RunningMean:
    """The mean of the last finite values; of fewer at the start of a line.

    Attributes:
        window: How many, the row itself among them.
    """

    window: int

    @property
    def text(self) -> str:
        """As `parse_smoothing` reads it."""
        return f"mean:{self.window}"

    def filtered(self, values: Floats) -> Floats:
        """Filter finite values of shape ``(N,)``."""
        window = max(1, min(self.window, len(values)))
        smoothed = np.empty_like(values)
        length = max(_BLOCK, window)
        for start in range(0, len(values), length):
            low = max(0, start - window + 1)
            sums = _window_sums(values[low : start + length] / window, window)
            smoothed[start : start + length] = sums[start - low :]
        smoothed[:window] *= window / np.arange(1, window + 1)[: len(values)]
        return smoothed


Smoothing: TypeAlias = Exponential | RunningMean


def parse_smoothing(text: str) -> Smoothing:
    """The filter that a text names.

    Args:
        text: ``"ema:0.98"``, an exponential average with that weight, or ``"mean:100"``, a running
            mean over that many rows.

    Raises:
        ValueError: It names no filter.
    """
    kind, _, amount = text.partition(":")
    if kind == "ema" and re.fullmatch(r"0?\.[0-9]+|0\.?", amount) and float(amount) < 1:
        return Exponential(float(amount))
    if kind == "mean" and re.fullmatch(r"0*[1-9][0-9]{0,17}", amount):
        return RunningMean(int(amount))
    raise ValueError(
        f"there is no smoothing {text!r}; give ema:WEIGHT with a weight from 0 to below 1, such as "
        "ema:0.98, or mean:ROWS, such as mean:100"
    )


def smooth(values: Floats, smoothing: Smoothing) -> Floats:
    """Smooth a line.

    Args:
        values: All values of a line in the order of its steps, shape ``(N,)``.
        smoothing: The filter.

    Returns:
        Shape ``(N,)``; NaN where ``values`` is not finite.
    """
    finite = np.isfinite(values)
    smoothed = np.full(len(values), np.nan)
    smoothed[finite] = smoothing.filtered(values[finite])
    return smoothed


def _decayed_sums(values: Floats, weight: float) -> None:
    """Make each value the sum of those up to it, weighted by ``weight`` to the power of their age.

    Sums of 1, 2, 4 … values are put together (Hillis and Steele, "Data parallel algorithms", 1986):
    nothing is ever subtracted, so nothing cancels.
    """
    reach = 1
    while reach < len(values) and weight**reach > 0:
        values[reach:] += weight**reach * values[:-reach]
        reach *= 2


def _window_sums(values: Floats, window: int) -> Floats:
    """Sums over the last ``window`` values, put together from sums of 1, 2, 4 … of them.

    A difference of running totals would be cheaper, but one huge value would spoil all behind it.
    """
    total = np.zeros_like(values)
    spans = values.copy()
    covered, reach = 0, 1
    while reach <= window:
        if window & reach:
            total[covered:] += spans[: len(spans) - covered]
            covered += reach
        spans[reach:] += spans[: len(spans) - reach].copy()
        reach *= 2
    return total
