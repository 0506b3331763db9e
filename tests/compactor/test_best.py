"""Which point is best: by which metric, in which direction, and of which candidates."""

import math
from collections.abc import Callable, Sequence
from typing import Any

import oracles
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from compactor import source
from compactor.best import choose_monitor, find_winner
from compactor.lines import Line
from compactor.names import direction
from compactor.source import open_source
from logwriter.errors import NoMonitorError, UnknownMetricError
from logwriter.parts import Part

MakeParts = Callable[..., list[Part]]
ONE_SCAN = settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
VALUES = st.sampled_from([0.0, 1.0, 0.5, 0.1, -3.0, math.nan, math.inf, -math.inf, 1e300])
MODES = st.sampled_from(["min", "max"])


def line_of(
    make_parts: MakeParts, rows: Sequence[oracles.Row], whole: int = 65_536, **where: int | None
) -> Line:
    """The rows as the scan returns them."""
    logged = [("m", seq, row.step, row.epoch, row.value) for seq, row in enumerate(rows)]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(source, "WHOLE_ROWS", whole)
        with open_source(make_parts(logged, **where), 1) as opened:
            return opened.lines(16)[0]


@ONE_SCAN
@given(st.lists(VALUES, min_size=1, max_size=60), MODES, st.sampled_from([0, 65_536]))
def test_the_first_of_the_best_finite_values_wins(
    make_parts: MakeParts, values: list[float], mode: str, whole: int
) -> None:
    """Ties, NaN and infinities, outside epochs, in whole and in long lines."""
    rows = [oracles.Row(step, None, value) for step, value in enumerate(values)]
    winner = find_winner(line_of(make_parts, rows, whole), mode, ())  # type: ignore[arg-type]
    expected = oracles.best_row(rows, mode)
    assert (winner is None) == (expected is None)
    if winner is not None and expected is not None:
        assert (winner.step, winner.value, winner.per) == (expected.step, expected.value, "step")
        assert winner.candidates == sum(map(math.isfinite, values))


@ONE_SCAN
@given(st.lists(VALUES, min_size=1, max_size=40), MODES, st.sampled_from([0, 65_536]))
def test_one_value_an_epoch_competes_row_by_row(
    make_parts: MakeParts, values: list[float], mode: str, whole: int
) -> None:
    """Epochs need not have ended; the winner brings its epoch."""
    rows = [oracles.Row(10 * n + 9, n, value) for n, value in enumerate(values)]
    winner = find_winner(line_of(make_parts, rows, whole), mode, ())  # type: ignore[arg-type]
    expected = oracles.best_row(rows, mode)
    assert (winner is None) == (expected is None)
    if winner is not None and expected is not None:
        assert (winner.step, winner.epoch, winner.per) == (expected.step, expected.epoch, "epoch")


@ONE_SCAN
@given(
    st.lists(st.tuples(st.integers(0, 6), VALUES), min_size=1, max_size=60),
    MODES,
    st.sets(st.integers(0, 6)),
    st.sampled_from([0, 65_536]),
)
def test_several_values_an_epoch_compete_by_their_means(
    make_parts: MakeParts,
    logged: list[tuple[int, float]],
    mode: str,
    ended: set[int],
    whole: int,
) -> None:
    """Only epochs that ended; a NaN does not take its epoch out of the race."""
    rows = [oracles.Row(step, epoch, value) for step, (epoch, value) in enumerate(logged)]
    rows.append(oracles.Row(len(rows), rows[-1].epoch, rows[-1].value))
    winner = find_winner(line_of(make_parts, rows, whole), mode, ended)  # type: ignore[arg-type]
    expected = oracles.best_epoch(rows, mode, ended)
    assert (winner is None) == (expected is None)
    if winner is not None and expected is not None:
        assert (winner.epoch, winner.value) == expected
        assert winner.per == "epoch mean"
        assert winner.step == max(r.step for r in rows if r.epoch == winner.epoch)


def test_hidden_rows_never_win(make_parts: MakeParts) -> None:
    """The best value of all was taken back by a later resume."""
    rows = [oracles.Row(step, None, value) for step, value in enumerate([3.0, 2.0, 1.0, 0.5])]
    winner = find_winner(line_of(make_parts, rows, hidden_from=2), "min", ())
    assert winner is not None
    assert (winner.step, winner.value) == (1, 2.0)


@pytest.mark.parametrize(
    ("metric", "mode"),
    [
        ("val/loss", "min"),
        ("val_loss", "min"),
        ("valLoss", "min"),
        ("error_rate", "min"),
        ("test/WER", "min"),
        ("eval/perplexity", "min"),
        ("val/rmse", "min"),
        ("val/acc", "max"),
        ("top5_accuracy", "max"),
        ("acc5", "max"),
        ("metrics/mAP50-95", "max"),
        ("val/f1", "max"),
        ("rollout/ep_rew_mean", None),
        ("episode_reward", "max"),
        ("reward_loss", "min"),
        ("lr", None),
        ("gpu0/util", None),
        ("glossary", None),
        ("", None),
    ],
)
def test_a_name_tells_its_direction(metric: str, mode: str | None) -> None:
    """By whole words, the last telling one; a name that says nothing is not guessed at."""
    assert direction(metric) == mode


def test_the_argument_beats_the_declaration_beats_the_usual_name() -> None:
    """And each says who chose it."""
    metrics = ["val/acc", "val/f1", "val/loss"]
    asked = choose_monitor(metrics, metric="val/f1", declared_metric="val/acc")
    assert (asked.metric, asked.mode, asked.metric_chosen_by) == ("val/f1", "max", "the argument")
    declared = choose_monitor(metrics, declared_metric="val/acc", declared_mode="min")
    assert (declared.metric, declared.mode) == ("val/acc", "min")
    assert declared.mode_chosen_by == "declared by the run"
    usual = choose_monitor(metrics)
    assert (usual.metric, usual.metric_chosen_by) == ("val/loss", "the usual name")
    assert usual.mode_chosen_by == "inferred from the name"


def test_a_defined_goal_beats_the_name_and_yields_to_the_monitors_mode() -> None:
    """Whoever defines a goal means it; the argument and the declared mode are nearer still."""
    metrics, goals = ["neg_loss", "quality"], {"neg_loss": "max", "quality": "max", "lr": None}
    chosen = choose_monitor(metrics, metric="neg_loss", goals=goals)  # type: ignore[arg-type]
    assert (chosen.mode, chosen.mode_chosen_by) == ("max", "the goal defined for it")
    unnamed = choose_monitor(metrics, metric="quality", goals=goals)  # type: ignore[arg-type]
    assert unnamed.mode == "max"
    declared = choose_monitor(
        metrics,
        declared_metric="neg_loss",
        declared_mode="min",
        goals=goals,  # type: ignore[arg-type]
    )
    assert (declared.mode, declared.mode_chosen_by) == ("min", "declared by the run")
    asked = choose_monitor(metrics, metric="quality", mode="min", goals=goals)  # type: ignore[arg-type]
    assert (asked.mode, asked.mode_chosen_by) == ("min", "the argument")


@pytest.mark.parametrize("whole", [0, 65_536])
def test_rows_outside_epochs_do_not_compete_with_epochs(make_parts: MakeParts, whole: int) -> None:
    """One evaluation before training is no epoch, and not one of the candidates."""
    rows = [oracles.Row(0, None, 0.1)] + [oracles.Row(n, n, float(n)) for n in (1, 2, 3)]
    winner = find_winner(line_of(make_parts, rows, whole), "min", ())
    assert winner is not None
    assert (winner.value, winner.epoch, winner.per, winner.candidates) == (1.0, 1, "epoch", 3)


@pytest.mark.parametrize("whole", [0, 65_536])
def test_the_step_of_a_mean_is_that_of_the_last_row_in_it(
    make_parts: MakeParts, whole: int
) -> None:
    """In log order, also where steps go back; and the line has a point there."""
    rows = [oracles.Row(step, 0, float(step)) for step in (10, 20, 5, 5, 30, 4)]
    rows += [oracles.Row(step, 1, 99.0) for step in (3, 6)]
    line = line_of(make_parts, rows, whole)
    winner = find_winner(line, "min", {0, 1})
    assert winner is not None
    assert (winner.step, winner.position, winner.per) == (4, 5, "epoch mean")
    assert (4, 5) in zip(line.points.step.tolist(), line.points.position.tolist(), strict=True)


@pytest.mark.parametrize("whole", [0, 65_536])
@pytest.mark.parametrize("many", [1, 2])
def test_of_an_epoch_that_was_repeated_the_latest_attempt_competes(
    make_parts: MakeParts, monkeypatch: pytest.MonkeyPatch, whole: int, many: int
) -> None:
    """Row by row or by means: what an attempt that crashed said of the epoch is not its value."""
    monkeypatch.setattr(source, "WHOLE_ROWS", whole)
    values = [5.0, 4.0, 1.0]
    first = [
        ("m", 2 * epoch + i, 2 * epoch + i, epoch, v)
        for epoch, v in enumerate(values)
        for i in range(many)
    ]
    again = [("m", i, 4 + i, 2, 3.0) for i in range(many)]
    parts = make_parts(first, sealed=1) + make_parts(again, attempt=1)
    with open_source(parts, 1) as opened:
        (line,) = opened.lines(1)
    winner = find_winner(line, "min", {0, 1, 2})
    assert winner is not None
    assert (winner.value, winner.epoch, winner.candidates) == (3.0, 2, 3)
    assert winner.per == ("epoch" if many == 1 else "epoch mean")
    assert [(each.epoch, each.mean) for each in line.epochs] == [(0, 5.0), (1, 4.0), (2, 3.0)]


def test_a_declared_mode_belongs_to_the_declared_monitor_only() -> None:
    """Asking for another metric does not inherit its direction."""
    chosen = choose_monitor(
        ["val/acc", "val/loss"], metric="val/loss", declared_metric="val/acc", declared_mode="max"
    )
    assert chosen.mode == "min"


def test_a_monitor_that_was_not_logged_is_an_error_with_a_suggestion() -> None:
    """A slip of the pen is found."""
    with pytest.raises(
        UnknownMetricError, match=r"did you mean val/loss\?.*Logged are: .*val/loss"
    ):
        choose_monitor(["train/loss", "val/loss"], metric="val/Los")


@pytest.mark.parametrize(
    ("metrics", "arguments", "message"),
    [
        (["a", "b"], {}, "give --monitor .* one of: a, b"),
        ([], {}, "one of: none"),
        (["a"], {"metric": "a"}, "--mode min or --mode max"),
        (["val/loss"], {"declared_metric": "val/acc"}, "declares 'val/acc' .* did not log it"),
    ],
)
def test_without_a_monitor_or_direction_the_error_says_how_to_give_it(
    metrics: list[str], arguments: dict[str, Any], message: str
) -> None:
    """Nothing is guessed."""
    with pytest.raises(NoMonitorError, match=message):
        choose_monitor(metrics, **arguments)


def test_a_mode_is_min_or_max() -> None:
    """Anything else is a slip."""
    with pytest.raises(ValueError, match="give 'min' or 'max'"):
        choose_monitor(["val/loss"], mode="smallest")
