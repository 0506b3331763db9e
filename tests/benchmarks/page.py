"""How large a page of a run is, and how soon a browser shows it.

    python tests/benchmarks/page.py

Twenty charts of four lines of 2000 points each, every number of which has a full fraction, with
times, epochs and bands besides: more than a page of a real run has to carry. Opened from the disk in
Chromium, five times, each in a fresh profile.
"""

import tempfile
import time
from pathlib import Path
from statistics import median

import numpy as np
from browsing import launched
from records import chart, record

from compactor.record import Along, Chart, Record
from reports.page import render_page

CHARTS, LINES, POINTS, BAND = 20, 4, 2000, 300
TIMES = 5
PAINT = (
    "() => performance.getEntriesByType('paint')"
    ".find(entry => entry.name === 'first-contentful-paint')?.startTime"
)
DRAWN = "() => performance.now()"


def large_record() -> Record:
    """The record, from fixed random numbers."""
    rng = np.random.default_rng(7)
    return record({f"metric{place}": large_chart(f"metric{place}", rng) for place in range(CHARTS)})


def large_chart(key: str, rng: np.random.Generator) -> Chart:
    """One chart of noisy, falling lines."""
    lines, along, bands = {}, {}, {}
    for place in range(LINES):
        name = f"line{place}"
        steps = np.sort(rng.choice(10_000_000, POINTS, replace=False))
        values = np.exp(-steps / 4e6) + 0.1 * rng.standard_normal(POINTS)
        lines[name] = list(zip(steps.tolist(), values.tolist(), strict=True))
        seconds = steps * 0.01 + rng.random(POINTS) * 0.001
        along[name] = Along(seconds=seconds.tolist(), epoch=(steps / 1e5).tolist())
        at = steps[np.linspace(0, POINTS - 1, BAND).astype(int)]
        edges = rng.random((2, BAND))
        bands[name] = list(zip(at.tolist(), (-edges[0]).tolist(), edges[1].tolist(), strict=True))
    infos = {name: {"raw_points": 10_000_000, "policy": "adaptive"} for name in lines}
    return chart(key, lines, infos=infos, along=along, bands=bands)


def main() -> None:
    """Print size, time to make, first paint and when the first chart stands."""
    made = large_record()
    started = time.perf_counter()
    page = render_page(made)
    took = time.perf_counter() - started
    print(f"{CHARTS} charts x {LINES} lines x {POINTS} points: {len(page.encode()) / 1e6:.2f} MB")
    print(f"made in {took:.2f} s")
    with tempfile.TemporaryDirectory() as folder, launched() as browser:
        file = Path(folder) / "index.html"
        file.write_text(page, encoding="utf-8")
        paints, drawn = [], []
        for _ in range(TIMES):
            opened = browser.new_page(viewport={"width": 1280, "height": 900})
            opened.goto(file.as_uri())
            opened.wait_for_selector(".canvas canvas")
            drawn.append(opened.evaluate(DRAWN))
            opened.wait_for_timeout(200)
            paints.append(opened.evaluate(PAINT))
            opened.close()
    print(f"first paint {median(paints):.0f} ms, worst {max(paints):.0f} ms")
    print(f"first chart {median(drawn):.0f} ms, worst {max(drawn):.0f} ms")


if __name__ == "__main__":
    main()
