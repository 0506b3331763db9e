"""``trainer_state.json`` of the Hugging Face Trainer: its ``log_history``, a list of small objects.

Every entry is a row at its ``step``; keys with numbers are metrics, under their own names. ``epoch`` is
fractional there, so it is a metric like others. Entries of the same step, such as one of training and one of
evaluation, stay apart. ``null`` is no value. Of a folder with checkpoints, the state that came furthest
counts: each holds all that was logged before it. It is one JSON document, so it is read as a whole.
"""

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format, one_file
from logwriter.importing.items import Ended, Facts, Item, Noted, Saved, Skipped
from logwriter.importing.records import Row, gather, numbers_of, whole
from logwriter.importing.source import Look, Options, Source

STATE = "trainer_state.json"
_CHECKPOINT = re.compile(r"checkpoint-(\d+)")


def detects(looked: Look) -> bool:
    """A JSON object that names a log history or a best checkpoint; or a folder that holds such."""
    if looked.is_folder:
        return bool(_states(looked.path))
    return (
        looked.head.lstrip()[:1] == b"{"
        and looked.path.suffix == ".json"
        and (b'"log_history"' in looked.head or b'"best_model_checkpoint"' in looked.head)
    )


def finds(looked: Look, options: Options) -> list[Source]:
    """The one run in a state, or in a folder of checkpoints.

    Raises:
        EverystepError: There is no state in the folder, or none of them can be read.
    """
    if not looked.is_folder:
        return one_file(looked, options)
    states = _states(looked.path)
    if not states:
        raise EverystepError(f"{looked.path}: there is no {STATE} in it, nor in a checkpoint in it")
    furthest = max(states, key=_reached)
    part = furthest.relative_to(looked.path).as_posix()
    return [Source(furthest, looked.path.absolute().name, (furthest,), options, part=part)]


def reads(source: Source) -> Iterator[Item]:
    """The rows, what the Trainer says of the run, and its best checkpoint.

    Raises:
        EverystepError: It is no JSON, or holds no log history.
    """
    state = _state(source.path)
    source.advance(source.size)
    yield Facts(config={key: value for key, value in state.items() if key != "log_history"})
    if source.part:
        yield Noted(f"read from {source.part}, which came furthest")
    yield from gather(_records(state["log_history"]))
    reached = whole(state.get("global_step")) or 0
    if isinstance(state.get("best_model_checkpoint"), str):
        step = whole(state.get("best_global_step")) or _step_of(state["best_model_checkpoint"])
        facts = {"metric": state.get("best_metric")}
        yield Saved(state["best_model_checkpoint"], step or reached, facts=facts)
    planned = whole(state.get("max_steps"))
    if planned is not None and 0 < reached < planned:
        yield Noted(f"the run stopped at step {reached:,} of {planned:,}")
        yield Ended("unfinished")


def _state(path: Path) -> dict[str, Any]:
    try:
        state = json.loads(path.read_bytes())
    except (ValueError, RecursionError) as error:
        raise EverystepError(
            f"{path}: no state of a Hugging Face Trainer ({error}); is the file complete?"
        ) from error
    if not isinstance(state, dict) or not isinstance(state.get("log_history"), list):
        raise EverystepError(f"{path}: no state of a Hugging Face Trainer: it has no log_history")
    return state


def _states(folder: Path) -> list[Path]:
    """The states in a folder, that of the folder itself first."""
    checkpoints = [each for each in folder.iterdir() if _CHECKPOINT.fullmatch(each.name)]
    places = [folder, *sorted(checkpoints, key=lambda each: (len(each.name), each.name))]
    return [place / STATE for place in places if (place / STATE).is_file()]


def _reached(path: Path) -> int:
    """How far a state came; one that cannot be read, not at all."""
    try:
        return whole(_state(path).get("global_step")) or 0
    except EverystepError:  # it was cut while it was written: another one counts
        return -1


def _step_of(checkpoint: str) -> int | None:
    named = _CHECKPOINT.search(checkpoint)
    return whole(named[1]) if named else None


def _records(history: list[Any]) -> Iterator[Row | Item]:
    for number, entry in enumerate(history, start=1):
        where = f"entry {number}"
        step = whole(entry.get("step")) if isinstance(entry, Mapping) else None
        if step is None:
            yield Skipped(where, "no entry with a step")
            continue
        found = numbers_of(entry, but=("step",))
        yield Row(step, found) if found else Skipped(where, "no number but its step")


FORMAT = Format(
    "huggingface", "trainer_state.json of the Hugging Face Trainer", detects, finds, reads
)
