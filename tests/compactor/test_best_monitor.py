"""By which metric, and in which direction, the best point is sought."""

from typing import Any

import pytest

from compactor.deciding.monitor import choose_monitor
from compactor.names import direction
from logwriter.errors import NoMonitorError, UnknownMetricError


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
        ("val/brier_score", "min"),
        ("fid_score", "min"),
        ("f1_score", "max"),
        ("val/score", "max"),
        ("loss_scale", None),
        ("acc_std", None),
        ("val/accuracy_gap", None),
        ("return_code", None),
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
