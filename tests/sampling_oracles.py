"""Slow, readable twins of the sampling policies: plain loops over lists."""

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from itertools import pairwise
from statistics import median
from typing import Any


def piecewise(steps: Sequence[int], table: Sequence[tuple[int, int]]) -> list[int]:
    """The indices of the steps that a table of strides keeps."""
    kept = []
    for place, step in enumerate(steps):
        stride = table[0][1]
        for start, thinner in table:
            if step >= start:
                stride = thinner
        if step % stride == 0:
            kept.append(place)
    return kept


def limits(steps: Sequence[float], threshold: float) -> list[float]:
    """A threshold that doubles over the run."""
    length = steps[-1] - steps[0]
    return [threshold * (1 + (step - steps[0]) / length if length else 1) for step in steps]


def last_kept(
    steps: Sequence[float], values: Sequence[float], threshold: Sequence[float], interval: float
) -> list[int]:
    """What ``relative_change`` keeps."""
    kept = [0]
    for place in range(1, len(values)):
        last = kept[-1]
        change = abs(values[place] - values[last]) / (abs(values[last]) + 1e-12)
        if steps[place] - steps[last] >= interval and change > threshold[place]:
            kept.append(place)
    return kept


def wild_ones(
    steps: Sequence[float], wild: Sequence[float], threshold: Sequence[float], interval: float
) -> list[int]:
    """What a windowed measure keeps."""
    kept: list[int] = []
    for place, measure in enumerate(wild):
        far = not kept or steps[place] - steps[kept[-1]] >= interval
        if measure > threshold[place] and far:
            kept.append(place)
    return kept


def measure(name: str, steps: Sequence[int], values: Sequence[float], window: int) -> list[float]:
    """A windowed measure at each point, in exact arithmetic up to the last root."""
    found = []
    for end in range(1, len(values) + 1):
        few = slice(max(0, end - window), end)
        x, y = [Fraction(step) for step in steps[few]], [Fraction(value) for value in values[few]]
        found.append(_of_window(name, x, y) if len(y) > 1 else 0.0)
    return found


def _of_window(name: str, x: list[Fraction], y: list[Fraction]) -> float:
    mean_x, mean_y = sum(x, Fraction(0)) / len(x), sum(y, Fraction(0)) / len(y)
    if name == "mean_abs_diff":
        return float(sum(abs(later - value) for value, later in pairwise(y)) / (len(y) - 1))
    slope = Fraction(0)
    if name == "fit_residual":
        spread = sum(((step - mean_x) ** 2 for step in x), slope)
        both = zip(x, y, strict=True)
        slope = sum(((a - mean_x) * (b - mean_y) for a, b in both), slope) / (spread or 1)
    off = [value - mean_y - slope * (step - mean_x) for step, value in zip(x, y, strict=True)]
    deviation = math.sqrt(sum(each**2 for each in off) / len(off))
    return deviation / (abs(float(mean_y)) + 1e-12) if name == "window_cv" else deviation


def thinned(kept: Sequence[int], pins: set[int], n: int) -> set[int]:
    """The pins, and of the others evenly as many as fit."""
    others = [place for place in kept if place not in pins]
    room = max(0, n - len(pins))
    if len(others) > room:
        others = [others[turn * len(others) // room] for turn in range(room)]
    return pins | set(others)


def spikes(values: Sequence[float], most: int, height: float, size: int) -> list[int]:
    """The points farthest outside the band of their block's and its neighbours' medians."""
    blocks = len(values) // size
    medians = [median(values[at * size : (at + 1) * size]) for at in range(blocks)]
    off = []
    for place, value in enumerate(values):
        block = min(place // size, blocks - 1)
        around = medians[max(0, block - 1) : block + 2]
        off.append(max(value - max(around), min(around) - value))
    pixel = (max(values) - min(values)) / height
    shown = [place for place in range(len(values)) if off[place] > pixel]
    return sorted(shown, key=lambda place: (-off[place], place))[:most]


def closer(
    x: Sequence[float], y: Sequence[float], kept: list[int], n: int, near: float
) -> list[int]:
    """Let the farthest point of each segment join, the farthest segments first, for twelve rounds."""
    for _ in range(12):
        joining = []
        for start, end in pairwise(kept):
            off = {at: abs(y[at] - _height(x, y, x[at], kept)) for at in range(start + 1, end)}
            farthest = max(off, key=lambda at: (off[at], -at), default=start)
            if off and off[farthest] > near:
                joining.append((-off[farthest], farthest))
        kept = sorted([*kept, *(at for _, at in sorted(joining)[: n - len(kept)])])
    return kept


def pruned(
    costs: Callable[[list[int]], list[float]], pinned: set[int], points: int, n: int, unseen: float
) -> list[int]:
    """Round by round, those go that cost least or nothing that shows, but never two neighbours."""
    kept = list(range(points))
    while len(kept) > 2:
        cost = dict(zip(kept[1:-1], costs(kept), strict=True))
        free = [at for at in kept[1:-1] if at not in pinned]
        share = 0.05 if len(kept) < 2 * n else 0.3
        wanted = min(len(kept) - n, max(1, int(share * len(kept))))
        low = set(sorted(free, key=lambda at: (cost[at], at))[: max(wanted, 0)])
        low |= {at for at in free if cost[at] <= unseen}
        gone: set[int] = set()
        for before, at in pairwise(kept):
            if at in low and before not in gone:
                gone.add(at)
        if not gone:
            break
        kept = [at for at in kept if at not in gone]
    return kept


def ink(u: Sequence[float], v: Sequence[float], width: int) -> list[tuple[float, float]]:
    """Lower and upper end of what a polyline fills of each pixel column.

    A vertex on the edge of two columns belongs to the right one, but for the last column.
    """
    columns = []
    for column in range(width):
        heights = [_height(u, v, column), _height(u, v, column + 1)]
        heights += [
            high for at, high in zip(u, v, strict=True) if min(math.floor(at), width - 1) == column
        ]
        columns.append((min(heights), max(heights)))
    return columns


def _height(
    u: Sequence[float], v: Sequence[float], at: float, vertices: Sequence[int] | None = None
) -> float:
    """The height of a polyline without vertical segments."""
    for left, right in pairwise(range(len(u)) if vertices is None else vertices):
        if u[left] <= at <= u[right]:
            share = (at - u[left]) / (u[right] - u[left])
            return v[left] + share * (v[right] - v[left])
    return v[0] if at <= u[0] else v[-1]


def wrong_ink(drawn: Any, full: Any) -> float:
    """How far the ends of the ink of two lines are apart, over all columns."""
    both = zip(drawn, full, strict=True)
    return float(sum(abs(a[0] - b[0]) + abs(a[1] - b[1]) for a, b in both))
