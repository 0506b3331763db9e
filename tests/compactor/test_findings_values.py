"""Values that are no numbers, values that never change, and ranks that go their own way."""

import numpy as np
import pytest
from findings_lines import falling, found, line, noise, of_rule, only

from compactor.reading.lines import MEAN_RANK


def test_a_loss_that_ends_in_nan_is_critical() -> None:
    """With its first step."""
    loss = falling(500)
    loss[321:] = np.nan
    finding = only("non_finite", [line("train/loss", loss, every=10)])
    assert finding.severity == "critical"
    assert (finding.step, finding.last_step) == (3210, None)
    assert finding.evidence["nan"] == 179
    assert found([line("train/loss", loss, every=10)])[0] == finding


def test_a_loss_that_recovers_is_a_warning() -> None:
    """It is finite at the end."""
    loss = falling(500)
    loss[[100, 200]] = [np.nan, np.inf]
    finding = only("non_finite", [line("train/loss", loss)])
    assert finding.severity == "warning"
    assert (finding.step, finding.last_step) == (100, 200)


def test_infinite_gradients_now_and_then_are_only_told() -> None:
    """Training with scaled losses skips those steps."""
    norm = np.exp(noise(500, 0.3))
    norm[::100] = np.inf
    assert only("non_finite", [line("grad_norm", norm)]).severity == "info"


def test_a_metric_that_is_never_finite_is_a_warning_and_a_critical_one_as_the_monitor() -> None:
    """Nothing can be decided by it."""
    lines = [line("fid", np.full(30, np.inf))]
    assert only("non_finite", lines).severity == "warning"
    assert only("non_finite", lines, monitor="fid", mode="min").severity == "critical"


def test_many_metrics_and_ranks_with_nan_are_one_finding() -> None:
    """The monitor speaks for them."""
    broken = np.append(falling(50), np.nan)
    names = ["a/loss", "train/loss", "val/loss"]
    lines = [line(name, broken, rank=rank) for name in names for rank in (0, 1)]
    finding = only("non_finite", lines, monitor="val/loss", mode="min")
    assert (finding.metric, finding.rank) == ("val/loss", 0)
    assert finding.evidence["also"] == (
        "val/loss of rank 1, a/loss, a/loss of rank 1, train/loss and 1 more"
    )


@pytest.mark.parametrize("metric", ["train/acc", "grad_norm", "train/loss"])
def test_what_ought_to_move_and_does_not_is_told(metric: str) -> None:
    """One value in all rows."""
    assert only("constant", [line(metric, np.full(50, 0.1))]).evidence["value"] == 0.1


@pytest.mark.parametrize(
    "metric", ["lr", "batch_size", "loss scale", "num_examples", "epoch_length"]
)
def test_settings_and_counters_may_stay_as_they_are(metric: str) -> None:
    """They are set, not learned."""
    assert not of_rule("constant", [line(metric, np.full(500, 0.1))])


def test_a_few_equal_values_are_not_constant() -> None:
    """Nor is a metric that moves once."""
    assert not of_rule("constant", [line("val/acc", np.full(10, 0.1))])
    assert not of_rule("constant", [line("val/acc", np.append(np.full(50, 0.1), 0.2))])


def test_ranks_that_never_logged_are_told_in_one_finding() -> None:
    """A warning where most of the others did; told only where one may log for all."""
    lines = [line("train/loss", falling(1000), rank=rank) for rank in (0, 1, 4)]
    finding = only("rank_silent", lines, expected_ranks=range(5))
    assert (finding.rank, finding.severity) == (2, "warning")
    assert finding.text == "Ranks 2, 3 logged nothing; 3 other ranks did."
    one = only("rank_silent", lines[:1], expected_ranks=range(2))
    assert one.severity == "info"
    assert one.text == "Rank 1 logged nothing; 1 other rank did."
    assert not of_rule("rank_silent", lines, expected_ranks=(0, 1, 4))
    assert not of_rule("rank_silent", lines)


def test_of_several_ranks_a_text_names_the_one_it_is_about() -> None:
    """Of a single rank, it does not."""
    rising = np.linspace(1, 5, 500)
    broken = np.append(rising, np.nan)
    lines = [line("train/loss", broken, rank=rank) for rank in (0, 1)]
    starts = {each.rule: each.text for each in found(lines)}
    assert starts["divergence"].startswith("train/loss of rank 0 rises")
    assert starts["non_finite"].startswith("train/loss of rank 0 is NaN")
    assert "rank" not in only("divergence", lines[:1]).text
    chosen = only("divergence", lines[1:], ended={0: frozenset(), 1: frozenset()})
    assert chosen.text.startswith("train/loss of rank 1 rises")


def test_a_loss_that_is_not_judged_and_ends_in_nan_is_a_warning() -> None:
    """One that recovers, as before the first update of a policy, is only told."""
    broken = falling(500)
    broken[300:] = np.nan
    assert only("non_finite", [line("policy_loss", broken)]).severity == "warning"
    assert only("non_finite", [line("policy_loss", broken[::-1])]).severity == "info"


def test_a_rank_that_stopped_lags() -> None:
    """Those that are a few steps apart do not."""
    full, short = falling(1000), falling(700)
    lines = [line("train/loss", full, rank=rank) for rank in (0, 2, 3)]
    finding = only("rank_lags", [*lines, line("train/loss", short, rank=1)])
    assert (finding.rank, finding.severity) == (1, "critical")
    assert finding.evidence["behind"] == 300
    assert not of_rule("rank_lags", [*lines, line("train/loss", full[:-5], rank=1)])
    long = falling(10_000)
    lines_of_two = [line("train/loss", long), line("train/loss", long[:-100], rank=1)]
    assert not of_rule("rank_lags", lines_of_two)
    assert not of_rule("rank_lags", [*lines, line("val/loss", short[:10], rank=0)])


def test_a_rank_whose_loss_keeps_apart_differs() -> None:
    """Two out of four say who is odd; of two, the higher is named."""
    lines = [
        line("train/loss", falling(2000) + noise(2000, 0.1, rank), rank=rank) for rank in range(4)
    ]
    assert not found(lines)
    odd = line("train/loss", falling(2000) + 0.5 + noise(2000, 0.1, 9), rank=2)
    assert only("rank_differs", [*lines[:2], odd, lines[3]]).rank == 2
    assert only("rank_differs", [lines[0], odd]).rank == 2
    straight = np.linspace(2.3, 0.3, 2000)
    stopped = [line("train/loss", straight[: 2000 - 1500 * rank], rank=rank) for rank in (0, 1)]
    assert not of_rule("rank_differs", stopped)
    few = line("train/loss", falling(2000)[::200] + 1, every=200, rank=3)
    assert only("rank_differs", [*lines[:3], few]).rank == 3


def test_ranks_that_differ_by_chance_or_by_little_are_as_good_as_equal() -> None:
    """Noise around one value, and a distance that is small beside what the metric went through."""
    for seed in range(10):
        lines = [
            line("train/loss", 2.3 + noise(64, 0.1, 10 * seed + rank), rank=rank)
            for rank in range(4)
        ]
        assert not of_rule("rank_differs", lines)
    near = [line("train/loss", falling(500) + 0.01 * rank, rank=rank) for rank in range(3)]
    assert not of_rule("rank_differs", near)


def test_ranks_may_differ_in_noise_and_in_how_busy_they_are() -> None:
    """Only what is known to be good or bad is compared; the mean over the ranks is no rank."""
    lines = [
        line("train/loss", falling(2000) + noise(2000, 0.3 * (rank + 1), rank), rank=rank)
        for rank in range(4)
    ]
    memory = [line("gpu_memory", np.full(2000, 10.0 * rank), rank=rank) for rank in range(4)]
    mean = line("train/loss", falling(500) + 9, rank=MEAN_RANK)
    assert not found([*lines, *memory, mean])
