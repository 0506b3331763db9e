"""What is logged of many values at once: moments, extremes and quantiles.

``mean``, ``std`` (of the population), ``min``, ``p05``, ``p25``, ``p50``, ``p75``, ``p95`` and ``max`` of the
finite values; and ``non_finite``, how many were NaN or infinite, where there are some.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from logwriter.values import is_tensor

QUANTILES = {"p05": 0.05, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p95": 0.95}
IN_UNITS_OF_THE_VALUES = ("mean", "std", "min", *QUANTILES, "max")  # one chart can draw them
_NARROW = 4  # bytes: what is smaller is widened, exactly, before anything is computed

Numbers = npt.NDArray[Any]


def to_array(values: Any) -> Numbers:
    """The values as a flat array of floats: float32 and wider as they are, the others widened.

    A tensor on a device is fetched, which waits for the device, as TensorBoard does.

    Raises:
        TypeError: They are not real numbers.
        Exception: They are nothing that NumPy knows; which exception is their own choice.
    """
    if is_tensor(values):
        values = values.detach()
        if values.is_floating_point() and values.element_size() < _NARROW:
            values = values.float()  # NumPy has no bfloat16
        values = values.cpu().numpy()
    array = np.asarray(values).reshape(-1)
    if array.dtype.kind in "biu":
        return array.astype(np.float64)
    if array.dtype.kind != "f":
        raise TypeError(f"values of type {array.dtype}")
    return array if array.itemsize >= _NARROW else array.astype(np.float32)


def describe(values: Numbers) -> dict[str, float]:
    """The statistics of a flat array of floats; quantiles interpolate linearly between neighbours."""
    finite = values[np.isfinite(values)]
    others = values.size - finite.size
    missing = {"non_finite": float(others)} if others else {}
    if not finite.size:
        return missing
    with np.errstate(over="ignore", invalid="ignore"):  # a sum beyond float64 is told as infinite
        mean = float(finite.mean(dtype=np.float64))
        std = float(finite.std(dtype=np.float64))
        quantiles = np.quantile(finite, list(QUANTILES.values()))
    return {
        "mean": mean,
        "std": std,
        "min": float(finite.min()),
        **dict(zip(QUANTILES, quantiles.tolist(), strict=True)),
        "max": float(finite.max()),
        **missing,
    }


def describe_buckets(
    extremes: tuple[Any, Any],
    moments: tuple[Any, Any, Any],
    limits: Sequence[Any] | Numbers,
    counts: Sequence[Any] | Numbers,
) -> dict[str, float]:
    """The statistics of a histogram; quantiles interpolate linearly inside their bucket.

    Args:
        extremes: The smallest and the largest value.
        moments: How many values there are, their sum, and the sum of their squares.
        limits: The upper limit of each bucket, increasing.
        counts: How many values each bucket holds.

    Returns:
        As `describe`, without ``non_finite``, which a histogram does not tell; empty without values.
    """
    smallest, largest = float(extremes[0]), float(extremes[1])
    number, total, squares = map(float, moments)
    filled, upper = to_array(counts).astype(np.float64), to_array(limits).astype(np.float64)
    if not number > 0 or not filled.sum() > 0:
        return {}
    upper = np.clip(upper, smallest, largest)
    lower = np.concatenate(([smallest], upper[:-1]))
    reached = np.cumsum(filled)
    wanted = np.array(list(QUANTILES.values())) * reached[-1]
    bucket = np.searchsorted(reached, wanted)
    share = (wanted - reached[bucket] + filled[bucket]) / filled[bucket]
    between = lower[bucket] + share * (upper[bucket] - lower[bucket])
    quantiles = np.clip(between, lower[bucket], upper[bucket])  # rounding may lead out of a bucket
    mean = total / number
    return {
        "mean": mean,
        "std": max(0.0, squares / number - mean * mean) ** 0.5,
        "min": smallest,
        **dict(zip(QUANTILES, quantiles.tolist(), strict=True)),
        "max": largest,
    }
