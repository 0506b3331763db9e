"""Configurations side by side: which keys differ, and which runs repeat each other with other seeds. Pure."""

from collections.abc import Collection, Mapping, Sequence

from compactor.record import Record
from reports.blocks import flatten

SEEDS = ("seed", "random_seed")
Settings = Mapping[str, str]


def flat(record: Record) -> dict[str, str]:
    """The configuration of a run as dotted keys with their values as text."""
    return dict(flatten(record.run.config))


def differing(configs: Sequence[Settings]) -> list[str]:
    """The keys whose values are not the same in all, or that some lack, in order of appearance."""
    keys = dict.fromkeys(key for config in configs for key in config)
    return [key for key in keys if len({config.get(key) for config in configs}) > 1]


def is_seed(key: str, seeds: Collection[str] = ()) -> bool:
    """Whether a dotted key is a seed: by its last part, or as named whole or by it in ``seeds``."""
    last = key.rpartition(".")[2]
    return last in SEEDS or last in seeds or key in seeds


def repetitions(configs: Sequence[Settings], seeds: Collection[str] = ()) -> list[list[int]]:
    """Which configurations differ in their seeds alone.

    A configuration without a seed repeats nothing: that nothing was written down does not say that
    nothing differed.

    Returns:
        The places of each group's members, two or more, in order.
    """
    groups: dict[tuple[tuple[str, str], ...], list[int]] = {}
    for place, config in enumerate(configs):
        if any(is_seed(key, seeds) for key in config):
            rest = sorted(pair for pair in config.items() if not is_seed(pair[0], seeds))
            groups.setdefault(tuple(rest), []).append(place)
    return [places for places in groups.values() if len(places) > 1]
