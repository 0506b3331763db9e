"""Hyper-parameters of any kind: told as far as they can be, and never a reason to stop a training."""

import threading
from argparse import Namespace
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from logwriter import read
from logwriter.dropin import Attempts
from logwriter.hyperparameters import tellable
from logwriter.tensorboard import SummaryWriter


@dataclass
class Holds:
    """Something that cannot be copied."""

    lock: Any
    size: int = 3


class Silent:
    """An object that has no text."""

    def __repr__(self) -> str:
        raise RuntimeError("gone")


def test_namespaces_and_dataclasses_are_opened_without_copying_what_they_hold() -> None:
    """At any depth; a class is not an instance of itself."""
    told = tellable({"a": Namespace(b=Holds(threading.Lock())), "c": Holds})
    assert told["a"]["b"]["size"] == 3
    assert "lock" in told["a"]["b"]["lock"]
    assert "Holds" in told["c"]


def test_what_cannot_be_told_is_named_in_its_place() -> None:
    """An object without a text, and a mapping that holds itself."""
    endless: dict[str, Any] = {}
    endless["again"] = endless
    assert tellable({"lr": 1, "x": Silent(), "y": [Silent()], "z": endless}) == {
        "lr": 1,
        "x": "a Silent that cannot be written: RuntimeError",
        "y": "a list that cannot be written: RuntimeError",
        "z": "a dict that cannot be written: RecursionError",
    }


def test_no_drop_in_stops_a_training_for_a_hyper_parameter(run_path: Path) -> None:
    """Neither when the run is opened nor later."""
    attempts = Attempts(run_path, {})
    attempts.begin(resume=False, config={"a": Silent()}).update_config({"b": Silent()})
    attempts.end()
    with SummaryWriter(run_path) as writer:
        writer.add_hparams({"c": Silent(), "lr": 1}, {})
    assert read(run_path).state.config == {
        "a": "a Silent that cannot be written: RuntimeError",
        "b": "a Silent that cannot be written: RuntimeError",
        "c": "a Silent that cannot be written: RuntimeError",
        "lr": 1,
    }
