"""Curves to draw: eight shapes that training logs are made of, and those of real logs."""

import csv
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np

from compactor.sampling.arrays import Floats

LEAST_ROWS = 4000
"""A real curve with fewer values is no test of downsampling."""
_PAIR = re.compile(r"([A-Za-z_][\w/]*):\s*(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)(?=[\s,)]|$)")


def shapes(rows: int, seed: int = 7) -> dict[str, Floats]:
    """Eight made-up curves."""
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


def real_curves(folder: Path) -> dict[str, Floats]:
    """The long curves of the text logs in a folder, by file and key.

    CSV files give a curve a column, other text a curve a ``key: number``. Values that are not
    finite are left out, and so are curves that never decrease: those count steps or time.
    """
    found = {}
    for path in sorted(folder.glob("*")):
        if path.suffix not in {".csv", ".txt", ".log"}:
            continue
        columns: dict[str, list[float]] = defaultdict(list)
        with path.open(encoding="utf-8", newline="") as file:
            for key, number in _cells(file) if path.suffix == ".csv" else _pairs(file):
                columns[key].append(number)
        for key, numbers in columns.items():
            values = np.array(numbers)
            values = values[np.isfinite(values)]
            if len(values) > LEAST_ROWS and (np.diff(values) < 0).any():
                found[f"{path.name.partition('.')[0]} {key}"] = values
    return found


def _cells(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    for row in csv.DictReader(line for line in lines if not line.startswith("#{")):
        for key, cell in row.items():
            try:
                yield key, float(cell)
            except (TypeError, ValueError):
                continue  # a word, or a blank cell


def _pairs(lines: Iterable[str]) -> Iterator[tuple[str, float]]:
    for line in lines:
        for key, number in _PAIR.findall(line):
            yield key, float(number)
