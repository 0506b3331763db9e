"""Colours, in light, in dark and on paper, and the settings of matplotlib that go with them.

In the dark the colours of `compactor.palette` are lighter; on paper each has a dash as well, so that
a copy without colours can be read. `train`, `val` and `test` own theirs in every report. A name that
never shares a chart needs no colour to be told apart and gets a quiet one. Any other name asks for a
colour that follows from the name alone, and gets the next one where a line of the same chart has it
already: so a name has one colour throughout a report, and with few exceptions in every report.
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Any, Literal
from zlib import crc32

import matplotlib as mpl
from matplotlib.colors import is_color_like, to_hex, to_rgb, to_rgba

from compactor.palette import PALETTE, ROLES
from compactor.record import Record

ThemeName = Literal["light", "dark", "paper"]
Rgb = tuple[float, float, float]

_FREE_SLOTS = (3, 4, 5, 6, 7)
_DASHES = ("solid", "dashed", "dotted", "dashdot")
_LEAST_CONTRAST = 2.0


@dataclass(frozen=True)
class Theme:
    """The colours of one mode. ``palette`` and ``dashes`` are indexed by the slot of a `Stroke`.

    ``weight`` is how heavy lines are beside those on a screen, ``faint`` how opaque the points of a
    noisy line.
    """

    name: ThemeName
    background: str
    ink: str
    muted: str
    grid: str
    rule: str
    trouble: str
    quiet: str
    warning: str
    shade: str
    palette: tuple[str, ...]
    dashes: tuple[str, ...] = ("solid",) * 8
    weight: float = 1.0
    faint: float = 0.35


LIGHT = Theme(
    name="light",
    background="#ffffff",
    ink="#1c1e21",
    muted="#5c636b",
    grid="#e9ebee",
    rule="#b9bfc6",
    trouble="#b3261e",
    quiet="#44546a",
    warning="#8a6100",
    shade="#f4f5f7",
    palette=PALETTE,
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
    warning="#e3bd3b",
    shade="#1c2024",
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
PAPER = Theme(
    name="paper",
    background="#ffffff",
    ink="#000000",
    muted="#333333",
    grid="#e2e2e2",
    rule="#8c8c8c",
    trouble="#a31515",
    quiet="#000000",
    warning="#7a5200",
    shade="#f3f3f3",
    palette=(
        "#000000",
        "#b84300",
        "#006d99",
        "#7a7a7a",
        "#8f3f71",
        "#4d4d4d",
        "#94650a",
        "#1f4e79",
    ),
    dashes=("solid", "dashed", "dotted", "solid", "dashdot", "dashed", "dotted", "dashdot"),
    weight=0.75,
    faint=0.25,
)
THEMES: Mapping[ThemeName, Theme] = {"light": LIGHT, "dark": DARK, "paper": PAPER}


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

    def dash_in(self, theme: Theme) -> str:
        """Its dash; in print without colours, turned on by the one that goes with its colour."""
        if self.slot is None:
            return self.dash
        turn = _DASHES.index(self.dash) + _DASHES.index(theme.dashes[self.slot])
        return _DASHES[turn % len(_DASHES)]


def strokes_of(record: Record) -> dict[tuple[str, str], Stroke]:
    """The stroke of each ``(chart key, line name)`` of a record."""
    neighbours: dict[str, set[str]] = {}
    for chart in record.charts.values():
        for name in chart.lines if len(chart.lines) > 1 else ():
            neighbours.setdefault(name, set()).update(set(chart.lines) - {name})
    names = _assign(neighbours)
    return {
        (key, name): replace(
            names.get(name, Stroke()), own=own_colour(chart.line_info[name].colour)
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
        "pdf.compression": 6,
        "pdf.fonttype": 3,
        "svg.fonttype": "path",
        "svg.hashsalt": "everystep",
        "text.color": theme.ink,
        "text.hinting": "no_hinting",
        "text.parse_math": False,
        "xtick.color": theme.rule,
        "xtick.labelcolor": theme.muted,
        "xtick.labelsize": 9,
        "ytick.color": theme.rule,
        "ytick.labelcolor": theme.muted,
        "ytick.labelsize": 9,
        "ytick.left": False,
    }


def _assign(neighbours: Mapping[str, AbstractSet[str]]) -> dict[str, Stroke]:
    """A stroke for each name that no name beside it in a chart has."""
    strokes: dict[str, Stroke] = {}
    for name in sorted(neighbours, key=_rank):
        taken = {strokes[other] for other in neighbours[name] if other in strokes}
        asked = _asked_for(name)
        strokes[name] = next((stroke for stroke in asked if stroke not in taken), asked[0])
    return strokes


def _rank(name: str) -> tuple[int, str]:
    """Names with a role come first, as they are listed; the others by their letters."""
    role = name.lower()
    return (list(ROLES).index(role) if role in ROLES else len(ROLES), name)


def _asked_for(name: str) -> list[Stroke]:
    """The strokes a name would have, best first: by its role, else from its letters alone."""
    own = crc32(name.encode("utf-8", "surrogatepass")) % len(_FREE_SLOTS)
    free = _FREE_SLOTS[own:] + _FREE_SLOTS[:own]
    asked = [Stroke(slot, dash) for dash in _DASHES for slot in free]
    slot = ROLES.get(name.lower())
    return asked if slot is None else [Stroke(slot), *asked]


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
