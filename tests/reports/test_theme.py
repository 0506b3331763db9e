"""Which colour a line has, and that it can be seen."""

import matplotlib as mpl
import pytest
from cycler import cycler
from records import chart, record

from reports.theme import DARK, LIGHT, PAPER, Theme, contrast, own_colour, strokes_of

POINTS = [(0, 1.0), (1, 2.0)]


@pytest.mark.parametrize("theme", [LIGHT, DARK, PAPER], ids=lambda theme: theme.name)
def test_every_colour_stands_out_from_its_background(theme: Theme) -> None:
    """Lines by 3 to 1, words by 4.5 to 1, as WCAG 2.2 asks."""
    for colour in (*theme.palette, theme.quiet):
        assert contrast(colour, theme.background) >= 3
    for colour in (theme.ink, theme.muted, theme.trouble, theme.warning):
        assert contrast(colour, theme.background) >= 4.5


def test_train_and_val_have_their_colours_in_every_report() -> None:
    """Whatever else is drawn, and in whatever order."""
    one = strokes_of(record({"loss": chart("loss", {"train": POINTS, "val": POINTS})}))
    other = strokes_of(record({"x": chart("x", {"a": POINTS, "val": POINTS, "train": POINTS})}))
    assert one["loss", "train"] == other["x", "train"]
    assert one["loss", "val"] == other["x", "val"]
    assert one["loss", "train"] != one["loss", "val"]


def test_a_name_has_one_colour_throughout_a_report() -> None:
    """Also where other names stand before it."""
    charts = {
        "a": chart("a", {"head 1": POINTS, "head 2": POINTS}),
        "b": chart("b", {"head 0": POINTS, "head 2": POINTS}),
        "c": chart("c", {"head 2": POINTS}),
    }
    strokes = strokes_of(record(charts))
    assert strokes["a", "head 2"] == strokes["b", "head 2"] == strokes["c", "head 2"]


def test_lines_of_one_chart_differ_in_colour_or_dash() -> None:
    """Up to twenty of them."""
    lines = {f"rank {rank}": POINTS for rank in range(20)}
    assert len(set(strokes_of(record({"loss": chart("loss", lines)})).values())) == 20


def test_a_name_has_the_same_colour_in_other_runs() -> None:
    """Whatever lines another run has, as long as none beside it asks for the same."""
    one = strokes_of(record({"a": chart("a", {"head 1": POINTS, "head 2": POINTS})}))
    names = ("head 2", "zero", "head 1")
    other = strokes_of(record({"b": chart("b", dict.fromkeys(names, POINTS))}))
    assert one["a", "head 1"] == other["b", "head 1"]
    assert one["a", "head 2"] == other["b", "head 2"]


def test_on_paper_lines_differ_without_colour() -> None:
    """The roles by their dash; and still no two of twenty by neither."""
    roles = strokes_of(record({"x": chart("x", dict.fromkeys(("train", "val", "test"), POINTS))}))
    assert len({stroke.dash_in(PAPER) for stroke in roles.values()}) == 3
    lines = {f"rank {rank}": POINTS for rank in range(20)}
    looks = {
        (stroke.colour(PAPER), stroke.dash_in(PAPER))
        for stroke in strokes_of(record({"loss": chart("loss", lines)})).values()
    }
    assert len(looks) == 20


def test_val_and_eval_in_one_report_differ() -> None:
    """The second of two names for one role gets a colour of its own."""
    strokes = strokes_of(record({"loss": chart("loss", {"val": POINTS, "eval": POINTS})}))
    assert strokes["loss", "val"] != strokes["loss", "eval"]


def test_a_line_that_is_always_alone_gets_the_quiet_colour() -> None:
    """There is nothing to tell it from."""
    strokes = strokes_of(record({"lr": chart("lr", {"lr": POINTS})}))
    assert strokes["lr", "lr"].colour(LIGHT) == LIGHT.quiet


def test_the_colour_a_run_asked_for_wins() -> None:
    """If it is one."""
    infos = {"train": {"colour": "Tab:Red"}, "val": {"colour": "no such"}}
    lines = {"train": POINTS, "val": POINTS}
    strokes = strokes_of(record({"loss": chart("loss", lines, infos=infos)}))
    assert strokes["loss", "train"].colour(LIGHT) == "#d62728"
    assert strokes["loss", "val"].colour(LIGHT) == LIGHT.palette[1]


@pytest.mark.parametrize(
    ("asked", "colour"),
    [
        ("C1", "#ff7f0e"),
        ("tab:orange", "#ff7f0e"),
        ("RebeccaPurple", "#663399"),
        ("#ABC", "#aabbcc"),
    ],
)
def test_a_colour_that_matplotlib_knows_is_taken(asked: str, colour: str) -> None:
    """``C1`` is that of matplotlib's own cycle, whatever cycle the user has set."""
    with mpl.rc_context({"axes.prop_cycle": cycler(color=["red", "blue"])}):
        assert own_colour(asked) == colour


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
@pytest.mark.parametrize("colour", ["black", "white", "#101418"])
def test_a_colour_that_would_vanish_is_made_visible(theme: Theme, colour: str) -> None:
    """A black line on a black page would hide what was logged."""
    infos = {"train": {"colour": colour}}
    strokes = strokes_of(record({"loss": chart("loss", {"train": POINTS}, infos=infos)}))
    assert contrast(strokes["loss", "train"].colour(theme), theme.background) >= 2


@pytest.mark.parametrize("colour", [None, "none", "#0000", "red;}</style>", "url(x)", ""])
def test_what_is_no_opaque_colour_is_ignored(colour: str | None) -> None:
    """It reaches neither a figure nor a style sheet."""
    assert own_colour(colour) is None
