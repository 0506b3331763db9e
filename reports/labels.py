"""Where to put a label beside its point: near it, inside the axes, off the lines. Pure geometry."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.float64]
"""Shape ``(n, 2)``: x and y in pixels, y upwards."""

_DISTANCES = (5.0, 12.0, 22.0, 36.0, 54.0, 80.0)
_DIRECTIONS = ((0, -1), (0, 1), (1, -1), (-1, -1), (1, 1), (-1, 1), (1, 0), (-1, 0))
_CROWDED = 1e4
_OUTSIDE = 1e6


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels."""

    left: float
    bottom: float
    width: float
    height: float

    @property
    def right(self) -> float:
        """The x of its right edge."""
        return self.left + self.width

    @property
    def top(self) -> float:
        """The y of its upper edge."""
        return self.bottom + self.height

    def overlaps(self, other: "Box") -> bool:
        """Whether the two share any area."""
        return (
            self.left < other.right
            and other.left < self.right
            and self.bottom < other.top
            and other.bottom < self.top
        )

    def holds(self, other: "Box") -> bool:
        """Whether ``other`` lies wholly inside."""
        return (
            self.left <= other.left
            and other.right <= self.right
            and self.bottom <= other.bottom
            and other.top <= self.top
        )

    def crossings(self, points: Points) -> int:
        """How many of ``points`` lie inside."""
        x, y = points[:, 0], points[:, 1]
        inside = (x >= self.left) & (x <= self.right) & (y >= self.bottom) & (y <= self.top)
        return int(inside.sum())


def place(
    anchor: tuple[float, float],
    size: tuple[float, float],
    area: Box,
    *,
    ink: Points,
    taken: list[Box],
    below: bool,
    unit: float,
) -> Box:
    """The best of the places around ``anchor`` for a label of ``size``.

    Args:
        anchor: The point it speaks of, in pixels.
        size: Its width and height, in pixels.
        area: The axes.
        ink: Points along all drawn lines, which a label had better not cover.
        taken: What other labels and markers cover.
        below: Whether below the point is the side to prefer.
        unit: Pixels in a typographic point.
    """
    choices = [
        _beside(anchor, size, (across, down if below else -down), distance * unit)
        for distance in _DISTANCES
        for across, down in _DIRECTIONS
    ]
    costs = [
        (0 if area.holds(box) else _OUTSIDE)
        + _CROWDED * sum(box.overlaps(other) for other in taken)
        + box.crossings(ink)
        + rank * 0.2
        for rank, box in enumerate(choices)
    ]
    return choices[int(np.argmin(costs))]


def trace(points: Points, spacing: float) -> Points:
    """Points along a polyline, about ``spacing`` pixels from each other in x."""
    if len(points) < 2:
        return points
    first, last = points[0, 0], points[-1, 0]
    across = np.linspace(first, last, max(2, int((last - first) / spacing)))
    return np.column_stack((across, np.interp(across, points[:, 0], points[:, 1])))


def _beside(
    anchor: tuple[float, float],
    size: tuple[float, float],
    direction: tuple[int, int],
    distance: float,
) -> Box:
    (x, y), (wide, high), (across, up) = anchor, size, direction
    left = x - wide / 2 + across * (wide / 2 + (distance if up == 0 else distance * 0.5))
    bottom = y - high / 2 + up * (high / 2 + distance)
    return Box(left, bottom, wide, high)
