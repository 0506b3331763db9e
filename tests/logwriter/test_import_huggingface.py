"""States of the Hugging Face Trainer, alone and in folders of checkpoints."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from importedrows import steps_and_values

from logwriter import read
from logwriter.errors import EverystepError
from logwriter.events import CheckpointSaved
from logwriter.importing import import_log
from logwriter.importing.formats import detect, huggingface
from logwriter.importing.source import look

HISTORY = [
    {"epoch": 0.5, "loss": 2.5, "learning_rate": 1e-5, "step": 10},
    {"epoch": 1.0, "loss": 1.5, "learning_rate": 5e-6, "step": 20},
    {"epoch": 1.0, "eval_loss": 1.25, "eval_accuracy": None, "step": 20},
    {"epoch": 1.0, "step": 20, "total_flos": 10, "train_loss": 2.0},
]


def state_of(path: Path, history: list[Any] | None = None, **said: Any) -> Path:
    """A file as the Trainer writes it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    state = {"best_metric": None, "best_model_checkpoint": None, "global_step": 20, **said}
    path.write_text(json.dumps({**state, "log_history": HISTORY if history is None else history}))
    return path


def test_entries_are_rows(tmp_path: Path) -> None:
    """Those of training, of evaluation and of the end stay apart, also at the same step."""
    (done,) = import_log(state_of(tmp_path / "trainer_state.json", max_steps=20), tmp_path / "run")
    assert steps_and_values(done.path) == [
        (10, {"epoch": 0.5, "loss": 2.5, "learning_rate": 1e-5}),
        (20, {"epoch": 1.0, "loss": 1.5, "learning_rate": 5e-6}),
        (20, {"epoch": 1.0, "eval_loss": 1.25}),
        (20, {"epoch": 1.0, "total_flos": 10.0, "train_loss": 2.0}),
    ]
    state = read(done.path).state
    assert state.status == "completed"
    assert state.config["global_step"] == 20
    assert done.notes == ()


@pytest.mark.parametrize(
    "said", [{}, {"max_steps": None}, {"max_steps": -1}, {"global_step": None}]
)
def test_a_state_without_a_plan_is_no_unfinished_run(tmp_path: Path, said: dict[str, Any]) -> None:
    """Nothing is known of an end that it did not reach."""
    (done,) = import_log(state_of(tmp_path / "trainer_state.json", **said), tmp_path / "run")
    assert done.notes == ()
    assert read(done.path).state.status == "completed"


def test_a_run_that_stopped_early_has_no_end(tmp_path: Path) -> None:
    """It is told how far it came."""
    (done,) = import_log(state_of(tmp_path / "trainer_state.json", max_steps=99), tmp_path / "run")
    assert done.notes == ("the run stopped at step 20 of 99",)
    assert read(done.path).state.status != "completed"


@pytest.mark.parametrize(
    ("said", "step"),
    [({"best_global_step": 10}, 10), ({}, 15), ({"best_global_step": None}, 15)],
)
def test_the_best_checkpoint(tmp_path: Path, said: dict[str, Any], step: int) -> None:
    """At the step that the state, or else its name says."""
    best = {"best_model_checkpoint": "out/checkpoint-15", "best_metric": 1.25, **said}
    (done,) = import_log(state_of(tmp_path / "trainer_state.json", **best), tmp_path / "run")
    (saved,) = [each for each in read(done.path).events if isinstance(each, CheckpointSaved)]
    assert (saved.path, saved.step) == ("out/checkpoint-15", step)


def test_of_checkpoints_the_one_that_came_furthest_counts(tmp_path: Path) -> None:
    """By its step, not by the order of names; one that was cut does not count."""
    out = tmp_path / "out"
    for step in (90, 100):
        history = [{"loss": 0.5, "step": at} for at in range(10, step + 1, 10)]
        place = out / f"checkpoint-{step}" / "trainer_state.json"
        state_of(place, history, global_step=step, max_steps=100)
    cut = out / "checkpoint-110" / "trainer_state.json"
    cut.parent.mkdir()
    cut.write_text('{"log_history": [{"st')
    assert detect(look(out)).name == "huggingface"
    (done,) = import_log(out, tmp_path / "run")
    assert done.rows == 10
    assert done.notes == ("read from checkpoint-100/trainer_state.json, which came furthest",)
    state_of(out / "trainer_state.json", global_step=120, max_steps=120)
    (whole,) = import_log(out, tmp_path / "whole")
    assert whole.notes == ("read from trainer_state.json, which came furthest",)


def test_a_folder_without_a_state_is_an_error(tmp_path: Path) -> None:
    """It is none of the Trainer's."""
    (tmp_path / "out" / "checkpoint-1").mkdir(parents=True)
    assert not huggingface.detects(look(tmp_path / "out"))
    with pytest.raises(EverystepError, match=r"there is no trainer_state\.json in it"):
        import_log(tmp_path / "out", tmp_path / "run", format="huggingface")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ('{"log_history": [{"step": 1', "is the file complete"),
        ('{"log_history": 3}', "no log_history"),
        ("[1, 2]", "no log_history"),
        ('{"best_metric": 1}', "no log_history"),
    ],
)
def test_what_is_no_state_is_an_error(tmp_path: Path, text: str, why: str) -> None:
    """It says what is missing."""
    (tmp_path / "trainer_state.json").write_text(text)
    with pytest.raises(EverystepError, match=why):
        import_log(tmp_path / "trainer_state.json", tmp_path / "run", format="huggingface")


def test_entries_that_are_none_are_named(tmp_path: Path) -> None:
    """Without a step, without a number, and what is no object."""
    history = [{"loss": 1.0}, {"step": 2}, 3, {"step": 4, "loss": 0.5}]
    (done,) = import_log(state_of(tmp_path / "trainer_state.json", history), tmp_path / "run")
    assert done.rows == 1
    assert [where.partition(":")[0] for where in done.skipped_first] == [
        "entry 1",
        "entry 2",
        "entry 3",
    ]


@settings(deadline=None, max_examples=20)
@given(values=st.lists(st.floats(), min_size=1, max_size=20))
def test_values_keep_every_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    """NaN and infinities too, which the Trainer writes as tokens that JSON does not know."""
    place = tmp_path_factory.mktemp("state")
    history = [{"loss": value, "step": step} for step, value in enumerate(values)]
    (done,) = import_log(state_of(place / "trainer_state.json", history), place / "run")
    np.testing.assert_array_equal(read(done.path).series("loss")[1], values)
