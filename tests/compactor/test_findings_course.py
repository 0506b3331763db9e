"""Divergence, oscillation and spikes: each is seen where it is, and not where it is not."""

from dataclasses import replace

import numpy as np
import pytest
from findings_lines import falling, found, healthy, line, noise, of_rule, only, valley

from compactor.findings.swinging import _turns


def test_a_loss_that_rises_and_stays_high_diverges() -> None:
    """The onset lies between the best step and the high plateau."""
    loss = falling(3000) + noise(3000, 0.05)
    loss[1500:] += np.minimum(np.arange(1500) / 300, 1) * 3
    finding = only("divergence", [line("train/loss", loss)])
    assert finding.severity == "critical"
    assert finding.step is not None
    assert 1400 <= finding.step <= 1700
    assert finding.evidence["end_value"] == pytest.approx(3.3, abs=0.1)


def test_a_loss_that_loses_a_quarter_of_its_gain_is_a_warning() -> None:
    """What is left of the gain sets the severity."""
    loss = falling(3000) + noise(3000, 0.05)
    loss[1500:] += 0.5
    assert only("divergence", [line("train/loss", loss)]).severity == "warning"


def test_a_loss_that_comes_back_does_not_diverge() -> None:
    """A hump in the middle is none of the rule's business."""
    loss = falling(3000) + noise(3000, 0.05)
    loss[1500:2000] += 3
    assert not of_rule("divergence", [line("train/loss", loss)])


def test_a_loss_that_is_low_again_at_the_very_end_does_not_diverge() -> None:
    """It has not stayed high, though most of the last eighth is."""
    loss = falling(3000) + noise(3000, 0.05)
    loss[1500:2900] += 3
    loss[2900:] += 0.3
    assert not of_rule("divergence", [line("train/loss", loss)])


def test_noise_around_one_value_does_not_diverge() -> None:
    """Its least value lies below the others, as one must."""
    for seed in range(60):
        for rows in (10, 100):
            assert not of_rule("divergence", [line("train/loss", 2.3 + noise(rows, 0.1, seed))])


def test_the_lowest_rank_speaks_for_a_metric() -> None:
    """What another one does is told by comparing the two."""
    lines = [
        line("train/loss", falling(2000) + noise(2000, 0.05), rank=0),
        line("train/loss", valley(2000, 0.2, 2, 9), rank=1),
    ]
    assert [(each.rule, each.rank) for each in found(lines)] == [("rank_differs", 1)]


def test_spikes_behind_the_onset_of_a_divergence_are_part_of_it() -> None:
    """They are not told once more."""
    loss = falling(2000) + noise(2000, 0.02)
    loss[1000:] += 5
    loss[[500, 1500]] += 9
    assert only("spikes", [line("train/loss", loss)]).evidence["spikes"] == 1


def test_a_blow_up_at_the_very_end_diverges() -> None:
    """The tail as a whole is still low; the last parts are beyond all before them."""
    loss = falling(640) + noise(640, 0.02)
    loss[600:] = 10.0 ** np.arange(1, 41)
    finding = only("divergence", [line("train/loss", loss)])
    assert finding.severity == "critical"
    assert finding.step is not None
    assert 580 <= finding.step <= 610


@pytest.mark.parametrize("last", [20, 40, 100, 250])
def test_a_run_that_ends_in_a_jump_or_a_climb_diverges(last: int) -> None:
    """However few rows it has there, and however far they are: it did not come back from them."""
    loss = falling(4000) + noise(4000, 0.05)
    jump, climb = loss.copy(), loss.copy()
    jump[-last:] = 7 + noise(last, 0.3)
    climb[-last:] += np.linspace(0, 10, last)
    for each in (jump, climb):
        findings = found([line("train/loss", each)])
        assert [(told.rule, told.severity) for told in findings] == [("divergence", "critical")]
        assert findings[0].step == pytest.approx(4000 - last, abs=100)
        assert findings[0].evidence["end_value"] == pytest.approx(each[-1], abs=2)


def test_two_evaluations_far_off_at_the_end_diverge() -> None:
    """One alone may be a freak."""
    value = np.append(falling(38), [3.0, 9.0])
    lines = [line("train/loss", falling(4000)), line("val/loss", value, every=100)]
    finding = only("divergence", lines, monitor="val/loss", mode="min")
    assert "ends above its best" in finding.text
    assert finding.evidence["end_value"] == 9.0


def test_a_single_row_far_off_at_the_end_is_a_spike() -> None:
    """Nothing shows whether it came back down."""
    loss = falling(4000) + noise(4000, 0.05)
    loss[-1] = 200
    assert [each.rule for each in found([line("train/loss", loss)])] == ["spikes"]


def test_a_score_that_collapses_diverges() -> None:
    """Large values are good, so the fall is what counts."""
    score = np.append(np.linspace(0.1, 0.8, 40), np.full(20, 0.01))
    finding = only("divergence", [line("val/acc", score)], monitor="val/acc", mode="max")
    assert finding.step == 39
    assert "falls" in finding.text


def test_the_losses_of_opponents_and_of_a_run_that_chases_returns_are_not_judged() -> None:
    """They follow a moving target."""
    rising = valley(600, 0.2, 1, 3)
    assert not found([line("Loss/G/loss", rising), line("policy_loss", rising)])
    good = np.linspace(0, 100, 600)
    loss = line("loss", rising)
    for name in ("episode/reward", "rollout/ep_rew_mean"):
        lines = [loss, line("train/ent_coef_loss", rising), line(name, good)]
        assert not of_rule("divergence", lines, monitor=name, mode="max")
        assert not of_rule("divergence", lines)
    answers = line("train/rewards/margins", good)
    assert of_rule("divergence", [loss, answers])


def test_a_line_of_very_many_rows_is_judged_by_its_buckets() -> None:
    """Of its points, only the extremes are there."""
    loss = falling(100_000) + noise(100_000, 0.05)
    loss[50_000:] += 3
    whole = line("train/loss", loss)
    extremes = whole.points.take(np.array([0, 10, 49_999, 99_999]))
    long = replace(whole, whole=False, points=extremes)
    assert found([long]) == found([whole])


def test_a_validation_loss_that_swings_oscillates() -> None:
    """Held-out data are the same each time, so their swings are the model's."""
    loss = falling(60) + 0.4 * np.sin(np.arange(60) * 1.5)
    finding = only("oscillation", [line("val/loss", loss)])
    assert finding.severity == "info"
    assert finding.evidence["span"] == pytest.approx(0.8, rel=0.2)


def test_training_swings_that_last_longer_than_a_batch_oscillate() -> None:
    """The mean of a part swings far more than the noise of its batches lets it."""
    swing = 0.5 * np.sin(np.arange(6400) / 120)
    loss = falling(6400) + swing + noise(6400, 0.1)
    assert only("oscillation", [line("train/loss", loss)]).severity == "warning"


def test_a_loss_that_alternates_from_row_to_row_oscillates() -> None:
    """A period of two steps vanishes in any mean, but not in the rows."""
    swing = 0.4 * (-1.0) ** np.arange(1000)
    finding = only("oscillation", [line("train/loss", falling(1000) + swing + noise(1000, 0.05))])
    assert finding.evidence["turns"] == pytest.approx(500, abs=2)


@pytest.mark.parametrize("scale", [0.02, 0.2, 1.0])
def test_the_noise_of_batches_does_not_oscillate(scale: float) -> None:
    """However large it is beside what the loss gained."""
    for seed in range(10):
        assert not of_rule(
            "oscillation", [line("train/loss", falling(3000) + noise(3000, scale, seed))]
        )


def test_turns_are_counted_as_by_hand() -> None:
    """Small steps back do not count, nor does the first stretch."""
    assert _turns(np.array([0.0, 1, 2, 1.9, 3, 0, -1, 2, 1.8]), 1.0) == 2
    assert _turns(np.array([0.0, 1, 2, 3]), 1.0) == 0
    assert _turns(np.zeros(5), 0.0) == 0


def test_spikes_are_counted_and_those_that_stay_are_told() -> None:
    """The largest is named with its step; a step up that stays did not recover."""
    loss = falling(2000) + noise(2000, 0.02)
    loss[[700, 1100, 1500]] += [2.0, 4.0, 1.0]
    finding = only("spikes", [line("train/loss", loss)])
    assert finding.severity == "info"
    assert finding.evidence["spikes"] == 3
    assert finding.evidence["largest_step"] == 1100
    assert finding.evidence["not_recovered"] == 0
    assert finding.text.endswith(" It came back down after each of them.")
    assert (finding.step, finding.last_step) == (700, 1500)


def test_a_spike_that_does_not_come_back_is_a_warning() -> None:
    """The rows behind it are still high when the log ends."""
    loss = falling(2000) + noise(2000, 0.02)
    loss[1995:] += 2
    finding = only("spikes", [line("train/loss", loss)])
    assert finding.severity == "warning"
    assert finding.text.startswith("train/loss has 1 spike, up to ")
    assert finding.text.endswith(" It did not come back down.")


def test_a_loss_that_comes_down_from_a_short_hump_recovered() -> None:
    """Though the rows right behind its rise are as high."""
    loss = falling(3000) + noise(3000, 0.02)
    loss[1500:1512] += 3
    finding = only("spikes", [line("train/loss", loss)])
    assert (finding.severity, finding.evidence["not_recovered"]) == ("info", 0)
    assert finding.text.endswith(" It came back down.")


def test_a_fall_from_a_high_start_is_no_spike() -> None:
    """Nor is a loss with two modes, nor a heavy tail that reaches little of the gain."""
    start = np.append(np.full(3, 11.0), 3 + noise(500, 0.01))
    rng = np.random.default_rng(1)
    modes = falling(3000) + np.where(rng.random(3000) < 0.2, 2.0, 0.0) + noise(3000, 0.05)
    tail = falling(3000) + 0.005 * rng.standard_cauchy(3000).clip(-40, 40)
    for loss in (start, modes, tail):
        assert not of_rule("spikes", [line("train/loss", loss)])


@pytest.mark.parametrize("seed", range(15))
def test_a_healthy_run_is_silent(seed: int) -> None:
    """No finding at all, at several lengths and noises."""
    assert not found(healthy(seed), monitor="val/loss", mode="min")
    assert not found(healthy(seed, rows=200, evaluations=10), monitor="val/loss", mode="min")
    assert not found(healthy(seed, rows=50_000, evaluations=100), monitor="val/loss", mode="min")
