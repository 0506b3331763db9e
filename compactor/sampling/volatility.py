"""The policy that follows the line: wild stretches keep their points, calm ones give them up.

A point stays where a measure of volatility exceeds a threshold, at least ``min_interval`` steps
behind the last one that stayed. ``relative_change`` compares with that last one: |v - last| /
(|last| + 1e-12). The other measures look at the window of rows that ends at the point; see
`compactor.sampling.measures`. With ``growth`` the threshold doubles over the run: threshold x (1 +
epoch / last epoch), or without epochs x (1 + share of the run passed).
"""

from dataclasses import dataclass

import numpy as np

from compactor.sampling.arrays import Curve, Floats, Ints, Mask, thinned
from compactor.sampling.measures import EPSILON, WINDOWED, measured

MEASURES = ("relative_change", *WINDOWED)
MOST_WINDOW = 1024
EXAMPLE = "volatility:window_std,threshold=0.1,growth=true,window=64,min_interval=10"


@dataclass(frozen=True)
class Volatility:
    """When a point stays.

    Attributes:
        measure: One of `MEASURES`.
        threshold: What the measure must exceed: a share for ``relative_change`` and ``window_cv``,
            else in units of the values.
        growth: Whether the threshold grows to its double over the run.
        window: Rows in a window, 2 to 1024; ``relative_change`` has none.
        min_interval: Least distance between points that stay, in steps; pins may lie closer.
    """

    measure: str = "relative_change"
    threshold: float = 0.05
    growth: bool = False
    window: int = 32
    min_interval: float = 1.0

    @property
    def text(self) -> str:
        """The policy as `parse_volatility` reads it."""
        window = "" if self.measure == "relative_change" else f",window={self.window}"
        return (
            f"volatility:{self.measure},threshold={_plain(self.threshold)}"
            f",growth={str(self.growth).lower()}{window},min_interval={_plain(self.min_interval)}"
        )

    def __call__(self, curve: Curve, n: int | None) -> Ints:
        """The points that stay; thinned alike where these are more than ``n``. See `Choose`."""
        limits = np.full(len(curve), self.threshold)
        if self.growth:
            limits = limits * (1 + curve.passed)
        if self.measure == "relative_change":
            chosen = _changes(curve, limits, self.min_interval)
        else:
            wild, power = measured(self.measure, curve.x, curve.y, self.window)
            with np.errstate(over="ignore"):  # a threshold far above all values is infinite to them
                limits = np.ldexp(limits, -power)
            chosen = _apart(curve.x, wild > limits, self.min_interval)
        return thinned(curve, chosen, n)


def _changes(curve: Curve, limits: Floats, min_interval: float) -> Mask:
    """Where the value left the last kept one behind. Each answer needs the one before it: a loop."""
    kept = [0]
    xs, values = curve.x.tolist(), curve.y.tolist()
    last, ready = values[0], xs[0] + min_interval
    scale = abs(last) + EPSILON
    for place, (x, value, limit) in enumerate(zip(xs, values, limits.tolist(), strict=True)):
        if x >= ready and abs(value - last) / scale > limit:
            kept.append(place)
            last, ready, scale = value, x + min_interval, abs(value) + EPSILON
    chosen = np.zeros(len(xs), np.bool_)
    chosen[kept] = True
    return chosen


def _apart(x: Floats, wild: Mask, min_interval: float) -> Mask:
    """Of the wild points, those that lie far enough behind the last one taken."""
    at = np.flatnonzero(wild)
    if (np.diff(x[at]) >= min_interval).all():
        return wild
    taken, ready = [], -np.inf
    for place, here in zip(at.tolist(), x[at].tolist(), strict=True):
        if here >= ready:
            taken.append(place)
            ready = here + min_interval
    chosen = np.zeros(len(x), np.bool_)
    chosen[taken] = True
    return chosen


def parse_volatility(options: str) -> Volatility:
    """Read ``MEASURE,threshold=0.05,growth=true,window=32,min_interval=1``; all may be left out.

    Raises:
        ValueError: It is not such a text, or a number is out of its range.
    """
    words = [word for word in options.split(",") if word]
    measure = words.pop(0) if words and "=" not in words[0] else Volatility.measure
    if measure not in MEASURES:
        raise ValueError(
            f"volatility has no measure {measure!r}; choose one of {', '.join(MEASURES)}, "
            f"for example {EXAMPLE}"
        )
    given = dict(word.partition("=")[::2] for word in words)
    unknown = given.keys() - {"threshold", "growth", "window", "min_interval"}
    if unknown or len(given) < len(words):
        culprit = min(unknown) if unknown else "the same option twice"
        raise ValueError(
            f"volatility cannot use {culprit!r}; it takes threshold, growth, window and "
            f"min_interval, each once, for example {EXAMPLE}"
        )
    return Volatility(
        measure=measure,
        threshold=_number(given, "threshold", Volatility.threshold, 0.0, np.inf),
        growth=_switch(given.get("growth", "false")),
        window=int(_number(given, "window", Volatility.window, 2, MOST_WINDOW, whole=True)),
        min_interval=_number(given, "min_interval", Volatility.min_interval, 0.0, np.inf),
    )


def _number(
    given: dict[str, str],
    name: str,
    default: float,
    least: float,
    most: float,
    *,
    whole: bool = False,
) -> float:
    """One option as a number within its range."""
    text = given.get(name, str(default))
    try:
        number = float(int(text)) if whole else float(text)
    except ValueError:
        number = np.nan
    if not (least <= number <= most and np.isfinite(number)):
        kind = "a whole number" if whole else "a number"
        limit = f"from {least:g} to {most:g}" if np.isfinite(most) else f"of at least {least:g}"
        raise ValueError(f"volatility: {name} must be {kind} {limit}, not {text!r}: {EXAMPLE}")
    return number


def _plain(number: float) -> str:
    """A number in the fewest digits that read back as the same."""
    return repr(float(number)).removesuffix(".0")


def _switch(text: str) -> bool:
    if text not in {"true", "false"}:
        raise ValueError(f"volatility: growth must be true or false, not {text!r}: {EXAMPLE}")
    return text == "true"
