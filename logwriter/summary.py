"""A run in a few facts: what ``ls`` and ``show`` tell."""

import datetime as dt
from dataclasses import dataclass
from pathlib import Path

from logwriter import rundir
from logwriter.lock import is_held
from logwriter.parts import WriterLog
from logwriter.runlog import RunLog
from logwriter.state import UNFINISHED

LIVE = "running"
DEAD = "died"


@dataclass(frozen=True)
class AttemptSummary:
    """One attempt. ``hidden`` of its ``rows`` are hidden by later attempts."""

    rank: int
    attempt: int
    status: str
    started: str
    ended: str | None
    rows: int
    hidden: int
    unverified: int
    resumed_from: int | None
    host: str
    pid: int
    error: str | None


@dataclass(frozen=True)
class RunSummary:
    """What one line of ``ls`` says, and the head of ``show``.

    ``status`` is ``running`` (a process holds the lock), ``died`` (it ended without a word), or what
    the run said at its end.
    """

    path: str
    id: str
    name: str
    status: str
    started: str
    ended: str | None
    rows: int
    steps: int | None
    metrics: int
    attempts: int
    ranks: int
    world_size: int
    tags: list[str]
    monitor: str | None
    mode: str | None


def summarize(log: RunLog) -> RunSummary:
    """The run as a whole."""
    state = log.state
    attempts = summarize_attempts(log)
    last_step = log.last_step(state.ranks[0])
    return RunSummary(
        path=str(log.path),
        id=state.run_id,
        name=state.name,
        status=next(a.status for a in reversed(attempts) if a.rank == state.ranks[0]),
        started=attempts[0].started,
        ended=max((a.ended for a in attempts if a.ended), default=None),
        rows=sum(a.rows for a in attempts),
        steps=None if last_step is None else last_step + 1,
        metrics=len(log.metrics),
        attempts=len({a.attempt for a in attempts}),
        ranks=len(state.ranks),
        world_size=state.world_size,
        tags=state.tags,
        monitor=state.monitor,
        mode=state.mode,
    )


def summarize_attempts(log: RunLog) -> list[AttemptSummary]:
    """Each attempt of each rank."""
    return [_summarize_attempt(log.path, writer) for writer in log.writers]


def iso(time: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC, to the second."""
    moment = dt.datetime.fromtimestamp(time / 1e6, dt.UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


def _summarize_attempt(run: Path, log: WriterLog) -> AttemptSummary:
    state = log.state
    started, finished = state.started, state.finished
    status = state.status
    if status == UNFINISHED:
        status = LIVE if is_held(rundir.writer_path(run, state.writer)) else DEAD
    return AttemptSummary(
        rank=state.writer.rank,
        attempt=state.writer.attempt,
        status=status,
        started=iso(started.time) if started else "",
        ended=iso(finished.time) if finished else None,
        rows=log.rows,
        hidden=sum(_hidden(p.first_seq, p.rows, p.hidden_from) for p in log.parts),
        unverified=sum(part.unverified for part in log.parts),
        resumed_from=state.resumed.step if state.resumed else None,
        host=started.host if started else "",
        pid=started.pid if started else 0,
        error=finished.error if finished else None,
    )


def _hidden(first_seq: int, rows: int, hidden_from: int | None) -> int:
    if hidden_from is None:
        return 0
    return min(rows, max(0, first_seq + rows - hidden_from))
