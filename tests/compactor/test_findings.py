"""The findings as a whole: their order, and what holds for all rules."""

import math
import os
from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
from findings_lines import falling, found, healthy, line, noise, strictly_finite, valley
from findings_logs import LOGS, evidence
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.findings import Evidence, find_findings
from compactor.findings.report import SEVERITIES
from compactor.names import Mode
from compactor.reading.lines import Line

REAL = Path(os.environ.get("EVERYSTEP_REAL_LOGS", ""))
NAMES = ["train/loss", "val/loss", "loss", "train/acc", "val/acc", "grad_norm", "lr"]
EXTREMES = [math.nan, math.inf, -math.inf, 0.0, -0.0, 5e-324, 1e300, -1e300, 1.7e308]
VALUES = st.lists(st.sampled_from(EXTREMES) | st.floats(-10, 10), max_size=80)


@st.composite
def runs(draw: st.DrawFn) -> Evidence:
    """Short lines of wild values, on one or two ranks, with or without epochs and monitor."""
    lines = [
        line(name, values, every=draw(st.integers(1, 3)), rank=rank, epochs=epochs)
        for rank in range(draw(st.integers(1, 2)))
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4))
        if len(values := draw(VALUES)) > 0
        for epochs in [draw(st.none() | st.integers(1, 20))]
    ]
    monitor = draw(st.none() | st.sampled_from(NAMES))
    ended = {0: frozenset(range(draw(st.integers(0, 20))))}
    mode = None if monitor is None else draw(st.sampled_from(get_args(Mode)))
    return Evidence(
        lines=lines,
        monitor=monitor,
        mode=mode,
        ended=ended,
        patience=draw(st.integers(1, 5)),
    )


@settings(deadline=None, max_examples=150)
@given(runs())
def test_no_run_is_too_strange(run: Evidence) -> None:
    """Nothing raises; figures are finite; one finding a rule; the order is the promised one."""
    findings = find_findings(run)
    assert findings == find_findings(replace(run, lines=run.lines[::-1]))
    assert all(strictly_finite(each) for each in findings)
    assert all("nan" not in each.text.split() for each in findings)
    rules = [each.rule for each in findings]
    assert len(rules) == len(set(rules))
    severities = [SEVERITIES.index(each.severity) for each in findings]
    assert severities == sorted(severities)


def curves() -> dict[str, list[Line]]:
    """Runs of which something is found, and one of which nothing is."""
    spiked = falling(2000) + noise(2000, 0.02)
    spiked[[700, 1100]] += 3
    return {
        "healthy": healthy(3),
        "diverged": [line("train/loss", valley(600, 0.3, 1.0, 2.0) + noise(600, 0.05))],
        "overfitted": [
            line("train/loss", falling(2000, low=0.01)),
            line("val/loss", valley(20, 0.4, 1.5, 0.6), every=100),
        ],
        "spiked": [line("train/loss", spiked)],
        "swinging": [line("val/loss", falling(60) + 0.4 * np.sin(np.arange(60) * 1.5))],
    }


@pytest.mark.parametrize("kind", curves())
@pytest.mark.parametrize(
    ("factor", "shift"),
    [(1e-6, 0.0), (4096.0, 0.0), (1.0, 1000.0), (8.0, -50.0), (1e300, 0.0), (1e-300, 0.0)],
)
def test_the_verdict_depends_neither_on_the_unit_nor_on_the_zero(
    kind: str, factor: float, shift: float
) -> None:
    """Only underfitting compares a loss with 0."""
    lines = curves()[kind]
    moved = [
        line_like(each, each.points.value * factor + shift) if "loss" in each.metric else each
        for each in lines
    ]
    facts: dict[str, Any] = {"monitor": "val/loss", "mode": "min"} if len(lines) > 1 else {}
    before, after = (
        [(each.rule, each.severity, each.metric, each.step) for each in found(of, **facts)]
        for of in (lines, moved)
    )
    assert [each for each in after if each[0] != "underfitting"] == before


def line_like(other: Line, values: Any) -> Line:
    """The rows of a line with other values."""
    every = int(other.points.step[1] - other.points.step[0])
    return line(other.metric, values, every=every)


EXPECTED: dict[str, set[tuple[str, str]]] = {
    "hf_star_long.trainer_state.json": set(),
    "llamafactory_nsllm.trainer_log.jsonl": set(),
    "llmc_main.log": set(),
    "modded_scaleup1b.txt": set(),
    "sb3_monitor_fetchslide_60k.monitor.csv": set(),
    "torchbeast_douzero.logs.csv": {("divergence", "warning")},
    "drqv2_humanoid_walk_10seeds.csv": {("rank_differs", "warning")},  # seeds, read as ranks
    "gail_kvlogger.progress.csv": set(),
    "cyclegan.loss_log.txt": set(),
    "diffusion_lr1e-7.progress.csv": {("underfitting", "warning")},
    "stylegan2ada.events.out.tfevents": {("non_finite", "critical")},
    "mlperf_resnet_tpu128.result_0.txt": set(),
    "megatron_ds_gpt2.out": {("divergence", "critical")},
    "lerobot.train_log.txt": set(),
    "algoperf_diverge_inf_then_blank.measurements.csv": {("divergence", "critical")},
    "algoperf_diverge_nan28.measurements.csv": set(),
    "algoperf_blowup_vit.measurements.csv": {("divergence", "critical")},
    "algoperf_overfit_ogbg.measurements.csv": {("divergence", "warning")},
    "algoperf_wmt_bleu_rise.measurements.csv": {("divergence", "critical")},
    "algoperf_healthy_vit.measurements.csv": set(),
}
"""Warnings and worse, of the logs whose truth is known; a healthy one has none."""


@pytest.mark.skipif(not (REAL / "truth.json").is_file(), reason="EVERYSTEP_REAL_LOGS names no logs")
@pytest.mark.parametrize("name", LOGS)
def test_a_real_log_raises_the_alarms_that_it_should(name: str) -> None:
    """And no others."""
    findings = find_findings(evidence(REAL / name))
    alarms = {(each.rule, each.severity) for each in findings if each.severity != "info"}
    assert alarms == EXPECTED[name]
    assert all(strictly_finite(each) for each in findings)
