"""Which metric is drawn where, and what is said of it."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from compactor import fold
from compactor.deciding.best import Winner
from compactor.drawing.around import Drawing, Style
from compactor.drawing.charts import draw_chart, plan_charts, ranks_left_out
from compactor.drawing.line import draw
from compactor.names import title
from compactor.reading.lines import Line, Points
from logwriter.events import MetricDefined


def line_of(
    metric: str,
    values: Sequence[float] = (3.0, 1.0, 2.0),
    rank: int = 0,
    steps: Sequence[int] | None = None,
) -> Line:
    """A line that is whole."""
    step = np.arange(len(values)) if steps is None else np.array(steps)
    return fold.line_of(metric, rank, step, np.array(values, np.float64))


def never(line: Line) -> Points:
    """For lines that are whole: nothing need be read again."""
    raise AssertionError(f"the rows of {line.metric} were fetched")


def drawing(**how: Any) -> Drawing:
    """Sixteen points a line, in a run that started at 0 and has no epochs."""
    usual: dict[str, Any] = {"fetch": never, "start_us": 0, "spans": {}}
    run = {name: how.pop(name) for name in usual if name in how}
    return Drawing(style=Style(**{"max_points": 16} | how), **usual | run)


def named(*metrics: str, **definitions: MetricDefined) -> dict[str, dict[str, str]]:
    """Chart, line, metric."""
    plans = plan_charts([line_of(m) for m in metrics], definitions, None)
    return {plan.key: {name: line.metric for name, line in plan.lines.items()} for plan in plans}


def test_splits_of_a_metric_share_a_chart() -> None:
    """Slash or underscore, before or behind; training comes first."""
    assert named("val/loss", "train_loss", "test/loss", "Acc/val", "Acc/train") == {
        "loss": {"train": "train_loss", "val": "val/loss", "test": "test/loss"},
        "Acc": {"train": "Acc/train", "val": "Acc/val"},
    }


def test_keras_names_share_a_chart() -> None:
    """``loss`` and ``val_loss`` are one picture."""
    assert named("loss", "val_loss") == {"loss": {"val": "val_loss", "loss": "loss"}}


def test_a_metric_without_a_split_has_its_own_chart() -> None:
    """``trainable`` is no split; ``gpu0/util`` keeps its name."""
    assert named("lr", "gpu0/util", "trainable_parameters") == {
        "gpu0/util": {"gpu0/util": "gpu0/util"},
        "lr": {"lr": "lr"},
        "trainable_parameters": {"trainable_parameters": "trainable_parameters"},
    }


def test_two_metrics_of_one_name_both_survive() -> None:
    """``val/loss`` and ``val_loss`` go by their full names."""
    assert named("val/loss", "val_loss", "train/loss") == {
        "loss": {"train": "train/loss", "val/loss": "val/loss", "val_loss": "val_loss"}
    }


def test_a_full_name_that_is_taken_does_not_swallow_a_line() -> None:
    """Every metric is drawn, whatever names were defined."""
    definitions = {
        "x": MetricDefined(time=0, metric="x", chart="c", line="val/a"),
        "val/a": MetricDefined(time=0, metric="val/a", chart="c", line="same"),
        "b": MetricDefined(time=0, metric="b", chart="c", line="same"),
    }
    lines = named("b", "val/a", "x", **definitions)["c"]
    assert sorted(lines.values()) == ["b", "val/a", "x"]


def test_ranks_are_lines_of_their_own_up_to_eight() -> None:
    """The first keeps the plain name; what is not drawn is told."""
    lines = [line_of("train/loss", rank=rank) for rank in range(10)]
    (plan,) = plan_charts(lines, {}, None)
    assert list(plan.lines)[:2] == ["train", "train (rank 1)"]
    assert len(plan.lines) == 8
    assert ranks_left_out(lines) == [8, 9]


def test_the_charts_that_matter_come_first() -> None:
    """Monitor, losses, accuracies, defined ones, the others by name."""
    metrics = ["a", "lr", "train/loss", "val/acc", "val/f1", "z"]
    definitions = {"z": MetricDefined(time=0, metric="z")}
    plans = plan_charts([line_of(m) for m in metrics], definitions, "val/f1")
    assert [plan.key for plan in plans] == ["f1", "loss", "acc", "z", "a", "lr"]


def test_a_defined_goal_ranks_a_chart() -> None:
    """It says more than the name does."""
    definitions = {
        "quality": MetricDefined(time=0, metric="quality", goal="max"),
        "a_loss": MetricDefined(time=0, metric="a_loss", goal="max"),
        "z": MetricDefined(time=0, metric="z", goal="min"),
    }
    plans = plan_charts([line_of(m) for m in ("a", "a_loss", "quality", "z")], definitions, None)
    assert [plan.key for plan in plans] == ["z", "a_loss", "quality", "a"]


@pytest.mark.parametrize(
    ("chart", "text"),
    [
        ("loss", "Loss"),
        ("acc", "Accuracy"),
        ("lr", "Learning rate"),
        ("grad_norm", "Gradient norm"),
        ("epoch_time", "Epoch time"),
        ("gpu0/util", "Gpu0/util"),
        ("_", "_"),
    ],
)
def test_titles_read_well(chart: str, text: str) -> None:
    """Known short forms are spelled out."""
    assert title(chart) == text


def test_definitions_override_names() -> None:
    """Chart, title, labels, unit, colour, note and goal, as the run said."""
    said = MetricDefined(
        time=0,
        metric="x",
        chart="speed",
        line="mine",
        title="How fast",
        x_label="batch",
        y_label="rate",
        unit="1/s",
        colour="#0072b2",
        note="On one GPU.",
        goal="max",
    )
    (plan,) = plan_charts([line_of("x")], {"x": said}, None)
    chart = draw_chart(plan, {"x": said}, drawing(), monitor=None)
    info = chart.line_info["mine"]
    assert (plan.key, chart.title, chart.x_label, chart.y_label) == (
        "speed",
        "How fast",
        "batch",
        "rate",
    )
    assert (info.unit, info.colour, info.note, info.goal) == (
        "1/s",
        "#0072b2",
        "On one GPU.",
        "max",
    )
    assert chart.best_point["mine"].value == 3.0


def test_a_line_of_unknown_direction_has_no_best_point() -> None:
    """Nobody knows whether a learning rate should be small."""
    (plan,) = plan_charts([line_of("lr")], {}, None)
    chart = draw_chart(plan, {}, drawing(), monitor=None)
    assert chart.best_point == {}


def test_a_line_with_many_values_an_epoch_has_no_best_point() -> None:
    """The least of many batches is luck; it is told as the minimum, not as the best."""
    line = fold.line_of(
        "train/loss", 0, np.arange(3), np.array([3.0, 1.0, 2.0]), epoch=np.zeros(3, np.int64)
    )
    (plan,) = plan_charts([line], {}, None)
    chart = draw_chart(plan, {}, drawing(), monitor=None)
    assert chart.best_point == {}
    minimum = chart.line_info["train"].minimum
    assert minimum is not None
    assert minimum.value == min(value for _, value in chart.lines["train"] if value is not None)


def test_the_monitors_best_point_is_that_of_the_run() -> None:
    """Even where the mean of an epoch won, which no single row equals."""
    line = line_of("val/loss")
    winner = Winner(0.5, 1, 0, 1, "epoch mean", 2)
    (plan,) = plan_charts([line], {}, "val/loss")
    chart = draw_chart(plan, {}, drawing(), monitor=(line, winner))
    assert chart.best_point["val"].value == 0.5
    assert chart.best_point["val"].step == 1


def test_a_monitor_without_a_winner_has_no_best_point() -> None:
    """The chart says what the record says: nothing won."""
    line = line_of("val/loss")
    (plan,) = plan_charts([line], {}, "val/loss")
    chart = draw_chart(plan, {}, drawing(), monitor=(line, None))
    assert chart.best_point == {}


def test_the_row_of_a_mean_takes_no_extreme_off_the_line() -> None:
    """It stands at the mean's step, but has not the mean's value: another row may be drawn there."""
    line = line_of("val/loss", [-100.0, 1.0, 0.5, 1.5], steps=[0, 0, 1, 1])
    winner = Winner(-49.5, 0, 0, 1, "epoch mean", 2)
    drawn = draw(line, policy="adaptive", max_points=16, mode=None, winner=winner)
    assert drawn.points == [(0, -100.0), (1, 1.5)]
    assert drawn.best is not None
    assert drawn.best.value == -49.5


def test_the_ends_of_the_number_line_are_steps() -> None:
    """No step is too large for a chart."""
    drawn = draw(
        line_of("m", [1.0, 2.0], steps=[-(2**63), 2**63 - 1]),
        policy="adaptive",
        max_points=16,
        mode=None,
    )
    assert [step for step, _ in drawn.points] == [-(2**63), 2**63 - 1]


def test_one_row_a_step_is_drawn_and_the_others_are_counted() -> None:
    """The last of a step, unless another is the best, the least or the greatest."""
    line = line_of("m", [5.0, 1.0, 2.0, 9.0, 4.0, 0.0, 3.0, 3.5], steps=[0, 1, 1, 2, 2, 3, 3, 4])
    drawn = draw(line, policy="adaptive", max_points=16, mode=None)
    assert drawn.points == [(0, 5.0), (1, 2.0), (2, 9.0), (3, 0.0), (4, 3.5)]
    assert drawn.repeated_steps == 3
    assert drawn.policy == "all"


def test_the_best_of_a_step_beats_its_extremes() -> None:
    """Least and greatest share a step: the best is the one that is drawn."""
    line = line_of("m", [1.0, 9.0, 2.0], steps=[0, 0, 0])
    assert draw(line, policy="adaptive", max_points=16, mode="max").points == [(0, 9.0)]
    assert draw(line, policy="adaptive", max_points=16, mode="min").points == [(0, 1.0)]


def test_steps_that_go_back_are_sorted() -> None:
    """A late evaluation of an earlier step is drawn at its step."""
    drawn = draw(
        line_of("m", [1.0, 2.0, 3.0], steps=[10, 20, 15]),
        policy="uniform",
        max_points=16,
        mode=None,
    )
    assert [step for step, _ in drawn.points] == [10, 15, 20]


def test_a_gap_is_null() -> None:
    """No NaN reaches the document."""
    nan = float("nan")
    drawn = draw(line_of("m", [1.0, nan, 2.0]), policy="adaptive", max_points=16, mode="min")
    assert drawn.points == [(0, 1.0), (1, None), (2, 2.0)]
    assert drawn.first is not None
    assert drawn.first.value == 1.0


def test_a_line_that_is_all_nan_has_no_first_least_or_best() -> None:
    """Only its gap."""
    nan = float("nan")
    drawn = draw(line_of("loss", [nan, nan]), policy="adaptive", max_points=16, mode="min")
    assert (drawn.first, drawn.last, drawn.minimum, drawn.maximum, drawn.best) == (None,) * 5
