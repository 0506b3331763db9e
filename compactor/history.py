"""What happened to a run: attempts, epochs, phases, messages, times. Pure: events and counts in.

Times are those of the log; no clock is read. A segment's sealing is no part of the history, because
it may happen at any later time.
"""

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from compactor.reading.lines import Line
from compactor.record import Attempt, Message, Phase, RunInfo
from logwriter.part import Part
from logwriter.state import AttemptState, RunState

Writer = tuple[int, int]
"""Rank and attempt."""


class Ends(NamedTuple):
    """The first step of an attempt's rows, and their first and last time, in microseconds."""

    first_step: int
    first_time: int
    last_time: int


@dataclass(frozen=True)
class Reach:
    """How far the rows of one attempt go: how many, how many hidden, from which step, from when."""

    rows: int = 0
    hidden: int = 0
    first_step: int | None = None
    first_time: int | None = None
    last_time: int | None = None


def open_ended(state: RunState) -> list[Writer]:
    """The attempts of which only their rows tell when they ended, or from which step they went on."""
    return [
        (attempt.writer.rank, attempt.writer.attempt)
        for attempt in state.attempts
        if attempt.started is None
        or attempt.finished is None
        or (attempt.resumed is not None and attempt.resumed.step is None)
    ]


def reaches(parts: Sequence[Part], ends: Mapping[Writer, Ends]) -> dict[Writer, Reach]:
    """The reach of every attempt that has rows.

    Args:
        parts: All parts, with ``hidden_from`` set.
        ends: Those of `open_ended` attempts.
    """
    found: dict[Writer, Reach] = {}
    for part in parts:
        writer = (part.rank, part.attempt)
        before = found.get(writer, Reach())
        hidden = 0
        if part.hidden_from is not None:
            hidden = min(part.rows, max(0, part.first_seq + part.rows - part.hidden_from))
        found[writer] = Reach(
            before.rows + part.rows, before.hidden + hidden, *ends.get(writer, ())
        )
    return found


def run_info(state: RunState, reach: Mapping[Writer, Reach], lines: Sequence[Line]) -> RunInfo:
    """The run as a whole. ``steps`` spans those of the lowest rank."""
    first, last = state.first, state.last
    rank = first.writer.rank
    ends = [line.points.step[[0, -1]].tolist() for line in lines if line.rank == rank]
    attempts = [attempt for attempt in state.attempts if attempt.writer.rank == rank]
    return RunInfo(
        id=state.run_id,
        name=state.name,
        status=state.status,
        error=last.finished.error if last.finished else None,
        started=iso(started_us(state, reach)),
        ended=iso(last.finished.time) if last.finished else None,
        seconds=_seconds(attempts, reach) or None,  # 0: the log knows of one moment only
        steps=max(high for _, high in ends) - min(low for low, _ in ends) + 1 if ends else 0,
        rows=sum(each.rows - each.hidden for each in reach.values()),
        tags=state.tags,
        config=state.config,
        environment=last.started.environment if last.started else {},
        attempts=[_attempt(attempt, _reach(reach, attempt)) for attempt in state.attempts],
        ranks=state.ranks,
        world_size=state.world_size,
    )


def started_us(state: RunState, reach: Mapping[Writer, Reach]) -> int:
    """When the run started, in microseconds since 1970."""
    return _span(state.first, _reach(reach, state.first))[0]


def phases(state: RunState) -> list[Phase]:
    """The phases of the lowest rank, of all its attempts."""
    rank = state.first.writer.rank
    return [
        Phase(name=phase.phase, step=phase.step)
        for attempt in state.attempts
        if attempt.writer.rank == rank
        for phase in attempt.phases
    ]


def messages(state: RunState) -> list[Message]:
    """What all ranks and attempts said, by time."""
    said = [message for attempt in state.attempts for message in attempt.messages]
    return [
        Message(time=iso(each.time), step=each.step, level=each.level, text=each.text)
        for each in sorted(said, key=lambda message: message.time)
    ]


def resumed_from(attempt: AttemptState, reach: Mapping[Writer, Reach]) -> int | None:
    """The last step that a resuming attempt leaves to earlier ones; ``None`` if it hides nothing."""
    if attempt.resumed is None:
        return None
    if attempt.resumed.step is not None:
        return attempt.resumed.step
    first = _reach(reach, attempt).first_step
    return None if first is None else first - 1


def iso(microseconds: int) -> str:
    """A time of the log as text, in UTC, to the millisecond."""
    time = dt.datetime.fromtimestamp(0, dt.UTC) + dt.timedelta(microseconds=microseconds)
    return time.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _attempt(attempt: AttemptState, reach: Reach) -> Attempt:
    finished = attempt.finished
    return Attempt(
        rank=attempt.writer.rank,
        attempt=attempt.writer.attempt,
        status=attempt.status,
        rows=reach.rows,
        hidden_rows=reach.hidden,
        started=iso(_span(attempt, reach)[0]),
        ended=iso(finished.time) if finished else None,
        resumed_from=resumed_from(attempt, {(attempt.writer.rank, attempt.writer.attempt): reach}),
        error=finished.error if finished else None,
        dropped=finished.dropped if finished else 0,
    )


def _reach(reach: Mapping[Writer, Reach], attempt: AttemptState) -> Reach:
    return reach.get((attempt.writer.rank, attempt.writer.attempt), Reach())


def _seconds(attempts: Sequence[AttemptState], reach: Mapping[Writer, Reach]) -> float:
    spans = [_span(attempt, _reach(reach, attempt)) for attempt in attempts]
    return sum(end - start for start, end in spans) / 1e6


def _span(attempt: AttemptState, reach: Reach) -> tuple[int, int]:
    """The first and last moment that the log knows of an attempt, in microseconds."""
    events = [
        attempt.started,
        attempt.finished,
        attempt.resumed,
        *attempt.phases,
        *attempt.checkpoints,
        *attempt.messages,
    ]
    times = [event.time for event in events if event is not None]
    times += [time for time in (reach.first_time, reach.last_time) if time is not None]
    return min(times, default=0), max(times, default=0)
