"""The strip of changes per epoch beneath a chart."""

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure
from records import chart, record

from compactor.record import Epoch, EpochMetric, Point
from reports import figures
from reports.changes import CHANGE_LABEL, changes_of
from reports.theme import LIGHT
from reports.view import ChartView

VALUES = [(10 * epoch + 9, 1.0 / (epoch + 1)) for epoch in range(8)]
CHART = chart(
    "loss",
    {"val": VALUES},
    best={"val": Point(step=79, value=0.125, epoch=7)},
    infos={"val": {"metric": "val/loss"}},
)


def epochs(values: Sequence[float | None]) -> list[Epoch]:
    """Epochs of ten steps with the mean of ``val/loss`` in each."""
    made = []
    for place, value in enumerate(values):
        before = values[place - 1] if place else None
        change = None if value is None or before is None else value - before
        metric = EpochMetric(rows=1, mean=value, min=value, max=value, last=value, change=change)
        made.append(
            Epoch(
                epoch=place,
                first_step=10 * place,
                last_step=10 * place + 9,
                ended=True,
                seconds=1.0,
                values={"val/loss": value},
                metrics={"val/loss": metric},
            )
        )
    return made


def drawn(values: Sequence[float | None]) -> Figure:
    """The figure of the chart, with the epochs of a run."""
    made = record({"loss": CHART}, epochs=epochs(values))
    return figures.chart_figure(ChartView.of("loss", CHART), figures.style_of(made, LIGHT))


def test_each_change_stands_where_its_epoch_ends() -> None:
    """Around a zero line, beneath the steps of the chart."""
    chart_axes, strip = drawn([value for _, value in VALUES]).axes
    (line,) = (each for each in strip.get_lines() if each.get_label() == f"{CHANGE_LABEL}: val")
    steps, changes = np.asarray(line.get_xydata()).T
    assert steps.tolist() == [step for step, _ in VALUES[1:]]
    assert changes.tolist() == np.diff([value for _, value in VALUES]).tolist()
    assert any(each.get_label() == "zero" for each in strip.get_lines())
    assert strip.get_xlim() == chart_axes.get_xlim()
    assert strip.get_position().y1 < chart_axes.get_position().y0


def test_an_epoch_without_a_change_is_passed_over() -> None:
    """As the first, and one whose value was no number."""
    view = ChartView.of("loss", CHART)
    (change,) = changes_of(view, epochs([4.0, 3.0, None, 2.0, 1.0, 0.5]))
    assert change.steps.tolist() == [19, 49, 59]


def test_few_changes_are_not_drawn() -> None:
    """Two would say no more than the curve does."""
    assert len(drawn([3.0, 2.0, 1.0]).axes) == 1


def test_a_line_without_a_direction_has_no_strip() -> None:
    """A learning rate changes too, and no one wonders."""
    plain = chart("lr", {"lr": VALUES}, infos={"lr": {"metric": "val/loss"}})
    view = ChartView.of("lr", plain)
    assert changes_of(view, epochs([value for _, value in VALUES])) == []


def test_a_large_first_change_does_not_flatten_the_others() -> None:
    """The strip is logarithmic beyond the usual change then."""
    assert drawn([100.0, 1.0, 0.9, 0.8, 0.7, 0.6, 0.5, 0.4]).axes[1].get_yscale() == "symlog"
    assert drawn([5.0, 4.0, 3.0, 2.0, 1.5]).axes[1].get_yscale() == "linear"
