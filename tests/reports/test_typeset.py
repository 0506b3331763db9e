"""Text that fits, in letters that can be drawn."""

import pytest

from reports import typeset


def test_a_character_without_a_glyph_becomes_a_box_and_is_named() -> None:
    """A private-use character is in no font."""
    assert typeset.printable("a\ue123b") == f"a{typeset.BOX}b"
    assert typeset.without_glyph(["a\ue123b", "b"]) == ["\ue123"]


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
