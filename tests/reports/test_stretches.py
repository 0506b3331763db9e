"""Phases and attempts behind the curves."""

import pytest
from matplotlib.axes import Axes
from matplotlib.patches import Rectangle
from records import attempt, chart, record, run_info

from compactor.record import Phase
from reports import figures
from reports.stretches import ATTEMPT_LABEL, PHASE_LABEL, resumptions, said_of_attempts
from reports.theme import LIGHT
from reports.view import ChartView

MADE = chart("loss", {"train": [(step, float(step)) for step in range(101)]})


def drawn(**changes: object) -> Axes:
    """The axes of a chart of a hundred steps."""
    style = figures.style_of(record({"loss": MADE}, **changes), LIGHT)
    return figures.chart_figure(ChartView.of("loss", MADE), style).axes[0]


def spans(axes: Axes, label: str) -> list[tuple[float, float]]:
    """From where to where the axes are shaded."""
    found = [each for each in axes.patches if each.get_label() == label]
    return [(each.get_x(), each.get_x() + each.get_width()) for each in found if _is_box(each)]  # type: ignore[attr-defined]


def _is_box(patch: object) -> bool:
    return isinstance(patch, Rectangle)


def test_every_second_phase_is_shaded() -> None:
    """From where it begins to where the next does, the last to the edge."""
    names = enumerate(("warm-up", "main", "cool-down", "tail"))
    axes = drawn(phases=[Phase(name=name, step=25 * place) for place, name in names])
    last = axes.get_xlim()[1]
    assert spans(axes, PHASE_LABEL) == [(25, 50), (75, pytest.approx(last))]


def test_phases_beyond_the_axes_shade_nothing() -> None:
    """One metric may end long before the run does."""
    axes = drawn(phases=[Phase(name="a", step=400), Phase(name="b", step=500)])
    assert spans(axes, PHASE_LABEL) == []


def test_the_strip_changes_where_an_attempt_took_over() -> None:
    """And the chart says what it means."""
    attempts = [attempt(), attempt(attempt=1, resumed_from=30), attempt(attempt=2, resumed_from=60)]
    axes = drawn(run=run_info(attempts=attempts))
    first, last = axes.get_xlim()
    assert spans(axes, ATTEMPT_LABEL) == [
        (first, pytest.approx(30)),
        (30, 60),
        (60, pytest.approx(last)),
    ]
    said = [text.get_text() for text in axes.texts]
    assert any("resumed from steps 30 and 60" in text for text in said)


def test_a_run_that_was_never_resumed_has_no_strip() -> None:
    """There is nothing to tell."""
    assert spans(drawn(), ATTEMPT_LABEL) == []
    assert said_of_attempts([]) is None


def test_an_attempt_that_went_further_back_hides_the_one_before() -> None:
    """Of what was rewound nothing is drawn; and other ranks are not counted again."""
    attempts = [
        attempt(),
        attempt(attempt=1, resumed_from=60),
        attempt(attempt=2, resumed_from=30),
        attempt(rank=1, attempt=1, resumed_from=50),
    ]
    assert resumptions(attempts) == [30]


def test_many_resumptions_are_counted() -> None:
    """Four are named."""
    assert said_of_attempts(range(0, 100, 10)) == (
        "strip at the bottom: resumed from steps 0, 10, 20, 30 and 6 more places"
    )
