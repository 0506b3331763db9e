"""What a reader does to all charts at once, read from each chart's own state."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest
from browsing import CHROMIUM, launched, until
from playwright.sync_api import Browser, Locator, Page
from records import chart, record

import reports
from compactor.record import Along, Finding, Record
from reports.courses import courses_of
from reports.view import chart_views

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")

STEPS = range(400)
NOISE = np.random.default_rng(5).normal(size=len(STEPS))
LOSS = [(step, 1.0 + float(NOISE[step])) for step in STEPS]
SPARSE = [(99, 0.5), (199, 0.4), (399, 0.2)]
OPTION = (
    "place => echarts.getInstanceByDom(document.querySelectorAll('.canvas')[place])?.getOption()"
)


def made() -> Record:
    """Three charts with epochs and times, of different lengths, and many that know only steps."""
    epochs = [step / 100 for step in STEPS]
    long = Along(seconds=[60.0 * step for step in STEPS], epoch=list(epochs))
    short = Along(seconds=[1.0 * step for step in STEPS[:100]], epoch=list(epochs[:100]))
    found = Finding(
        rule="rank_differs",
        severity="warning",
        metric="train/loss",
        rank=1,
        step=200,
        last_step=None,
        text="apart",
        evidence={},
        advice="",
    )
    ranks: Any = {name: {"metric": "train/loss", "rank": r} for r, name in enumerate(("a", "b"))}
    lower = [(step, value - 3.0) for step, value in LOSS]
    return record(
        {
            "loss": chart(
                "loss", {"a": LOSS, "b": lower}, infos=ranks, along={"a": long, "b": long}
            ),
            "acc": chart("acc", {"val": SPARSE}),
            "short": chart(
                "short", {"x": [(step, float(step)) for step in range(100)]}, along={"x": short}
            ),
            **{f"more{i}": chart(f"more{i}", {"y": [(0, 1.0), (399, 2.0)]}) for i in range(8)},
        },
        findings=[found, msgspec.structs.replace(found, metric="val/acc", rank=0, step=99)],
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of that record."""
    folder = tmp_path_factory.mktemp("report")
    return reports.render(made(), folder, formats=["html"]).files[0]


@pytest.fixture(scope="module")
def opened(browser: Browser, page_file: Path) -> Iterator[Page]:
    """That page; nothing may go wrong on it."""
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(page_file.as_uri())
    yield page
    page.close()
    assert said == []


@pytest.fixture
def page(opened: Page) -> Page:
    """That page as it was at first, its first charts in view."""
    opened.mouse.move(0, 0)
    opened.evaluate("document.querySelector('#page-tools').previousElementSibling.scrollIntoView()")
    until(opened, "() => document.querySelectorAll('.canvas canvas').length > 2")
    everywhere(opened).get_by_role("button", name="reset all").click()
    return opened


def everywhere(page: Page) -> Locator:
    """The controls of all charts."""
    return page.locator("#page-tools")


def own(page: Page, place: int) -> Locator:
    """The controls of one chart."""
    return page.locator("figure .tools").nth(place)


def shown(page: Page, place: int) -> dict[str, Any]:
    """What ECharts says that a chart shows, once the next frame is drawn."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")
    option: dict[str, Any] = page.evaluate(OPTION, place)
    return option


def reach(page: Page, place: int, axis: str = "xAxis") -> tuple[float, float]:
    """From where to where an axis of a chart goes."""
    (found,) = shown(page, place)[axis]
    return found["min"], found["max"]


def drawn(page: Page, place: int) -> dict[str, Any]:
    """What a chart draws, by identity."""
    return {each.get("id", each["name"]): each for each in shown(page, place)["series"]}


def pressed(controls: Locator, name: str) -> str | None:
    """Whether a switch is on, as who listens is told."""
    return controls.get_by_role("button", name=name, exact=True).get_attribute("aria-pressed")


def drag(page: Page, place: int) -> None:
    """Pick a stretch of a chart."""
    plot = page.locator(".plot").nth(place)
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 200, box["y"] + 100)
    page.mouse.down()
    page.mouse.move(box["x"] + 300, box["y"] + 100, steps=3)
    page.mouse.up()


def test_an_axis_is_chosen_for_all_charts_that_have_it(page: Page) -> None:
    """The others stay as they are, and each chart can still choose for itself."""
    axes = everywhere(page).get_by_label("Horizontal axis", exact=True)
    axes.select_option("epoch")
    names = [shown(page, place)["xAxis"][0]["name"] for place in range(3)]
    assert names == ["epoch", "step", "epoch"]
    own(page, 2).get_by_label("Horizontal axis", exact=True).select_option("time")
    assert shown(page, 2)["xAxis"][0]["name"] == "elapsed (s)"
    assert axes.input_value() == "various"
    axes.select_option("time")
    assert shown(page, 0)["xAxis"][0]["name"] == "elapsed (h)"


def test_logarithms_are_set_for_all_charts_and_then_for_each(page: Page) -> None:
    """The common switch says when charts do not agree."""
    everywhere(page).get_by_role("button", name="log x").click()
    everywhere(page).get_by_role("button", name="log y").click()
    for place in range(3):
        assert shown(page, place)["xAxis"][0]["type"] == "log"
        assert shown(page, place)["yAxis"][0]["type"] == "log"
    assert pressed(everywhere(page), "log x") == "true"
    own(page, 1).get_by_role("button", name="log x").click()
    assert shown(page, 1)["xAxis"][0]["type"] == "value"
    assert pressed(everywhere(page), "log x") == "mixed"


def test_dense_lines_begin_smoothed_as_in_the_figures(page: Page) -> None:
    """By the same curve; the reader can go to none, to another, and back."""
    views = {view.key: view for view in chart_views(made())}
    courses = courses_of(views["loss"])
    expected = courses[0].strong
    assert expected is not None
    average = drawn(page, 0)["average 0"]["data"]
    np.testing.assert_allclose([value for _, value in average], expected, atol=1e-3)
    smoother = own(page, 0).locator(".smoother")
    assert "running mean of 11 drawn points" in smoother.inner_text()
    assert "average 0" not in drawn(page, 1)
    everywhere(page).locator("input[type=range]").fill("0")
    assert "average 0" not in drawn(page, 0)
    assert "off" in smoother.inner_text()
    everywhere(page).locator("input[type=range]").fill("0.5")
    assert {"average 0", "average 1"} <= set(drawn(page, 0))
    assert "average 0" in drawn(page, 1)
    assert "0.50, of all rows" in smoother.inner_text()
    smoother.get_by_role("button", name="auto").click()
    assert drawn(page, 0)["average 0"]["data"] == average
    assert "various" in everywhere(page).locator(".smoother").inner_text()


def test_charts_zoom_together_as_long_as_that_is_wanted(page: Page) -> None:
    """Each as far as it has points: one that has none there stays whole."""
    assert pressed(everywhere(page), "zoom together") == "true"
    drag(page, 0)
    low, high = reach(page, 0)
    assert 100 < low < high < 399
    assert reach(page, 1) == (low, high)
    assert reach(page, 2) == (0, 99)
    page.locator(".plot").nth(1).dblclick()
    assert [reach(page, place) for place in range(3)] == [(0, 399), (99, 399), (0, 99)]
    everywhere(page).get_by_role("button", name="zoom together").click()
    drag(page, 0)
    assert reach(page, 1) == (99, 399)


def test_a_chart_with_another_axis_is_not_zoomed(page: Page) -> None:
    """Steps are no epochs."""
    own(page, 2).get_by_label("Horizontal axis", exact=True).select_option("epoch")
    whole = reach(page, 2)
    own(page, 0).get_by_role("button", name="Zoom in").click()
    own(page, 0).get_by_role("button", name="Zoom in").click()
    assert reach(page, 1) == reach(page, 0)
    page.evaluate("document.querySelectorAll('.plot')[2].focus()")
    page.keyboard.press("+")
    assert reach(page, 2) != whole
    low, high = reach(page, 0)
    assert (low, high) == reach(page, 1)
    assert high > 100


def test_times_are_zoomed_together_in_whatever_unit(page: Page) -> None:
    """Hours here are seconds there."""
    everywhere(page).get_by_label("Horizontal axis", exact=True).select_option("time")
    own(page, 2).get_by_role("button", name="Zoom in").click()
    low, high = reach(page, 2)
    assert reach(page, 0) == pytest.approx((low / 3600, high / 3600))


def test_a_chart_out_of_view_follows_when_it_is_seen(page: Page) -> None:
    """It is not drawn before."""
    drag(page, 0)
    last = page.locator(".plot").count() - 1
    assert page.evaluate(OPTION, last) is None
    page.locator(".plot").last.scroll_into_view_if_needed()
    until(page, f"() => ({OPTION})({last})")
    first = reach(page, last)
    assert first == reach(page, 0)
    page.locator("#hint").scroll_into_view_if_needed()
    everywhere(page).get_by_role("button", name="reset all").click()
    assert reach(page, 0) == (0, 399)
    assert reach(page, last) == first
    page.locator(".plot").last.scroll_into_view_if_needed()
    until(page, f"() => ({OPTION})({last}).xAxis[0].max === 399")


def test_reset_puts_all_charts_back(page: Page) -> None:
    """Zoom, axes, smoothing, lines and the search."""
    before = [shown(page, place) for place in range(3)]
    drag(page, 0)
    everywhere(page).get_by_role("button", name="log y").click()
    everywhere(page).locator("input[type=range]").fill("0.5")
    page.locator(".legend button").first.click()
    page.get_by_role("searchbox", name="find").fill("acc")
    everywhere(page).get_by_role("button", name="reset all").click()
    assert [shown(page, place) for place in range(3)] == before
    assert page.locator("figure:visible").count() == page.locator("figure").count()


def test_a_log_axis_says_how_many_points_it_cannot_show(page: Page) -> None:
    """For both axes, of the lines in sight, and no longer than it is so."""
    missing = page.locator("figure").first.locator(".missing")
    assert missing.inner_text() == ""
    negative = sum(value <= 0 for _, value in LOSS), sum(value - 3.0 <= 0 for _, value in LOSS)
    own(page, 0).get_by_role("button", name="log y").click()
    assert f"{sum(negative)} by value, of 800 drawn points" in missing.inner_text()
    own(page, 0).get_by_role("button", name="log x").click()
    page.locator(".legend button").nth(1).click()
    # The one at step 0 is not counted twice.
    rest = negative[0] - (LOSS[0][1] <= 0)
    assert missing.inner_text() == (
        f"At or below 0, so not on the log axes: 1 by step and {rest} by value, of 400 drawn points."
    )
    for name in ("log x", "log y"):
        own(page, 0).get_by_role("button", name=name).click()
    assert missing.inner_text() == ""


def test_a_finding_is_marked_on_its_own_line(page: Page) -> None:
    """Of two ranks that one which it is about; it goes with that line."""
    ((at, height),) = [each["value"] for each in drawn(page, 0)["found"]["data"]]
    average = dict(map(tuple, drawn(page, 0)["average 1"]["data"]))
    assert (at, height) == (200, average[200])
    ring = drawn(page, 1)["found"]["data"]
    assert [each["value"] for each in ring] == [[99, 0.5]]
    for place, left in ((0, 1), (1, 0)):
        page.locator(".legend button").nth(place).click()
        assert len(drawn(page, 0)["found"]["data"]) == left
        assert len(drawn(page, 0)["marks"]["markLine"]["data"]) == left


def test_a_window_between_two_points_shows_the_line_between_them(page: Page) -> None:
    """At its own height, though no point is in view."""
    for _ in range(3):
        own(page, 1).get_by_role("button", name="Zoom in").click()
    low, high = reach(page, 1)
    assert 199 < low < high < 399
    bottom, top = reach(page, 1, "yAxis")
    assert (bottom, top) == pytest.approx((0.599 - high / 1000, 0.599 - low / 1000), abs=0.02)


def test_charts_are_found_by_parts_of_their_names(page: Page) -> None:
    """Of titles and lines, in any case and order; the others are put away."""
    page.get_by_role("searchbox", name="find").fill("MORE 3")
    assert page.locator("figure:visible h3").all_inner_texts() == ["more3"]
    assert "1 of 11" in everywhere(page).inner_text()


def test_a_control_is_named_as_it_reads(page: Page) -> None:
    """Who speaks to the page says what is seen; signs are named by what they do."""
    for control in page.locator("button").all():
        named = control.get_attribute("aria-label")
        assert named is None or not any(map(str.isalnum, control.inner_text()))


def test_dark_readers_print_in_light(browser: Browser, page_file: Path) -> None:
    """Images of all charts, seen or not, at one size; none is left on the screen."""
    page = browser.new_page(viewport={"width": 390, "height": 800}, color_scheme="dark")
    page.goto(page_file.as_uri())
    page.emulate_media(media="print")
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    images = page.locator("img.printed")
    assert images.count() == page.locator("figure").count()
    sizes = "all => Promise.all(all.map(one => one.decode().then(() => one.naturalWidth)))"
    assert set(page.eval_on_selector_all("img.printed", sizes)) == {840}
    colour = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert colour == "rgb(255, 255, 255)"
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert images.count() == 0
    page.close()


def test_a_page_of_one_chart_has_its_own_controls_only(browser: Browser, tmp_path: Path) -> None:
    """And a gap in what is smoothed stays one."""
    values = [(step, math.nan if 100 <= step < 110 else value) for step, value in LOSS]
    one = record({"loss": chart("loss", {"a": values})})
    page = browser.new_page()
    page.goto(reports.render(one, tmp_path, formats=["html"]).files[0].as_uri())
    page.wait_for_selector(".canvas canvas")
    assert not everywhere(page).is_visible()
    average = [value for _, value in drawn(page, 0)["average 0"]["data"]]
    gaps = [place for place, value in enumerate(average) if value is None or math.isnan(value)]
    assert gaps == [*range(100, 110)]
    page.close()


def test_a_constant_line_runs_through_the_middle(browser: Browser, tmp_path: Path) -> None:
    """Of an axis on which its value can be told from the next tick."""
    rate = chart("lr", {"lr": [(0, 1e-3), (9, 1e-3)]}, bands={"lr": [(0, 1e-3, 1e-3)]})
    page = browser.new_page()
    page.goto(reports.render(record({"lr": rate}), tmp_path, formats=["html"]).files[0].as_uri())
    page.wait_for_selector(".canvas canvas")
    assert reach(page, 0, "yAxis") == pytest.approx((0.9e-3, 1.1e-3))
    page.get_by_role("button", name="log y").click()
    assert reach(page, 0, "yAxis") == pytest.approx((0.5e-3, 2e-3), rel=0.01)
    page.close()
