"""What is drawn, read back from the figures."""

import io
import math

import matplotlib as mpl
import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from PIL import Image
from records import chart, digits, record

from compactor.record import Chart, Phase, Point, Record
from reports import figures
from reports.marks import BEST_LABEL, NON_FINITE_LABEL
from reports.theme import DARK, LIGHT, Theme
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
    assert train.get_linewidth() < val.get_linewidth()
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
@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=lambda theme: theme.name)
def test_values_of_any_size_are_drawn(values: list[float], theme: Theme) -> None:
    """Without a warning, which would be an error here."""
    best = {"train": Point(step=0, value=values[0])}
    made = chart("loss", {"train": list(enumerate(values))}, best=best)
    style = figures.style_of(record({"loss": made}), theme)
    view = ChartView.of("loss", made)
    assert figures.png_bytes(figures.chart_figure(view, style), theme).startswith(b"\x89PNG")
    assert "<svg" in figures.svg_text(figures.page_figure(view, style), theme)


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


def test_a_very_long_line_is_rasterised_in_the_page() -> None:
    """An SVG of a hundred thousand segments would take megabytes."""
    rng = np.random.default_rng(0)
    made = chart("loss", {"train": list(enumerate(rng.normal(size=100_000).tolist()))})
    style = figures.style_of(record({"loss": made}), LIGHT)
    svg = figures.svg_text(figures.page_figure(ChartView.of("loss", made), style), LIGHT)
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
