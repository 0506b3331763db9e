"""Colours, in light and in dark, and the settings of matplotlib that go with them.

The first three colours of the palette are Okabe and Ito's blue, vermilion and green, which people
of every kind of colour vision tell apart (https://jfly.uni-koeln.de/color/, 2008); in the dark
they are lighter. `train`, `val` and `test` own them in every report. A name that never shares a
chart needs no colour to be told apart and gets a quiet one; other names take what is left in the
order they appear, so that a name has one colour throughout a report.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import matplotlib as mpl
from matplotlib.colors import is_color_like, to_hex, to_rgb, to_rgba

from compactor.record import Record

ThemeName = Literal["light", "dark"]
Rgb = tuple[float, float, float]

_ROLES = {
    "train": 0,
    "training": 0,
    "val": 1,
    "valid": 1,
    "validation": 1,
    "eval": 1,
    "dev": 1,
    "test": 2,
}
_FREE_SLOTS = (3, 4, 5, 6, 7)
_DASHES = ("solid", "dashed", "dotted", "dashdot")
_LEAST_CONTRAST = 2.0


@dataclass(frozen=True)
class Theme:
    """The colours of one mode. ``palette`` is indexed by the slot of a `Stroke`."""

    name: ThemeName
    background: str
    ink: str
    muted: str
    grid: str
    rule: str
    trouble: str
    quiet: str
    palette: tuple[str, ...]


LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink="#1c1e21",
    muted="#5c636b",
    grid="#e9ebee",
    rule="#b9bfc6",
    trouble="#b3261e",
    quiet="#44546a",
    palette=(
        "#0072b2",
        "#d55e00",
        "#009e73",
        "#b0568a",
        "#a87400",
        "#4b3fa0",
        "#7a4a2b",
        "#5f6b7a",
    ),
)
DARK = Theme(
    name="dark",
    background="#14171a",
    ink="#e7e9eb",
    muted="#9ba3ac",
    grid="#262b30",
    rule="#515a63",
    trouble="#ff8a80",
    quiet="#b4c0d0",
    palette=(
        "#56b4e9",
        "#ff8f4a",
        "#2fc79c",
        "#e39ac4",
        "#e3bd3b",
        "#a89dff",
        "#cfa27e",
        "#a3adb8",
    ),
)
THEMES: Mapping[ThemeName, Theme] = {"light": LIGHT, "dark": DARK}


@dataclass(frozen=True)
class Stroke:
    """What tells a line from its neighbours. ``slot`` is ``None`` for the quiet colour."""

    slot: int | None = None
    dash: str = "solid"
    own: str | None = None

    def colour(self, theme: Theme) -> str:
        """The colour as ``#rrggbb``: the line's own if it has one, kept visible on the page."""
        if self.own is not None:
            return _visible(self.own, theme)
        return theme.quiet if self.slot is None else theme.palette[self.slot]


def strokes_of(record: Record) -> dict[tuple[str, str], Stroke]:
    """The stroke of each ``(chart key, line name)`` of a record."""
    shared = {
        name for chart in record.charts.values() if len(chart.lines) > 1 for name in chart.lines
    }
    names = _assign(
        name for chart in record.charts.values() for name in chart.lines if name in shared
    )
    return {
        (key, name): Stroke(
            slot=names.get(name, Stroke()).slot,
            dash=names.get(name, Stroke()).dash,
            own=own_colour(chart.line_info[name].colour),
        )
        for key, chart in record.charts.items()
        for name in chart.lines
    }


def own_colour(colour: str | None) -> str | None:
    """A colour a run asked for as ``#rrggbb``, or ``None`` where it names no opaque colour.

    As matplotlib reads it, ``C1`` by matplotlib's own cycle; in lower case too, as CSS has it.
    """
    if colour is None:
        return None
    with mpl.rc_context({"axes.prop_cycle": mpl.rcParamsDefault["axes.prop_cycle"]}):
        spelt = next(filter(is_color_like, (colour.strip(), colour.strip().lower())), None)
        red, green, blue, alpha = to_rgba(spelt or "none")
    return to_hex((red, green, blue)) if alpha == 1 else None


def contrast(one: str, other: str) -> float:
    """How well two colours stand apart, from 1 to 21 (WCAG 2.2, "contrast ratio")."""
    lighter, darker = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def matplotlib_settings(theme: Theme, families: list[str]) -> dict[str, Any]:
    """Settings for `matplotlib.style.context`; they leave nothing to a user's own file."""
    return {
        "axes.axisbelow": True,
        "axes.edgecolor": theme.rule,
        "axes.facecolor": theme.background,
        "axes.grid": True,
        "axes.grid.axis": "y",
        "axes.labelcolor": theme.muted,
        "axes.labelsize": 9,
        "axes.linewidth": 0.8,
        "axes.spines.left": False,
        "axes.spines.right": False,
        "axes.spines.top": False,
        "figure.facecolor": theme.background,
        "font.family": families,
        "font.size": 9,
        "grid.color": theme.grid,
        "grid.linewidth": 0.8,
        "lines.solid_capstyle": "round",
        "lines.solid_joinstyle": "round",
        "path.simplify": True,
        "savefig.facecolor": theme.background,
        "svg.fonttype": "path",
        "svg.hashsalt": "everystep",
        "text.color": theme.ink,
        "text.parse_math": False,
        "xtick.color": theme.rule,
        "xtick.labelcolor": theme.muted,
        "xtick.labelsize": 9,
        "ytick.color": theme.rule,
        "ytick.labelcolor": theme.muted,
        "ytick.labelsize": 9,
        "ytick.left": False,
    }


def _assign(names: Iterable[str]) -> dict[str, Stroke]:
    ordered = list(dict.fromkeys(names))
    strokes: dict[str, Stroke] = {}
    for name in ordered:
        slot = _ROLES.get(name.lower())
        if slot is not None and all(stroke.slot != slot for stroke in strokes.values()):
            strokes[name] = Stroke(slot)
    for place, name in enumerate(name for name in ordered if name not in strokes):
        turn, slot = divmod(place, len(_FREE_SLOTS))
        strokes[name] = Stroke(_FREE_SLOTS[slot], _DASHES[turn % len(_DASHES)])
    return strokes


def _visible(colour: str, theme: Theme) -> str:
    own, ink = to_rgb(colour), to_rgb(theme.ink)
    for share in (0.0, 0.2, 0.4, 0.6, 0.8):
        mixed = _mix(own, ink, share)
        if contrast(mixed, theme.background) >= _LEAST_CONTRAST:
            return mixed
    return theme.ink


def _mix(one: Rgb, other: Rgb, share: float) -> str:
    red, green, blue = ((1 - share) * a + share * b for a, b in zip(one, other, strict=True))
    return to_hex((red, green, blue))


def _luminance(colour: str) -> float:
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in to_rgb(colour)]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
