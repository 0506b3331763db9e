"""The colours of lines wherever they are drawn, as ``#rrggbb``, and the names that own some of them.

The first three are Okabe and Ito's blue, vermilion and green, which people of every kind of colour
vision tell apart (https://jfly.uni-koeln.de/color/, 2008).
"""

PALETTE = (
    "#0072b2",
    "#d55e00",
    "#009e73",
    "#b0568a",
    "#a87400",
    "#4b3fa0",
    "#7a4a2b",
    "#5f6b7a",
)
"""For a light background."""
ROLES = {
    "train": 0,
    "training": 0,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "eval": 1,
    "dev": 1,
    "test": 2,
}
"""The place in the palette that a line of this name has, in lower case."""
