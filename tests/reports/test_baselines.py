"""Whole pictures beside checked-in ones.

Drawn small and compared with a tolerance: at most one pixel in a hundred may differ by more than 48
of 255 in any channel, which is less than a line moved by its own breadth, and more than another
rasteriser's rounding. ``python tests/reports/test_baselines.py`` draws them anew; look at each
before it is kept.
"""

import io
import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from matplotlib.figure import Figure
from PIL import Image
from records import attempt, chart, digits, record, run_info

from compactor.record import Finding, Phase, Point, Record
from reports import figures
from reports.sizes import SCREEN, Size
from reports.theme import DARK, LIGHT, PAPER, Theme
from reports.view import chart_views

FOLDER = Path(__file__).with_name("baselines")
SIZE: Size = replace(SCREEN, chart=(400.0, 240.0), chart_dpi=72, sheet_dpi=48)
MOST_DIFFERENT, LEAST_DIFFERENCE = 0.01, 48


def busy() -> Record:
    """A noisy line with a gap, a band, phases, attempts and findings."""
    noise = np.random.default_rng(0).normal(size=600)
    values = [2.3 * math.exp(-step / 150) + 0.1 * float(noise[step]) for step in range(600)]
    values[300:330] = [math.nan] * 30
    bands = {
        "train": [(step, -0.2, 0.4 + 2.4 * math.exp(-step / 150)) for step in range(0, 600, 20)]
    }
    made = chart(
        "loss",
        {
            "train": list(enumerate(values)),
            "val": [
                (step, 2.4 * math.exp(-step / 150) + step / 2000) for step in range(49, 600, 50)
            ],
        },
        best={"val": Point(step=349, value=2.4 * math.exp(-349 / 150) + 349 / 2000)},
        bands=bands,
        title="Loss",
    )
    found = Finding(
        rule="overfitting",
        severity="warning",
        metric="val/loss",
        rank=0,
        step=449,
        last_step=None,
        text="val/loss rose again",
        evidence={},
        advice="",
    )
    return record(
        {"loss": made},
        phases=[Phase(name="warm-up", step=0), Phase(name="main", step=100)],
        findings=[found],
        run=run_info(attempts=[attempt(), attempt(attempt=1, resumed_from=400)]),
    )


def draw(name: str) -> tuple[Figure, Theme]:
    """One of the pictures."""
    if name == "sheet-paper":
        return figures.dashboard_figure(digits(), figures.style_of(digits(), PAPER), SIZE), PAPER
    theme = DARK if name.endswith("dark") else LIGHT
    style = figures.style_of(busy(), theme)
    return figures.chart_figure(chart_views(busy())[0], style, SIZE), theme


NAMES = ("busy-light", "busy-dark", "sheet-paper")


def pixels(data: bytes) -> npt.NDArray[np.int16]:
    """The picture as numbers of the shape ``(height, width, 3)``."""
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(np.int16)


def different(one: npt.NDArray[np.int16], other: npt.NDArray[np.int16]) -> float:
    """The share of pixels that differ visibly."""
    assert one.shape == other.shape
    return float((np.abs(one - other).max(axis=2) > LEAST_DIFFERENCE).mean())


@pytest.mark.parametrize("name", NAMES)
def test_a_picture_looks_as_it_did(name: str) -> None:
    """Within the tolerance above."""
    figure, theme = draw(name)
    drawn = pixels(figures.png_bytes(figure, theme))
    kept = pixels((FOLDER / f"{name}.png").read_bytes())
    assert different(drawn, kept) <= MOST_DIFFERENT


def test_a_line_that_moved_would_be_seen() -> None:
    """The tolerance is not so wide that everything passes."""
    figure, theme = draw("busy-light")
    before = pixels(figures.png_bytes(figure, theme))
    for line in figure.axes[0].get_lines():
        line.set_ydata(np.asarray(line.get_ydata(), dtype=float) * 1.05)
    assert different(before, pixels(figures.png_bytes(figure, theme))) > MOST_DIFFERENT


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for each in NAMES:
        picture, look = draw(each)
        (FOLDER / f"{each}.png").write_bytes(figures.png_bytes(picture, look))
