"""The table of epochs: what each metric came to, and how long an epoch took."""

import math

import numpy as np

from compactor.epochs import Epochs, epoch_table
from compactor.fold import line_of
from compactor.record import EpochMetric
from logwriter.state import EpochState

NO_EVENTS = Epochs(frozenset(), {}, frozenset())


def test_the_table_tells_how_a_metric_went_in_each_epoch() -> None:
    """Its rows, mean, least, greatest and last, and how the mean changed."""
    loss = line_of(
        "loss", 0, np.arange(6), np.array([4.0, 2.0, math.nan, 1.0, 3.0, math.inf]),
        epoch=np.array([0, 0, 0, 1, 1, 2]),
    )  # fmt: skip
    late = line_of("late", 0, np.array([5]), np.array([7.0]), epoch=np.array([2]))
    first, second, third = epoch_table(NO_EVENTS, [loss, late], ["loss", "late"])
    assert first.metrics == {
        "loss": EpochMetric(rows=3, mean=3.0, min=2.0, max=4.0, last=None, change=None)
    }
    assert second.metrics == {
        "loss": EpochMetric(rows=2, mean=2.0, min=1.0, max=3.0, last=3.0, change=-1.0)
    }
    assert third.metrics == {
        "loss": EpochMetric(rows=1, mean=None, min=None, max=None, last=None, change=None),
        "late": EpochMetric(rows=1, mean=7.0, min=7.0, max=7.0, last=7.0, change=None),
    }
    assert [epoch.values for epoch in (first, second, third)] == [
        {"loss": 3.0},
        {"loss": 2.0},
        {"loss": None, "late": 7.0},
    ]


def test_a_metric_that_was_not_logged_in_the_epoch_before_has_no_change() -> None:
    """What it was two epochs before is another thing."""
    loss = line_of("loss", 0, np.arange(3), np.ones(3), epoch=np.array([0, 2, 3]))
    other = line_of("other", 0, np.arange(4), np.ones(4), epoch=np.arange(4))
    table = epoch_table(NO_EVENTS, [loss, other], ["loss"])
    changes = [epoch.metrics["loss"].change for epoch in table if epoch.metrics]
    assert changes == [None, None, 0.0]


def test_a_change_beyond_all_floats_is_not_told() -> None:
    """Rather than infinite."""
    loss = line_of("loss", 0, np.arange(2), np.array([-1e308, 1.7e308]), epoch=np.arange(2))
    assert epoch_table(NO_EVENTS, [loss], ["loss"])[1].metrics["loss"].change is None


def test_the_table_shows_the_columns_that_were_asked_for() -> None:
    """Others still tell where an epoch ended."""
    shown = line_of("a", 0, np.array([1]), np.ones(1), epoch=np.zeros(1, np.int64))
    other = line_of("b", 0, np.array([9]), np.ones(1), epoch=np.zeros(1, np.int64))
    (epoch,) = epoch_table(NO_EVENTS, [shown, other], ["a"])
    assert list(epoch.metrics) == list(epoch.values) == ["a"]
    assert epoch.last_step == 9


def test_events_say_how_long_an_epoch_took_else_its_rows_do() -> None:
    """From the first to the last row of the lowest rank; a single moment tells nothing."""
    epoch = np.array([0, 0, 1, 1, 2])
    time = np.array([1, 4, 6, 8, 9]) * 1_000_000
    own = line_of("a", 0, np.arange(5), np.ones(5), epoch=epoch, time=time)
    other = line_of("b", 1, np.arange(5), np.ones(5), epoch=epoch, time=time + 10**12)
    recorded = {0: EpochState(0, 0, 1, 3.5), 1: EpochState(1, 2)}
    known = Epochs(frozenset({0, 1}), recorded, frozenset({0}))
    table = epoch_table(known, [own, other], [])
    assert [epoch.seconds for epoch in table] == [3.5, 2.0, None]


def test_the_time_of_a_repeated_epoch_is_that_of_the_latest_attempt() -> None:
    """The pause between two attempts is no training."""
    first = line_of("a", 0, np.arange(2), np.ones(2), epoch=np.zeros(2, np.int64))
    second = line_of(
        "b", 0, np.arange(2), np.ones(2), epoch=np.zeros(2, np.int64), time=np.array([0, 5]) + 10**12,
        attempt=1,
    )  # fmt: skip
    (epoch,) = epoch_table(NO_EVENTS, [first, second], [])
    assert epoch.seconds == 5e-6
