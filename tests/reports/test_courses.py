"""The strong line of a noisy course."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import chart

from compactor import compact
from logwriter import Run
from reports.courses import courses_of, running_mean, window_for
from reports.scale import Floats
from reports.view import ChartView, chart_views

FLOATS = st.lists(st.floats(-1e6, 1e6), max_size=80)


def slow_running_mean(values: list[float], window: int) -> list[float]:
    """The twin: one window after the other, as the docstring says."""
    half = window // 2
    means = []
    for place in range(len(values)):
        inside = values[max(0, place - half) : place + half + 1]
        if place < half:
            inside = values[: place + max(place, half // 2) + 1]
        if len(values) <= window:
            inside = values
        ordered = sorted(inside)
        cut = len(ordered) // 10
        kept = ordered[cut : len(ordered) - cut]
        means.append(sum(kept) / len(kept))
    return means


@settings(deadline=None, max_examples=60)
@given(FLOATS, st.sampled_from([3, 9, 21]))
def test_a_running_mean_is_that_of_its_slow_twin(values: list[float], window: int) -> None:
    """At both ends and in the middle."""
    made = running_mean(np.array(values, dtype=np.float64), window)
    assert made == pytest.approx(np.array(slow_running_mean(values, window)), rel=1e-9, abs=1e-6)


@settings(deadline=None, max_examples=60)
@given(FLOATS.filter(bool))
def test_a_running_mean_stays_within_the_values(values: list[float]) -> None:
    """It invents no extreme."""
    array = np.array(values)
    made = running_mean(array, 9)
    assert (made >= array.min() - 1e-6).all()
    assert (made <= array.max() + 1e-6).all()


def test_one_spike_is_no_plateau() -> None:
    """The outermost tenths of a window do not count."""
    values = np.ones(500)
    values[250] = 1e6
    assert running_mean(values, 21).max() == 1.0


@given(st.integers(0, 10**7))
def test_a_window_is_odd_and_bounded(points: int) -> None:
    """So that it has a middle, and that very many points are done with soon."""
    assert window_for(points) % 2 == 1
    assert 9 <= window_for(points) <= 101


def test_a_line_that_is_not_noisy_is_drawn_as_it_is() -> None:
    """Even where the record has it smoothed: a filter lags behind thirty points."""
    points = [(step, 1.0 / (step + 1)) for step in range(30)]
    smoothed = {"val": [(step, 1.0) for step in range(30)]}
    view = ChartView.of("loss", chart("loss", {"val": points}, smoothed=smoothed))
    assert courses_of(view)[0].strong is None


def noisy(values: Floats) -> ChartView:
    """The view of one line."""
    return ChartView.of("loss", chart("loss", {"train": list(enumerate(values.tolist()))}))


def test_a_gap_stays_a_gap() -> None:
    """Nothing strong is drawn where nothing was logged."""
    values = np.random.default_rng(0).normal(size=1000)
    values[400:500] = np.nan
    (course,) = courses_of(noisy(values))
    assert course.strong is not None
    assert np.isnan(course.strong).tolist() == np.isnan(values).tolist()


def test_on_a_logarithmic_axis_the_mean_is_geometric() -> None:
    """An arithmetic one would run along the upper edge of the noise; the chart says which it is."""
    noise = np.random.default_rng(0).normal(size=1000)
    (course,) = courses_of(noisy(np.exp(3 * noise)))
    assert course.strong is not None
    assert "geometric" in str(course.said)
    assert 0.3 < float(np.median(course.strong)) < 3


def test_a_band_that_no_one_would_see_is_left_out() -> None:
    """Nor is it spoken of."""
    values = np.linspace(0, 1, 1000)
    points = list(enumerate(values.tolist()))
    thin = [(step, float(step) / 1000, step / 1000 + 1e-4) for step in range(0, 1000, 10)]
    wide = [(step, float(step) / 1000, step / 1000 + 0.1) for step in range(0, 1000, 10)]
    for band, drawn in ((thin, False), (wide, True)):
        view = ChartView.of("lr", chart("lr", {"lr": points}, bands={"lr": band}))
        assert (courses_of(view)[0].band is not None) is drawn


def test_the_strong_line_of_a_thinned_line_is_the_mean_of_all_its_rows(tmp_path: Path) -> None:
    """Of rare successes, most of the drawn points are 1 and 0 in turn; one in twenty rows is 1."""
    values = (np.random.default_rng(3).random(40_000) < 0.05).astype(float)
    with Run(tmp_path / "run") as run:
        log = run.bind("success")
        for step, value in enumerate(values.tolist()):
            log(step, value)
    (view,) = chart_views(compact(tmp_path / "run"))
    (course,) = courses_of(view)
    assert course.line.values.mean() > 0.4
    assert course.strong is not None
    assert course.said == "running mean over all rows"
    late = course.line.steps > 2000
    assert np.abs(course.strong[late] - 0.05).max() < 0.03
