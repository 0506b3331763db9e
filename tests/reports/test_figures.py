"""What is drawn, read back from the figures."""

import io
import math
from typing import Any

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from PIL import Image
from records import chart, digits, record

from compactor.record import Best, Chart, Phase, Point, Record
from reports import figures, labels
from reports.bests import BEST_LABEL
from reports.gaps import NON_FINITE_LABEL, UNMARKED
from reports.marks import BAND_LABEL, STRONG_LABEL
from reports.sizes import SIZES, SizeName
from reports.theme import DARK, LIGHT, PAPER, Theme
from reports.view import ChartView


def drawn(made: Chart, **changes: object) -> Axes:
    """The axes of one chart on its own."""
    style = figures.style_of(record({"loss": made}, **changes), LIGHT)
    return figures.chart_figure(ChartView.of("loss", made), style).axes[0]


def line(axes: Axes, label: str) -> Line2D:
    """The line that was drawn under a label."""
    return next(each for each in axes.get_lines() if each.get_label() == label)


def points(drawn_line: Line2D) -> list[list[float]]:
    """Where a line's points are."""
    found: list[list[float]] = np.asarray(drawn_line.get_xydata(), dtype=float).tolist()
    return found


def texts(axes: Axes) -> list[str]:
    """All words in the axes and around them."""
    return [text.get_text() for text in axes.texts]


def test_the_best_point_is_marked_where_the_record_has_it() -> None:
    """On its line, with its value and epoch beside it."""
    made = digits()
    style = figures.style_of(made, LIGHT)
    axes = figures.chart_figure(ChartView.of("loss", made.charts["loss"]), style).axes[0]
    marker = line(axes, f"{BEST_LABEL}: val")
    best = made.charts["loss"].best_point["val"]
    assert points(marker) == [[best.step, best.value]]
    assert points(marker)[0] in points(line(axes, "val"))
    assert marker.get_marker() == "*"
    assert "best 0.4 · epoch 6" in texts(axes)


def test_every_line_is_named() -> None:
    """Beside a sample of its stroke."""
    axes = drawn(chart("loss", {"train": [(0, 1.0), (1, 2.0)], "val": [(1, 1.5)]}))
    assert {"train", "val"} <= set(texts(axes))


def test_a_null_breaks_its_line() -> None:
    """Nothing is interpolated over it."""
    axes = drawn(chart("loss", {"train": [(0, 1.0), (1, 2.0), (2, math.nan), (3, 4.0), (4, 5.0)]}))
    assert np.isnan(line(axes, "train").get_ydata()).tolist() == [False, False, True, False, False]


def test_a_value_between_two_gaps_gets_a_dot() -> None:
    """No stroke would show it."""
    values = [1.0, math.nan, 2.0, math.nan, 3.0, 4.0]
    axes = drawn(chart("loss", {"train": list(enumerate(values))}))
    dots = [each for each in axes.get_lines() if each.get_linestyle() == "None"]
    assert [0.0, 1.0] in points(dots[0])
    assert [2.0, 2.0] in points(dots[0])


def test_a_line_of_one_point_is_a_marker() -> None:
    """And the axes have a width."""
    axes = drawn(chart("loss", {"val": [(7, 0.25)]}))
    assert line(axes, "val").get_marker() == "o"
    first, last = axes.get_xlim()
    assert first < 7 < last


def test_stretches_without_a_finite_value_are_marked() -> None:
    """By a cross on the axis below the middle of each."""
    values = [1.0, math.nan, math.nan, math.nan, 2.0, math.inf, 1.0]
    axes = drawn(chart("loss", {"train": list(enumerate(values))}))
    assert UNMARKED not in texts(axes)
    crosses = points(line(axes, f"{NON_FINITE_LABEL}: train"))
    assert [step for step, _ in crosses] == [2.0, 5.0]
    assert "train: 3 NaN, 1 +∞, at steps 1\N{EN DASH}3 and 5" in texts(axes)


def test_a_chart_without_any_finite_value_says_so() -> None:
    """Instead of showing empty axes."""
    axes = drawn(chart("loss", {"train": [(step, math.nan) for step in range(40)]}))
    assert "no finite value: 40 NaN" in texts(axes)
    assert not axes.axison


def test_a_chart_without_any_point_says_so() -> None:
    """It was declared, and nothing was logged."""
    assert "no point to draw" in texts(drawn(chart("loss", {"train": []})))
    assert "no point to draw" in texts(drawn(chart("loss", {})))


def test_all_values_lie_inside_the_axes() -> None:
    """A spike is shown in full."""
    values = [(step, 1e6 if step == 50 else math.sin(step)) for step in range(100)]
    axes = drawn(chart("loss", {"train": values}))
    low, high = axes.get_ylim()
    assert low < -1
    assert high > 1e6
    assert axes.get_yscale() == "symlog"


def test_a_noisy_line_is_thinner_than_a_sparse_one_on_top_of_it() -> None:
    """So that one value an epoch is seen over thousands of batches."""
    rng = np.random.default_rng(0)
    noise = list(enumerate(rng.normal(size=2000).tolist()))
    axes = drawn(chart("loss", {"val": noise[::200], "train": noise}))
    train, val = line(axes, "train"), line(axes, "val")
    strong = line(axes, f"{STRONG_LABEL}: train")
    assert train.get_linewidth() < val.get_linewidth()
    assert train.get_linewidth() < strong.get_linewidth()
    assert train.get_zorder() < strong.get_zorder() < val.get_zorder()
    assert train.get_zorder() < val.get_zorder()
    assert (train.get_alpha() or 1) < 1
    assert val.get_marker() == "o"


def test_phases_are_named_above_the_axes() -> None:
    """Those that begin within them."""
    ramp = [(step, float(step)) for step in range(100)]
    phases = [Phase(name="main", step=40), Phase(name="later", step=400)]
    axes = drawn(chart("loss", {"train": ramp}), phases=phases)
    assert "main" in texts(axes)
    assert "later" not in texts(axes)


@pytest.mark.parametrize("name", ["$\\frac{", "a_b^c", "_hidden", "x$y$z", "模型", "\ue123", ""])
def test_no_name_is_taken_for_mathematics_or_breaks_a_figure(name: str) -> None:
    """What has a glyph is drawn as it stands."""
    made = chart(
        "loss", {name: [(0, 1.0), (1, 2.0)]}, title=name, x_label=name, y_label=name, note=name
    )
    figures.png_bytes(
        figures.chart_figure(
            ChartView.of("loss", made), figures.style_of(record({"loss": made}), LIGHT)
        ),
        LIGHT,
    )


@pytest.mark.parametrize(
    "values",
    [
        [1e30, 2e30],
        [-1.7e308, 1.7e308],
        [5e-324, 1e-300, 1e300],
        [1.7e308, 1.7e308],
        [0.0, 0.0, 0.0],
        [3.0, 3.0],
        [1e15, 1e15 + 1],
        [1.0, 1.7e280],
        [5e-324, 1e-323],
        [-1e-300, 1e-300],
        [1e-280, 1e280],
        [-1e-280, 1e280],
    ],
    ids=repr,
)
def test_values_of_any_size_are_drawn(values: list[float]) -> None:
    """Without a warning, which would be an error here."""
    best = {"train": Point(step=0, value=values[0])}
    made = chart("loss", {"train": list(enumerate(values))}, best=best)
    style = figures.style_of(record({"loss": made}), LIGHT)
    figures.chart_figure(ChartView.of("loss", made), style).draw_without_rendering()


def course(low: float, high: float) -> Chart:
    """A chart whose values go from ``low`` to ``high``."""
    return chart("reward", {"x": list(enumerate(np.linspace(low, high, 50).tolist()))})


RANGES = [(-1e5, 1e5), (-5e5, 5e5), (123456.0, 123461.0), (1e9, 1e9 + 1), (-8e307, 8e307)]


@pytest.mark.parametrize(("low", "high"), RANGES)
@pytest.mark.parametrize("size", SIZES)
def test_no_label_beside_the_y_axis_is_cut_off(low: float, high: float, size: SizeName) -> None:
    """The margin is as wide as the labels need."""
    made = course(low, high)
    style = figures.style_of(record({"reward": made}), LIGHT)
    figure = figures.chart_figure(ChartView.of("reward", made), style, SIZES[size])
    figure.draw_without_rendering()
    axis = figure.axes[0].yaxis
    assert axis.label.get_window_extent().x0 >= 0
    ticks = [label.get_window_extent() for label in axis.get_ticklabels()]
    assert min(box.x0 for box in ticks) >= axis.label.get_window_extent().x1


def test_the_axes_of_a_column_begin_at_one_line() -> None:
    """However wide the labels of each are."""
    charts = {f"c{place}": course(*span) for place, span in enumerate([*RANGES, (0.0, 1.0)])}
    made = record(charts)
    sheet = figures.dashboard_figure(made, figures.style_of(made, LIGHT))
    for column in range(2):
        assert len({round(axes.get_position().x0, 9) for axes in sheet.axes[column::2]}) == 1


def test_where_marking_stops_the_chart_says_that_there_is_more() -> None:
    """A record lists a hundred stretches; what follows must not look whole."""
    values = [math.nan if step % 2 else 1.0 for step in range(1000)]
    axes = drawn(chart("loss", {"train": list(enumerate(values))}))
    note = next(text for text in axes.texts if text.get_text() == UNMARKED)
    box = note.get_window_extent()
    assert note.get_color() == LIGHT.trouble
    assert axes.transData.transform((199.5, 0))[0] <= box.x0
    assert box.x1 <= axes.bbox.x1


def test_that_there_is_more_is_said_inside_the_axes() -> None:
    """Also where marking stops at their right edge."""
    values = [math.nan if step % 2 else 1.0 for step in range(210)]
    axes = drawn(chart("loss", {"train": list(enumerate(values))}))
    note = next(text for text in axes.texts if text.get_text() == UNMARKED)
    assert note.get_window_extent().x1 <= axes.bbox.x1


def test_a_sample_in_the_legend_is_long_enough_to_show_its_dash() -> None:
    """The longest pattern fits in once, and the next stroke begins."""
    ramp = [(0, 1.0), (1, 2.0)]
    others = chart("others", {f"w{k}": ramp for k in range(20)})
    strokes = figures.style_of(record({"others": others}), LIGHT).strokes
    last = [name for (_, name), stroke in strokes.items() if stroke.dash == "dashdot"]
    made = chart("loss", dict.fromkeys(last, ramp))
    style = figures.style_of(record({"others": others, "loss": made}), LIGHT)
    figure = figures.chart_figure(ChartView.of("loss", made), style)
    samples = [each for each in figure.artists if isinstance(each, Line2D)]
    dashed = [each for each in samples if each.get_linestyle() in {"-.", "dashdot"}]
    pattern = mpl.rcParamsDefault["lines.dashdot_pattern"]
    assert dashed
    for sample in dashed:
        first, last = np.asarray(sample.get_xdata()) * 72
        assert last - first > sum(pattern) * sample.get_linewidth()


def test_a_chart_without_a_best_point_claims_none() -> None:
    """As where nothing decides, or where the monitor has a value a step."""
    judged = Best(
        metric="x/reward",
        mode="max",
        value=1e5,
        step=49,
        epoch=None,
        per="step",
        candidates=50,
        metric_chosen_by="its name",
        mode_chosen_by="its name",
        row={},
    )
    for best in (None, judged):
        said = texts(drawn(course(-1e5, 1e5), best=best))
        assert not any(BEST_LABEL in text for text in said)


def size(made: Record) -> tuple[int, int]:
    """The size of a dashboard in pixels."""
    sheet = figures.dashboard_figure(made, figures.style_of(made, LIGHT))
    return Image.open(io.BytesIO(figures.png_bytes(sheet, LIGHT))).size


def test_loss_and_accuracy_lie_side_by_side_at_the_top_of_the_dashboard() -> None:
    """On one baseline, whatever stands around them."""
    made = digits()
    sheet = figures.dashboard_figure(made, figures.style_of(made, LIGHT))
    loss, accuracy, rate = (axes.get_position() for axes in sheet.axes)
    assert loss.y0 == pytest.approx(accuracy.y0)
    assert loss.y1 == pytest.approx(accuracy.y1)
    assert loss.x1 < accuracy.x0
    assert rate.y1 < loss.y0
    assert "Loss" in texts(sheet.axes[0])
    assert "Accuracy" in texts(sheet.axes[1])


def test_a_dashboard_of_very_many_charts_stays_of_a_size_one_can_open() -> None:
    """It shows the first twelve and says so."""
    charts = {f"c{i}": chart(f"c{i}", {"x": [(0, 1.0), (1, 2.0)]}) for i in range(60)}
    sheet = figures.dashboard_figure(record(charts), figures.style_of(record(charts), LIGHT))
    assert len(sheet.axes) == 12
    assert any("The first 12 of 60 charts" in text.get_text() for text in sheet.texts)
    assert max(size(record(charts))) < 5000


def test_a_dashboard_of_nothing_says_so() -> None:
    """A run that logged no metric still gets its sheet."""
    made = record()
    sheet = figures.dashboard_figure(made, figures.style_of(made, LIGHT))
    assert any("no metric has a chart" in text.get_text() for text in sheet.texts)
    width, height = size(made)
    assert width > height > 100


def test_a_very_long_line_is_rasterised_in_an_svg() -> None:
    """An SVG of a hundred thousand segments would take megabytes."""
    rng = np.random.default_rng(0)
    made = chart("loss", {"train": list(enumerate(rng.normal(size=100_000).tolist()))})
    style = figures.style_of(record({"loss": made}), LIGHT)
    svg = figures.svg_text(figures.chart_figure(ChartView.of("loss", made), style), LIGHT)
    assert "data:image/png" in svg
    assert len(svg) < 500_000


def test_drawing_leaves_matplotlib_as_it_was() -> None:
    """And a user's own settings do not reach our figures."""
    made = digits()
    style = figures.style_of(made, LIGHT)
    plain = figures.png_bytes(figures.dashboard_figure(made, style), LIGHT)
    with mpl.rc_context({"font.size": 33, "axes.facecolor": "red", "svg.hashsalt": "x"}):
        before = dict(mpl.rcParams)
        assert figures.png_bytes(figures.dashboard_figure(made, style), LIGHT) == plain
        assert dict(mpl.rcParams) == before


def noisy(**changes: Any) -> Chart:
    """A chart of one noisy line of 2,000 points."""
    noise = np.random.default_rng(0).normal(size=2000).tolist()
    return chart("loss", {"train": list(enumerate(noise))}, **changes)


def test_a_strong_line_says_what_it_is() -> None:
    """A running mean of what is drawn must not pass for one of everything."""
    said = texts(drawn(noisy()))
    assert any("strong line: running mean of 51 drawn points" in text for text in said)


def test_a_smoothed_line_of_the_record_is_the_strong_one() -> None:
    """It was filtered over all rows, and the chart says how."""
    smoothed = [(step, 0.5) for step in range(2000)]
    infos = {"train": {"smoothing": "ema:0.98"}}
    axes = drawn(noisy(smoothed={"train": smoothed}, infos=infos))
    assert points(line(axes, f"{STRONG_LABEL}: train")) == [[step, 0.5] for step in range(2000)]
    assert any("smoothed over all rows (ema:0.98)" in text for text in texts(axes))


def test_a_band_reaches_from_least_to_greatest() -> None:
    """From its first step to the line's last, and the chart says so."""
    bands = {"train": [(0, -9.0, 9.0), (1000, -5.0, 6.0)]}
    axes = drawn(noisy(bands=bands))
    (band,) = (each for each in axes.collections if each.get_label() == f"{BAND_LABEL}: train")
    corners = np.asarray(band.get_paths()[0].vertices)
    assert {-9.0, 9.0, -5.0, 6.0} <= set(corners[:, 1].tolist())
    assert corners[:, 0].min() == 0
    assert corners[:, 0].max() == 1999
    assert any("least to greatest of all rows" in text for text in texts(axes))


def test_the_best_points_of_several_ranks_share_one_label() -> None:
    """That of the first, which decides; the others are marked."""
    names = [f"rank {rank}" for rank in range(3)]
    lines = {
        name: [(step, abs(step - 30 * place - 10) / 10) for step in range(90)]
        for place, name in enumerate(names)
    }
    made = chart(
        "loss",
        lines,
        best={name: Point(step=30 * place + 10, value=0.0) for place, name in enumerate(names)},
        infos={name: {"metric": "loss", "rank": rank} for rank, name in enumerate(names)},
    )
    axes = drawn(made)
    assert sum(BEST_LABEL in text for text in texts(axes)) == 1
    assert all(line(axes, f"{BEST_LABEL}: {name}") for name in names)


def test_a_label_that_finds_no_room_near_its_point_is_left_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A tangle of leaders says less than the marks alone; the line that is judged by keeps its."""
    monkeypatch.setattr(labels, "place", lambda *_, **__: labels.Box(0.0, 0.0, 9.0, 9.0))
    names = ("m0", "m1", "m2")
    made = chart(
        "loss",
        {name: [(step, 10.0 - step) for step in range(10)] for name in names},
        best={name: Point(step=9, value=1.0) for name in names},
        infos={name: {"metric": name} for name in names},
    )
    judged = Best(
        metric="m2",
        mode="min",
        value=1.0,
        step=9,
        epoch=None,
        per="step",
        candidates=10,
        metric_chosen_by="the argument",
        mode_chosen_by="its name",
        row={},
    )
    (mark,) = (each for each in drawn(made, best=judged).texts if BEST_LABEL in each.get_text())
    assert mark.get_fontweight() == "bold"


@pytest.mark.parametrize("theme", [LIGHT, DARK, PAPER], ids=lambda theme: theme.name)
def test_a_slide_is_a_slide(theme: Theme) -> None:
    """1920 by 1080 pixels, whatever is on it; the sheet as well as a chart."""
    made = digits()
    style = figures.style_of(made, theme)
    view = ChartView.of("loss", made.charts["loss"])
    for figure in (
        figures.chart_figure(view, style, SIZES["slide"]),
        figures.dashboard_figure(made, style, SIZES["slide"]),
    ):
        image = Image.open(io.BytesIO(figures.png_bytes(figure, theme)))
        assert image.size == (1920, 1080)


def test_a_pdf_carries_no_date() -> None:
    """So that the same record gives the same bytes."""
    made = digits()
    style = figures.style_of(made, PAPER)
    data = figures.pdf_bytes(figures.dashboard_figure(made, style), PAPER)
    assert data.startswith(b"%PDF")
    assert b"CreationDate" not in data
    assert data == figures.pdf_bytes(figures.dashboard_figure(made, style), PAPER)
