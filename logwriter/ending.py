"""What a run says when it ends."""

import logging
import traceback
from dataclasses import dataclass, field
from pathlib import Path

from logwriter import events as ev

_log = logging.getLogger("everystep")


@dataclass(frozen=True)
class Summary:
    """What `Run.finish` has to say.

    ``rows`` were logged and are safe. ``dropped`` were not: the disk refused them and memory for
    waiting rows ran out, or they came after the end. ``not_numbers`` counts values left out, by
    metric; ``stalls`` the times that ``log`` had to wait for a journal; ``troubles`` failures of the
    disk, by kind.
    """

    path: Path | None
    status: str
    rows: int = 0
    dropped: int = 0
    not_numbers: dict[str, int] = field(default_factory=dict)
    stalls: int = 0
    troubles: dict[str, int] = field(default_factory=dict)


def finished(summary: Summary, *, time: int, error: str | None) -> ev.RunFinished:
    """The event that ends the log; ``time`` in microseconds since 1970."""
    return ev.RunFinished(
        time=time,
        status=summary.status,
        error=error and ev.readable(error),
        rows=summary.rows,
        dropped=summary.dropped,
        not_numbers=summary.not_numbers,
        stalls=summary.stalls,
        troubles=summary.troubles,
    )


def warn_of_loss(summary: Summary, *, events: int) -> None:
    """Say what is not in the log, if anything is not; ``events`` counts those the disk refused."""
    lost = [
        f"{count:,} {what}{'' if count == 1 else 's'} dropped"
        for count, what in ((summary.dropped, "row"), (events, "event"))
        if count
    ]
    if summary.not_numbers:
        named = ", ".join(f"{name!r} ({count:,})" for name, count in summary.not_numbers.items())
        lost.append(f"left out, as they were no numbers: {named}")
    if lost:
        _log.warning("everystep: %s: %s", summary.path, "; ".join(lost))


def in_words(error: BaseException) -> str:
    """An exception as one line of text."""
    return ev.readable("".join(traceback.format_exception_only(error)).strip())
