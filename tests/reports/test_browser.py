"""The page in a real browser, opened from the disk as a reader would."""

import math
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import CHROMIUM, launched, until
from playwright.sync_api import Browser, Page
from records import attempt, chart, digits, record, run_info

import reports
from compactor.record import Finding, Message, Phase, Record
from reports.theme import DARK, LIGHT

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    with launched() as chromium:
        yield chromium


def full_record() -> Record:
    """A record with every section, and names that are long, hostile and wide."""
    wide = "encoder/layers/11/attention/query/weight/gradient_norm_" * 4
    attack = "</script><img src=http://example.com/x onerror=alert(1)>"
    charts = {
        **digits().charts,
        wide: chart(wide, {wide: [(0, 1.0), (1, math.nan), (2, 3.0)]}, note=wide),
        attack: chart(attack, {attack: [(0, math.nan)]}),
    }
    return record(
        charts,
        best=digits().best,
        best_step=69,
        epochs=digits().epochs,
        epoch_columns=[*digits().epoch_columns, wide, attack],
        messages=[Message(time="2026-05-04T15:30:00Z", step=1, level="info", text=wide)],
        not_drawn=[wide, attack],
        notes=[wide],
        phases=[Phase(name="x" * 10_000, step=0), Phase(name=attack, step=50)],
        findings=[
            Finding(
                rule=attack,
                severity="warning",
                metric="train/loss",
                rank=0,
                step=40,
                last_step=None,
                text=attack,
                evidence={},
                advice=wide,
            )
        ],
        run=run_info(
            name=attack,
            tags=[wide],
            config={"path": "/data/" + "x" * 300, attack: attack},
            environment={"argv": ["train.py", "--config=" + "y" * 300]},
            attempts=[attempt(error=wide), attempt(attempt=1, resumed_from=50)],
        ),
    )


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of that record."""
    folder = tmp_path_factory.mktemp("report")
    return reports.render(full_record(), folder, formats=["html"]).files[0]


@pytest.fixture(scope="module", params=[(1280, "light"), (1280, "dark"), (390, "light")], ids=str)
def opened(
    request: pytest.FixtureRequest, browser: Browser, page_file: Path
) -> Iterator[tuple[Page, list[str]]]:
    """The page, open, and all that went wrong or asked for something while it loaded."""
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    page.on(
        "request",
        lambda request: (
            None
            if request.url.startswith(("data:", page_file.as_uri()))
            else said.append(request.url)
        ),
    )
    page.goto(page_file.as_uri())
    yield page, said
    page.close()


def test_a_page_loads_without_complaint_and_asks_for_nothing(
    opened: tuple[Page, list[str]],
) -> None:
    """No console message, no dialog, no request but for the file itself."""
    _, said = opened
    assert said == []


OPEN_ALL = """async () => {
  for (const plot of document.querySelectorAll(".plot")) {
    plot.scrollIntoView();
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
}"""


def test_every_chart_is_drawn_when_it_comes_into_view(opened: tuple[Page, list[str]]) -> None:
    """Not before; and the hostile names on their canvases and in their boxes did nothing."""
    page, said = opened
    page.locator(".plot").first.scroll_into_view_if_needed()
    drawn = "() => document.querySelectorAll('.canvas canvas').length"
    until(page, f"({drawn})() > 0")
    assert page.evaluate(drawn) < 5
    page.evaluate(OPEN_ALL)
    until(page, f"({drawn})() === 5")
    page.locator(".plot").first.hover()
    until(page, "() => !document.querySelector('.tip').hidden")
    assert said == []
    assert page.locator("img").count() == 0


def test_charts_follow_the_light_or_dark_of_the_reader(opened: tuple[Page, list[str]]) -> None:
    """At once, when the setting changes."""
    page, _ = opened
    page.locator(".plot").first.scroll_into_view_if_needed()
    page.wait_for_selector(".canvas canvas")
    colour = (
        "() => echarts.getInstanceByDom(document.querySelector('.canvas'))"
        ".getOption().yAxis[0].axisLabel.color"
    )
    for scheme, muted in (("dark", DARK.muted), ("light", LIGHT.muted)):
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        until(page, f"() => ({colour})() === '{muted}'")


def test_a_page_never_scrolls_sideways(opened: tuple[Page, list[str]]) -> None:
    """Wide tables scroll in their own box, on a phone too."""
    page, _ = opened
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0


@pytest.fixture(params=[1280, 390])
def long_page(request: pytest.FixtureRequest, browser: Browser, tmp_path: Path) -> Iterator[Page]:
    """A page whose tags, errors and names of lines are very long."""
    name = "encoder/layers/11/attention/query/weight/gradient_norm/moving_average_"
    lines = {f"{name}{place}": [(0, 1.0), (1, 2.0)] for place in range(8)}
    error = "RuntimeError: out of memory " * 200
    made = record(
        {"loss": chart("loss", lines)},
        run=run_info(
            name="n" * 5000,
            tags=["t" * 5000] * 20,
            error=error,
            attempts=[attempt(error=error), attempt(attempt=1)],
        ),
    )
    file = reports.render(made, tmp_path, formats=["html"]).files[0]
    page = browser.new_page(viewport={"width": request.param, "height": 800})
    page.goto(file.as_uri())
    page.locator(".plot").first.scroll_into_view_if_needed()
    page.wait_for_selector(".canvas canvas")
    yield page
    page.close()


def heights(page: Page, selector: str) -> list[float]:
    """How high each of the elements is."""
    found: list[float] = page.eval_on_selector_all(
        selector, "all => all.map(one => one.getBoundingClientRect().height)"
    )
    return found


def test_long_texts_leave_room_for_the_others(long_page: Page) -> None:
    """What does not fit scrolls in its own place, and the page does not."""
    for selector in (".kicker", "h1", ".error", ".attempts tbody tr"):
        assert max(heights(long_page, selector)) < 260, selector
    assert long_page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_every_name_in_a_legend_is_in_sight(long_page: Page) -> None:
    """The legend grows; nothing of it scrolls, and each name stands beside its sample."""
    hidden = long_page.eval_on_selector(".legend", "one => one.scrollHeight - one.clientHeight")
    assert hidden == 0
    assert max(heights(long_page, ".legend li")) < 3.5 * 21
    apart = long_page.eval_on_selector_all(
        ".legend button",
        "all => all.map(one => one.children[1].getBoundingClientRect().left"
        " - one.children[0].getBoundingClientRect().right)",
    )
    assert all(0 <= gap < 12 for gap in apart)
