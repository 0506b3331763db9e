"""What the script of a page is given to draw from."""

import json
from typing import Any

import msgspec
import numpy as np
import pytest
from packed import unpacked
from records import attempt, chart, digits, record, run_info

from compactor.record import Along, Finding, NonFinite, Phase, Record
from reports.chartdata import FINDINGS_MARKED, chart_data, findings_of, shortened
from reports.courses import courses_of
from reports.page import render_page
from reports.view import chart_views


def data_of(made: Record) -> tuple[dict[str, Any], str]:
    """The tree, as the script parses it, and the packed numbers."""
    tree, text = chart_data(made, chart_views(made))
    return json.loads(json.dumps(tree, allow_nan=False)), text


def finding(metric: str, step: int | None, rank: int = 0) -> Finding:
    """Something seen at a step of a metric."""
    return Finding(
        rule="loss_spike",
        severity="warning",
        metric=metric,
        rank=rank,
        step=step,
        last_step=None,
        text="rose",
        evidence={},
        advice="",
    )


def test_steps_values_times_and_epochs_are_those_of_the_record() -> None:
    """Times to the millisecond, an epoch that is not known as NaN, values to eleven digits."""
    points = [(-3, 0.1), (0, float("nan")), (10**12, -1e300)]
    along = {"train": Along(seconds=[0.5, 1.0004, 90.0], epoch=[None, 0.5, 1.25])}
    tree, text = data_of(record({"loss": chart("loss", {"train": points}, along=along)}))
    (line,) = tree["charts"][0]["lines"]
    assert unpacked(text, line["step"]).tolist() == [-3, 0, 10**12]
    np.testing.assert_allclose(unpacked(text, line["value"]), [0.1, np.nan, -1e300], rtol=1e-11)
    assert unpacked(text, line["ms"]).tolist() == [500, 1000, 90000]
    np.testing.assert_array_equal(unpacked(text, line["epoch"]), [np.nan, 0.5, 1.25])


def test_a_line_without_times_epochs_or_band_has_none() -> None:
    """The script offers no axis that a chart has no positions for."""
    tree, _ = data_of(digits())
    lines = [line for each in tree["charts"] for line in each["lines"]]
    assert not any({"ms", "epoch", "band", "smoothed"} & set(line) for line in lines)


def test_a_band_holds_the_range_it_stands_for() -> None:
    """Its ends may move outward, never inward."""
    band = [(0, 0.1, 0.2), (7, -0.3, 1e300)]
    made = chart("loss", {"train": [(0, 0.1), (9, 0.2)]}, bands={"train": band})
    tree, text = data_of(record({"loss": made}))
    places = tree["charts"][0]["lines"][0]["band"]
    assert unpacked(text, places["step"]).tolist() == [0, 7]
    assert (unpacked(text, places["least"]) <= [0.1, -0.3]).all()
    assert (unpacked(text, places["greatest"]) >= [0.2, 1e300]).all()


def test_a_constant_line_has_a_band_without_height() -> None:
    """The rounding of its ends would be all that an axis shows."""
    made = chart("lr", {"lr": [(0, 1e-3), (9, 1e-3)]}, bands={"lr": [(0, 1e-3, 1e-3)]})
    tree, text = data_of(record({"lr": made}))
    places = tree["charts"][0]["lines"][0]["band"]
    assert unpacked(text, places["least"]).tolist() == [1e-3]
    assert unpacked(text, places["greatest"]).tolist() == [1e-3]


def test_findings_are_marked_where_their_metric_is_drawn() -> None:
    """At a step; not more than can be told apart."""
    found = [finding("val/loss", 3), finding("train/loss", None), finding("other", 3)]
    made = record(digits().charts, findings=found)
    views = {view.key: view for view in chart_views(made)}
    assert findings_of(made, views["loss"]) == found[:1]
    assert findings_of(made, views["lr"]) == []
    many = record(digits().charts, findings=found[:1] * 50)
    assert len(findings_of(many, views["loss"])) == FINDINGS_MARKED


def test_findings_are_marked_on_the_line_of_their_rank() -> None:
    """A line of another rank of the same metric is not meant."""
    infos = {f"rank {r}": {"metric": "loss", "rank": r} for r in (0, 2)}
    ranks = chart("loss", {name: [(0, 1.0), (9, 2.0)] for name in infos}, infos=infos)
    found = [finding("loss", 3, 1), finding("loss", 4, 2), finding("loss", 5, 0)]
    tree, _ = data_of(record({"loss": ranks}, findings=found))
    assert [(each["step"], each["line"]) for each in tree["charts"][0]["findings"]] == [
        (4, 1),
        (5, 0),
    ]


def test_the_star_is_that_of_the_rank_that_decided() -> None:
    """The best of another rank is not the best of the run."""
    infos = {f"rank {r}": {"metric": "val/loss", "rank": r} for r in range(3)}
    ranks = chart("loss", {name: [(0, 1.0)] for name in infos}, infos=infos)
    decided = digits().best
    assert decided is not None
    best = msgspec.structs.replace(decided, rank=1)
    tree, _ = data_of(record({"loss": ranks}, best=best))
    assert [line["judges"] for line in tree["charts"][0]["lines"]] == [False, True, False]


@pytest.mark.parametrize("base", [0.0, 1e6, -1e300])
def test_dense_lines_carry_the_strong_curve_of_the_figures(base: float) -> None:
    """To less than any eye sees, gaps included, and what it is."""
    noise = np.random.default_rng(1).normal(size=600) * max(1.0, abs(base) * 1e-6)
    noise[100:120] = np.nan
    points = [(step, base + float(value)) for step, value in enumerate(noise)]
    made = record({"loss": chart("loss", {"train": points, "val": points[:3]})})
    tree, text = data_of(made)
    train, val = tree["charts"][0]["lines"]
    course, other = courses_of(chart_views(made)[0])
    assert course.strong is not None
    assert other.strong is None
    assert "smoothed" not in val
    strong = course.strong
    height = np.nanmax(strong) - np.nanmin(strong)
    np.testing.assert_allclose(unpacked(text, train["smoothed"]), strong, rtol=0, atol=height / 1e4)
    assert train["smoothing"] == "running mean of 15 drawn points"


def test_epochs_that_grow_evenly_are_told_by_few_places() -> None:
    """Between them they lie on straight lines; uneven ones are all told."""
    steps = list(range(0, 3000, 3))
    even = [step / 1000 if step < 1000 else 1 + (step - 1000) / 2000 for step in steps]
    uneven = np.cumsum(np.random.default_rng(2).random(1000)).tolist()
    for epochs, few in ((even, True), (uneven, False)):
        along = {"train": Along(seconds=[0.0] * 1000, epoch=list(epochs))}
        lines = {"train": [(step, 1.0) for step in steps]}
        tree, text = data_of(record({"loss": chart("loss", lines, along=along)}))
        packed = tree["charts"][0]["lines"][0]["epoch"]
        assert isinstance(packed, dict) is few
        if few:
            at = unpacked(text, packed["at"]).astype(int)
            assert len(at) < 10
            got = np.interp(steps, np.array(steps)[at], unpacked(text, packed["epoch"]))
        else:
            got = unpacked(text, packed)
        np.testing.assert_allclose(got, epochs, rtol=1e-5, atol=1e-5)


def test_attempts_are_marked_where_they_took_over() -> None:
    """Those of the lowest rank: the others took over with it."""
    run = run_info(
        ranks=[2, 3],
        attempts=[
            attempt(rank=2),
            attempt(rank=2, attempt=1, resumed_from=50),
            attempt(rank=3, attempt=1, resumed_from=49),
        ],
    )
    tree, _ = data_of(record(run=run, phases=[Phase(name="b", step=9), Phase(name="a", step=0)]))
    assert tree["attempts"] == [{"name": "attempt 1", "step": 50}]
    assert [phase["name"] for phase in tree["phases"]] == ["a", "b"]


def test_names_are_values_short_and_on_one_line() -> None:
    """A canvas has no room for more; no name is a key of the tree."""
    name = "__proto__\n" + "n" * 10_000
    made = record({name: chart(name, {name: [(0, 1.0)]}, title=name)})
    tree, _ = data_of(made)
    assert len(json.dumps(tree)) < 4000
    assert "n" * 60 not in json.dumps(tree)
    assert shortened("a\n b\N{RIGHT-TO-LEFT OVERRIDE}c") == "a b c"
    assert shortened("abcdef", 4) == "abc…"


def test_a_page_of_twenty_large_charts_is_below_four_megabytes() -> None:
    """Reckoned from one: four lines of 2000 points with full fractions, times, epochs and bands."""
    rng = np.random.default_rng(3)
    lines, along, bands = {}, {}, {}
    for name in ("a", "b", "c", "d"):
        steps = np.sort(rng.choice(10_000_000, 2000, replace=False)).tolist()
        lines[name] = list(zip(steps, rng.standard_normal(2000).tolist(), strict=True))
        seconds = [step * 0.01 + 0.001 * float(rng.random()) for step in steps]
        along[name] = Along(seconds=seconds, epoch=[step / 1e5 for step in steps])
        bands[name] = [(step, -1.0, float(rng.random())) for step in steps[:: 2000 // 300]]
    infos = {name: {"non_finite": NonFinite()} for name in lines}
    made = record({"loss": chart("loss", lines, infos=infos, along=along, bands=bands)})
    empty, full = len(render_page(record())), len(render_page(made))
    assert empty + 20 * (full - empty) < 4_000_000
