"""How numbers are spelt wherever a person reads them: in findings, figures and pages. Pure text."""

import math

RANGE, MINUS = "\N{EN DASH}", "\N{MINUS SIGN}"
ABSENT = RANGE


def number(value: float | None) -> str:
    """``value`` to four significant digits, or to the unit where it has more before the point.

    Zeros at the end say that it was rounded: 0.99998 is ``1.000`` and 1.0 is ``1``. Other examples:
    ``0.1123``, ``1,204,331``, ``1.5e30``; minus signs, not hyphens; a dash for ``None``.
    """
    if value is None:
        return ABSENT
    if not math.isfinite(value):
        return str(value)
    rounded = float(f"{value:.4g}")
    if rounded == 0:
        return "0"
    if not 1e-4 <= abs(rounded) < 1e7:
        return signed(exponent(f"{value:.4g}"))
    if abs(rounded) >= 1e4:
        return whole(round(value))
    text = signed(f"{rounded:,.{decimals_for(rounded, 4)}f}")
    exact = "." in text and math.isclose(rounded, value, rel_tol=1e-9)
    return text.rstrip("0").rstrip(".") if exact else text


def whole(amount: int) -> str:
    """``4,300``, and a minus sign rather than a hyphen before what is negative."""
    return signed(f"{amount:,}")


def signed(text: str) -> str:
    """A number's text with minus signs for hyphens."""
    return text.replace("-", MINUS)


def exponent(text: str) -> str:
    """``1e-05`` as ``1e-5`` and ``1e+30`` as ``1e30``."""
    mantissa, e, power = text.partition("e")
    return f"{mantissa}e{int(power)}" if e else text


def decimals_for(value: float, digits: int) -> int:
    """How many decimals show so many significant digits of a value that is not 0."""
    return max(0, digits - 1 - math.floor(math.log10(abs(value))))
