"""The axis of steps."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import chart, record

from compactor.record import Phase
from reports import figures
from reports.courses import courses_of
from reports.steps import StepAxis, asks_for_stretching, step_axis
from reports.theme import LIGHT
from reports.ticks import stretched_ticks
from reports.view import ChartView

STEP = st.integers(-(10**6), 10**12)


@settings(deadline=None, max_examples=80)
@given(STEP, st.integers(0, 10**12), st.booleans())
def test_every_step_lies_inside_the_axis(first: int, span: int, stretched: bool) -> None:
    """From left to right in their order, with room at both ends."""
    axis = StepAxis(float(first), float(first + span), stretched)
    low, high = axis.limits
    assert low < first
    assert first + span < high
    assert 0 < axis.share(first) <= axis.share(first + span / 2) <= axis.share(first + span) < 1


def test_a_stretched_axis_gives_early_steps_more_room() -> None:
    """The first thousandth of a run, an eighth of the width; and step 0 is on it."""
    plain, stretched = StepAxis(0, 1e6), StepAxis(0, 1e6, stretched=True)
    assert plain.share(1000) < 0.03
    assert stretched.share(1000) > 0.12
    assert stretched.share(0) > 0


@settings(deadline=None, max_examples=80)
@given(STEP, st.integers(1, 10**12))
def test_ticks_of_a_stretched_axis_are_few_and_on_it(first: int, span: int) -> None:
    """Powers of ten, and zero."""
    axis = StepAxis(float(first), float(first + span), stretched=True)
    ticks = stretched_ticks(axis)
    assert len(ticks) <= 19
    assert ticks == sorted(set(ticks))
    assert all(axis.limits[0] <= tick <= axis.limits[1] for tick in ticks)


def fall(steps: int, early: float) -> ChartView:
    """A curve that falls within a share of its steps and stays there."""
    at = np.unique(np.concatenate((np.arange(1000), np.linspace(0, steps, 1000, dtype=np.int64))))
    values = 1 + 9 * np.exp(-at / (early * steps / 3)) - 0.2 * at / steps
    points = list(zip(at.tolist(), values.tolist(), strict=True))
    return ChartView.of("loss", chart("loss", {"train": points}))


@pytest.mark.parametrize(
    ("steps", "early", "asks"),
    [(1_000_000, 0.01, True), (1_000_000, 0.5, False), (10_000, 0.01, False)],
)
def test_a_long_run_that_is_over_soon_asks_for_it(steps: int, early: float, asks: bool) -> None:
    """A short one can be read as it is, and one that goes on changing needs no stretching."""
    courses = courses_of(fall(steps, early))
    assert asks_for_stretching(courses, logarithmic=False) is asks
    assert not asks_for_stretching([], logarithmic=False)


def test_all_charts_of_a_run_have_one_kind_of_axis() -> None:
    """That of the first, unless another is asked for."""
    made = record(
        {"loss": fall(1_000_000, 0.01).chart, "lr": chart("lr", {"lr": [(0, 1.0), (9, 2.0)]})},
        phases=[Phase(name="main", step=1000)],
    )
    for asked, scale in (("auto", "asinh"), ("log", "asinh"), ("linear", "linear")):
        style = figures.style_of(made, LIGHT, steps=asked)  # type: ignore[arg-type]
        axes = figures.dashboard_figure(made, style).axes
        assert [each.get_xscale() for each in axes] == [scale, scale]
        marked = "(log scale)" in axes[0].get_xlabel()
        assert marked is (scale == "asinh")


def test_a_name_of_a_phase_stands_where_the_phase_begins() -> None:
    """On either axis."""
    view = fall(1_000_000, 0.01)
    for stretched in (False, True):
        axis = step_axis(view, stretched=stretched)
        made = record({"loss": view.chart}, phases=[Phase(name="main", step=1000)])
        style = figures.style_of(made, LIGHT, steps="log" if stretched else "linear")
        axes = figures.chart_figure(view, style).axes[0]
        pixel = axes.transData.transform((1000, 1.0))[0]
        share = (pixel - axes.bbox.x0) / axes.bbox.width
        assert share == pytest.approx(axis.share(1000))
