"""What a reader does to a chart, and what the chart then shows, read from its own state."""

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from browsing import CHROMIUM, launched, until
from playwright.sync_api import Browser, FloatRect, Page
from records import chart, digits, record

import reports
from compactor.record import Along, Epoch, EpochMetric, Finding, Phase, Record

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")

TRAIN = [(2 * i, math.nan if 100 <= i < 110 else 2.0 / (1 + i) + 0.1 * (i % 3)) for i in range(400)]
SMOOTHED = [(step, None if math.isnan(value) else 0.5 - step / 1e4) for step, value in TRAIN]
OPTION = (
    "place => echarts.getInstanceByDom(document.querySelectorAll('.canvas')[place]).getOption()"
)


def made() -> Record:
    """A record with everything a chart can show, and a second chart to share the cursor."""
    train = {
        "along": {
            "train": Along(
                seconds=[60.0 + 3.0 * i for i in range(400)], epoch=[i / 40 for i in range(400)]
            )
        },
        "bands": {"train": [(8 * i, 0.001, 0.5 + 1 / (1 + i)) for i in range(100)]},
        "smoothed": {"train": SMOOTHED},
    }
    infos = {"train": {"raw_points": 4000, "policy": "adaptive", "smoothing": "ema:0.98"}}
    val = [(80 * e + 79, 0.4 + 0.02 * (e - 6) ** 2) for e in range(10)]
    losses: Any = {"train": TRAIN, "val": val}
    found = Finding(
        rule="plateau",
        severity="warning",
        metric="train/loss",
        rank=0,
        step=300,
        last_step=500,
        text="flat",
        evidence={},
        advice="wait",
    )
    numbers = EpochMetric(rows=1, mean=1.0, min=0.5, max=2.0, last=0.25, change=-0.125)
    epochs = [
        Epoch(
            epoch=e,
            first_step=80 * e,
            last_step=80 * e + 79,
            ended=True,
            seconds=1.0,
            values={"=val": value, "none": None},
            metrics={"=val": numbers},
        )
        for e, (_, value) in enumerate(val)
    ]
    best = {"val": digits().charts["loss"].best_point["val"]}
    return record(
        {
            "loss": chart("loss", losses, infos=infos, best=best, **train),
            "lr": chart("lr", {"lr": [(i, 1e-3) for i in range(800)]}),
            **{f"more{i}": chart(f"more{i}", {"lr": [(0, 1.0), (9, 2.0)]}) for i in range(6)},
        },
        findings=[found],
        phases=[Phase(name="warm-up", step=0), Phase(name="main", step=200)],
        epochs=epochs,
        epoch_columns=["=val", "none"],
    )


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with launched() as chromium:
        yield chromium


@pytest.fixture
def page(browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """The page of that record; nothing may go wrong on it."""
    file = reports.render(made(), tmp_path, formats=["html"]).files[0]
    page = browser.new_page(viewport={"width": 1280, "height": 1000})
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    page.locator(".plot").first.scroll_into_view_if_needed()
    page.wait_for_selector(".canvas canvas")
    yield page
    page.close()
    assert said == []


def option(page: Page, place: int = 0) -> dict[str, Any]:
    """What ECharts says that it shows."""
    shown: dict[str, Any] = page.evaluate(OPTION, place)
    return shown


def reach(page: Page, axis: str = "xAxis") -> tuple[float, float]:
    """From where to where an axis of the first chart goes."""
    (shown,) = option(page)[axis]
    return shown["min"], shown["max"]


def series(page: Page) -> dict[str, Any]:
    """What the first chart draws, by identity."""
    return {each.get("id", each["name"]): each for each in option(page)["series"]}


def tool(page: Page, name: str) -> Any:
    """A control of the first chart."""
    return page.locator("figure").first.get_by_title(name, exact=True)


def box(page: Page) -> FloatRect:
    """Where the first plot is."""
    found = page.locator(".plot").first.bounding_box()
    assert found is not None
    return found


def test_a_chart_draws_lines_band_best_phases_gaps_and_findings(page: Page) -> None:
    """Each as the record has it; a gap is a gap."""
    drawn = series(page)
    values = [value for _, value in drawn["raw 0"]["data"]]
    assert len(values) == 400
    assert [i for i, value in enumerate(values) if value is None or math.isnan(value)] == [
        *range(100, 110)
    ]
    expected = [value for _, value in TRAIN if not math.isnan(value)]
    got = [value for value in values if value is not None and not math.isnan(value)]
    assert got == pytest.approx(expected, rel=1e-11)
    assert [point[0] for point in drawn["band from L0"]["data"]][:3] == [0, 8, 16]
    assert drawn["best 1"]["data"] == [[69, 0.4]]
    assert drawn["average 0"]["data"][5][1] == pytest.approx(0.499, rel=1e-4)
    areas = drawn["marks"]["markArea"]["data"]
    assert [area[0]["xAxis"] for area in areas[:2]] == [0, 200]
    assert areas[2][0]["xAxis"] < 200
    assert areas[2][1]["xAxis"] > 218
    assert [line["xAxis"] for line in drawn["marks"]["markLine"]["data"]] == [300]


def test_dragging_picks_a_stretch_and_a_double_click_shows_everything(page: Page) -> None:
    """The y axis then fits what is left in view."""
    around = box(page)
    before, heights = reach(page), reach(page, "yAxis")
    page.mouse.move(around["x"] + 300, around["y"] + 120)
    page.mouse.down()
    page.mouse.move(around["x"] + 400, around["y"] + 130, steps=3)
    page.mouse.up()
    low, high = reach(page)
    assert before[0] < low < high < before[1]
    assert reach(page, "yAxis") != heights
    page.mouse.dblclick(around["x"] + 300, around["y"] + 120)
    assert reach(page) == before


def test_shift_moves_the_window_and_the_wheel_with_ctrl_zooms(page: Page) -> None:
    """Within the points; the wheel alone scrolls the page."""
    around = box(page)
    page.mouse.move(around["x"] + 300, around["y"] + 120)
    page.keyboard.down("Control")
    page.mouse.wheel(0, -600)
    until(page, f"() => ({OPTION})(0).xAxis[0].min > 0")
    page.keyboard.up("Control")
    low, high = reach(page)
    page.keyboard.down("Shift")
    page.mouse.down()
    page.mouse.move(around["x"] + 350, around["y"] + 120, steps=3)
    page.mouse.up()
    page.keyboard.up("Shift")
    moved = reach(page)
    assert moved[0] < low
    assert moved[1] - moved[0] == pytest.approx(high - low)


def test_buttons_zoom_and_switch_the_axes(page: Page) -> None:
    """To logarithms and back, and to epochs and time."""
    tool(page, "Zoom in").click()
    assert reach(page) == pytest.approx((199.75, 599.25))
    tool(page, "Show everything").click()
    tool(page, "Logarithmic horizontal axis").click()
    assert option(page)["xAxis"][0]["type"] == "log"
    assert reach(page) == (2, 799)
    tool(page, "Logarithmic horizontal axis").click()
    kind = option(page)["yAxis"][0]["type"]
    tool(page, "Logarithmic vertical axis").click()
    assert {kind, option(page)["yAxis"][0]["type"]} == {"log", "value"}
    axes = page.locator("figure").first.get_by_label("Horizontal axis", exact=True)
    axes.select_option("epoch")
    assert reach(page) == pytest.approx((0, 399 / 40))
    axes.select_option("time")
    assert reach(page) == pytest.approx((1.0, (60 + 3 * 399) / 60))
    assert option(page)["xAxis"][0]["name"] == "elapsed (min)"


def test_the_legend_hides_a_line_and_says_so(page: Page) -> None:
    """To eyes and to ears; the others fill the height."""
    heights = reach(page, "yAxis")
    entry = page.locator("figure").first.locator(".legend button").first
    entry.click()
    assert option(page)["legend"][0]["selected"] == {"L0": False, "L1": True}
    assert entry.get_attribute("aria-pressed") == "false"
    assert reach(page, "yAxis") != heights
    entry.click()
    assert reach(page, "yAxis") == heights


def test_smoothing_is_the_debiased_mean_of_what_is_drawn_and_is_marked_as_such(page: Page) -> None:
    """In the place of the recorded one; gaps stay gaps."""
    figure = page.locator("figure").first
    assert "over all rows (ema:0.98)" in figure.locator(".smoother").inner_text()
    figure.locator("input[type=range]").fill("0.9")
    assert "0.90, of the drawn points" in figure.locator(".smoother").inner_text()
    mean, weight, expected = 0.0, 1.0, []
    for _, value in TRAIN:
        if math.isnan(value):
            continue
        mean, weight = 0.9 * mean + 0.1 * value, 0.9 * weight
        expected.append(mean / (1 - weight))
    drawn = [value for _, value in series(page)["average 0"]["data"]]
    got = [value for value in drawn if value is not None and not math.isnan(value)]
    assert got == pytest.approx(expected, rel=1e-9)
    assert len(drawn) == 400


def test_the_cursor_says_what_the_record_holds_in_every_chart(page: Page) -> None:
    """At the nearest point, on all charts that count alike."""
    around = box(page)
    page.mouse.move(around["x"] + 300, around["y"] + 120)
    until(page, "() => !document.querySelectorAll('.tip')[1].hidden")
    at = float(page.locator(".cursor").first.get_attribute("data-at") or "nan")
    value = dict(TRAIN)[int(at)]
    tip = page.locator(".tip").first.inner_text()
    assert f"step {int(at)} · epoch" in tip
    assert f"{value:.10g}" in tip
    other = float(page.locator(".cursor").nth(1).get_attribute("data-at") or "nan")
    assert other == pytest.approx(at, abs=1)


def test_a_chart_works_from_the_keyboard(page: Page) -> None:
    """Arrows go from point to point and are spoken; plus, minus and zero zoom."""
    plot = page.locator(".plot").first
    plot.focus()
    for key in ("Home", "ArrowRight", "ArrowRight"):
        page.keyboard.press(key)
    spoken = page.locator("figure").first.locator(".spoken").inner_text()
    assert spoken.startswith("step 4 · epoch 0.05 · 1 min 6 s: train 0.8666666667")
    before = reach(page)
    page.keyboard.press("+")
    assert reach(page) != before
    page.keyboard.press("0")
    assert reach(page) == before


def test_full_screen_and_image_download(page: Page) -> None:
    """The image is a PNG of a fixed size, named after the chart."""
    with page.expect_download() as caught:
        tool(page, "Save as an image").click()
    assert caught.value.suggested_filename == "loss.png"
    head = Path(caught.value.path()).read_bytes()[:24]
    assert head[:4] == b"\x89PNG"
    assert (int.from_bytes(head[16:20]), int.from_bytes(head[20:24])) == (2400, 1280)
    tool(page, "Show this chart alone").click()
    until(page, "() => document.fullscreenElement?.matches('figure')")
    tool(page, "Show this chart alone").click()
    until(page, "() => !document.fullscreenElement")


def test_every_chart_is_printed(page: Page) -> None:
    """As an image in light colours, also those that were never in view; gone afterwards."""
    page.emulate_media(color_scheme="dark")
    assert page.locator(".canvas canvas").count() < 8
    page.evaluate("dispatchEvent(new Event('beforeprint'))")
    images = page.locator("img.printed")
    assert images.count() == 8
    widths = "all => all.map(one => one.decode().then(() => one.naturalWidth))"
    assert min(page.eval_on_selector_all("img.printed", f"all => Promise.all(({widths})(all))"))
    page.evaluate("dispatchEvent(new Event('afterprint'))")
    assert images.count() == 0


def test_the_table_of_epochs_shows_statistics_sorts_and_is_copied(page: Page) -> None:
    """As CSV that no spreadsheet takes for formulas."""
    table = page.locator("#epoch-table")
    first = table.locator("tbody tr").first
    before = first.inner_text()
    table.get_by_role("button", name="=val").click()
    assert table.locator("tbody th").first.inner_text().startswith("6")
    table.get_by_role("button", name="=val").click()
    assert table.locator("tbody th").first.inner_text().startswith("0")
    table.get_by_role("button", name="Epoch").click()
    page.get_by_label("Statistic", exact=True).select_option(label="change")
    assert first.locator("td").nth(2).inner_text() == "\N{MINUS SIGN}0.125"
    page.get_by_label("Statistic", exact=True).select_option(label="value of the epoch")
    assert first.inner_text() == before
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="copy as CSV").click()
    until(page, "() => document.querySelector('#epoch-tools').innerText.includes('copied')")
    lines = str(page.evaluate("navigator.clipboard.readText()")).splitlines()
    assert lines[0].startswith("epoch,first step,last step,seconds,'=val mean,none mean,'=val min")
    assert lines[1].startswith("0,0,79,1,1,,0.5,,2,,0.25,,-0.125,")
    assert len(lines) == 11


def test_a_finger_reads_and_two_fingers_zoom(browser: Browser, tmp_path: Path) -> None:
    """On a phone; what was touched stays in sight when the finger lifts."""
    file = reports.render(made(), tmp_path, formats=["html"]).files[0]
    context = browser.new_context(
        viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True
    )
    page = context.new_page()
    page.goto(file.as_uri())
    page.locator(".plot").first.scroll_into_view_if_needed()
    page.wait_for_selector(".canvas canvas")
    around = box(page)
    page.touchscreen.tap(around["x"] + 200, around["y"] + 120)
    page.locator(".tip").first.wait_for()
    before = reach(page)
    session = context.new_cdp_session(page)
    for kind, fingers in (
        ("touchStart", [150, 200]),
        ("touchMove", [120, 230]),
        ("touchMove", [100, 250]),
        ("touchEnd", []),
    ):
        points = [
            {"x": around["x"] + at, "y": around["y"] + 120, "id": finger}
            for finger, at in enumerate(fingers)
        ]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    low, high = reach(page)
    assert before[0] < low < high < before[1]
    context.close()
