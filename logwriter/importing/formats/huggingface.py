"""``trainer_state.json`` of the Hugging Face Trainer: its ``log_history``, a list of small objects.

Every entry is a row at its ``step``; keys with numbers are metrics, under their own names. ``epoch`` is
fractional there, so it is a metric like others. Entries of the same step stay apart.
"""

import json
from collections.abc import Iterator
from typing import Any

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format, one_file
from logwriter.importing.items import Ended, Facts, Item, Noted, Saved, Skipped
from logwriter.importing.records import Row, gather, numbers_of
from logwriter.importing.source import Look, Source


def detects(looked: Look) -> bool:
    """A JSON object that names a log history, with the largest step it was to reach."""
    return (
        looked.head.lstrip()[:1] == b"{"
        and looked.path.suffix == ".json"
        and (b'"log_history"' in looked.head or b'"best_model_checkpoint"' in looked.head)
    )


def reads(source: Source) -> Iterator[Item]:
    """The rows, what the Trainer says of the run, and its best checkpoint.

    Raises:
        EverystepError: It is no JSON, or holds no log history.
    """
    try:
        state = json.loads(source.path.read_bytes())
        history = state["log_history"]
    except (ValueError, KeyError, TypeError) as error:
        raise EverystepError(
            f"{source.path}: no state of a Hugging Face Trainer ({error}); is the file complete?"
        ) from error
    source.advance(source.size)
    said = {key: value for key, value in state.items() if key != "log_history"}
    yield Facts(config=said)
    yield from gather(_records(history))
    if isinstance(state.get("best_model_checkpoint"), str):
        step = int(state.get("best_global_step") or state.get("global_step") or 0)
        yield Saved(
            state["best_model_checkpoint"], step, facts={"metric": state.get("best_metric")}
        )
    if isinstance(state.get("max_steps"), int) and state.get("global_step", 0) < state["max_steps"]:
        yield Noted(f"the run stopped at step {state['global_step']:,} of {state['max_steps']:,}")
        yield Ended("unfinished")


def _records(history: list[Any]) -> Iterator[Row | Item]:
    for number, entry in enumerate(history, start=1):
        where = f"entry {number}"
        if not isinstance(entry, dict) or not isinstance(entry.get("step"), int):
            yield Skipped(where, "no entry with a step")
            continue
        found = numbers_of(entry, but=("step",))
        yield Row(entry["step"], found) if found else Skipped(where, "no number but its step")


FORMAT = Format(
    "huggingface", "trainer_state.json of the Hugging Face Trainer", detects, one_file, reads
)
