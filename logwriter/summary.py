"""A run in a few facts: what ``ls`` and ``show`` tell."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from logwriter import rundir
from logwriter.events import Event
from logwriter.extent import extent
from logwriter.lock import is_held
from logwriter.part import Part, WriterLog
from logwriter.rewind import first_past, resume_step
from logwriter.runlog import RunLog
from logwriter.state import UNFINISHED

LIVE = "running"
DEAD = "died"
_SMALLEST, _HIDES_NOTHING = -(1 << 63), (1 << 63) - 1


@dataclass(frozen=True)
class AttemptSummary:
    """One attempt.

    ``hidden`` of its ``rows`` are hidden by later attempts; it hides ``hides`` of the
    ``hides_of`` rows that earlier attempts of its rank had in the effective history, because it goes
    on after the step ``resumed_from``, which was taken from its first row if
    ``resumed_by_first_row``. A repair gave up ``lost`` rows. ``last_row`` is when its last row was
    logged. What ``dropped``, ``not_numbers``, ``stalls`` and ``troubles`` count is said at the end of an attempt.
    """

    rank: int
    attempt: int
    status: str
    started: str
    ended: str | None
    last_row: str | None
    rows: int
    hidden: int
    unverified: int
    lost: int
    resumed_from: int | None
    resumed_by_first_row: bool
    hides: int
    hides_of: int
    dropped: int
    not_numbers: dict[str, int]
    stalls: int
    troubles: dict[str, int]
    host: str
    pid: int
    launch_id: str | None
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
    last_row: str | None
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
        last_row=max((a.last_row for a in attempts if a.last_row), default=None),
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
    summaries = []
    for rank in log.state.ranks:
        writers = [writer for writer in log.writers if writer.state.writer.rank == rank]
        for writer, rewind in zip(writers, _rewinds(writers), strict=True):
            summaries.append(_summarize_attempt(log.path, writer, rewind))
    return summaries


def summarize_happenings(log: RunLog) -> dict[str, list[dict[str, Any]]]:
    """What happened beside the rows, with rank and attempt: by rank, then attempt, then time.

    ``lost`` are the stretches of rows that repairs gave up.
    """
    found: dict[str, list[dict[str, Any]]] = {}
    for name in ("lost", "phases", "checkpoints", "messages"):
        found[name] = [
            {"rank": state.writer.rank, "attempt": state.writer.attempt, **_facts(event)}
            for state in log.state.attempts
            for event in getattr(state, name)
        ]
    return found


def _facts(event: Event) -> dict[str, Any]:
    """The event's own fields, its time in words."""
    facts = msgspec.structs.asdict(event)
    del facts["v"]
    return {**facts, "time": iso(event.time)}


def iso(time: int) -> str:
    """Microseconds since 1970 as ISO 8601 in UTC, to the second."""
    moment = dt.datetime.fromtimestamp(time / 1e6, dt.UTC)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


@dataclass(frozen=True)
class _Rewind:
    """After which step an attempt went on, how many rows that hid, and of how many."""

    point: int | None
    hides: int
    hides_of: int

    @property
    def step(self) -> int | None:
        """The point, if it is a step: before the smallest there is none."""
        is_step = self.point is not None and _SMALLEST <= self.point < _HIDES_NOTHING
        return self.point if is_step else None


def _summarize_attempt(run: Path, log: WriterLog, rewind: _Rewind) -> AttemptSummary:
    state = log.state
    started, finished = state.started, state.finished
    status = state.status
    if status == UNFINISHED:
        status = LIVE if is_held(rundir.writer_path(run, state.writer)) else DEAD
    last = _last_time(log.parts)
    return AttemptSummary(
        rank=state.writer.rank,
        attempt=state.writer.attempt,
        status=status,
        started=iso(started.time) if started else "",
        ended=iso(finished.time) if finished else None,
        last_row=None if last is None else iso(last),
        rows=log.rows,
        hidden=sum(_hidden(p, p.hidden_from) for p in log.parts),
        unverified=sum(part.unverified for part in log.parts),
        lost=sum(lost.last_seq + 1 - lost.first_seq for lost in state.lost),
        resumed_from=rewind.step,
        resumed_by_first_row=state.resumed is not None and state.resumed.step is None,
        hides=rewind.hides,
        hides_of=rewind.hides_of,
        dropped=finished.dropped if finished else 0,
        not_numbers=finished.not_numbers if finished else {},
        stalls=finished.stalls if finished else 0,
        troubles=finished.troubles if finished else {},
        host=started.host if started else "",
        pid=started.pid if started else 0,
        launch_id=started.launch_id if started else None,
        error=finished.error if finished else None,
    )


def _last_time(parts: Sequence[Part]) -> int | None:
    """When the last row was logged, in microseconds since 1970: time never steps back in an attempt."""
    reaches = (extent(part, "time") for part in reversed(parts))
    return next((last for _, last in filter(None, reaches)), None)


def _rewinds(writers: Sequence[WriterLog]) -> list[_Rewind]:
    """What each attempt of one rank hid of those before it, when it began."""
    rewinds = []
    cuts: list[int | None] = []
    for number, writer in enumerate(writers):
        point = resume_step(writer)
        earlier = writers[:number]
        before = sum(_visible(log.parts, cut) for log, cut in zip(earlier, cuts, strict=True))
        if point is not None:
            own = [first_past(log.parts, point) for log in earlier]
            cuts = [_lower(cut, new) for cut, new in zip(cuts, own, strict=True)]
        after = sum(_visible(log.parts, cut) for log, cut in zip(earlier, cuts, strict=True))
        rewinds.append(_Rewind(point, before - after, before))
        cuts.append(None)
    return rewinds


def _lower(one: int | None, other: int | None) -> int | None:
    return min((cut for cut in (one, other) if cut is not None), default=None)


def _visible(parts: Sequence[Part], hidden_from: int | None) -> int:
    return sum(part.rows - _hidden(part, hidden_from) for part in parts)


def _hidden(part: Part, hidden_from: int | None) -> int:
    if hidden_from is None:
        return 0
    return min(part.rows, max(0, part.stretch[1] - hidden_from))
