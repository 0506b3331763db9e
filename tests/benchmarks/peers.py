"""What others draw, as yardsticks: functions from ``(y, n)`` to indices."""

from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from typing import Any

import numpy as np

from compactor.sampling.arrays import Floats, Ints
from compactor.sampling.peers import SAMPLERS


def reservoir(y: Floats, n: int) -> Ints:
    """A random sample that every point had the same chance to be in, and the last (TensorBoard)."""
    rng = np.random.default_rng(0)
    sample: Ints = np.sort(rng.choice(len(y) - 1, n - 1, replace=False))
    return np.append(sample, len(y) - 1)


def last_of_bucket(y: Floats, n: int) -> Ints:
    """The last point of each of ``n`` equal buckets (the line of a W&B chart)."""
    return (np.arange(1, n + 1) * len(y)) // n - 1


def every_nth(y: Floats, n: int) -> Ints:
    """The first point, and every so-many-th behind it."""
    return np.arange(0, len(y), -(-len(y) // n))


def bare(y: Floats, n: int, kind: str) -> Ints:
    """A sampler of ``tsdownsample`` as it comes, without the pins of a policy."""
    sampler: Any = getattr(import_module("tsdownsample"), kind)()
    kept: Ints = sampler.downsample(np.arange(len(y), dtype=np.float64), y, n_out=n).astype(
        np.int64
    )
    return kept


def peers() -> dict[str, Callable[[Floats, int], Ints]]:
    """All of them by name; those of ``tsdownsample`` where it is installed."""
    found: dict[str, Callable[[Floats, int], Ints]] = {
        "reservoir": reservoir,
        "last of bucket": last_of_bucket,
        "every n-th": every_nth,
    }
    if find_spec("tsdownsample"):
        found |= {f"{name}, bare": partial(bare, kind=kind) for name, (kind, _) in SAMPLERS.items()}
    return found
