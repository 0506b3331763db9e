"""How much of a million-point line survives when 2000 points are drawn.

``python tests/benchmarks/fidelity.py [--points N] [--width W]`` prints, for what `compact` draws of
such a line (the adaptive policy on the buckets of its scan), for each policy on all points, and for
LTTB as a yardstick, the mismatch on a linear and on a logarithmic step axis: pixels that differ
between the full and the reduced polyline, over pixels of the full one (1000 x 300 by default).
"""

import argparse
import time
from functools import partial
from typing import Any

import numpy as np
import pyarrow as pa
from peers import lttb

from compactor import downsample
from compactor.drawing import draw
from compactor.sampling.arrays import Floats, Ints
from compactor.source import open_source
from logwriter.parts import Part
from logwriter.segments import SCHEMA

HEIGHT = 300


def shapes(rows: int, seed: int = 7) -> dict[str, Floats]:
    """Eight curves that training logs are made of."""
    rng = np.random.default_rng(seed)
    t = np.arange(rows) / rows
    decay = 2.3 * (1 + np.arange(rows)) ** -0.12
    spikes = decay + 0.02 * rng.standard_normal(rows)
    at = rng.choice(rows, 60, replace=False)
    spikes[at] += rng.exponential(2.0, 60)
    warmup = np.minimum(1, t / 0.02)
    cosine = warmup * 0.5 * (1 + np.cos(np.pi * t)) * 1e-3
    stepped = 0.1 * 0.1 ** np.floor(t * 4)
    accuracy = 0.95 * (1 - np.exp(-6 * t)) + 0.02 * rng.standard_normal(rows) * (1.2 - t)
    norms = np.exp(0.6 * rng.standard_normal(rows)) * (1 + rng.pareto(3.0, rows))
    burst = 0.3 + 0.005 * rng.standard_normal(rows)
    wild = slice(int(rows * 0.42), int(rows * 0.45))
    burst[wild] += 0.5 * np.abs(rng.standard_normal(rows)[wild])
    epochs = np.floor(t * 50)
    plateaus = 1.5 * np.exp(-epochs / 15) + 0.01 * rng.standard_normal(rows)
    return {
        "noise": decay + 0.15 * rng.standard_normal(rows),
        "spikes": spikes,
        "cosine rate": cosine,
        "stepped rate": stepped,
        "accuracy": np.clip(accuracy, 0, 1),
        "gradient norm": norms,
        "burst": burst,
        "plateaus": plateaus,
    }


def raster(u: Floats, v: Floats, width: int) -> tuple[Ints, Ints]:
    """The lowest and highest pixel a polyline fills in each column.

    ``u`` runs from 0 to ``width``, ``v`` from 0 to `HEIGHT`. A polyline is continuous, so that
    what it fills of a column is one stretch: from the least to the greatest of its vertices there
    and of its crossings of the column's edges.
    """
    column = np.minimum(u.astype(np.int64), width - 1)
    low, high = np.full(width, np.inf), np.full(width, -np.inf)
    edges = np.interp(np.arange(width + 1.0), u, v)
    for values, at in ((v, column), (edges[:-1], np.arange(width)), (edges[1:], np.arange(width))):
        np.minimum.at(low, at, values)
        np.maximum.at(high, at, values)
    return np.floor(low).astype(np.int64), np.floor(high).astype(np.int64)


def mismatch(x: Floats, y: Floats, kept: Ints, width: int) -> float:
    """Pixels that differ between the full line and the kept points, over pixels of the full."""
    u = (x - x[0]) / (x[-1] - x[0]) * width
    v = (y - y.min()) / (y.max() - y.min()) * (HEIGHT - 1)
    low, high = raster(u, v, width)
    low_kept, high_kept = raster(u[kept], v[kept], width)
    full = (high - low + 1).sum()
    both = np.maximum(0, np.minimum(high, high_kept) - np.maximum(low, low_kept) + 1).sum()
    return float((full + (high_kept - low_kept + 1).sum() - 2 * both) / full)


def scanned(y: Floats, n: int) -> Ints:
    """The points that `compact` draws: those of the buckets that the scan brought, downsampled."""
    rows = np.arange(len(y))
    columns: dict[str, Any] = {
        "metric": pa.DictionaryArray.from_arrays(pa.array(np.zeros(len(y), np.int32)), ["m"]),
        "seq": rows,
        "step": rows + 1,
        "epoch": pa.nulls(len(y), pa.int64()),
        "time": pa.array(rows, pa.timestamp("us", "UTC")),
        "value": y,
    }
    part = Part(0, 0, 0, len(y), table=pa.table(columns, schema=SCHEMA))
    with open_source([part]) as source:
        (line,) = source.lines(n)
    drawn = draw(line, policy="adaptive", max_points=n, mode=None)
    return np.array([step - 1 for step, _ in drawn.points])


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--points", type=int, default=2000)
    parser.add_argument("--width", type=int, default=1000)
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    options.rows = 20_000 if options.smoke else options.rows
    curves = shapes(options.rows)
    steps = np.arange(1, options.rows + 1)
    samplers: dict[str, Any] = {"compact": partial(scanned, n=options.points)}
    samplers |= {
        policy: partial(downsample, steps, n=options.points, policy=policy)
        for policy in ("adaptive", "piecewise", "uniform")
    }
    samplers["lttb"] = partial(lttb, steps.astype(float), n=options.points)
    print(f"{'mismatch, linear / log':24}" + "".join(f"{name:>15}" for name in samplers))
    totals = {name: np.zeros(3) for name in samplers}
    for name, y in curves.items():
        line = f"{name:24}"
        for policy, sampler in samplers.items():
            begun = time.perf_counter()
            kept = sampler(y=y)
            seconds = time.perf_counter() - begun
            linear = mismatch(steps.astype(float), y, kept, options.width)
            log = mismatch(np.log(steps), y, kept, options.width)
            totals[policy] += (linear, log, seconds)
            line += f"{linear:8.3f} /{log:.3f}".rjust(15)
        print(line)
    means = {name: total / len(curves) for name, total in totals.items()}
    print(f"{'mean':24}" + "".join(f"{m[0]:8.3f} /{m[1]:.3f}".rjust(15) for m in means.values()))
    print(f"{'milliseconds a line':24}" + "".join(f"{1e3 * m[2]:15.0f}" for m in means.values()))


if __name__ == "__main__":
    main()
