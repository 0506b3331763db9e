"""How findings are worded, merged and put in order."""

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from compactor.names import listed
from compactor.record import Finding

SEVERITIES = ("critical", "warning", "info")
_NAMED = 4
"""So many of the metrics that share a finding are named in its text."""


def counted(number: int, noun: str) -> str:
    """``1 spike``, ``2,000 spikes``."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def duration(seconds: float) -> str:
    """About how long a time is, in the unit that fits."""
    for unit, length in (("hours", 3600.0), ("minutes", 60.0)):
        if seconds >= 1.5 * length:
            return f"about {seconds / length:,.1f} {unit}"
    return f"about {seconds:.1f} seconds" if seconds >= 1 else "less than a second"


def merged(found: Iterable[Finding], monitor: str | None) -> list[Finding]:
    """One finding a rule: the most severe, of the monitor if it has one, or the first.

    Its text and its evidence (``also``) name the other metrics, and their rank where it differs.
    """
    groups: dict[str, list[Finding]] = defaultdict(list)
    for each in found:
        groups[each.rule].append(each)
    return [_lead(group, monitor) for group in groups.values()]


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """The most severe first, then by step, then by metric, rule and rank."""
    return sorted(found, key=_place)


def _place(each: Finding) -> tuple[int, bool, int, str, str, int]:
    step = -1 if each.step is None else each.step
    severity = SEVERITIES.index(each.severity)
    return severity, each.step is None, step, each.metric, each.rule, each.rank


def _lead(group: list[Finding], monitor: str | None) -> Finding:
    first, *others = sorted(
        group,
        key=lambda each: (SEVERITIES.index(each.severity), each.metric != monitor, _place(each)),
    )
    if not others:
        return first
    named = [
        each.metric if each.rank == first.rank else f"{each.metric} of rank {each.rank}"
        for each in others
    ]
    names = listed(named, _NAMED)
    return msgspec.structs.replace(
        first,
        text=f"{first.text} Likewise {names}.",
        evidence=first.evidence | {"also": names},
    )
