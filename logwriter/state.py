"""The state of a run, as a fold over its events. Pure: no files, no clocks."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from logwriter import events as ev
from logwriter.rundir import EVENTS, WriterId
from logwriter.stretches import Stretch, merge, subtract

UNFINISHED = "unfinished"
RESUME_LOST = (
    f"{EVENTS}: run.resumed is gone, which says what the attempt hides of earlier ones; "
    "`everystep verify --repair RUN` takes it to go on at its first row"
)


@dataclass(frozen=True)
class EpochState:
    """One epoch of one attempt. ``seconds`` and ``last_step`` are ``None`` until it ended."""

    epoch: int
    first_step: int
    last_step: int | None = None
    seconds: float | None = None


@dataclass(frozen=True)
class AttemptState:
    """What the events of one writer add up to.

    ``segments`` and ``lost`` say where its rows are. The last word about a row counts: what was
    announced or given up once is void as far as later announcements speak of the same rows.
    """

    writer: WriterId
    started: ev.RunStarted | None = None
    resumed: ev.RunResumed | None = None
    finished: ev.RunFinished | None = None
    config: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, ev.MetricDefined] = field(default_factory=dict)
    epochs: tuple[EpochState, ...] = ()
    phases: tuple[ev.PhaseStarted, ...] = ()
    checkpoints: tuple[ev.CheckpointSaved, ...] = ()
    messages: tuple[ev.Message, ...] = ()
    segments: dict[str, ev.SegmentSealed] = field(default_factory=dict)
    lost: tuple[ev.RowsLost, ...] = ()

    @property
    def status(self) -> str:
        """``unfinished`` until an end was recorded."""
        return self.finished.status if self.finished else UNFINISHED


@dataclass(frozen=True)
class RunState:
    """All attempts of a run, by rank, then attempt; a run has at least one."""

    attempts: tuple[AttemptState, ...]

    @property
    def first(self) -> AttemptState:
        """The first attempt of the lowest rank: it names the run."""
        return self.attempts[0]

    @property
    def last(self) -> AttemptState:
        """The last attempt of the lowest rank: it says how the run stands."""
        rank = self.attempts[0].writer.rank
        return [attempt for attempt in self.attempts if attempt.writer.rank == rank][-1]

    @property
    def run_id(self) -> str:
        """The identity the first attempt gave the run."""
        return self.first.started.run_id if self.first.started else ""

    @property
    def name(self) -> str:
        """The run's name; a later attempt may have renamed it."""
        return next((a.started.name for a in reversed(self._line()) if a.started), "")

    @property
    def tags(self) -> list[str]:
        """The tags of the last attempt that has any."""
        return next(
            (a.started.tags for a in reversed(self._line()) if a.started and a.started.tags), []
        )

    @property
    def status(self) -> str:
        """How the last attempt of the lowest rank ended."""
        return self.last.status

    @property
    def config(self) -> dict[str, Any]:
        """The configuration, later attempts over earlier ones."""
        merged: dict[str, Any] = {}
        for attempt in self._line():
            merged |= attempt.config
        return merged

    @property
    def metrics(self) -> dict[str, ev.MetricDefined]:
        """Definitions of metrics, later attempts over earlier ones."""
        merged: dict[str, ev.MetricDefined] = {}
        for attempt in self.attempts:
            merged |= attempt.metrics
        return merged

    @property
    def monitor(self) -> str | None:
        """The metric that the last attempt which named one watches."""
        return next(
            (a.started.monitor for a in reversed(self._line()) if a.started and a.started.monitor),
            None,
        )

    @property
    def mode(self) -> str | None:
        """``min`` or ``max``, as the attempt that named the monitor declared it."""
        return next(
            (a.started.mode for a in reversed(self._line()) if a.started and a.started.mode), None
        )

    @property
    def ranks(self) -> list[int]:
        """The ranks that wrote, in order."""
        return sorted({attempt.writer.rank for attempt in self.attempts})

    @property
    def world_size(self) -> int:
        """The largest world size any attempt was told."""
        return max((a.started.world_size for a in self.attempts if a.started), default=1)

    def _line(self) -> list[AttemptState]:
        rank = self.attempts[0].writer.rank
        return [attempt for attempt in self.attempts if attempt.writer.rank == rank]


def fold(writer: WriterId, events: Iterable[ev.Event]) -> AttemptState:
    """What the events of one writer, in order, add up to. Linear in their number."""
    of: dict[type[ev.Event], list[Any]] = defaultdict(list)
    config: dict[str, Any] = {}
    holdings: list[ev.SegmentSealed | ev.RowsLost] = []
    for event in events:
        of[type(event)].append(event)
        if isinstance(event, ev.SegmentSealed | ev.RowsLost):
            holdings.append(event)
        if isinstance(event, ev.RunStarted | ev.ConfigUpdated):
            config |= event.config
    segments, lost = _last_words(holdings)
    return AttemptState(
        writer,
        started=_last(of[ev.RunStarted]),
        resumed=_last(of[ev.RunResumed]),
        finished=_last(of[ev.RunFinished]),
        config=config,
        metrics={event.metric: event for event in of[ev.MetricDefined]},
        epochs=_epochs(of[ev.EpochStarted], of[ev.EpochEnded]),
        phases=tuple(of[ev.PhaseStarted]),
        checkpoints=tuple(of[ev.CheckpointSaved]),
        messages=tuple(of[ev.Message]),
        segments=segments,
        lost=lost,
    )


def lacks_resume(state: AttemptState, rows: int) -> bool:
    """Whether a later attempt with rows does not say what of earlier ones it hides."""
    return bool(state.writer.attempt and rows and state.resumed is None)


def _last(events: list[Any]) -> Any:
    return events[-1] if events else None


def _last_words(
    holdings: list[ev.SegmentSealed | ev.RowsLost],
) -> tuple[dict[str, ev.SegmentSealed], tuple[ev.RowsLost, ...]]:
    """The segments and losses that later ones do not make void, in the order of the events."""
    spoken: list[Stretch] = []
    segments: list[ev.SegmentSealed] = []
    lost: list[ev.RowsLost] = []
    for event in reversed(holdings):
        stretch = (event.first_seq, event.last_seq + 1)
        rest = subtract(stretch, spoken)
        if rest and isinstance(event, ev.SegmentSealed):
            segments.append(event)
        elif isinstance(event, ev.RowsLost):
            lost += [_narrow(event, *piece) for piece in reversed(rest)]
        spoken = merge([*spoken, stretch])
    return {event.segment: event for event in reversed(segments)}, tuple(reversed(lost))


def _narrow(lost: ev.RowsLost, start: int, end: int) -> ev.RowsLost:
    return msgspec.structs.replace(lost, first_seq=start, last_seq=end - 1)


def _epochs(started: list[ev.EpochStarted], ended: list[ev.EpochEnded]) -> tuple[EpochState, ...]:
    """Each epoch once, by its last start; an end without a start counts from its own step."""
    epochs = {event.epoch: EpochState(event.epoch, event.step) for event in started}
    for event in ended:
        begun = epochs.get(event.epoch, EpochState(event.epoch, event.step))
        epochs[event.epoch] = replace(begun, last_step=event.step, seconds=event.seconds)
    return tuple(epochs[number] for number in sorted(epochs))
