"""Text that fits, in letters that can be drawn."""

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from matplotlib.font_manager import findfont, fontManager

from reports import fonts, typeset


def test_characters_without_a_glyph_are_named_instead_of_drawn_as_boxes() -> None:
    """A private-use character is in no font."""
    assert typeset.printable("a\ue123\ue124b") == "a[2 other letters]b"
    assert typeset.without_glyph(["a\ue123b", "b"]) == ["\ue123"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("\u6a21\u578b loss", "[2 CJK letters] loss"),
        ("\uac00 \uac00", "[1 Hangul letter] [1 Hangul letter]"),
        ("up \U0001f680", "up [1 symbol]"),
        ("\U0001f525\u6a21", "[2 Emoji and CJK letters]"),
        ("plain", "plain"),
    ],
)
def test_what_stands_for_letters_tells_their_script(
    monkeypatch: pytest.MonkeyPatch, text: str, said: str
) -> None:
    """On a machine that has no font but the one that comes along."""
    monkeypatch.setattr(typeset, "_characters", lambda: frozenset(range(0x2000)))
    assert typeset.printable(text) == said


def test_arabic_letters_join() -> None:
    """A word is narrower than its letters one by one."""
    word = "\u0644\u0627\u0644"
    assert typeset.width(word, 20) < sum(typeset.width(letter, 20) for letter in word) * 0.9


def test_what_to_install_is_told_by_script() -> None:
    """Each once, and in one order."""
    told = fonts.remedies(["Emoji", "Hangul", "CJK"])
    assert ["fonts-noto-cjk" in told[0], "fonts-symbola" in told[1]] == [True, True]
    assert len(told) == 2
    assert fonts.remedies(["Thai", "Lao"]) == [fonts._OTHER_REMEDY]
    assert fonts.remedies([]) == []


def test_the_font_of_the_extra_package_is_made_known(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the package is installed; without importing it, as that would change settings."""
    assert find_spec("mpl_font") or fonts.packaged_families() == []
    place = tmp_path / "mpl_font" / "fonts" / "noto"
    place.mkdir(parents=True)
    (tmp_path / "mpl_font" / "__init__.py").write_text("raise RuntimeError")
    shutil.copy(findfont("DejaVu Sans Mono"), place / "NotoSansCJKsc-Regular.otf")
    monkeypatch.syspath_prepend(tmp_path)
    known = list(fontManager.ttflist)
    monkeypatch.setattr(fontManager, "ttflist", known)
    assert fonts.packaged_families() == ["Noto Sans CJK SC"]
    assert fontManager.ttflist[-1].fname.endswith("NotoSansCJKsc-Regular.otf")


@pytest.mark.parametrize("room", [20.0, 60.0, 200.0])
def test_a_shortened_text_fits(room: float) -> None:
    """Its middle gives way; both ends tell names apart."""
    shortened = typeset.shorten("encoder/layer_11/attention/" * 9 + "q", 9, room)
    assert typeset.width(shortened, 9) <= room
    assert typeset.ELLIPSIS in shortened
    assert shortened.startswith("e")


def test_a_text_that_fits_is_left_alone() -> None:
    """Down to its case and its dollar signs."""
    assert typeset.shorten("Loss $x^2$", 9, 500) == "Loss $x^2$"


def test_wrapped_lines_fit_and_are_few() -> None:
    """The last one is shortened if there is more to say."""
    lines = typeset.wrap("a note of quite some length " * 20, 9, 150, 3)
    assert len(lines) == 3
    assert all(typeset.width(line, 9) <= 150 for line in lines)
    assert typeset.ELLIPSIS in lines[-1]
    assert typeset.wrap("", 9, 150, 3) == []
