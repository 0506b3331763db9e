"""What the page smooths of a line that leaves rows out."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from browsing import CHROMIUM, launched
from playwright.sync_api import Page

import reports
from compactor import compact
from compactor.record import Record
from logwriter import Run
from reports.courses import courses_of
from reports.view import chart_views

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="Chromium is not installed")

ROWS, SHARE = 40_000, 0.05
AVERAGE = """() => echarts.getInstanceByDom(document.querySelector('.canvas'))
    .getOption()
    .series.find((series) => series.id === 'average 0').data.map(([, value]) => value)"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Record:
    """A success that one row in twenty is: half of the points that show it are."""
    path = tmp_path_factory.mktemp("run") / "rare"
    values = (np.random.default_rng(4).random(ROWS) < SHARE).astype(float)
    with Run(path) as run:
        log = run.bind("success")
        for step, value in enumerate(values.tolist()):
            log(step, value)
    return compact(path)


@pytest.fixture(scope="module")
def page(made: Record, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """Its page, open."""
    folder = tmp_path_factory.mktemp("page")
    reports.render(made, folder, formats=["html"])
    with launched() as browser:
        opened = browser.new_page(viewport={"width": 1200, "height": 900})
        opened.goto((Path(folder) / "index.html").as_uri())
        opened.wait_for_selector(".canvas canvas")
        yield opened


def test_the_page_opens_with_the_mean_of_all_rows_as_the_figures_do(
    made: Record, page: Page
) -> None:
    """Carried as some hundred means, put back onto the line's points."""
    (course,) = courses_of(chart_views(made)[0])
    assert course.strong is not None
    shown = np.array(page.evaluate(AVERAGE))
    np.testing.assert_allclose(shown, course.strong, atol=1e-3)
    assert "running mean over all rows" in page.locator("figure .smoother").inner_text()


def test_the_slider_smooths_all_rows_not_the_points(made: Record, page: Page) -> None:
    """Whose mean is ten times as large."""
    (line,) = chart_views(made)[0].lines
    assert line.values.mean() > 8 * SHARE
    page.locator("figure input[type=range]").fill("0.98")
    shown = np.array(page.evaluate(AVERAGE))[line.steps > ROWS / 10]
    assert np.abs(shown - SHARE).max() < 0.04
    assert "0.98, of all rows" in page.locator("figure .smoother").inner_text()
