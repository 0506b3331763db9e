"""Keras's History as JSON: a list for each metric, an entry an epoch.

Epochs count from 0, as Keras counts them, and are the steps too. Written from ``History.history``, or
from a data frame of it (an object of numbers by epoch), or with that under ``history`` and the epochs
beside it. A list that is shorter by a whole factor was validated every so many epochs. ``CSVLogger``
files are tables, read by the format ``csv``.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format, one_file
from logwriter.importing.items import Facts, Item, Noted, Skipped
from logwriter.importing.records import Row, gather, whole
from logwriter.importing.source import HEAD_BYTES, Look, Source

_SAMPLE = b'"loss"'


def detects(looked: Look) -> bool:
    """A whole, small JSON object that holds a list of losses, or one with numbers by epoch."""
    if not looked.head.lstrip().startswith(b"{") or _SAMPLE not in looked.head:
        return False
    if len(looked.head) >= HEAD_BYTES:
        return False  # a history so long is told by --format
    try:
        said = json.loads(looked.text)
    except ValueError:
        return False
    lists, _ = _told(said)
    return "loss" in lists and all(map(_is_list, lists.values()))


def reads(source: Source) -> Iterator[Item]:
    """The rows, epoch by epoch.

    Raises:
        EverystepError: It is no JSON, or holds no lists.
    """
    try:
        said = json.loads(source.path.read_text(encoding="utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise EverystepError(f"{source.path}: no JSON ({error}); is the file complete?") from error
    source.advance(source.size)
    lists, epochs = _told(said)
    lists = {name: entries for name, entries in lists.items() if _is_list(entries)}
    if not lists:
        raise EverystepError(f"{source.path}: no history of Keras: it holds no list of numbers")
    count = max(map(len, lists.values()))
    yield Noted("steps are the epochs, counted from 0 as Keras does")
    if isinstance(said.get("params"), Mapping):
        yield Facts(config=said["params"])
    rows: dict[int, dict[str, float]] = {}
    for name, entries in lists.items():
        every = 1
        if isinstance(entries, list) and 0 < len(entries) < count:
            every = count // len(entries) if count % len(entries) == 0 else 1
            places = f"every {every} epochs" if every > 1 else "the first epochs"
            yield Noted(
                f"{name!r} has {len(entries):,} entries of {count:,}: they count as {places}"
            )
        yield from _put(name, _by_place(entries, every), rows)
    numbers = epochs if len(epochs) == count else range(count)
    named = {place: numbers[place] if place < count else place for place in sorted(rows)}
    yield from gather(Row(named[place], rows[place], epoch=named[place]) for place in named)


def _put(
    name: str, entries: Iterator[tuple[int, Any]], rows: dict[int, dict[str, float]]
) -> Iterator[Skipped]:
    for place, entry in entries:
        try:
            number = None if entry is None else float(entry)
        except (TypeError, ValueError, OverflowError):
            yield Skipped(f"entry {place + 1} of {name!r}", f"{str(entry)[:40]!r} is no number")
            continue
        if number is not None:
            rows.setdefault(place, {})[name] = number


def _told(said: Any) -> tuple[dict[str, Any], list[int]]:
    """The lists by metric, and the epochs where they are told."""
    if not isinstance(said, Mapping):
        return {}, []
    inner = said.get("history")
    if not isinstance(inner, Mapping):
        return dict(said), []
    epochs = said.get("epoch")
    if isinstance(epochs, list) and all(type(epoch) is int for epoch in epochs):
        return dict(inner), epochs
    return dict(inner), []


def _is_list(entries: Any) -> bool:
    if isinstance(entries, Mapping):
        return bool(entries) and all(whole(key) is not None for key in entries)
    return isinstance(entries, list)


def _by_place(entries: Any, every: int) -> Iterator[tuple[int, Any]]:
    """Entries with their places from 0: of a list, the last of so many each; of an object, its keys."""
    if isinstance(entries, list):
        return ((place * every - 1, entry) for place, entry in enumerate(entries, start=1))
    return ((whole(place) or 0, entry) for place, entry in entries.items())


FORMAT = Format("keras", "History of Keras as JSON", detects, one_file, reads)
