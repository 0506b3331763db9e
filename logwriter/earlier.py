"""What earlier attempts of a rank leave to the next: its identity, its name and its last step."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from logwriter import rundir
from logwriter.errors import EverystepError
from logwriter.part import WriterLog
from logwriter.parts import read_writer
from logwriter.rewind import hide_rewound, last_step
from logwriter.rundir import WriterId
from logwriter.state import AttemptState

_LARGEST_STEP = (1 << 63) - 2

_log = logging.getLogger("everystep")


@dataclass(frozen=True)
class Earlier:
    """What can be read of earlier attempts.

    ``last_step`` is the largest step of the effective history, -1 without rows; ``is_whole`` says
    that all attempts could be read.
    """

    run_id: str | None
    name: str | None
    last_step: int
    is_whole: bool


def read_earlier(run: Path, writers: Sequence[WriterId]) -> Earlier:
    """Read the attempts of one rank. Damage must not keep a training from going on, but it is said."""
    found = [_read(run, writer) for writer in writers]
    logs = [log for log in found if log is not None]
    starts = [log.state.started for log in logs if log.state.started]
    return Earlier(
        run_id=starts[0].run_id if starts else None,
        name=starts[-1].name if starts else None,
        last_step=_last_step(logs),
        is_whole=len(logs) == len(found),
    )


def _read(run: Path, writer: WriterId) -> WriterLog | None:
    try:
        log = read_writer(rundir.writer_path(run, writer), writer)
    except EverystepError as damage:
        _log.warning(
            "everystep: %s; this attempt hides nothing of it, and counts steps after those that can be "
            "read",
            damage,
        )
        return None
    return log or WriterLog(AttemptState(writer), (), None)


def _last_step(logs: Sequence[WriterLog]) -> int:
    parts = [
        part
        for log in hide_rewound(logs)
        for part in log.parts
        if part.hidden_from is None or part.first_seq < part.hidden_from
    ]
    last = last_step(parts)
    return -1 if last is None else min(last, _LARGEST_STEP)
