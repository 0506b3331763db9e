"""Which point of a line is best, and among which candidates."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import best_oracles
import numpy as np
import pytest
from best_oracles import Row
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.deciding.best import find_winner, last_improvement
from compactor.fold import line_of_points
from compactor.reading.lines import ATTEMPT_SHIFT, Line, Points

QUICK = settings(max_examples=150, deadline=None)
VALUES = st.sampled_from(
    [0.0, -0.0, 1.0, 0.5, 0.1, 0.3, -3.0, math.nan, math.inf, -math.inf, 1e300, -1.7e308, 5e-324]
)
MODES = st.sampled_from(["min", "max"])
OF = st.sampled_from(["mean", "min", "max", "last"])
DELTAS = st.sampled_from([0.0, 0.1, 0.2, 0.5, 1.0, 1e308])
RULES = st.fixed_dictionaries(
    {"per": st.sampled_from([None, "epoch", "step"]), "of": OF, "min_delta": DELTAS}
)
EPOCHS = st.one_of(st.none(), st.integers(0, 5))


@st.composite
def logs(draw: st.DrawFn, epochs: st.SearchStrategy[int | None] = EPOCHS) -> list[Row]:
    """Up to three attempts, each with its own sequence numbers, steps in any order."""
    row = st.tuples(st.integers(-3, 40), epochs, VALUES)
    attempts = draw(st.lists(st.lists(row, max_size=25), min_size=1, max_size=3))
    rows = [
        Row(number, 2 * place, *each)
        for number, attempt in enumerate(attempts)
        for place, each in enumerate(attempt)
    ]
    return rows or [Row(0, 0, 0, None, 1.0)]


def points_of(rows: Sequence[Row]) -> Points:
    """The rows as the scan gives them: by step, then position."""
    ordered = sorted(rows, key=lambda row: (row.step, row.attempt, row.seq))
    return Points(
        step=np.array([row.step for row in ordered]),
        position=np.array([(row.attempt << ATTEMPT_SHIFT) + row.seq for row in ordered]),
        epoch=np.array([row.epoch or 0 for row in ordered]),
        in_epoch=np.array([row.epoch is not None for row in ordered]),
        time=np.array([row.seq for row in ordered]),
        value=np.array([row.value for row in ordered]),
    )


def plain(values: Sequence[float], epochs: Sequence[int | None] | None = None) -> list[Row]:
    """Rows of one attempt, a step each."""
    numbers = epochs or [None] * len(values)
    pairs = enumerate(zip(numbers, values, strict=True))
    return [Row(0, step, step, epoch, value) for step, (epoch, value) in pairs]


def long(line: Line) -> Line:
    """The line as if it had too many rows to be kept: here none is."""
    return replace(line, whole=False, points=line.points.take(slice(0)))


def found(
    rows: Sequence[Row], mode: Any, ended: set[int], **rule: Any
) -> best_oracles.Found | None:
    """What wins, of a whole line and of the same line as a long one alike."""
    points = points_of(rows)
    line = line_of_points("m", 0, points)
    winner = find_winner(line, mode, ended, **rule)
    assert find_winner(long(line), mode, ended, **rule, fetch=lambda _: points) == winner
    if winner is None:
        return None
    attempt, seq = divmod(winner.position, 1 << ATTEMPT_SHIFT)
    return best_oracles.Found(
        winner.value, winner.step, winner.epoch, attempt, seq, winner.per, winner.candidates
    )


@QUICK
@given(logs(), MODES, st.sets(st.integers(0, 5)), RULES)
def test_the_winner_is_the_one_that_a_walk_through_the_log_finds(
    rows: list[Row], mode: str, ended: set[int], rule: dict[str, Any]
) -> None:
    """With NaN, infinities, ties, attempts, repeated and unended epochs, in any order of steps."""
    assert found(rows, mode, ended, **rule) == best_oracles.best(rows, mode, ended, **rule)


@QUICK
@given(logs(st.none()), MODES, DELTAS)
def test_without_epochs_rows_compete_by_themselves(
    rows: list[Row], mode: str, min_delta: float
) -> None:
    """Whether or not that is asked for."""
    expected = best_oracles.best(rows, mode, (), min_delta=min_delta)
    assert found(rows, mode, set(), min_delta=min_delta) == expected
    assert found(rows, mode, set(), min_delta=min_delta, per="step") == expected
    assert found(rows, mode, set(), min_delta=min_delta, per="epoch") is None


@QUICK
@given(st.lists(VALUES, min_size=1, max_size=30), MODES, OF, DELTAS)
def test_one_value_an_epoch_competes_whether_or_not_the_epoch_ended(
    values: list[float], mode: str, of: str, min_delta: float
) -> None:
    """It is what it is; there is nothing to average."""
    rows = plain(values, range(len(values)))
    expected = best_oracles.best(rows, mode, (), min_delta=min_delta)
    winner = found(rows, mode, set(), of=of, min_delta=min_delta)
    assert winner == expected
    assert winner is None or winner.per == "epoch"


@QUICK
@given(st.lists(st.floats(-10, 10), min_size=1, max_size=200), DELTAS)
def test_an_improvement_is_more_than_min_delta_below_the_best(
    values: list[float], min_delta: float
) -> None:
    """The search jumps; a walk gets to the same place."""
    walked = 0
    for place, value in enumerate(values):
        if best_oracles.improves(value, values[walked], "min", min_delta):
            walked = place
    assert last_improvement(np.array(values), min_delta) == walked


@pytest.mark.parametrize(
    ("min_delta", "step"), [(0.0, 5), (0.05, 4), (0.25, 4), (0.5, 5), (1.0, 2), (2.0, 0)]
)
def test_what_is_better_by_no_more_than_min_delta_is_not_better(
    min_delta: float, step: int
) -> None:
    """The best so far stays what it was, so that many small steps down add up."""
    rows = plain([3.0, 2.5, 1.75, 1.5, 1.25, 1.24])
    winner = found(rows, "min", set(), min_delta=min_delta)
    assert winner is not None
    assert (winner.step, winner.candidates) == (step, 6)


def test_a_difference_beyond_all_numbers_is_no_improvement() -> None:
    """The sum overflows, and says so to nobody."""
    assert last_improvement(np.array([1.7e308, 1.6e308, -1.7e308]), 1e308) == 2
    assert last_improvement(np.array([1.7e308, 1.6e308, 0.75e308]), 1e308) == 0


@pytest.mark.parametrize(
    ("of", "mode", "expected"),
    [
        ("mean", "min", (2.0, 1, 3, "epoch mean")),
        ("min", "min", (1.0, 0, 0, "epoch min")),
        ("max", "min", (2.5, 1, 2, "epoch max")),
        ("last", "min", (1.5, 1, 3, "epoch last")),
        ("mean", "max", (4.0, 0, 1, "epoch mean")),
        ("max", "max", (7.0, 0, 1, "epoch max")),
    ],
)
def test_an_epochs_values_come_to_what_is_asked_for(
    of: str, mode: str, expected: tuple[float, int, int, str]
) -> None:
    """The least and the greatest are at their own row, the mean and the last at the last row."""
    rows = plain([1.0, 7.0, 2.5, 1.5, -9.0, 99.0], [0, 0, 1, 1, 2, 2])
    winner = found(rows, mode, {0, 1}, of=of)
    assert winner is not None
    assert (winner.value, winner.epoch, winner.step, winner.per) == expected


def test_an_epoch_whose_last_value_is_not_finite_has_no_last_value() -> None:
    """The finite one before it is not the last."""
    rows = plain([1.0, math.nan, 5.0, 4.0], [0, 0, 1, 1])
    winner = found(rows, "min", {0, 1}, of="last")
    assert winner is not None
    assert (winner.value, winner.epoch, winner.candidates) == (4.0, 1, 1)


def test_rows_outside_epochs_do_not_compete_with_epochs() -> None:
    """One evaluation before training is no epoch, and not one of the candidates."""
    rows = plain([0.1, 1.0, 2.0, 3.0], [None, 1, 2, 3])
    for per, told in ((None, "epoch"), ("step", "step")):
        winner = found(rows, "min", set(), per=per)
        assert winner is not None
        assert (winner.value, winner.epoch, winner.per, winner.candidates) == (1.0, 1, told, 3)


def test_the_step_of_a_mean_is_that_of_the_last_row_in_it() -> None:
    """In log order, also where steps go back."""
    rows = [Row(0, seq, step, 0, float(step)) for seq, step in enumerate((10, 20, 5, 5, 30, 4))]
    rows += [Row(0, 6 + n, step, 1, 99.0) for n, step in enumerate((3, 6))]
    winner = found(rows, "min", {0, 1})
    assert winner is not None
    assert (winner.step, winner.seq, winner.per) == (4, 5, "epoch mean")


@pytest.mark.parametrize("many", [1, 2])
def test_of_an_epoch_that_was_repeated_the_latest_attempt_competes(many: int) -> None:
    """What an attempt that crashed said of the epoch is not its value."""
    values = [5.0, 4.0, 1.0]
    rows = [
        Row(0, 2 * epoch + i, 2 * epoch + i, epoch, value)
        for epoch, value in enumerate(values)
        for i in range(many)
    ]
    rows += [Row(1, i, 4 + i, 2, 3.0) for i in range(many)]
    winner = found(rows, "min", {0, 1, 2})
    assert winner is not None
    assert (winner.value, winner.epoch, winner.candidates, winner.attempt) == (3.0, 2, 3, 1)
    assert winner.per == ("epoch" if many == 1 else "epoch mean")


def test_a_long_line_is_read_again_only_where_all_rows_are_needed() -> None:
    """Its epochs tell the rest; and without a way to read them, the error says so."""
    line = long(line_of_points("m", 0, points_of(plain([3.0, 1.0, 2.0], [0, 0, 1]))))
    for rule in ({"per": "step"}, {"min_delta": 0.5}, {"per": "epoch", "of": "last"}):
        assert find_winner(line, "min", {0, 1}, **rule) is not None
    with pytest.raises(ValueError, match="give fetch"):
        find_winner(line, "min", {0, 1}, per="step", min_delta=0.5)


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ({"per": "batch"}, "per is 'batch'; give 'epoch' or 'step'"),
        ({"of": "median"}, "of is 'median'; give one of: mean, min, max, last"),
        ({"min_delta": -0.1}, "min_delta is -0.1; give a number, 0 or more"),
        ({"min_delta": math.nan}, "min_delta is nan"),
        ({"min_delta": math.inf}, "min_delta is inf"),
    ],
)
def test_a_rule_that_means_nothing_is_an_error(rule: dict[str, Any], message: str) -> None:
    """It says what would mean something."""
    with pytest.raises(ValueError, match=message):
        find_winner(line_of_points("m", 0, points_of(plain([1.0]))), "min", (), **rule)
