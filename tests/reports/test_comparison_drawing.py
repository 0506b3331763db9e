"""The charts of a comparison: who is drawn how, in figures and in files."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib.colors import to_hex
from records import chart, line_info, record, run_info

import reports
from compactor.record import Along, MetricBest, Point, Record
from reports import figures
from reports.comparison import drawing
from reports.comparison.casting import COLOURED, cast_of
from reports.comparison.comparing import Compared, compare_entries
from reports.comparison.overlays import overlay
from reports.comparison.sources import Entry
from reports.rendering import look_of
from reports.theme import LIGHT, THEMES, contrast
from reports.view import chart_views


def run_of(place: int, *, config: dict[str, Any] | None = None, **changes: Any) -> Record:
    """A run with ten values of two losses, the better the smaller its number."""
    val = [(10 * e + 9, 2.0 - e / 10 + place) for e in range(10)]
    train = [(step, 3.0 + place) for step in range(100)]
    best = MetricBest(mode="min", value=val[-1][1], step=99, epoch=9, per="epoch")
    parts: dict[str, Any] = {
        "best_by_metric": {"val/loss": best},
        "run": run_info(name=f"run{place}", config=config or {"lr": place}),
    }
    made = {"loss": chart("loss", {"train": train, "val": val}, title="Loss")}
    return record(made, **(parts | changes))


def compared(records: Sequence[Record]) -> Compared:
    """They, compared by their validation loss."""
    return compare_entries([Entry(each, None, None) for each in records], [], metric="val/loss")


def overlaid(records: Sequence[Record], *, told: bool = False) -> Any:
    """The overlay of a comparison of these."""
    made = compared(records)
    return overlay(made.comparison, made.records, told=told)


def test_a_chart_a_metric_and_a_line_a_run_the_best_first() -> None:
    """Training and validation apart, each with all runs; the compared metric leads."""
    charts = overlaid([run_of(2), run_of(0), run_of(1)]).record.charts
    assert list(charts) == ["val/loss", "train/loss"]
    assert list(charts["val/loss"].lines) == ["run0", "run1", "run2"]
    assert charts["val/loss"].title == "Loss · val"
    assert charts["val/loss"].best_point["run1"].value == pytest.approx(2.1)


def test_a_line_tells_its_best_where_no_table_does() -> None:
    """That of the chart's own metric."""
    lines = overlaid([run_of(0), run_of(1)], told=True).record.charts
    assert list(lines["val/loss"].lines) == ["run0 (1.1)", "run1 (2.1)"]
    assert list(lines["train/loss"].lines) == ["run0", "run1"]


def test_a_metric_of_one_run_is_named_not_drawn() -> None:
    """And one that some runs lack says how many have it."""
    alone = run_of(1)
    alone = record(
        {**alone.charts, "lr": chart("lr", {"lr": [(0, 1.0)]}, infos={"lr": {"metric": "lr"}})},
        best_by_metric=alone.best_by_metric,
        run=alone.run,
    )
    few = run_of(2)
    few.charts["loss"].lines.pop("train")
    few.charts["loss"].line_info.pop("train")
    made = overlaid([run_of(0), alone, few]).record
    assert any("Of one run alone, and not drawn: lr." in note for note in made.notes)
    assert "2 of 3 runs have it" in (made.charts["train/loss"].note or "")


def test_a_run_has_one_colour_in_all_charts_unlike_any_other() -> None:
    """Up to eight; four of them are dashed besides."""
    made = overlaid([run_of(place) for place in range(COLOURED)])
    for place in range(COLOURED):
        parts = {made.parts[key, f"run{place}"] for key in made.record.charts}
        assert len(parts) == 1
    strokes = [made.parts["val/loss", f"run{place}"].stroke for place in range(COLOURED)]
    for theme in THEMES.values():
        assert len({stroke.colour(theme) for stroke in strokes}) == COLOURED
    assert [stroke.dash for stroke in strokes] == ["solid"] * 4 + ["dashed"] * 4


def test_beyond_eight_the_others_are_grey_and_unmarked() -> None:
    """They stay in the chart, step back behind the best, and the chart says so."""
    made = overlaid([run_of(place) for place in range(25)])
    shown = made.record.charts["val/loss"]
    assert len(shown.lines) == 25
    grey = [name for name in shown.lines if made.parts["val/loss", name].grey]
    assert grey == [f"run{place}" for place in range(COLOURED, 25)]
    assert set(shown.best_point) == {f"run{place}" for place in range(COLOURED)}
    assert "in colour: the best 8" in (shown.note or "")
    assert contrast(LIGHT.rule, LIGHT.background) < 2


def seeded(place: int, lr: float, **changes: Any) -> Record:
    """A run that names its seed."""
    return run_of(place, config={"lr": lr, "seed": place}, **changes)


def test_repetitions_share_a_colour_and_are_thin_beside_their_mean() -> None:
    """The mean stands first, at the average of its runs; what it is shaded for is said."""
    made = overlaid([seeded(0, 0.1), seeded(1, 0.1), run_of(5)])
    shown = made.record.charts["val/loss"]
    mean, *others = shown.lines
    assert mean == "mean of 2: run0 and 1 other"
    assert others == ["run0", "run1", "run5"]
    assert shown.lines[mean] == [(10 * e + 9, pytest.approx(2.5 - e / 10)) for e in range(10)]
    parts = [made.parts["val/loss", name] for name in shown.lines]
    assert len({part.stroke for part in parts[:3]}) == 1
    assert parts[3].stroke != parts[0].stroke
    assert [part.thin for part in parts] == [False, True, True, False]
    assert mean not in shown.best_point
    assert "means are shaded" in (shown.note or "")


def test_runs_of_one_configuration_keep_colours_of_their_own() -> None:
    """With one colour for all, none could be told from another."""
    made = compared([seeded(0, 0.1), seeded(1, 0.1)])
    parts = cast_of(made.comparison).runs.values()
    assert len({part.stroke for part in parts}) == 2
    assert all(part.thin for part in parts)


def drawn(records: Sequence[Record]) -> tuple[Any, Any]:
    """The figure of the first chart, finished, and the overlay it shows."""
    made = overlaid(records, told=True)
    views = chart_views(made.record)
    style = drawing._style(made, views, look_of(["png"], "light", "screen"))
    figure = figures.chart_figure(views[0], style)
    drawing._finish(figure, views[:1], made, style)
    return figure.axes[0], made


def test_the_figure_shades_the_mean_from_least_to_greatest() -> None:
    """In the colour of its group, as far as there is a mean."""
    axes, _ = drawn([seeded(0, 0.1), seeded(1, 0.1), run_of(5)])
    (band,) = [each for each in axes.collections if str(each.get_label()).startswith("band: mean")]
    (line,) = [each for each in axes.lines if str(each.get_label()).startswith("mean of 2")]
    heights = band.get_paths()[0].vertices[:, 1]
    assert heights.min() == pytest.approx(1.1)
    assert heights.max() == pytest.approx(3.0)
    assert to_hex(band.get_facecolor()[0]) == to_hex(line.get_color())


def test_a_run_that_broke_is_marked_where_it_did_not_shaded_over_the_others() -> None:
    """By a cross in its colour at the first step that was no number."""
    points = [(step, 1.0 if step < 5 else math.nan) for step in range(10)]
    broken = record(
        {"loss": chart("loss", {"val": points})}, run=run_info(name="broken", config={"lr": 9})
    )
    axes, _ = drawn([run_of(0), broken])
    assert not axes.patches
    (cross,) = [
        each
        for each in axes.lines
        if each.get_label() == "not finite: broken (1)" or each.get_label() == "not finite: broken"
        if len(each.get_xdata())
    ]
    assert np.asarray(cross.get_xdata()).tolist() == [5]


def test_thin_lines_of_many_points_are_their_course_alone() -> None:
    """Behind the others."""
    rng = np.random.default_rng(0)
    noisy = []
    for place in range(10):
        points = list(enumerate((rng.normal(size=400) + place).tolist()))
        noisy.append(
            record(
                {"loss": chart("loss", {"val": points}, infos={"val": {"metric": "val/loss"}})},
                run=run_info(name=f"run{place}", config={"lr": place}),
            )
        )
    axes, made = drawn(noisy)
    names = list(made.record.charts["val/loss"].lines)
    shown = {str(line.get_label()): line for line in axes.lines}
    assert not shown[names[-1]].get_visible()
    assert shown[names[0]].get_visible()
    thin, best = (shown[f"strong: {name}"] for name in (names[-1], names[0]))
    assert thin.get_visible()
    assert thin.get_zorder() < best.get_zorder()
    assert thin.get_linewidth() < best.get_linewidth()


def test_drawing_writes_a_page_a_sheet_and_a_file_a_chart(tmp_path: Path) -> None:
    """The same bytes again, without what the last time left over."""
    out = tmp_path / "out"
    found = reports.compare([run_of(0), run_of(1)], out, metric="val/loss")
    names = ["index.html", "comparison.png", "charts/01-val-loss.png", "charts/02-train-loss.png"]
    assert found.files == [str(out / name) for name in names]
    first = {path: path.read_bytes() for path in out.rglob("*.*") if path.is_file()}
    assert len(first) == 4
    reports.compare([run_of(0), run_of(1)], out, metric="val/loss")
    assert {path: path.read_bytes() for path in first} == first


def test_means_keep_their_place_in_time() -> None:
    """Elapsed seconds of a mean are those of its runs on average."""
    made = []
    for place in range(2):
        each = seeded(place, 0.1)
        seconds = [float(e * (place + 1)) for e in range(10)]
        each.charts["loss"].along["val"] = Along(seconds=seconds, epoch=list(map(float, range(10))))
        made.append(each)
    shown = overlaid(made).record.charts["val/loss"]
    assert shown.along[next(iter(shown.lines))].seconds == [1.5 * e for e in range(10)]


def test_a_line_keeps_what_the_record_says_of_it() -> None:
    """Extremes and amounts of a run are not those of its drawn points."""
    made = run_of(0)
    info = line_info([(0, 1.0)], metric="val/loss", minimum=Point(step=3, value=-7.0))
    made.charts["loss"].line_info["val"] = info
    shown = overlaid([made, run_of(1)]).record.charts["val/loss"]
    assert shown.line_info["run0"].minimum == Point(step=3, value=-7.0)
