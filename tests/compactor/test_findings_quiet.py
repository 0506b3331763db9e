"""What looks like trouble and is none: names of all kinds, freak values, enormous ones."""

import numpy as np
import pytest
from findings_lines import falling, found, line, noise, of_rule, only

from compactor.findings.course import follow
from compactor.findings.report import duration
from compactor.fold import line_of
from compactor.sampling.arrays import Floats

ROWS = 2000
RISING = np.linspace(0.01, 20, ROWS) ** 0.5
FLAT = 1.01 + noise(ROWS, 0.005)


@pytest.mark.parametrize(
    "metric",
    [
        "kl_loss",
        "train/kl_loss",
        "train/commit_loss",
        "train/rewards/rejected",
        "train/rewards/chosen",
        "train/loss_scale",
        "train/error_weight",
        "train/cost_usd",
        "val/acc_std",
        "train/num_errors",
        "train/load_balancing_loss",
        "train/z_loss",
        "train/aux_loss",
        "train/ent_coef_loss",
        "train/lossG",
        "train/loss_D",
    ],
)
@pytest.mark.parametrize("values", [RISING, -RISING, FLAT, np.full(ROWS, 65536.0), np.zeros(ROWS)])
def test_settings_counts_and_terms_of_a_loss_may_go_where_they_will(
    metric: str, values: Floats
) -> None:
    """Beside a training loss that falls, nothing is found of them but that one never changes."""
    lines = [line("train/loss", falling(ROWS) + noise(ROWS, 0.05)), line(metric, values)]
    assert {each.rule for each in found(lines)} <= {"constant"}


@pytest.mark.parametrize(
    ("metric", "monitor", "severity"),
    [
        ("train/loss", None, "critical"),
        ("train_loss_epoch", None, "critical"),
        ("train/mse", None, "warning"),
        ("train/mse", "val/mse", "critical"),
        ("train/cost", None, "warning"),
    ],
)
def test_a_divergence_is_critical_where_the_whole_training_hangs_on_the_metric(
    metric: str, monitor: str | None, severity: str
) -> None:
    """That is the monitor, what shares its chart, and plain losses."""
    lines = [line(metric, RISING)] + ([line(monitor, falling(20), every=100)] if monitor else [])
    mode = "min" if monitor else None
    assert only("divergence", lines, monitor=monitor, mode=mode).severity == severity


@pytest.mark.parametrize("place", [0, 1, 20, 38, 39])
@pytest.mark.parametrize("freak", [0.0, -5.0, 30.0])
def test_one_freak_evaluation_spoils_no_healthy_run(place: int, freak: float) -> None:
    """It is neither the best that was lost, nor where a plateau begins, nor an end."""
    value = 2 * np.exp(-np.arange(40) / 8) + 0.4
    value[place] = freak
    lines = [
        line("train/loss", falling(4000) + noise(4000, 0.05)),
        line("val/loss", value, every=100),
    ]
    rules = {each.rule for each in found(lines, monitor="val/loss", mode="min", patience=100)}
    assert not rules


def test_the_best_of_a_course_has_a_neighbour_that_bears_it_out() -> None:
    """And is a value that was there."""
    value = np.array([5.0, 4, 3, -9, 2.5, 2, 1, 1.5, 2, 2])
    course = follow(line("val/loss", value), "min")
    assert course is not None
    assert (course.best, course.gain) == (7, 3.5)
    assert value[course.best] == 1.5


@pytest.mark.parametrize("value", [0.1, 1 / 3, 0.693, -0.693, 1e300])
@pytest.mark.parametrize("rows", [200, 4000, 10_000])
def test_one_value_in_all_rows_is_constant_and_nothing_else(value: float, rows: int) -> None:
    """The mean of equal values may be rounded away from them; that is no swing."""
    assert {each.rule for each in found([line("train/loss", np.full(rows, value))])} == {"constant"}


@pytest.mark.parametrize("seed", range(40))
def test_heavy_tails_and_loud_noise_do_not_diverge(seed: int) -> None:
    """At the end as little as before it."""
    rng = np.random.default_rng(seed)
    rows = int(rng.choice([30, 200, 3000]))
    smooth = falling(rows)
    loud = [0.1 * rng.standard_t(2, rows), smooth * (np.exp(0.5 * rng.standard_normal(rows)) - 1)]
    for each in loud:
        assert not of_rule("divergence", [line("train/loss", smooth + each)])


@pytest.mark.parametrize("seed", range(10))
def test_noise_that_hides_a_fall_is_no_underfitting_if_held_out_data_get_better(seed: int) -> None:
    """Something is learned; without them, the first rows against the rest may still tell."""
    train = line("train/loss", falling(200) + noise(200, 1.0, seed))
    val = line("val/loss", falling(10) + noise(10, 0.02, seed), every=20)
    assert not of_rule("underfitting", [train, val])
    clear = line("train/loss", falling(200) + noise(200, 0.3, seed))
    assert not of_rule("underfitting", [clear])


def test_the_words_of_underfitting_fit_its_figures() -> None:
    """A fall by a quarter that swings explain is not called none."""
    swings = 1 + 0.8 * np.sin(np.arange(4000) / 60) + noise(4000, 0.05)
    text = only("underfitting", [line("train/loss", swings)]).text
    assert "fell no further than its ups and downs explain: from about 1.3" in text
    slope = only("underfitting", [line("train/loss", np.linspace(2.31, 2.30, 2000))])
    assert "hardly fell" in slope.text


@pytest.mark.parametrize("monitor", ["train/loss", "val/loss"])
@pytest.mark.parametrize("values", [np.linspace(1, 6, 60), np.linspace(6, 1, 60)])
def test_steps_as_far_apart_as_can_be_do_not_overflow(monitor: str, values: Floats) -> None:
    """Shares of the steps are taken of integers of any size."""
    step = np.linspace(-(2**62), 2**62, 60).astype(np.int64)
    lines = [line_of(name, 0, step, values) for name in ("train/loss", "val/loss")]
    for each in found(lines, monitor=monitor, mode="min"):
        assert all(-(2**62) <= (at or 0) <= 2**62 for at in (each.step, each.last_step))


def test_a_time_is_told_in_the_unit_that_fits() -> None:
    """A thousandth of a second is not 0.0 of it."""
    times = [duration(seconds) for seconds in (0.004, 1.0, 89.0, 120.0, 7200.0)]
    assert times == [
        "less than a second",
        "about 1.0 seconds",
        "about 89.0 seconds",
        "about 2.0 minutes",
        "about 2.0 hours",
    ]


def test_a_run_without_a_row_has_no_findings() -> None:
    """Ranks are only expected once one has logged something."""
    assert not found([], expected_ranks=range(4))
