"""What each run is called in a comparison: short, on one line, and like no other. Pure.

A run is called by its name. Runs of one name are told apart by the first key of the configuration
whose values all differ, else by all keys that differ (three at most), else by where they lie, else by
their identifiers; by a number where nothing else helps.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from logwriter.cli.text import shortened
from reports.comparison.settings import differing, flat
from reports.comparison.sources import Entry
from reports.wording import one_line

LONGEST = 48
_MOST_KEYS = 3
_DEPTHS = (1, 2, 3)


def labels_of(entries: Sequence[Entry]) -> list[str]:
    """A label for each run, in order."""
    names = [_short(entry.record.run.name or entry.record.run.id) for entry in entries]
    labels = list(names)
    for name, amount in Counter(names).items():
        if amount > 1:
            alike = [place for place, other in enumerate(names) if other == name]
            told = _told_apart(name, [entries[place] for place in alike])
            for place, label in zip(alike, told, strict=True):
                labels[place] = label
    return numbered(labels)


def numbered(labels: Sequence[str], taken: Iterable[str] = ()) -> list[str]:
    """The same, with a number behind each that is there already."""
    known = set(taken)
    unique = []
    for label in labels:
        place, free = 1, label
        while free in known:
            place += 1
            free = f"{label} #{place}"
        known.add(free)
        unique.append(free)
    return unique


def _told_apart(name: str, entries: Sequence[Entry]) -> list[str]:
    configs = [flat(entry.record) for entry in entries]
    keys = differing(configs)

    def by_keys(chosen: Sequence[str]) -> list[str]:
        return [
            " ".join([name, *(f"{_last(key)}={c.get(key, 'none')}" for key in chosen)])
            for c in configs
        ]

    ways: list[Callable[[], list[str]]] = [
        *(lambda key=key: by_keys([key]) for key in keys),
        lambda: by_keys(keys[:_MOST_KEYS]),
        *(lambda depth=depth: _by_place(name, entries, depth) for depth in _DEPTHS),
        lambda: [f"{name} ({each.record.run.id})" for each in entries],
    ]
    for way in ways:
        labels = [_short(label) for label in way()]
        if len(set(labels)) == len(labels):
            return labels
    return [name] * len(entries)


def _by_place(name: str, entries: Sequence[Entry], depth: int) -> list[str]:
    """With the last ``depth`` parts of where each run lies, where that is known of all."""
    places = [each.place for each in entries]
    if None in places:
        return [name] * len(entries)
    return [f"{name} ({'/'.join(place.parts[-depth:])})" for place in places if place]


def _last(key: str) -> str:
    return key.rpartition(".")[2] or key


def _short(text: str) -> str:
    return shortened(one_line(text), LONGEST) or "unnamed"
