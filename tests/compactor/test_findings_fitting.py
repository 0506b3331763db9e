"""Overfitting, underfitting, plateaus and early stopping, on curves of which the truth is known."""

import math

import numpy as np
import pytest
from findings_lines import falling, line, noise, of_rule, only, valley
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.findings.progress import _stops


def test_a_validation_loss_past_its_minimum_is_overfitted_if_training_goes_on() -> None:
    """The onset is the step of the minimum."""
    train = line("train/loss", falling(2000, low=0.01) + noise(2000, 0.02))
    val = line("val/loss", valley(20, 0.4, 1.5, 0.6) + noise(20, 0.005), every=100, epochs=20)
    finding = only("overfitting", [train, val])
    assert finding.metric == "val/loss"
    assert finding.evidence["training_metric"] == "train/loss"
    assert finding.step == pytest.approx(800, abs=100)
    assert not of_rule("divergence", [train, val])
    assert not of_rule("plateau", [train, val], monitor="val/loss", mode="min")


def test_the_plain_loss_is_the_partner_of_eval_loss() -> None:
    """As some trainers log them."""
    lines = [
        line("loss", falling(2000, low=0.01)),
        line("eval_loss", valley(20, 0.4, 1.5, 0.6), every=100),
    ]
    assert only("overfitting", lines).metric == "eval_loss"


def test_scores_overfit_too() -> None:
    """With the signs the other way round, in the words as well."""
    lines = [
        line("train/acc", 1 - falling(2000, 0.0, 0.9)),
        line("val/acc", 1 - valley(20, 0.4, 0.5, 0.2), every=100),
    ]
    finding = only("overfitting", lines, monitor="val/acc", mode="max")
    assert "was highest around" in finding.text
    assert "fell to" in finding.text
    assert "still rose" in finding.text


def test_the_turning_point_is_told_as_one_of_smoothed_values() -> None:
    """It bears out its neighbours, so it need not be the best epoch, which one value makes."""
    train = line("train/loss", falling(6400, low=0.01))
    for rows, said in ((20, "Smoothed over 3 values"), (640, "Smoothed over 30 values")):
        val = line("val/loss", valley(rows, 0.4, 1.5, 0.6), every=6400 // rows)
        text = only("overfitting", [train, val]).text
        assert text.startswith(f"{said}, val/loss was lowest around step ")


def test_large_values_are_spelt_as_a_report_spells_them() -> None:
    """With thousands apart, and no power of ten before there is need of one."""
    train = line("train/loss", 1e5 * falling(2000, low=0.01))
    val = line("val/loss", 1e5 * valley(20, 0.4, 1.5, 0.6), every=100)
    text = only("overfitting", [train, val]).text
    assert "and rose to 97,368, while" in text
    assert "e+" not in text


def test_two_losses_that_rise_together_are_not_overfitted() -> None:
    """They diverge."""
    lines = [
        line("train/loss", valley(2000, 0.4, 1.5, 0.6)),
        line("val/loss", valley(20, 0.4, 1.5, 0.6), every=100),
    ]
    assert not of_rule("overfitting", lines)
    assert only("divergence", lines, monitor="val/loss").evidence["also"] == "train/loss"


def test_a_flat_validation_loss_is_not_overfitted() -> None:
    """A gap between training and validation is none, nor is a rise within the noise."""
    train = line("train/loss", falling(2000, low=0.01))
    for seed in range(20):
        val = falling(20, low=0.5) + noise(20, 0.02, seed)
        assert not of_rule("overfitting", [train, line("val/loss", val, every=100)])
        around_one = line("val/loss", 0.5 + noise(20, 0.02, seed), every=100)
        assert not of_rule("overfitting", [train, around_one])
    hardly = line("val/loss", valley(20, 0.4, 1.5, 0.05), every=100)
    assert not of_rule("overfitting", [train, hardly])


def test_a_loss_that_does_not_fall_is_underfitted() -> None:
    """Noise around one value, or a fall of less than a hundredth; one that never moves is constant."""
    flat = only("underfitting", [line("train/loss", 2.3 + noise(2000, 0.1))])
    assert "did not fall: from about 2.285 to 2.294" in flat.text
    slope = only("underfitting", [line("train/loss", np.linspace(2.31, 2.30, 2000))])
    assert "hardly fell" in slope.text
    still = [line("train/loss", np.full(2000, 2.3))]
    assert of_rule("constant", still)
    assert not of_rule("underfitting", still)


def test_a_loss_that_still_falls_steadily_at_the_end_is_underfitted() -> None:
    """But not while the run goes on, nor if it slowed down."""
    lines = [line("train/loss", np.linspace(16, 10, 3000) + noise(3000, 1.0))]
    assert "still fell" in only("underfitting", lines).text
    assert not of_rule("underfitting", lines, status="unfinished")
    assert not of_rule("underfitting", [line("train/loss", falling(3000) + noise(3000, 0.1))])


def test_a_loss_logged_only_at_the_start_is_not_judged_as_training() -> None:
    """Its few rows say nothing of the rest of the run."""
    short = line("loss", 6.9 + noise(100, 0.001))
    long = line("val/loss", falling(50), every=1000)
    assert not of_rule("underfitting", [short, long])


def test_a_monitor_that_stops_improving_is_a_plateau() -> None:
    """It says since when."""
    value = np.append(np.linspace(0.1, 0.8, 30), np.full(70, 0.8)) + noise(100, 0.0005)
    finding = only("plateau", [line("val/acc", value)], monitor="val/acc", mode="max")
    assert finding.severity == "info"
    assert finding.step == pytest.approx(29, abs=2)
    assert finding.evidence["share_of_steps"] == pytest.approx(0.7, abs=0.03)


def test_a_monitor_that_still_improves_slowly_is_no_plateau() -> None:
    """A power law goes on for ever."""
    loss = 3 * np.arange(1.0, 101.0) ** -0.3
    assert not of_rule("plateau", [line("val/loss", loss)], monitor="val/loss", mode="min")


def test_early_stopping_tells_what_it_would_have_saved() -> None:
    """Steps, epochs and time; the best was already there."""
    value = valley(40, 0.25, 1.0, 0.5)
    finding = only(
        "early_stopping",
        [line("val/loss", value, every=100, epochs=40)],
        monitor="val/loss",
        mode="min",
        ended={0: frozenset(range(40))},
        seconds_per_step=3.6,
        patience=5,
    )
    assert finding.evidence["kept_step"] == 1000
    assert finding.evidence["stop_step"] == 1500
    assert finding.evidence["saved_epochs"] == 24
    assert finding.evidence["saved_seconds"] == pytest.approx(2400 * 3.6)
    assert finding.evidence["misses_best"] == 0
    assert "2,400 steps, 24 epochs, about 2.4 hours" in finding.text


def test_early_stopping_tells_that_it_would_have_missed_the_best() -> None:
    """A second valley, deeper than the first."""
    value = np.concatenate([valley(30, 0.5, 1.0, 1.0), valley(30, 0.5, 1.0, 1.0) - 0.2])
    finding = only("early_stopping", [line("val/loss", value)], monitor="val/loss", mode="min")
    assert finding.evidence["misses_best"] == 1
    assert "missed the best" in finding.text


def test_means_of_epochs_decide_and_an_epoch_that_did_not_end_is_left_out() -> None:
    """Several rows an epoch are averaged, as for the best point."""
    value = np.repeat(valley(30, 0.3, 1.0, 0.5), 10) + np.tile([-3.0, 3.0], 150)
    ended = {0: frozenset(range(29))}
    finding = only(
        "early_stopping",
        [line("val/loss", value, epochs=30)],
        monitor="val/loss",
        mode="min",
        ended=ended,
    )
    assert finding.evidence["kept_step"] == 89
    assert finding.evidence["saved_epochs"] == 10


def test_early_stopping_waits_for_a_first_number() -> None:
    """Without one, there is nothing to keep."""
    never = line("val/loss", np.full(60, np.nan))
    assert not of_rule("early_stopping", [never], monitor="val/loss", mode="min")
    late = line("val/loss", np.append(np.full(12, np.nan), falling(60)))
    assert not of_rule("early_stopping", [late], monitor="val/loss", mode="min")


def test_early_stopping_tells_by_how_much_a_value_had_to_be_better() -> None:
    """Where that is not 0; what is better by less is not missed."""
    lines = [line("val/loss", falling(60))]
    finding = only(
        "early_stopping", lines, monitor="val/loss", mode="min", patience=10, min_delta=0.5
    )
    assert "with a patience of 10 and a min_delta of 0.5 would" in finding.text
    assert finding.evidence["min_delta"] == 0.5
    assert finding.evidence["misses_best"] == 0
    lines = [line("val/loss", valley(60, 0.2, 1, 1))]
    plain = only("early_stopping", lines, monitor="val/loss", mode="min")
    assert "min_delta" not in plain.text


def test_early_stopping_is_silent_where_it_makes_no_sense() -> None:
    """A run that improves to its end, a training loss, and a monitor of a great many rows."""
    rising = line("val/loss", falling(100))
    assert not of_rule("early_stopping", [rising], monitor="val/loss", mode="min")
    for name, rows in (("train/loss", 200), ("val/loss", 5000)):
        lines = [line(name, valley(rows, 0.3, 1.0, 0.5))]
        assert not of_rule("early_stopping", lines, monitor=name, mode="min")


def stopped_by_hand(values: list[float], patience: int, min_delta: float) -> tuple[int, int] | None:
    """Early stopping as a training loop would do it: where it stops, and what it kept."""
    best, kept, waited = math.inf, 0, 0
    for place, value in enumerate(values):
        if not math.isnan(value) and (best == math.inf or value + min_delta < best):
            best, kept, waited = value, place, 0
        elif best < math.inf:
            waited += 1
            if waited >= patience:
                return place, kept
    return None


VALUES = st.lists(st.just(math.nan) | st.integers(-9, 9).map(float), max_size=40)


@settings(deadline=None, max_examples=200)
@given(VALUES, st.integers(1, 12), st.sampled_from([0.0, 1.0, 2.5]))
def test_early_stopping_stops_where_a_training_loop_would(
    values: list[float], patience: int, min_delta: float
) -> None:
    """The same place and the same value kept as in a plain loop."""
    stop = _stops(np.array(values, np.float64), patience, min_delta)
    assert (None if stop is None else (stop.at, stop.kept)) == stopped_by_hand(
        values, patience, min_delta
    )
