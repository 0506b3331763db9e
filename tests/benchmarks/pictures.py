"""How far a drawn line is from all points, in figures and as a picture."""

from pathlib import Path
from typing import NamedTuple

import matplotlib as mpl
import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from compactor.sampling.arrays import Floats, Ints

mpl.use("agg")

from matplotlib import pyplot as plt

HEIGHT = 300
SPIKES, AROUND = 100, 101


class Curve(NamedTuple):
    """A line in full: steps, values, and its spikes as indices."""

    x: Floats
    y: Floats
    spikes: Ints


class Score(NamedTuple):
    """How well a drawn line stands for the full one.

    Attributes:
        linear: Pixels that differ over pixels of the full line, on a linear axis.
        log: The same on a logarithmic step axis.
        recall: The share of the spikes that is drawn; NaN for a line without spikes.
        largest: The largest vertical distance of a point from the drawn line, over the height.
        mean: The mean one.
        points: How many points are drawn.
    """

    linear: float
    log: float
    recall: float
    largest: float
    mean: float
    points: float


def curve(y: Floats) -> Curve:
    """A line with one row a step, from step 1 on, and its spikes.

    The spikes are the hundred points farthest from the median of the 101 points around them, those
    of them that are at least a pixel away from it.
    """
    middle = [
        np.median(sliding_window_view(y, AROUND)[at : at + 10_000], axis=1)
        for at in range(0, len(y) - AROUND + 1, 10_000)
    ]
    off = np.abs(y - np.pad(np.concatenate(middle), AROUND // 2, mode="edge"))
    farthest = np.argsort(-off, kind="stable")[:SPIKES]
    return Curve(
        np.arange(1.0, len(y) + 1), y, farthest[off[farthest] >= (y.max() - y.min()) / HEIGHT]
    )


def score(full: Curve, kept: Ints, width: int) -> Score:
    """Judge the points that a policy kept, on a chart ``width`` pixels wide."""
    x, y, spikes = full
    off = np.abs(y - np.interp(x, x[kept], y[kept])) / (y.max() - y.min())
    return Score(
        mismatch(x, y, kept, width),
        mismatch(np.log(x), y, kept, width),
        float(np.isin(spikes, kept).mean()) if len(spikes) else np.nan,
        float(off.max()),
        float(off.mean()),
        len(kept),
    )


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


def draw(path: Path, title: str, full: Curve, kept: Ints) -> None:
    """Draw the full line in grey and the kept points over it, on both axes."""
    figure, axes = plt.subplots(2, 1, figsize=(12, 8), layout="constrained")
    figure.suptitle(title)
    for axis, scale in zip(axes, ("linear", "log"), strict=True):
        axis.plot(full.x, full.y, color="0.75", linewidth=1.5)
        axis.plot(full.x[kept], full.y[kept], color="tab:red", linewidth=0.6)
        axis.set(xscale=scale, xlabel=f"step ({scale})")
    figure.savefig(path, dpi=100)
    plt.close(figure)
