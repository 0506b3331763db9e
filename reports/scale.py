"""Which y axis shows all values of a chart. Pure: NumPy in, numbers out.

No value is ever clipped: a few outliers change the kind of axis, not what is on it. The axis is
logarithmic where all values are positive and the largest is over a thousand times the small ones
(a lone tiny value would squeeze the others, so it does not count), or over thirty times and nearly
all values would lie in the lowest tenth of a linear axis, as beneath spikes. It is symmetric-logarithmic,
linear around zero, where a few values are a thousand times larger than the rest and some are not
positive.
"""

import math
from dataclasses import dataclass
from typing import Literal

import numpy as np
import numpy.typing as npt

from reports.wording import MINUS, TIMES, exponent, signed

Floats = npt.NDArray[np.float64]

_DECADES = 1e3
_LOWEST, _SQUEEZED_BY = 0.1, 30.0
_HUGE, _LARGEST = 1e290, 1.7e308
_TINY = 1e-290
_MOST_DECADES = 9.0
_FLAT, _NARROW = 1e-12, 1e-5


@dataclass(frozen=True)
class Scale:
    """A y axis.

    ``threshold`` is where a symmetric-logarithmic axis stops being linear. Values are drawn as
    multiples of ``unit``, which is 1 unless floating point could not hold the axis otherwise. The
    labels of a narrow range far from zero tell the distance to ``offset``.
    """

    kind: Literal["linear", "log", "symlog"] = "linear"
    threshold: float = 1.0
    unit: float = 1.0
    offset: float = 0.0

    @property
    def remark(self) -> str | None:
        """What the label of the axis must say of it."""
        kinds = {"linear": None, "log": "log scale", "symlog": "symmetric log scale"}
        said = []
        if self.unit != 1.0:
            said.append(f"{TIMES} {exponent(f'{self.unit:.0e}')}")
        if self.offset:
            said.append(f"{MINUS if self.offset < 0 else '+'} {_spell_offset(abs(self.offset))}")
        return ", ".join([*said, *filter(None, [kinds[self.kind]])]) or None


def choose_scale(values: Floats) -> Scale:
    """The axis for finite ``values`` of any number, in any order."""
    if not values.size:
        return Scale()
    low, high = float(values.min()), float(values.max())
    if low > _TINY:
        small, large = np.quantile(values, (0.02, 0.95), method="lower").tolist()
        squeezed = large - low < _LOWEST * (high - low)
        if high / small > (_SQUEEZED_BY if squeezed else _DECADES):
            return Scale("log")
    largest = max(-low, high)
    unit = 10.0 ** math.floor(math.log10(largest)) if largest > _HUGE else 1.0
    values, low, high = values / unit, low / unit, high / unit
    usual = np.abs(np.quantile(values, (0.02, 0.98), method="nearest")).max()
    if usual > _TINY and max(-low, high) / usual > _DECADES:
        return Scale("symlog", threshold=float(f"{usual:.0e}"), unit=unit)
    return Scale(unit=unit, offset=_offset(low, high) if unit == 1.0 else 0.0)


def limits(values: Floats, scale: Scale, room: tuple[float, float]) -> tuple[float, float]:
    """Where the axis begins and ends: past every value, in multiples of the scale's unit.

    Args:
        values: All finite values that are drawn.
        scale: The axis.
        room: How much to leave free below and above, as shares of what the values span.
    """
    if not values.size:
        return 0.0, 1.0
    low, high = float(values.min() / scale.unit), float(values.max() / scale.unit)
    if scale.kind == "log":
        decades = math.log10(high) - math.log10(low)
        below, above = (10 ** min(decades * share, _MOST_DECADES) for share in room)
        return low / below, min(high * above, max(high, _LARGEST))
    if scale.kind == "symlog":
        return _past(low, -1, scale.threshold), _past(high, 1, scale.threshold)
    span = high - low
    if _is_flat(low, high):
        around = abs(high) * 0.1 if abs(high) > _TINY else 1.0
        return low - around, high + around
    return low - span * room[0], high + span * room[1]


def _is_flat(low: float, high: float) -> bool:
    return high - low <= max(abs(high) * _FLAT, _TINY)


def _offset(low: float, high: float) -> float:
    """A round number within ten spans of a range that is narrow for its distance from zero."""
    span = high - low
    if _is_flat(low, high) or span > max(-low, high) * _NARROW:
        return 0.0
    grain = 10.0 ** math.ceil(math.log10(span))
    return float(f"{round((low + span / 2) / grain) * grain:.15g}")


def _spell_offset(offset: float) -> str:
    brief = f"{offset:.3g}"
    text = brief if float(brief) == offset else f"{offset:.15g}"
    return signed(exponent(text)) if "e" in text else f"{float(text):,}".removesuffix(".0")


def _past(value: float, sign: int, threshold: float) -> float:
    if value * sign <= 0:
        return sign * threshold
    return value * 3 if abs(value) > threshold else sign * threshold * 1.5
