"""What a report says of a chart in words, and in which order charts come."""

import math

from records import chart, digits, line_info, record

from compactor.record import NonFinite, Point
from reports.view import ChartView, chart_views, place_of


def test_loss_comes_first_and_accuracy_second() -> None:
    """The others follow as the record has them."""
    assert [view.key for view in chart_views(digits())] == ["loss", "acc", "lr"]


def test_charts_without_loss_or_accuracy_keep_their_order() -> None:
    """A word must stand on its own: glossy is no loss."""
    charts = {key: chart(key, {"x": [(0, 1.0)]}) for key in ("glossy", "speed", "map_loss")}
    assert [view.key for view in chart_views(record(charts))] == ["map_loss", "glossy", "speed"]


def test_a_downsampled_line_says_how_many_points_are_drawn() -> None:
    """Of how many there are."""
    points = [(0, 1.0), (1, 2.0)]
    infos = {"train": {"raw_points": 1204331, "drawn_points": 2000, "policy": "adaptive"}}
    view = ChartView.of("loss", chart("loss", {"train": points}, infos=infos))
    assert view.notes == ["train: 2,000 of 1,204,331 points drawn"]


def test_a_line_that_shows_everything_says_nothing() -> None:
    """A note that is always there is not read."""
    assert ChartView.of("loss", chart("loss", {"train": [(0, 1.0)]})).notes == []


def test_what_was_not_finite_is_counted_and_located() -> None:
    """NaN, infinities and rows hidden behind a repeated step are all named."""
    values = [1.0, math.nan, math.nan, 2.0, math.inf, 3.0, -math.inf]
    view = ChartView.of("loss", chart("loss", {"train": list(enumerate(values))}))
    assert view.notes == [
        "train: 2 NaN, 1 +∞, 1 \N{MINUS SIGN}∞, at steps 1\N{EN DASH}2, 4 and 6",
    ]


def test_stretches_that_are_not_marked_are_admitted() -> None:
    """A record lists the first hundred only."""
    missing = NonFinite(nan=300, stretch_count=300, stretches=[(i, i) for i in range(0, 200, 2)])
    infos = {"train": {"non_finite": missing}}
    view = ChartView.of("loss", chart("loss", {"train": [(0, 1.0)]}, infos=infos))
    assert "and 297 more (200 of them unmarked)" in view.notes[0]


def test_the_notes_of_a_run_come_first() -> None:
    """The chart's, then each line's."""
    infos = {"train": {"note": "with dropout", "repeated_steps": 1}}
    made = chart("loss", {"train": [(0, 1.0)]}, infos=infos, note="per token")
    assert ChartView.of("loss", made).notes == [
        "per token",
        "train: with dropout",
        "train: 1 row not drawn, as another of the same step is",
    ]


def test_the_y_label_names_the_unit_and_the_axis() -> None:
    """Once: a unit that the label already has is not repeated."""
    points = [(step, 10.0**-step) for step in range(6)]
    infos = {"train": {"unit": "nats"}}
    label = ChartView.of("loss", chart("loss", {"train": points}, infos=infos)).y_label
    assert label == "loss (nats, log scale)"
    own = chart("loss", {"train": points[:2]}, infos=infos, y_label="loss in nats")
    assert ChartView.of("loss", own).y_label == "loss in nats"


def test_lines_of_different_units_say_so_themselves() -> None:
    """One label cannot name both; a line without a unit goes by the others."""
    lines = {"train": [(0, 1.0)], "val": [(0, 1.0)], "test": [(0, 1.0)]}
    infos = {"train": {"unit": "nats"}, "val": {"unit": "bits"}}
    view = ChartView.of("loss", chart("loss", lines, infos=infos))
    assert view.y_label == "loss"
    assert view.notes == ["train: in nats", "val: in bits"]
    one = chart("loss", lines, infos={"train": {"unit": "nats"}})
    assert ChartView.of("loss", one).y_label == "loss (nats)"


def test_the_description_tells_the_course_of_each_line() -> None:
    """For those who do not see the chart."""
    view = chart_views(digits())[0]
    assert view.description == (
        "Line chart of Loss by step. train: 100 values, from 2.3 to 0.2736. "
        "val: 10 values, from 1.12 to 0.58, best 0.4 at epoch 6."
    )


def test_a_point_is_placed_by_its_epoch_if_it_has_one() -> None:
    """Else by its step."""
    assert place_of(Point(step=4300, value=1.0, epoch=12)) == "epoch 12"
    assert place_of(Point(step=4300, value=1.0)) == "step 4,300"


def test_line_infos_made_by_hand_know_their_extremes() -> None:
    """The builder of these tests does what the compactor does."""
    info = line_info([(0, 3.0), (1, math.nan), (2, 1.0), (3, 2.0)])
    assert info.minimum == Point(step=2, value=1.0)
    assert info.last == Point(step=3, value=2.0)
    assert info.non_finite.stretches == [(1, 1)]
