"""Stretches of sequence numbers: half-open pairs ``(start, end)``. Pure."""

from collections.abc import Iterable
from typing import TypeAlias

Stretch: TypeAlias = tuple[int, int]


def subtract(stretch: Stretch, others: Iterable[Stretch]) -> list[Stretch]:
    """What of ``stretch`` is in none of ``others``, in order."""
    start, end = stretch
    left = []
    for other_start, other_end in sorted(others):
        if min(other_start, end) > start:
            left.append((start, min(other_start, end)))
        start = max(start, other_end)
    if start < end:
        left.append((start, end))
    return left


def merge(stretches: Iterable[Stretch]) -> list[Stretch]:
    """The same numbers, in order, in as few stretches as can be."""
    merged: list[Stretch] = []
    for start, end in sorted(stretches):
        if merged and start <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(end, merged[-1][1]))
        else:
            merged.append((start, end))
    return merged


def held_twice(stretches: Iterable[Stretch]) -> list[Stretch]:
    """What is in more than one of the stretches, in order."""
    twice = []
    reach = 0
    for start, end in sorted(stretches):
        if start < min(reach, end):
            twice.append((start, min(reach, end)))
        reach = max(reach, end)
    return twice
