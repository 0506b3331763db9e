"""Means over seeds: what they are made of, and that no size of numbers breaks them."""

import math
import statistics
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
from comparisons import mean_by_hand
from hypothesis import given, settings
from hypothesis import strategies as st

import compactor
from compactor.store import read_record
from logwriter import Run, read
from logwriter.errors import DamagedError
from reports.comparison.averaging import Average, Track, average, mean_and_deviation
from reports.comparison.comparing import Compared, compare_entries
from reports.comparison.meanline import band_of
from reports.comparison.overlays import Overlay, overlay
from reports.comparison.sources import Entry
from reports.comparison.tracks import full_tracks

ROWS, SEEDS, REWOUND = 6000, 3, 2500
FEW = 100


@pytest.fixture(scope="module")
def seeds(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Noisy runs that differ in their seed alone, the last one resumed from an earlier step."""
    folder = tmp_path_factory.mktemp("seeds")
    paths = [folder / f"seed{seed}" for seed in range(SEEDS)]
    for seed, path in enumerate(paths):
        values = np.random.default_rng(seed).normal(size=ROWS).tolist()
        with Run(path, config={"seed": seed}, monitor="loss", mode="min") as run:
            for step, value in enumerate(values):
                run.log({"loss": value}, step=step)
    with Run(paths[-1], resume=REWOUND) as run:
        for step in range(REWOUND, ROWS):
            run.log({"loss": math.sin(step)}, step=step)
    for path in paths:
        compactor.compact(path, max_points=FEW)
    return paths


def compared(paths: list[Path], *, logs: bool = True) -> Compared:
    """They, compared, with their logs or without."""
    return compare_entries([Entry(read_record(p), p, p if logs else None) for p in paths], [])


def mean_of(drawn: Overlay) -> Average:
    """The only mean of a comparison."""
    (mean,) = drawn.means.values()
    return mean


def test_a_mean_is_that_of_all_rows_though_few_are_drawn(seeds: list[Path]) -> None:
    """Hidden rows are not in it; the band holds every row of every run up to the next point."""
    made = compared(seeds)
    tracks, troubles = full_tracks(made)
    mean = mean_of(overlay(made.comparison, made.records, tracks))
    rows = np.full((SEEDS, ROWS), np.nan)
    for place, path in enumerate(seeds):
        for step, value in zip(*read(path).series("loss"), strict=True):
            rows[place, int(step)] = value
    at = mean.track.steps.astype(int)
    assert mean.track.values == pytest.approx(rows.mean(axis=0)[at], abs=1e-12)
    for first, end, least, greatest in zip(
        at, [*at[1:], ROWS], mean.least, mean.greatest, strict=True
    ):
        assert (least, greatest) == (rows[:, first:end].min(), rows[:, first:end].max())
    assert not troubles
    assert not mean.notes
    assert np.isfinite(mean.track.seconds).all()


def test_a_mean_of_drawn_points_says_that_it_is_one(seeds: list[Path]) -> None:
    """It swings more, as points are drawn because they stand out; the steps of the runs agree."""
    made = compared(seeds, logs=False)
    tracks, troubles = full_tracks(made)
    assert not tracks
    assert not troubles
    notes = mean_of(overlay(made.comparison, made.records, tracks)).notes
    assert any("swings more than the mean of all rows" in note for note in notes)
    assert not any("differ in steps" in note for note in notes)


def test_no_more_rows_are_read_than_allowed(seeds: list[Path]) -> None:
    """A group is averaged over the rows of all its runs, or over the drawn points of all."""
    assert not full_tracks(compared(seeds), most=SEEDS * ROWS - 1)[0]


def test_a_log_that_went_on_since_its_record_is_not_mixed_with_it(
    seeds: list[Path], tmp_path: Path
) -> None:
    """The mean of that group is made of drawn points."""
    path = tmp_path / "grown"
    for resume in (False, True):
        with Run(path, config={"seed": 9}, monitor="loss", mode="min", resume=resume) as run:
            for value in np.random.default_rng(9).normal(size=500).tolist():
                run.log({"loss": value})
        if not resume:
            compactor.compact(path, max_points=FEW)
    made = compared([*seeds, path])
    tracks, _ = full_tracks(made)
    assert ("grown", "loss") not in tracks
    mean = mean_of(overlay(made.comparison, made.records, tracks))
    assert any("swings more" in note for note in mean.notes)
    assert len(mean.track.steps) <= FEW * (SEEDS + 1) // 2  # all rows of the others are 500


def test_a_log_that_cannot_be_read_is_told_once(
    seeds: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Once a run, however many metrics it has."""
    made = compared(seeds)

    def fail(path: Path) -> None:
        raise DamagedError(f"{path.name}: a flipped bit")

    monkeypatch.setattr("reports.comparison.logged.read", fail)
    tracks, troubles = full_tracks(made)
    assert not tracks
    assert len(troubles) == SEEDS
    assert all("cannot be read for the mean" in trouble for trouble in troubles)


@settings(deadline=None, max_examples=200)
@given(
    st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=9)
    | st.lists(st.floats(-1e-300, 1e-300), min_size=1, max_size=9),
    st.integers(0, 1),
)
def test_mean_and_deviation_are_those_of_exact_fractions(values: list[float], freedom: int) -> None:
    """However large or small the values are."""
    mean, deviation = mean_and_deviation(np.array(values), freedom)
    size = max(map(abs, values))
    exact = sum(map(Fraction, values)) / len(values)
    assert mean == pytest.approx(float(exact), abs=1e-12 * size + 5e-324)
    if len(values) <= freedom:
        assert deviation is None
        return
    halves = [value / 2 for value in values]  # within a double, whatever the deviation is
    wanted = 2 * (statistics.stdev if freedom else statistics.pstdev)(halves)
    assert deviation == pytest.approx(wanted, rel=1e-9, abs=1e-7 * size + 1e-322)


def test_a_deviation_that_no_double_holds_is_none() -> None:
    """The mean of the same values is known."""
    greatest = np.finfo(np.float64).max
    assert mean_and_deviation(np.array([greatest, greatest]), 1) == (greatest, 0.0)
    assert mean_and_deviation(np.array([greatest, -greatest]), 1) == (0.0, None)


def test_runs_that_reach_the_largest_numbers_are_compared(tmp_path: Path) -> None:
    """Their group has a mean, their charts a line."""
    paths = [tmp_path / f"run{seed}" for seed in range(2)]
    for seed, path in enumerate(paths):
        with Run(path, config={"seed": seed}, monitor="loss", mode="min") as run:
            for step in range(20):
                run.log({"loss": 1.7e308 if step or not seed else -1.7e308})
        compactor.compact(path)
    made = compared(paths)
    (group,) = made.comparison.groups
    assert (group.mean, group.std) == (0.0, None)
    assert mean_of(overlay(made.comparison, made.records)).track.values[-1] == 1.7e308


def track(points: Sequence[tuple[int, float]]) -> Track:
    """A line without times."""
    steps, values = np.array(points, dtype=np.float64).T
    none = np.full(len(steps), np.nan)
    return Track(steps, values, none, none)


LINES = st.dictionaries(st.integers(0, 30), st.floats(-1e6, 1e6), min_size=1, max_size=12)


@settings(deadline=None, max_examples=150)
@given(st.lists(LINES, min_size=2, max_size=4))
def test_the_mean_is_that_of_the_lines_at_each_step_that_any_has(
    lines: list[dict[int, float]],
) -> None:
    """Within their common range; and the band holds each of them."""
    found = average([track(sorted(line.items())) for line in lines])
    by_hand = {step: mean_by_hand(lines, step) for line in lines for step in line}
    wanted = {step: value for step, value in by_hand.items() if value is not None}
    if found is None:
        assert not wanted
        return
    assert found.track.steps.tolist() == sorted(wanted)
    for step, value in zip(found.track.steps.tolist(), found.track.values.tolist(), strict=True):
        assert value == pytest.approx(wanted[int(step)], rel=1e-9, abs=1e-6)
    assert (found.least <= found.track.values + 1e-6).all()
    assert (found.greatest >= found.track.values - 1e-6).all()
    alike = all(line.keys() == lines[0].keys() for line in lines)
    assert any("interpolated" in note for note in found.notes) is not alike


def test_a_mean_has_a_gap_where_a_run_is_not_finite_and_says_so() -> None:
    """A mean of the others would jump. The points on both sides stay."""
    whole = track([(step, 1.0) for step in range(10)])
    torn = track([(step, math.nan if step in {4, 5} else 3.0) for step in range(10)])
    found = average([whole, torn])
    assert found is not None
    gaps = found.track.steps[~np.isfinite(found.track.values)]
    assert gaps.tolist() == [4, 5]
    assert np.isfinite(found.track.values[[3, 6]]).all()
    assert "no mean at 2 steps of 4–5, where a run is not finite" in found.notes
    heights = {step: high - low for step, low, high in band_of(found)}
    assert [heights[step] for step in range(10)] == [2, 2, 2, 2, 0, 0, 2, 2, 2, 2]


def test_a_mean_ends_where_the_first_run_does() -> None:
    """Nothing is extrapolated, and the chart says from where on there is none."""
    found = average([track([(0, 1.0), (10, 1.0)]), track([(0, 3.0), (20, 3.0)])])
    assert found is not None
    assert found.track.steps.tolist() == [0, 10]
    assert "no mean beyond step 10, where the first of the runs ends" in found.notes


def test_a_long_mean_is_thinned_as_lines_are() -> None:
    """To as many points as a line may have, its ends among them."""
    lines = [track([(2 * step + odd, float(step % 7)) for step in range(3000)]) for odd in (0, 1)]
    found = average(lines)
    assert found is not None
    assert len(found.track.steps) <= 2000
    assert found.track.steps[[0, -1]].tolist() == [1, 5998]
