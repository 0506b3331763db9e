"""Curves of trainings that go well or badly in one known way, as lines."""

import math
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from compactor.findings import Evidence, find_findings
from compactor.fold import line_of
from compactor.reading.lines import Line
from compactor.record import Finding
from compactor.sampling.arrays import Floats


def line(
    metric: str,
    values: Sequence[float] | Floats,
    *,
    every: int = 1,
    rank: int = 0,
    epochs: int | None = None,
) -> Line:
    """A line with a row each ``every`` steps, in ``epochs`` epochs of equal length if asked."""
    number = np.arange(len(values))
    epoch = None if epochs is None else number * epochs // max(len(values), 1)
    return line_of(metric, rank, number * every, np.array(values, np.float64), epoch=epoch)


def noise(rows: int, scale: float, seed: int = 0) -> Floats:
    """Independent normal noise."""
    return scale * np.random.default_rng(seed).standard_normal(rows)


def falling(rows: int, low: float = 0.3, high: float = 2.3) -> Floats:
    """A loss as it ought to be: fast at first, then slower and slower."""
    share = np.arange(rows) / rows
    return low + (high - low) * np.exp(-8 * share)


def valley(rows: int, bottom: float, depth: float, rise: float) -> Floats:
    """A loss that falls by ``depth`` until the share ``bottom`` of the rows, and rises behind it."""
    share = np.arange(rows) / max(rows - 1, 1)
    before = np.minimum(share / bottom, 1) - 1
    after = np.maximum(share - bottom, 0) / (1 - bottom)
    return 0.4 + depth * before**2 + rise * after


def found(lines: Iterable[Line], **facts: Any) -> list[Finding]:
    """What is found of these lines."""
    return find_findings(Evidence(lines=list(lines), **facts))


def of_rule(rule: str, lines: Iterable[Line], **facts: Any) -> list[Finding]:
    """What one rule finds."""
    return [each for each in found(lines, **facts) if each.rule == rule]


def only(rule: str, lines: Iterable[Line], **facts: Any) -> Finding:
    """The one finding of a rule."""
    (finding,) = of_rule(rule, lines, **facts)
    return finding


def healthy(seed: int, rows: int = 4000, evaluations: int = 20) -> list[Line]:
    """Training and validation that go well, with the noise of batches."""
    each = rows // evaluations
    smooth = falling(rows)
    return [
        line("train/loss", smooth + noise(rows, 0.1, seed)),
        line(
            "val/loss",
            smooth[each - 1 :: each] + 0.05 + noise(evaluations, 0.002, seed + 1),
            every=each,
        ),
        line("train/grad_norm", np.exp(noise(rows, 0.5, seed + 2))),
        line("lr", np.full(rows, 1e-3)),
    ]


def strictly_finite(finding: Finding) -> bool:
    """Whether every figure of a finding can be written as JSON."""
    figures = [each for each in finding.evidence.values() if isinstance(each, float)]
    return all(math.isfinite(each) for each in figures)
