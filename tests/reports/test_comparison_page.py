"""The page of a comparison, as text and in a real browser."""

import csv
import math
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pytest
from browsing import CHROMIUM, launched, until
from playwright.sync_api import Browser, Page
from records import chart, record, run_info

import reports
from compactor.record import Finding, MetricBest, Record

ATTACK = "</script><img src=http://example.com/x onerror=alert(1)>"
COLOUR = "one => getComputedStyle(one).color"


def run_of(place: int, name: str, seed: int | None = None, *, broken: bool = False) -> Record:
    """A run with a noisy training loss and ten validations."""
    val = [(40 * e + 39, math.nan if broken and e > 5 else 2.0 - e / 10 + place) for e in range(10)]
    train = [(step, 3.0 + place + math.sin(step * 1.7 + place)) for step in range(400)]
    config = {"lr": place, ATTACK: ATTACK} | ({} if seed is None else {"seed": seed})
    return record(
        {"loss": chart("loss", {"train": train, "val": val}, title=f"Loss {ATTACK}")},
        best_by_metric={
            "val/loss": MetricBest(mode="min", value=1.1 + place, step=399, epoch=9, per="epoch")
        },
        run=run_info(name=name, config=config),
        findings=[
            Finding(
                rule=ATTACK,
                severity="critical",
                metric="val/loss",
                rank=0,
                step=4,
                last_step=None,
                text=ATTACK,
                evidence={},
                advice=ATTACK,
            )
        ]
        * broken,
    )


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of thirteen runs: a pair of seeds, a broken one, hostile names."""
    runs = [run_of(0, "a", 1), run_of(0, "a", 2), run_of(20, ATTACK, broken=True)]
    runs += [run_of(place, f"run {place}") for place in range(1, 11)]
    folder = tmp_path_factory.mktemp("comparison")
    found = reports.compare(runs, folder, metric="val/loss", formats=["html"])
    return Path(found.files[0])


class _Elements(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def test_nothing_of_a_run_becomes_an_element(page_file: Path) -> None:
    """No image, no handler; the only scripts are ours, under a policy that names them."""
    elements = _Elements()
    elements.feed(page_file.read_text(encoding="utf-8"))
    tags = [tag for tag, _ in elements.seen]
    assert "img" not in tags
    assert tags.count("script") == 4
    assert not [name for _, attrs in elements.seen for name in attrs if name.startswith("on")]
    policy = next(a["content"] for t, a in elements.seen if t == "meta" and "content" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'; script-src 'sha256-")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A headless Chromium."""
    if not CHROMIUM.exists():
        pytest.skip("Chromium is not installed")
    with launched() as chromium:
        yield chromium


@pytest.fixture(scope="module", params=[(1280, "light"), (390, "dark")], ids=str)
def opened(
    request: pytest.FixtureRequest, browser: Browser, page_file: Path
) -> Iterator[tuple[Page, list[str]]]:
    """The page, open, and all that went wrong or asked for something."""
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
    said: list[str] = []
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("dialog", lambda dialog: said.append(dialog.message))
    ours = ("data:", page_file.as_uri())
    page.on("request", lambda each: None if each.url.startswith(ours) else said.append(each.url))
    page.goto(page_file.as_uri())
    for place in range(2):
        page.locator(".plot").nth(place).scroll_into_view_if_needed()
        until(page, f"() => document.querySelectorAll('.plot')[{place}].querySelector('canvas')")
    yield page, said
    page.close()


def test_the_page_opens_and_draws_without_complaint(opened: tuple[Page, list[str]]) -> None:
    """No console message, no dialog, no request, no sideways scroll."""
    page, said = opened
    page.locator(".plot").first.hover()
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0


def test_a_name_in_the_legend_hides_its_line(opened: tuple[Page, list[str]]) -> None:
    """As on the page of a run; a second click brings it back."""
    page, _ = opened
    selected = (
        "() => echarts.getInstanceByDom(document.querySelector('.canvas'))"
        ".getOption().legend[0].selected.L1"
    )
    entry = page.locator("figure.chart").first.locator(".legend button").nth(1)
    assert page.evaluate(selected) is True
    entry.click()
    until(page, f"() => ({selected})() === false")
    entry.click()
    until(page, f"() => ({selected})() === true")


def test_the_table_sorts_by_numbers_and_by_names(opened: tuple[Page, list[str]]) -> None:
    """Each heading a button; what has no value comes last either way."""
    page, _ = opened
    head = page.locator("#run-table thead th")
    names = [text.strip() for text in head.all_inner_texts()]
    place = names.index("seed")
    column = f"#run-table tbody tr > :nth-child({place + 1})"
    head.nth(place).locator("button").click()
    assert page.locator(column).all_inner_texts()[:3] == ["1", "2", "missing"]
    head.nth(place).locator("button").click()
    assert page.locator(column).all_inner_texts()[:3] == ["2", "1", "missing"]
    assert head.nth(place).get_attribute("aria-sort") == "descending"
    head.first.locator("button").click()
    first = page.locator("#run-table tbody th").all_inner_texts()
    assert first == sorted(first, key=str.casefold)


def test_a_run_has_the_colour_of_its_line_in_the_table(opened: tuple[Page, list[str]]) -> None:
    """In light and in dark."""
    page, _ = opened
    line = page.locator(".legend button", has_text="run 1").first.locator(".sample")
    row = page.locator("#run-table tbody tr", has_text="run 1").first.locator(".sample")
    assert row.evaluate(COLOUR) == line.evaluate(COLOUR)


def test_findings_are_listed_by_run(opened: tuple[Page, list[str]]) -> None:
    """As text."""
    page, said = opened
    page.locator("details.run summary").click()
    assert ATTACK in page.locator("details.run li").first.inner_text()
    assert said == []


def test_a_thin_line_has_no_average_in_front_of_the_others(
    opened: tuple[Page, list[str]],
) -> None:
    """Of thirteen runs eight have one, and the mean of two of them; these are strong."""
    page, _ = opened
    averages = (
        "() => echarts.getInstanceByDom(document.querySelectorAll('.canvas')[1]).getOption()"
        ".series.filter((one) => String(one.id).startsWith('average')).map((one) => one.name)"
    )
    strong = page.evaluate(averages)
    assert len(strong) == 8
    assert "L0" in strong


def test_only_the_best_run_has_a_star(opened: tuple[Page, list[str]]) -> None:
    """Others have a circle, thin ones beyond the best eight none."""
    page, _ = opened
    symbols = page.evaluate(
        "() => echarts.getInstanceByDom(document.querySelector('.canvas')).getOption()"
        ".series.filter((one) => String(one.id).startsWith('best')).map((one) => one.symbol)"
    )
    assert len([symbol for symbol in symbols if symbol.startswith("path")]) == 1
    assert 8 <= len(symbols) <= 9


CLIPBOARD = """Object.defineProperty(navigator, "clipboard", {
  value: { writeText: async (text) => { window.copied = text; } },
})"""


def test_the_copied_table_has_every_digit_and_no_formula(browser: Browser, tmp_path: Path) -> None:
    """Numbers as they are, texts that look like numbers too, and an apostrophe before a formula."""
    best = 0.1 + 0.2
    runs = []
    for place, number in enumerate(("12345678901234567", "-0.50")):
        made = run_of(place, "=1+1" if place else "a,b")
        config = {"job": number, "code": f"00{place}"}
        won = MetricBest(mode="min", value=best + place, step=399, epoch=9, per="epoch")
        runs.append(
            record(
                made.charts,
                best_by_metric={"val/loss": won},
                run=run_info(name=made.run.name, config=config, id=made.run.name),
            )
        )
    found = reports.compare(runs, tmp_path, metric="val/loss", formats=["html"])
    page = browser.new_page()
    page.add_init_script(CLIPBOARD)
    page.goto(Path(found.files[0]).as_uri())
    page.get_by_role("button", name="copy as CSV").click()
    until(page, "() => window.copied")
    head, one, other = csv.reader(page.evaluate("() => window.copied").splitlines())
    page.close()
    told = [dict(zip(head, row, strict=True)) for row in (one, other)]
    assert [row["run"] for row in told] == ["a,b", "'=1+1"]
    assert [row["job"] for row in told] == ["12345678901234567", "-0.50"]
    assert [row["code"] for row in told] == ["000", "001"]
    assert float(told[0]["best val/loss"]) == best
