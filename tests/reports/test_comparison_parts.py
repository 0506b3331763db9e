"""What a comparison is made of: labels, settings, the judge, the moment, the mean. Mostly pure."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from comparisons import mean_by_hand
from hypothesis import given, settings
from hypothesis import strategies as st
from records import chart, record, run_info

import compactor
from compactor.record import RECORD_NAME, Along, Best, Epoch, EpochMetric, Finding, Point, Record
from compactor.store import read_record
from logwriter import Run
from logwriter.errors import DamagedError
from reports.comparison.averaging import Track, average
from reports.comparison.comparing import compare_entries
from reports.comparison.judging import Judge, best_of, choose_judge
from reports.comparison.labels import LONGEST, labels_of
from reports.comparison.meanline import band_of
from reports.comparison.reaching import reached
from reports.comparison.result import Reached
from reports.comparison.settings import differing, repetitions
from reports.comparison.sources import Entry

SMALLEST = Judge("val/loss", "min", "the argument")


def entry(name: str, folder: str = "somewhere", **run: object) -> Entry:
    """A run of which only who it is matters."""
    path = Path(folder)
    holder = path.parent if path.name == RECORD_NAME else path
    return Entry(record(run=run_info(name=name, **run)), path, holder)


@pytest.mark.parametrize(
    ("entries", "labels"),
    [
        ([entry("a"), entry("b")], ["a", "b"]),
        (
            [entry("a", config={"lr": 1, "seed": 3}), entry("a", config={"lr": 2, "seed": 3})],
            ["a lr=1", "a lr=2"],
        ),
        ([entry("a", config={"opt": {"lr": 1}}), entry("a")], ["a lr=1", "a lr=none"]),
        (
            [entry("a", config={"x": x, "y": y}) for x, y in ((1, 1), (1, 2), (2, 1))],
            ["a x=1 y=1", "a x=1 y=2", "a x=2 y=1"],
        ),
        ([entry("a", "here"), entry("a", "there")], ["a (here)", "a (there)"]),
        (
            [entry("a", "x/run"), entry("a", "y/run/record.json")],
            ["a (x/run)", "a (y/run)"],
        ),
        ([entry("a", id="1"), entry("a", id="2")], ["a (1)", "a (2)"]),
        ([entry("a"), entry("a"), entry("a #2")], ["a", "a #2", "a #2 #2"]),
        ([entry("a\x1b[2J\n"), entry("")], ["a [2J", "20260504-quiet-heron"]),
    ],
    ids=[
        "names",
        "one key",
        "missing",
        "keys",
        "folders",
        "parents",
        "identifiers",
        "numbers",
        "hostile",
    ],
)
def test_runs_are_told_apart_by_what_differs(entries: list[Entry], labels: list[str]) -> None:
    """Their names where these differ, and else the least that does it."""
    assert labels_of(entries) == labels


@settings(deadline=None, max_examples=60)
@given(st.lists(st.text(max_size=80), min_size=1, max_size=6))
def test_labels_are_short_unlike_each_other_and_on_one_line(names: list[str]) -> None:
    """Whatever the runs are called."""
    labels = labels_of([entry(name) for name in names])
    assert len(set(labels)) == len(names)
    assert all(0 < len(label) <= LONGEST + 4 and "\n" not in label for label in labels)


def test_settings_differ_where_a_value_does_or_a_run_lacks_the_key() -> None:
    """In the order in which they appear."""
    configs = [{"a": "1", "b": "x", "c": "1"}, {"a": "1", "b": "y"}]
    assert differing(configs) == ["b", "c"]


def test_only_runs_with_a_seed_repeat_each_other() -> None:
    """By seed, random_seed, the last part of a nested key, or as asked; never without any."""
    alike = [{"lr": "1", "seed": "1"}, {"lr": "1", "seed": "2"}, {"lr": "2", "seed": "1"}]
    assert repetitions(alike) == [[0, 1]]
    assert repetitions([{"opt.random_seed": "1"}, {"opt.random_seed": "2"}]) == [[0, 1]]
    assert repetitions([{}, {}]) == []
    assert repetitions([{"lr": "1"}, {"lr": "1"}]) == []
    fold = [{"data.fold": "1"}, {"data.fold": "2"}]
    assert repetitions(fold) == []
    assert repetitions(fold, ["fold"]) == repetitions(fold, ["data.fold"]) == [[0, 1]]


def judged(metric: str, value: float = 1.0, mode: str = "min") -> Record:
    """A record whose best point was decided by ``metric``."""
    return record(
        {metric: chart(metric, {"x": [(0, value)]}, infos={"x": {"metric": metric}})},
        best=Best(
            metric=metric,
            mode=mode,
            value=value,
            step=0,
            epoch=None,
            per="step",
            candidates=1,
            metric_chosen_by="the argument",
            mode_chosen_by="the argument",
            row={},
        ),
    )


def test_most_runs_choose_the_metric_and_the_mode() -> None:
    """Of as many the first given, and a note says that they disagree."""
    records = [judged("quality", mode="max"), judged("val/loss"), judged("val/loss")]
    judge = choose_judge(records, None, None)
    assert (judge.metric, judge.mode, len(judge.notes)) == ("val/loss", "min", 1)
    assert choose_judge(records[:2], None, None).metric == "quality"
    assert choose_judge(records, "quality", None).mode == "max"
    assert choose_judge(records, "quality", "min").mode == "min"


def test_a_metric_that_decided_nothing_is_judged_by_what_the_record_has() -> None:
    """The exact extreme of all rows, even where it is not drawn."""
    least = Point(step=7, value=-3.0)
    made = record(
        {
            "x": chart(
                "x", {"x": [(0, 1.0), (9, 2.0)]}, infos={"x": {"metric": "x", "minimum": least}}
            )
        }
    )
    found = best_of(made, Judge("x", "min", "the argument"))
    assert found is not None
    assert (found.value, found.step, found.per) == (-3.0, 7, "step")
    assert best_of(made, SMALLEST) is None


def epoch_of(number: int, value: float | None, *, rows: int = 5, ended: bool = True) -> Epoch:
    """An epoch with a mean of the monitor."""
    metric = EpochMetric(rows=rows, mean=value, min=value, max=value, last=value, change=None)
    return Epoch(
        epoch=number,
        first_step=10 * number,
        last_step=10 * number + 9,
        ended=ended,
        seconds=1.0,
        values={"val/loss": value},
        metrics={"val/loss": metric},
    )


def test_an_epoch_that_never_ended_reaches_nothing() -> None:
    """As it is no candidate for the best; one without a finite mean is passed over."""
    table = [epoch_of(0, 9.0), epoch_of(1, 0.1, ended=False), epoch_of(2, None), epoch_of(3, 1.0)]
    steps = [(step, 1.0) for step in range(40)]
    along = Along(seconds=[float(s) for s, _ in steps], epoch=[s / 10 for s, _ in steps])
    made = record({"loss": chart("loss", {"val": steps}, along={"val": along})}, epochs=table)
    best = best_of(made, SMALLEST)
    assert best is not None
    assert (best.value, best.epoch, best.per) == (1.0, 3, "epoch mean")
    assert reached(made, None, best, SMALLEST, 0.5) is None
    moment = reached(made, None, best, SMALLEST, 1.0)
    assert moment == Reached(step=39, epoch=3, seconds=39.0, exact=True)
    bare = reached(record(epochs=table), None, best, SMALLEST, 1.0)
    assert bare == Reached(step=best.step, epoch=3, seconds=None, exact=False)


ROWS = 30_000


@pytest.fixture(scope="module")
def long_run(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, np.ndarray]:
    """A noisy metric by step alone, of which few rows are drawn, and its values."""
    path = tmp_path_factory.mktemp("long") / "run"
    rng = np.random.default_rng(5)
    values = np.linspace(5, 1, ROWS) + rng.normal(size=ROWS)
    with Run(path, monitor="loss", mode="min") as run:
        log = run.bind("loss")
        for step, value in enumerate(values.tolist()):
            log(step, value)
    compactor.compact(path, max_points=100)
    return path, values


@pytest.mark.parametrize("target", [4.0, 2.0, 0.0])
def test_the_moment_is_exact_where_the_log_is_there(
    long_run: tuple[Path, np.ndarray], target: float
) -> None:
    """The first row of all at or below the value, though the record does not draw it."""
    path, values = long_run
    made = compactor.compact(path, max_points=100)
    judge = Judge("loss", "min", "the argument")
    best = best_of(made, judge)
    moment = reached(made, path, best, judge, target)
    assert moment is not None
    assert moment.step == int(np.flatnonzero(values <= target)[0])
    assert moment.exact
    assert moment.seconds is not None
    drawn = reached(made, None, best, judge, target)
    assert drawn is not None
    assert not drawn.exact
    assert drawn.step >= moment.step
    assert values[drawn.step] <= target


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


def test_findings_are_those_of_the_record() -> None:
    """A finding is carried as it is."""
    finding = Finding(
        rule="diverged",
        severity="critical",
        metric="x",
        rank=0,
        step=1,
        last_step=None,
        text="x",
        evidence={},
        advice="y",
    )
    entries = [Entry(judged("x"), None, None), Entry(judged("x", 2.0), None, None)]
    broken = Entry(record(findings=[finding]), None, None)
    found = compare_entries([*entries, broken], [])
    assert found.comparison.runs[2].findings == [finding]
    assert [run.label for run in found.comparison] == ["digits", "digits #2", "digits #3"]


def test_where_the_log_cannot_be_read_the_record_tells_alone(
    long_run: tuple[Path, np.ndarray], monkeypatch: pytest.MonkeyPatch
) -> None:
    """With a note that says why, and a moment that is not called exact."""

    def fail(_: Path) -> None:
        raise DamagedError("a flipped bit")

    monkeypatch.setattr("reports.comparison.reaching.read", fail)
    path, _ = long_run
    made = read_record(path)
    found = compare_entries([Entry(made, path, path), Entry(made, path, path)], [], to=2.0)
    assert all("a flipped bit" in note for note in found.comparison.notes)
    assert [run.reached.exact for run in found.comparison if run.reached] == [False, False]
