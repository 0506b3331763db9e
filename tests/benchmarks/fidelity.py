"""How much of a long line survives when few of its points are drawn.

``python tests/benchmarks/fidelity.py`` draws eight shapes of a million points with 2000, and the
long curves of the logs that EVERYSTEP_REAL_LOGS names with 500. It prints for each policy the means
of: the mismatch on a linear and on a logarithmic step axis (pixels that differ between the full and
the reduced polyline, over pixels of the full one, 300 high and half as wide as there are points),
the share of the hundred largest spikes that is drawn, and the largest and the mean vertical distance
of the points from the drawn line, over the line's height. ``compact`` is the adaptive policy on
what the scan of a long run brings. ``--pictures DIR`` draws each policy's worst case.
"""

import argparse
import os
import re
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from peers import peers
from pictures import Curve, Score, curve, draw, score
from shapes import real_curves, shapes

from compactor.fold import assemble
from compactor.fold.cells import NO_EPOCH
from compactor.fold.digest import digest, join
from compactor.fold.rows import Rows
from compactor.sampling import POLICIES, Policy, downsample, parse_policy
from compactor.sampling.arrays import Floats, Ints

Sampler = Callable[[Floats, int], Ints]
WHOLE_ROWS = 65_536
SEGMENT_ROWS = 131_072


def samplers() -> dict[str, Sampler]:
    """All policies and peers, by name."""
    found: dict[str, Sampler] = {"compact": scanned, "piecewise, no budget": _plain_table}
    for policy in POLICIES:
        try:
            found[policy] = partial(_sampled, policy=parse_policy(policy))
        except ValueError as missing:
            print(missing)
    return found | peers()


def _sampled(y: Floats, n: int | None, policy: Policy) -> Ints:
    return downsample(np.arange(1, len(y) + 1), y, n, policy=policy)


def _plain_table(y: Floats, n: int) -> Ints:  # noqa: ARG001  the table takes what it takes
    return _sampled(y, None, parse_policy("piecewise"))


def scanned(y: Floats, n: int) -> Ints:
    """The points that `compact` draws of a line that was logged in segments."""
    at = np.arange(len(y))
    if len(y) <= WHOLE_ROWS:
        return downsample(at + 1, y, n)
    rows = Rows(at * 0, at + 1, at, np.full(len(y), NO_EPOCH), at, y)
    digests = [
        digest(rows.take(slice(begin, begin + SEGMENT_ROWS)))
        for begin in range(0, len(y), SEGMENT_ROWS)
    ]
    points = assemble("", 0, join(digests), max_points=n).points
    return points.position[downsample(points.step, points.value, n)]


def table(curves: dict[str, Curve], points: int, width: int, options: Any) -> None:
    """Print how the policies do on some curves."""
    judged: dict[str, dict[str, Score]] = {}
    head = [*Score._fields, "ms"]
    print(f"\n{len(curves)} curves, {points} points, {width} x 300 pixels")
    print(f"{'mean over the curves':24}" + "".join(f"{name:>10}" for name in head))
    for name, sampler in samplers().items():
        seconds = []
        judged[name] = {}
        for title, full in curves.items():
            begun = time.perf_counter()
            kept = sampler(full.y, points)
            seconds.append(time.perf_counter() - begun)
            judged[name][title] = score(full, kept, width)
        means = np.nanmean(list(judged[name].values()), axis=0)
        print(f"{name:24}" + "".join(f"{mean:10.3f}" for mean in means[:-1]), end="")
        print(f"{means[-1]:10.0f}{1e3 * np.mean(seconds):10.0f}", flush=True)
    if options.curves:
        _each(curves, judged)
    if options.pictures:
        for name, scores in judged.items():
            worst = max(scores, key=lambda title: scores[title].linear + scores[title].log)
            kept = samplers()[name](curves[worst].y, points)
            file = re.sub(r"\W+", "-", f"{points}-{name}-{worst}") + ".png"
            draw(options.pictures / file, f"{name}: {worst}", curves[worst], kept)


def _each(curves: dict[str, Curve], judged: dict[str, dict[str, Score]]) -> None:
    """Print the mismatch on both axes and the recall, a curve a line."""
    for title in curves:
        print(f"\n{title}")
        for name, scores in judged.items():
            it = scores[title]
            print(f"  {name:22}{it.linear:10.3f}{it.log:10.3f}{it.recall:10.3f}")


def main() -> None:
    """Print the tables, and draw the pictures."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--width", type=int, help="without it, half as many pixels as points")
    parser.add_argument("--pictures", type=Path, help="where to draw each policy's worst case")
    parser.add_argument("--curves", action="store_true", help="print each curve, not only means")
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    if options.pictures:
        options.pictures.mkdir(parents=True, exist_ok=True)
    rows, points = (20_000, 200) if options.smoke else (options.rows, options.points)
    made = {name: curve(y) for name, y in shapes(rows).items()}
    table(made, points, options.width or points // 2, options)
    folder = os.environ.get("EVERYSTEP_REAL_LOGS")
    if folder and not options.smoke:
        real = {name: curve(y) for name, y in real_curves(Path(folder)).items()}
        table(real, points // 4, options.width or points // 8, options)


if __name__ == "__main__":
    main()
