"""Tick labels that are short, exact and of bounded width, whatever the size of the numbers."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axis import Axis
from matplotlib.ticker import (
    FixedFormatter,
    FixedLocator,
    Formatter,
    MaxNLocator,
    NullFormatter,
    NullLocator,
)

from reports.scale import Scale
from reports.steps import StepAxis
from reports.wording import exponent, signed, whole

_MOST_DIGITS = 12
_MOST_TICKS = 8
_STEPS = [1, 2, 2.5, 5, 10]
_LARGE = 1e4
_WHOLE = 1e-9
_SIZES = ((10**12, "T"), (10**9, "G"), (10**6, "M"), (10**3, "k"))


@dataclass(frozen=True)
class ValueTicks:
    """The ticks of a y axis: where they are, and what stands beside each."""

    places: list[float]
    labels: list[str]


class StepLabels(Formatter):
    """Whole steps: ``4,000``, then ``40k`` and ``4M`` where the axis is long."""

    def __call__(self, x: float, pos: int | None = None) -> str:  # noqa: ARG002 - matplotlib's signature
        """The label of one tick on its own."""
        return spell_steps([x])[0]

    def format_ticks(self, values: Sequence[float]) -> list[str]:
        """The labels of all ticks of an axis."""
        return spell_steps(values)


def spell_values(values: Sequence[float]) -> list[str]:
    """The shortest labels that are exact to a hundredth of the distance between ticks."""
    numbers = [float(value) for value in values]
    gaps = np.diff(np.unique(numbers))
    error = float(gaps.min()) / 100 if gaps.size else max(map(abs, numbers), default=0.0) / 1e4
    for digits in range(1, _MOST_DIGITS + 1):
        labels = [f"{value:.{digits}g}" for value in numbers]
        if all(abs(float(t) - v) <= error for t, v in zip(labels, numbers, strict=True)):
            break
    return _by_size([float(label) for label in labels]) or [
        _plain(label, error) for label in labels
    ]


def spell_steps(steps: Sequence[float]) -> list[str]:
    """Steps by thousands or millions where all ticks come out short."""
    numbers = [round(float(step)) for step in steps]
    largest = max(map(abs, numbers), default=0)
    for size, suffix in _SIZES:
        if largest >= 10 * size and all(number * 10 % size == 0 for number in numbers):
            return [_sized(number, size, suffix) for number in numbers]
    return [whole(number) for number in numbers]


def dress_steps(axis: Axis, steps: StepAxis, *, room: float) -> None:
    """Ticks of the x axis for ``room`` points of width."""
    if steps.stretched:
        places = stretched_ticks(steps)
        axis.set_major_locator(FixedLocator(places))
        axis.set_major_formatter(FixedFormatter([spell_values([place])[0] for place in places]))
        axis.set_minor_locator(NullLocator())
        return
    few = max(2, min(8, int(room / 50)))
    axis.set_major_locator(MaxNLocator(nbins=few, steps=_STEPS, integer=True))
    axis.set_major_formatter(StepLabels())


def stretched_ticks(steps: StepAxis) -> list[float]:
    """Zero, and the powers of ten of either sign from where the axis begins to be logarithmic."""
    first, last = steps.limits
    powers = decades(steps.width, max(abs(first), abs(last), steps.width), most=_MOST_TICKS)
    whole_powers = [power for power in powers if math.log10(power) % 1 < _WHOLE]
    ticks = [*(-power for power in reversed(whole_powers)), 0.0, *whole_powers]
    return [tick for tick in ticks if first <= tick <= last]


def value_ticks(scale: Scale, bounds: tuple[float, float]) -> ValueTicks:
    """The ticks of a y axis from its first to its last value, in multiples of its unit."""
    low, high = bounds
    if scale.kind == "linear":
        locator = MaxNLocator(nbins=6, steps=_STEPS)
        apart = locator.tick_values(low - scale.offset, high - scale.offset)
    elif scale.kind == "log":
        apart = decades(low, high, most=_MOST_TICKS)
    else:
        half = _MOST_TICKS // 2
        below = [-tick for tick in decades(scale.threshold, max(-low, scale.threshold), most=half)]
        above = decades(scale.threshold, max(high, scale.threshold), most=half)
        apart = [*reversed(below), 0.0, *above]
    inside = [float(tick) for tick in apart if low <= scale.offset + tick <= high]
    together = [inside] if scale.kind == "linear" else [[tick] for tick in inside]
    labels = [label for ticks in together for label in spell_values(ticks)]
    return ValueTicks([scale.offset + tick for tick in inside], labels)


def dress_values(axis: Axis, ticks: ValueTicks) -> None:
    """Put its ticks on the y axis."""
    axis.set_minor_locator(NullLocator())
    axis.set_minor_formatter(NullFormatter())
    axis.set_major_locator(FixedLocator(ticks.places))
    axis.set_major_formatter(FixedFormatter(ticks.labels))


def decades(low: float, high: float, *, most: int) -> list[float]:
    """Powers of ten from ``low`` to ``high``, and their threes where there are few of them.

    Evenly spaced in the logarithm, and about ``most`` at most.
    """
    first, last = math.ceil(math.log10(low) - 1e-9), math.floor(math.log10(high) + 1e-9)
    stride = max(1, math.ceil((last - first + 1) / most))
    powers = [10.0**power for power in range(first, last + 1, stride)]
    if len(powers) > most // 2 or stride > 1:
        return powers
    threes = [3 * 10.0**power for power in range(first - 1, last + 1)]
    return sorted(powers + [tick for tick in threes if low <= tick <= high])


def _by_size(numbers: list[float]) -> list[str] | None:
    """Numbers by thousands, millions and so on; ``None`` where that is longer or not exact."""
    sizes = [abs(number) for number in numbers if number]
    if not sizes or max(sizes) < _LARGE:
        return None
    size, suffix = next(each for each in _SIZES if max(sizes) >= each[0])
    short = min(sizes) >= size / 10 and max(sizes) < size * 1000
    if not short or any(round(number * 100) % size for number in numbers):
        return None
    return [_sized(number, size, suffix) for number in numbers]


def _sized(number: float, size: int, suffix: str) -> str:
    return signed(f"{number / size:,g}{suffix}") if number else "0"


def _plain(label: str, error: float) -> str:
    value = float(label)
    if abs(value) < error:
        return "0"
    if 1e-4 <= abs(value) < 1e6:
        text = f"{value:,.10f}".rstrip("0").rstrip(".")
        return signed(text)
    return signed(exponent(label))
