"""What ``log`` takes, and which step a row belongs to."""

import math
import warnings
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from logwriter import Run, read
from logwriter.errors import BadValueError


def steps_of(path: Path, metric: str) -> list[int]:
    """The steps of a metric, in log order."""
    return [int(step) for step in read(path).series(metric)[0]]


def values_of(path: Path, metric: str) -> list[float]:
    """The values of a metric, in log order."""
    return [float(value) for value in read(path).series(metric)[1]]


def test_a_row_without_a_step_takes_the_next_one(run_path: Path) -> None:
    """Steps count from 0, one a row of the same names."""
    with Run(run_path) as run:
        for value in range(5):
            run.log({"loss": value})
    assert steps_of(run_path, "loss") == [0, 1, 2, 3, 4]


def test_other_names_at_the_same_time_share_the_step(run_path: Path) -> None:
    """Validation belongs to the last training step; five one-metric calls make one step."""
    with Run(run_path) as run:
        for _ in range(3):
            run.log({"a": 1})
            run.log({"b": 2})
        run.log({"val": 0.5})
    assert steps_of(run_path, "a") == steps_of(run_path, "b") == [0, 1, 2]
    assert steps_of(run_path, "val") == [2]


def test_an_explicit_step_is_kept_and_never_pulls_the_counter_back(run_path: Path) -> None:
    """Validation that counts epochs does not disturb training that counts batches."""
    with Run(run_path) as run:
        for epoch in range(2):
            for _ in range(3):
                run.log({"train": 1.0})
            run.log({"val": 1.0}, step=epoch)
        run.log({"train": 1.0}, step=100)
        run.log({"train": 1.0})
    assert steps_of(run_path, "train") == [0, 1, 2, 3, 4, 5, 100, 101]
    assert steps_of(run_path, "val") == [0, 1]


def test_a_row_with_a_value_left_out_still_counts_as_one_step(run_path: Path) -> None:
    """The step does not advance twice, or not at all, because of a value that is no number."""
    with Run(run_path) as run:
        run.log({"a": 1.0, "b": "text"})
        run.log({"a": 2.0, "b": 2.0})
        run.log({"a": 3.0, "b": None})
        run.log({"a": 4.0, "b": 4.0})
    assert steps_of(run_path, "a") == [0, 1, 2, 3]
    assert steps_of(run_path, "b") == [1, 3]


NUMBERS: list[Any] = [
    1.5,
    2,
    True,
    np.float32(0.1),
    np.float64(0.1),
    np.int64(-3),
    np.array(2.5),
    np.array([2.5]),
    torch.tensor(0.1),
    torch.tensor([0.25]),
    torch.tensor(3),
    torch.tensor(1.5, requires_grad=True) * 2,
    torch.tensor(0.1, dtype=torch.bfloat16),
    Decimal("0.125"),
    math.nan,
    math.inf,
    -math.inf,
    5e-324,
    -0.0,
    1.7976931348623157e308,
]


def expected(number: Any) -> float:
    """The number as a float, by the plainest way."""
    return float(number.item() if hasattr(number, "item") else number)


@pytest.mark.parametrize("number", NUMBERS, ids=repr)
def test_numbers_of_every_origin_are_kept_bit_for_bit(run_path: Path, number: Any) -> None:
    """By ``log`` and by a bound log, first and later rows alike."""
    with Run(run_path, on_error="raise") as run:
        bound = run.bind("bound")
        for step in range(3):
            run.log({"plain": number})
            bound(step, number)
    want = np.array([expected(number)] * 3)
    for metric in ("plain", "bound"):
        got = np.array(values_of(run_path, metric))
        assert got.tobytes() == want.tobytes()


def test_a_loss_that_needs_a_gradient_is_logged_without_a_warning(run_path: Path) -> None:
    """Torch warns, once a process, when such a tensor is asked for its float."""
    loss = torch.tensor(1.5, requires_grad=True) * 2
    with warnings.catch_warnings(record=True) as caught, Run(run_path) as run:
        warnings.simplefilter("always")
        bound = run.bind("bound")
        for step in range(3):
            run.log({"plain": loss, "float": 1.0})
            bound(step, loss)
    assert not caught


@settings(max_examples=30, deadline=None)
@given(st.lists(st.floats(), min_size=1, max_size=50))
def test_any_float_comes_back_with_the_same_bits(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    """Not a NaN's payload, not a zero's sign is lost, sealed or not."""
    path = tmp_path_factory.mktemp("floats") / "run"
    with Run(path) as run:
        for value in values:
            run.log({"x": value})
        before = read(path).series("x")[1]
    after = read(path).series("x")[1]
    assert before.tobytes() == after.tobytes() == np.array(values, dtype=np.float64).tobytes()


class Spiteful:
    """Raises something odd when it is asked for its number."""

    def __repr__(self) -> str:
        return "Spiteful()"

    def __float__(self) -> float:
        raise RuntimeError("no")


@pytest.mark.parametrize(
    "value",
    ["1.5", None, 1j, [1.0], np.zeros(3), torch.zeros(2), Spiteful(), 10**400, b"1"],
    ids=repr,
)
def test_what_is_not_a_number_is_counted_named_and_does_not_stop_training(
    run_path: Path, value: Any, caplog: pytest.LogCaptureFixture
) -> None:
    """The rest of the row is kept; one warning a key; ``finish`` says how often."""
    run = Run(run_path)
    for _ in range(3):
        run.log({"good": 1.0, "bad": value})
    assert run.finish().not_numbers == {"bad": 3}
    assert values_of(run_path, "good") == [1.0] * 3
    assert read(run_path).metrics == ["good"]
    assert sum("'bad' was given a" in record.message for record in caplog.records) == 1


def test_strict_runs_raise_for_what_is_not_a_number(run_path: Path) -> None:
    """The error names key and type."""
    with (
        Run(run_path, on_error="raise") as run,
        pytest.raises(BadValueError, match="'loss' was given a str"),
    ):
        run.log({"loss": "0.5"})


@pytest.mark.parametrize("step", ["x", 1.5, None, 1 << 70, math.nan])
def test_a_step_that_is_no_whole_number_keeps_the_row(run_path: Path, step: Any) -> None:
    """Values matter more than a bad step: they are kept at the current one."""
    run = Run(run_path)
    run.log({"a": 1.0}, step=7)
    run.log({"b": 2.0}, step=step)
    summary = run.finish()
    assert steps_of(run_path, "b") == [7]
    assert summary.not_numbers == ({} if step is None else {"step": 1})


@pytest.mark.parametrize("step", [np.int64(4), 4.0, torch.tensor(4), np.int32(4)])
def test_a_step_may_be_any_whole_number(run_path: Path, step: Any) -> None:
    """Counters are often NumPy's or a tensor's."""
    with Run(run_path) as run:
        run.log({"a": 1.0}, step=step)
        run.log({"a": 1.0}, step=step)
    assert steps_of(run_path, "a") == [4, 4]


def test_empty_rows_are_nothing(run_path: Path) -> None:
    """Neither a row nor a step nor an error."""
    with Run(run_path) as run:
        run.log({})
        run.log({"a": 1})
        run.log({})
        assert run.finish().rows == 1


def test_names_in_any_script_and_of_any_kind_are_kept(run_path: Path) -> None:
    """Metric names are data; lone surrogates, which no file can hold, are escaped."""
    names = ["损失/训练", "a b", 'q"\n', "🙂", "../../x", "\udcff"]
    with Run(run_path) as run:
        for _ in range(2):
            run.log(dict.fromkeys(names, 1.0))
        run.log({7: 1.0})  # type: ignore[dict-item]
    assert set(read(run_path).metrics) == {*names[:-1], "\\udcff", "7"}
    assert values_of(run_path, "\\udcff") == [1.0, 1.0]


def test_a_row_wider_than_a_layout_is_kept_as_one_step(run_path: Path) -> None:
    """Ten thousand metrics in one call."""
    names = [f"layer{number}/norm" for number in range(10_000)]
    with Run(run_path) as run:
        for row in range(3):
            run.log({name: row + number for number, name in enumerate(names)})
    log = read(run_path)
    assert len(log.metrics) == 10_000
    for number in (0, 4_095, 4_096, 9_999):
        steps, values = log.series(names[number])
        assert steps.tolist() == [0, 1, 2]
        assert values.tolist() == [number, number + 1, number + 2]


def test_thousands_of_different_mixes_of_keys_are_kept(run_path: Path) -> None:
    """Beyond a thousand layouts a journal holds one-metric rows: the same values and steps."""
    with Run(run_path) as run:
        for number in range(1_500):
            run.log({f"m{number}": number, "common": number}, step=number)
    log = read(run_path)
    assert log.series("common")[1].tolist() == list(range(1_500))
    for number in (0, 999, 1_000, 1_499):
        assert [a.tolist() for a in log.series(f"m{number}")] == [[number], [number]]


def test_a_bound_log_says_how_many_values_it_takes(run_path: Path) -> None:
    """A wrong call is a mistake in the program, not trouble with a disk."""
    with Run(run_path) as run:
        log = run.bind("a", "b")
        log(0, 1.0, 2.0)
        with pytest.raises(TypeError, match="a step and 2 values, a, b"):
            log(1, 1.0)
        with pytest.raises(ValueError, match="different metric names"):
            run.bind("a", "a")
    assert values_of(run_path, "b") == [2.0]


def test_bound_and_plain_logs_share_one_order(run_path: Path) -> None:
    """Rows of both ways stand in the order in which they were logged."""
    with Run(run_path) as run:
        log = run.bind("a", "b")
        for number in range(0, 1_000, 2):
            log(number, number, 0.0)
            run.log({"a": number + 1, "b": 0.0}, step=number + 1)
    assert values_of(run_path, "a") == list(range(1_000))


@pytest.mark.parametrize(
    "step", [np.int64(5), np.uint8(255), torch.tensor(5), 2.0, np.float64(3)], ids=repr
)
def test_a_step_that_is_no_plain_integer_does_not_leak_into_the_events(
    run_path: Path, step: Any
) -> None:
    """Events hold whole numbers; the counter goes on without wrapping, whatever becomes of the tensor."""
    with Run(run_path) as run:
        run.bind("bound")(step, 1.0)
        run.log({"a": 1.0}, step=step)
        run.message("now")
        run.log({"a": 1.0})
        if isinstance(step, torch.Tensor):
            step.add_(100)
        run.log({"a": 1.0})
    log = read(run_path)
    first = log.state.last.messages[0].step
    assert steps_of(run_path, "a") == [first, first + 1, first + 2]


@pytest.mark.parametrize("step", [2.5, 2**70, math.inf, -(2**64)])
def test_an_impossible_step_spoils_nothing_that_follows(run_path: Path, step: Any) -> None:
    """Neither ``log`` nor a bound log raises, and the counter is what it was."""
    with Run(run_path) as run:
        bound = run.bind("a")
        bound(3, 1.0)
        for _ in range(2):
            run.log({"a": 1.0}, step=step)
            bound(step, 1.0)
        run.log({"a": 1.0})
        run.message("fine")
    assert steps_of(run_path, "a") == [3, 3, 3, 3, 3, 4]


def test_steps_may_reach_the_largest_integer_and_stay_there(run_path: Path) -> None:
    """The counter ends; rows do not."""
    last = (1 << 63) - 1
    with Run(run_path) as run:
        run.log({"a": 1.0}, step=last)
        run.log({"a": 2.0})
        run.log({"a": 3.0}, step=-(1 << 63))
    assert steps_of(run_path, "a") == [last, last, -(1 << 63)]
    with Run(run_path, resume=True) as run:
        run.log({"a": 4.0})
    assert read(run_path).rows(["a"], attempts="all").num_rows == 4


def test_rows_without_any_number_count_as_steps_too(run_path: Path) -> None:
    """The step of a later row does not depend on where the bad ones stood."""
    with Run(run_path) as run:
        for value in (None, 1.0, None, None, 2.0):
            run.log({"a": value})
    assert steps_of(run_path, "a") == [1, 4]


def test_members_of_a_text_enumeration_are_the_names_they_stand_for(run_path: Path) -> None:
    """On the fast path and on the slow one alike, over journals."""

    class Metric(str, Enum):  # noqa: UP042  StrEnum prints as its text, and would hide the point
        LOSS = "loss"

    with Run(run_path, journal_bytes=1 << 18) as run:
        for number in range(10_000):
            run.log({Metric.LOSS: number})
    assert read(run_path).metrics == ["loss"]
    assert values_of(run_path, "loss") == list(range(10_000))
