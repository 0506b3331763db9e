"""Where points lie in time and in epochs."""

import numpy as np
import pytest
from hypothesis import given, settings
from longlines import lines

from compactor.drawing.along import along, epoch_spans
from compactor.epochs import Epochs
from compactor.fold import line_of, line_of_points
from compactor.reading.lines import Line, Points
from logwriter.state import EpochState

NOTHING = Epochs(frozenset(), {}, frozenset())


def line(steps: list[int], epochs: list[int] | None, metric: str = "m") -> Line:
    """A line whose values do not matter."""
    return line_of(
        metric,
        0,
        np.array(steps),
        np.zeros(len(steps)),
        epoch=None if epochs is None else np.array(epochs),
    )


def train(epochs: int = 3, length: int = 100) -> Line:
    """A row a step."""
    steps = list(range(epochs * length))
    return line(steps, [step // length for step in steps], "train")


def ended(*numbers: int) -> Epochs:
    """No events but that these epochs ended."""
    return Epochs(frozenset(numbers), {}, frozenset(numbers))


def at(of: Line, *others: Line, known: Epochs | None = None) -> list[float | None]:
    """The epochs of a line's points."""
    everything = known or ended(*range(20))
    return along(of, of.points, epoch_spans(everything, [of, *others]), 0).epoch


def test_a_point_lies_at_its_epoch_and_the_share_of_steps_before_it() -> None:
    """The first step of an epoch is its whole number."""
    assert at(train(2, 4)) == [0, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75]


def test_seconds_count_from_the_start_of_the_run() -> None:
    """In microseconds since 1970 the one, in seconds the other."""
    of = line_of("m", 0, np.arange(2), np.zeros(2), time=np.array([5_500_000, 7_000_001]))
    assert along(of, of.points, {}, 5_000_000).seconds == [0.5, 2.000001]


def test_a_point_outside_epochs_has_none() -> None:
    """Though the run has epochs."""
    assert at(line([5], None), train()) == [None]


def test_a_validation_at_the_end_of_an_epoch_lies_there() -> None:
    """At the last training step, or at the one behind it."""
    assert at(line([99, 199], [0, 1]), train()) == [0.99, 1.99]
    assert at(line([100, 200], [0, 1]), train()) == pytest.approx([100 / 101, 1 + 100 / 101])


def test_a_metric_that_counts_in_its_own_way_is_measured_by_its_own_steps() -> None:
    """Validation that counts its own batches; training is not moved by it."""
    own = line([0, 1, 2, 3], [0, 0, 1, 1], "val")
    assert at(own, train()) == [0, 0.5, 1, 1.5]
    assert at(train(), own)[150] == 1.5


def test_an_epoch_that_did_not_end_is_as_long_as_the_one_before() -> None:
    """Half of it was trained: the last point lies in its middle."""
    steps = list(range(150))
    of = line(steps, [step // 100 for step in steps])
    assert at(of, known=ended(0))[-1] == 1.49
    assert at(of, known=ended(0, 1))[-1] == 1.98


def test_events_say_where_an_epoch_goes() -> None:
    """A line of one row an epoch would not."""
    recorded = {number: EpochState(number, 100 * number, 100 * number + 99) for number in range(2)}
    known = Epochs(frozenset(recorded), recorded, frozenset(recorded))
    assert at(line([50, 199], [0, 1]), known=known) == [0.5, 1.99]


def test_rows_of_an_attempt_that_was_repeated_do_not_leave_their_epoch() -> None:
    """The epoch's steps are those of the latest attempt; earlier rows of it are drawn, too."""
    first = line(list(range(150)), [0] * 100 + [1] * 50).points
    second = line_of("m", 0, np.arange(150, 250), np.zeros(100), epoch=np.ones(100, int), attempt=1)
    columns = {
        name: np.append(column, getattr(second.points, name))
        for name, column in vars(first).items()
    }
    of = line_of_points("m", 0, Points(**columns))
    assert [(e.first_step, e.last_step) for e in of.epochs] == [(0, 99), (150, 249)]
    found = at(of)
    assert found[99:101] == [0.99, 1.0]
    assert found[249] == 1 + 149 / 150


@settings(deadline=None, max_examples=100)
@given(lines(epochs=True), lines(epochs=True))
def test_epochs_grow_with_the_steps(one: Line, other: Line) -> None:
    """Strictly, wherever the step does; the whole part is the epoch."""
    spans = epoch_spans(NOTHING, [one, other])
    for each in (one, other):
        step = each.points.step.tolist()
        found = along(each, each.points, spans, 0).epoch
        for place, where in enumerate(found):
            assert where is not None
            assert int(where) == each.points.epoch[place]
            before = found[place - 1] if place else None
            if before is not None and step[place] > step[place - 1]:
                assert where > before
            elif before is not None:
                assert where == before


@settings(deadline=None, max_examples=100)
@given(lines(epochs=True))
def test_shares_are_those_of_a_plain_walk(one: Line) -> None:
    """An epoch goes from its first to its last step, by what is known of it and by the points."""
    spans = epoch_spans(NOTHING, [one])
    reach = {number: list(ends) for number, ends in spans.items()}
    rows = list(zip(one.points.step.tolist(), one.points.epoch.tolist(), strict=True))
    for step, number in rows:
        first, last = reach[number]
        reach[number] = [min(first, step), max(last, step)]
    expected = [
        number + (step - reach[number][0]) / (reach[number][1] - reach[number][0] + 1)
        for step, number in rows
    ]
    assert along(one, one.points, spans, 0).epoch == expected


def test_an_epoch_may_reach_to_the_last_step_there_is() -> None:
    """One that did not end is taken to be as long as the one before, beyond all 64-bit integers."""
    most = 2**63 - 1
    of = line([0, 1 << 62, most - 1, most], [0, 0, 1, 1])
    assert at(of, known=ended(0)) == [0.0, 1 - 2**-53, 1.0, 1.0]


def test_the_share_of_a_late_epoch_stays_below_the_next() -> None:
    """Where floats are a millionth apart."""
    number = 2**52
    of = line(list(range(1000)), [number] * 1000)
    assert max(where for where in at(of) if where is not None) < number + 1
