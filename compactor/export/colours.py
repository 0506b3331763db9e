"""The colours of exported lines, as ``#rrggbb``: what every chart library reads alike."""

import re
from collections.abc import Mapping

from compactor.palette import PALETTE, ROLES
from compactor.record import LineInfo

_WORDS = {  # CSS Color Module Level 3, section 4.1, with orange of section 4.3
    "black": "#000000",
    "silver": "#c0c0c0",
    "gray": "#808080",
    "maroon": "#800000",
    "red": "#ff0000",
    "purple": "#800080",
    "fuchsia": "#ff00ff",
    "green": "#008000",
    "lime": "#00ff00",
    "olive": "#808000",
    "navy": "#000080",
    "blue": "#0000ff",
    "teal": "#008080",
    "aqua": "#00ffff",
    "orange": "#ffa500",
}
_HEX = re.compile(r"#(?:[0-9a-f]{3}|[0-9a-f]{6})")


def colours_of(lines: Mapping[str, LineInfo]) -> dict[str, str]:
    """A colour for each line of a chart: its own, its role's, else the next that is free."""
    found = {name: own_colour(info.colour) for name, info in lines.items()}
    for name in lines:
        role = ROLES.get(name.lower())
        if found[name] is None and role is not None and PALETTE[role] not in found.values():
            found[name] = PALETTE[role]
    free = [colour for colour in PALETTE if colour not in found.values()] or list(PALETTE)
    unnamed = [name for name, colour in found.items() if colour is None]
    turns = {name: free[place % len(free)] for place, name in enumerate(unnamed)}
    return {name: colour or turns[name] for name, colour in found.items()}


def own_colour(said: str | None) -> str | None:
    """A colour that the run asked for; ``None`` where it is no hexadecimal one and no basic name."""
    text = (said or "").strip().lower()
    if _HEX.fullmatch(text):
        return text if len(text) == 7 else "#" + "".join(2 * digit for digit in text[1:])
    return _WORDS.get(text)
