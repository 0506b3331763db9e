"""Which fonts figures are drawn with, and what to install where one is missing.

DejaVu Sans comes with matplotlib and is always first, so that the same record gives the same
picture on every machine as long as it has every character; it has Latin, Greek, Cyrillic, Hebrew,
Arabic and many symbols. After it come the installed fonts for more scripts, in a fixed order, and
the Chinese, Japanese and Korean font of the package ``mpl-font`` (the extra ``cjk``) where the
system has none.
"""

from collections.abc import Iterable
from dataclasses import replace
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from matplotlib.font_manager import fontManager

BASE = "DejaVu Sans"
_MORE_SCRIPTS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans SC",
    "Source Han Sans SC",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Droid Sans Fallback",
    "PingFang SC",
    "Hiragino Sans GB",
    "Microsoft YaHei",
    "Noto Naskh Arabic",
    "Noto Sans Arabic",
    "Noto Sans Hebrew",
    "Noto Sans",
    "Noto Sans Devanagari",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Noto Sans Thai",
    "Noto Emoji",
    "Symbola",
)
_CJK_FONTS = 10
"""So many of the names above have Chinese characters."""
_PACKAGE = "mpl_font"
_PACKAGED_FAMILY = "Noto Sans CJK SC"
_PACKAGED = (
    ("fonts/noto/NotoSansCJKsc-Regular.otf", 400),
    ("fonts/noto/NotoSansCJKsc-Bold.otf", 700),
)

_REMEDIES = (
    (
        frozenset({"CJK", "Hiragana", "Katakana", "Hangul", "Bopomofo", "Fullwidth"}),
        "Debian's fonts-noto-cjk or `pip install 'everystep[cjk]'`",
    ),
    (frozenset({"Emoji"}), "Debian's fonts-symbola"),
)
_OTHER_REMEDY = "Debian's fonts-noto-core, or any font that has them"


@cache
def families() -> list[str]:
    """The fonts to draw with, in the order they are asked for a character."""
    installed = set(fontManager.get_font_names())
    found = [family for family in _MORE_SCRIPTS if family in installed]
    if not installed.intersection(_MORE_SCRIPTS[:_CJK_FONTS]):
        found = [*packaged_families(), *found]
    return [BASE, *found]


def packaged_families() -> list[str]:
    """The family of the extra ``cjk``, made known to matplotlib; none where it is not there.

    Its files name a family each; here they are two weights of one.
    """
    spec = find_spec(_PACKAGE)
    places = spec.submodule_search_locations if spec else None
    found = False
    for place in places or ():
        for name, weight in _PACKAGED:
            file = Path(place) / name
            if file.is_file():
                fontManager.addfont(file)
                entry = fontManager.ttflist[-1]
                fontManager.ttflist[-1] = replace(entry, name=_PACKAGED_FAMILY, weight=weight)
                found = True
    return [_PACKAGED_FAMILY] if found else []


def remedies(scripts: Iterable[str]) -> list[str]:
    """What to install for the characters of some scripts, each once, in a fixed order."""
    asked = set(scripts)
    known = [remedy for covered, remedy in _REMEDIES if asked & covered]
    rest = asked - frozenset().union(*(covered for covered, _ in _REMEDIES))
    return [*known, _OTHER_REMEDY] if rest else known
