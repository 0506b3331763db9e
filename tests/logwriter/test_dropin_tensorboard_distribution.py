"""What a histogram leaves behind: statistics of its finite values, and a count of the others."""

import math
import statistics
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st

from logwriter import read
from logwriter.tensorboard import SummaryWriter
from logwriter.tensorboard.distribution import QUANTILES, describe, describe_buckets, to_array

FINITE = ["mean", "std", "min", "p05", "p25", "p50", "p75", "p95", "max"]


def quantile(ordered: list[float], share: float) -> float:
    """Between the two neighbours, in proportion (the seventh definition of Hyndman and Fan, 1996)."""
    at = share * (len(ordered) - 1)
    below = ordered[math.floor(at)]
    return below + (at - math.floor(at)) * (ordered[math.ceil(at)] - below)


@settings(deadline=None, max_examples=60)
@given(values=st.lists(st.floats(-1e6, 1e6) | st.sampled_from([math.nan, math.inf, -math.inf])))
def test_statistics_are_those_of_the_finite_values(values: list[float]) -> None:
    """The plain twin sorts a list."""
    found = describe(to_array(np.array(values)))
    finite = sorted(value for value in values if math.isfinite(value))
    others = len(values) - len(finite)
    expected = {"non_finite": float(others)} if others else {}
    if finite:
        expected |= {"mean": statistics.fmean(finite), "std": statistics.pstdev(finite)}
        expected |= {"min": finite[0], "max": finite[-1]}
        expected |= {name: quantile(finite, share) for name, share in QUANTILES.items()}
    assert found == pytest.approx(expected, abs=1e-6, rel=1e-9)


@pytest.mark.parametrize(
    "values",
    [
        [1, 2, 4],
        np.array([[1], [2], [4]], np.uint8),
        np.array([1, 2, 4], np.float16),
        torch.tensor([1.0, 2, 4], dtype=torch.bfloat16, requires_grad=True),
        torch.tensor([[1, 2, 4]]),
        (1.0, 2.0, 4.0),
    ],
)
def test_all_kinds_of_numbers_are_taken(values: Any) -> None:
    """Narrow floats are widened before anything is computed."""
    assert to_array(values).dtype.itemsize >= 4
    found = describe(to_array(values))
    assert found["mean"] == pytest.approx(7 / 3)
    assert (found["min"], found["p50"], found["max"]) == (1, 2, 4)


def test_sums_beyond_float64_are_infinite_and_quiet() -> None:
    """No warning comes from inside a training."""
    found = describe(np.full(3, 1.7e308))
    assert found["mean"] == math.inf
    assert found["p50"] == 1.7e308


@settings(deadline=None, max_examples=60)
@example(
    values=[-1.0, -1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0], edges=[-3e-227]
)  # rounds beyond a limit
@given(
    values=st.lists(st.floats(-100, 100), min_size=1, max_size=200),
    edges=st.lists(st.floats(-120, 120), min_size=1, max_size=30, unique=True).map(sorted),
)
def test_a_ready_made_histogram_is_as_exact_as_its_buckets(
    values: list[float], edges: list[float]
) -> None:
    """A quantile lies in the bucket where the counts reach its share."""
    limits = np.array([*edges, max(101.0, edges[-1])])
    which = np.searchsorted(limits, values)
    counts = np.bincount(which, minlength=len(limits))
    moments = (len(values), sum(values), sum(v * v for v in values))
    found = describe_buckets((min(values), max(values)), moments, limits, counts.tolist())
    assert list(found) == FINITE
    assert found["mean"] == pytest.approx(statistics.fmean(values), abs=1e-9)
    assert found["std"] == pytest.approx(statistics.pstdev(values), abs=1e-3)
    ordered = sorted(values)
    for name, share in QUANTILES.items():
        exact = ordered[max(0, math.ceil(share * len(ordered) - 1e-9) - 1)]
        bucket = np.searchsorted(limits, exact)
        low = limits[bucket - 1] if bucket else -math.inf
        assert max(low, ordered[0]) - 1e-9 <= found[name] <= min(limits[bucket], ordered[-1]) + 1e-9
    assert found["p05"] <= found["p25"] <= found["p50"] <= found["p75"] <= found["p95"]


def test_a_histogram_is_one_row_and_one_chart(run_path: Path) -> None:
    """The count of the others, where there are some, has axes of its own; nothing leaves nothing."""
    with SummaryWriter(run_path) as log:
        for step in range(3):
            log.add_histogram("fc.weight", torch.tensor([1.0, math.nan, 3.0]), step)
        log.add_histogram("gone", [math.nan], 3)
        log.add_histogram("empty", [], 3)
    rows = read(run_path).rows().to_pylist()
    first = {r["metric"]: r["value"] for r in rows if r["step"] == 0}
    assert set(first) == {f"fc.weight/{name}" for name in [*FINITE, "non_finite"]}
    assert (first["fc.weight/mean"], first["fc.weight/non_finite"]) == (2.0, 1.0)
    assert len({r["seq"] for r in rows if r["step"] == 0}) == 1
    assert {r["metric"]: r["value"] for r in rows if r["step"] == 3} == {"gone/non_finite": 1.0}
    (attempt,) = read(run_path).state.attempts
    charts = {m.metric: (m.chart, m.line) for m in attempt.metrics.values()}
    assert charts["fc.weight/p50"] == ("fc.weight", "p50")
    assert "fc.weight/non_finite" not in charts


def test_a_raw_histogram_is_logged_alike(run_path: Path) -> None:
    """Without values there is nothing; limits and counts go together."""
    with SummaryWriter(run_path) as log:
        log.add_histogram_raw("h", 0, 4, 4, 8.0, 24.0, [2.0, 4.0], [2, 2], 5)
        log.add_histogram_raw("none", 0, 0, 0, 0, 0, [1.0], [0], 6)
        with pytest.raises(ValueError, match="h: 1 bucket_limits for 2 bucket_counts"):
            log.add_histogram_raw("h", 0, 1, 2, 1, 1, [1.0], [1, 1])
    found = {r["metric"]: (r["step"], r["value"]) for r in read(run_path).rows().to_pylist()}
    assert found["h/p25"] == (5, 1.0)
    assert found["h/p50"] == (5, 2.0)
    assert found["h/std"] == (5, math.sqrt(2))
    assert len(found) == len(FINITE)
