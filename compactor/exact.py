"""Sums of floats that do not depend on the order of adding.

A float is a whole number times a power of two. The scan sorts the values into *windows* of 32
powers of two, makes the values of one window whole by a fixed power of two, and adds them as
128-bit integers: exact, so the order is all the same, and the sums of parts can be added again. Here
the windows' sums are put together, exactly, and rounded once. (The windows are those of Demmel and
Nguyen, "Parallel Reproducible Summation", IEEE Transactions on Computers 64(7), 2015, section 4;
128-bit integers spare their extraction steps.)
"""

from collections.abc import Iterable
from fractions import Fraction

BITS = 32
"""Powers of two in a window. Window ``w`` holds magnitudes from ``2**(32w - 16)`` on."""
HALF_SHIFT = "(35 - 16 * band)"
"""In SQL: values of window ``band`` are scaled by two to the power of twice this.

Twice, because the whole power would overflow a float for the smallest values. Scaled values are
below 2^87, so that 2^40 of them fit into 127 bits; they are whole, with two bits to spare for a
logarithm that is rounded across a window's edge.
"""
WINDOW = (
    "CASE WHEN abs(value) >= 1.52587890625e-05 AND abs(value) < 65536 OR value = 0 THEN 0 "
    "ELSE floor((log2(abs(value)) + 16) / 32)::INTEGER END"
)
"""In SQL: the window of a finite ``value``; most are in window 0, and spared the logarithm."""
SCALED = f"(value * pow(2.0, {HALF_SHIFT}) * pow(2.0, {HALF_SHIFT}))::HUGEINT"
"""In SQL: the value of window ``band`` as a whole number."""


def mean(windows: Iterable[tuple[int, int]], count: int) -> float:
    """The mean of ``count`` values, rounded once.

    Args:
        windows: ``(window, sum of its scaled values)``.
        count: How many values, at least one.
    """
    total = sum(
        (Fraction(scaled) / Fraction(2) ** (70 - 32 * window) for window, scaled in windows),
        Fraction(0),
    )
    return float(total / count)
