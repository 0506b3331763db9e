"""From when to when the rows of an attempt go, and at which step they begin."""

from collections.abc import Collection, Mapping, Sequence

from compactor.fold.parts import PartDigest, readable
from compactor.history import Ends, Writer
from logwriter.extent import extent, first_step
from logwriter.part import Part, Place


def attempt_ends(
    parts: Sequence[Part], digests: Mapping[Place, PartDigest], writers: Collection[Writer]
) -> dict[Writer, Ends]:
    """The ends of some attempts. Hidden rows count; attempts without values are left out.

    Args:
        parts: All parts, those of an attempt in the order of its log.
        digests: By `Part.place`, of parts of which nothing is hidden.
        writers: Which attempts.

    Raises:
        DamagedError: A segment is damaged.
        EverystepError: One went away, or cannot be read.
    """
    theirs: dict[Writer, list[Part]] = {}
    for part in parts:
        if (part.rank, part.attempt) in writers:
            theirs.setdefault((part.rank, part.attempt), []).append(part)
    found = {writer: _ends(own, digests) for writer, own in theirs.items()}
    return {writer: ends for writer, ends in found.items() if ends is not None}


def _ends(parts: Sequence[Part], digests: Mapping[Place, PartDigest]) -> Ends | None:
    first = _first_step(parts)
    times = [_times(part, digests.get(part.place)) for part in parts]
    known = [time for time in times if time is not None]
    if first is None or not known:
        return None
    return Ends(first, min(begin for begin, _ in known), max(end for _, end in known))


def _first_step(parts: Sequence[Part]) -> int | None:
    for part in parts:
        with readable(part):
            step = first_step(part)
        if step is not None:
            return step
    return None


def _times(part: Part, held: PartDigest | None) -> tuple[int, int] | None:
    """The first and the last time of its rows."""
    if held is None:
        with readable(part):
            return extent(part, "time")
    cells = held.digest.cells
    return (int(cells["begin"].min()), int(cells["end"].max())) if len(cells) else None
