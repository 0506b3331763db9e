"""The table of epochs: what was recorded of them, and what every metric came to in each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite

from compactor.history import Reach, Writer, resumed_from
from compactor.reading.lines import ATTEMPT_SHIFT, EpochStats, Line
from compactor.record import Epoch, EpochMetric
from logwriter.state import EpochState, RunState

_NO_STEP = -(2**63)


@dataclass(frozen=True)
class Epochs:
    """The epochs of a rank that still count.

    ``known`` are their numbers; ``recorded`` holds what events say of them, the latest attempt at
    each; ``ended`` the numbers of those that were completed.
    """

    known: frozenset[int]
    recorded: dict[int, EpochState]
    ended: frozenset[int]


def find_epochs(
    state: RunState, reach: Mapping[Writer, Reach], lines: Sequence[Line], rank: int
) -> Epochs:
    """Fold the epochs of one rank's attempts, in order.

    An attempt that goes on from a step takes back what earlier ones recorded behind it: an epoch
    that had not ended by then counts as unfinished, and not at all without a visible row. Where no
    epochs were recorded (an imported log), an epoch was completed if another one's rows follow
    its own, or if the run was completed.

    Args:
        state: The run.
        reach: How far each attempt's rows go.
        lines: The lines of the rank.
        rank: Whose epochs.
    """
    logged: dict[int, int] = {}
    for line in lines:
        for epoch in line.epochs:
            if epoch.epoch is not None:
                logged[epoch.epoch] = max(epoch.position, logged.get(epoch.epoch, 0))
    recorded: dict[int, EpochState] = {}
    events = False
    for attempt in state.attempts:
        if attempt.writer.rank != rank:
            continue
        left = resumed_from(attempt, reach)
        if left is not None:
            recorded = _cut(recorded, left, logged)
        recorded |= {epoch.epoch: epoch for epoch in attempt.epochs}
        events = events or bool(attempt.epochs)
    if events:
        ended = {epoch.epoch for epoch in recorded.values() if epoch.last_step is not None}
    else:
        last = max(logged, key=lambda number: logged[number], default=None)
        ended = {epoch for epoch in logged if epoch != last or state.status == "completed"}
    return Epochs(frozenset(logged.keys() | recorded.keys()), recorded, frozenset(ended))


def merged(ranks: Iterable[Epochs]) -> Epochs:
    """The epochs of several ranks as one: of an epoch, what the first rank that knows it says."""
    known: set[int] = set()
    recorded: dict[int, EpochState] = {}
    ended: set[int] = set()
    for each in ranks:
        new = each.known - known
        recorded |= {number: epoch for number, epoch in each.recorded.items() if number in new}
        ended |= each.ended & new
        known |= new
    return Epochs(frozenset(known), recorded, frozenset(ended))


def epoch_table(known: Epochs, lines: Sequence[Line], columns: Collection[str]) -> list[Epoch]:
    """One entry an epoch, in order of their numbers.

    Args:
        known: What was recorded.
        lines: One line of each metric.
        columns: The metrics whose values the table shows.
    """
    logged: dict[int, list[tuple[Line, EpochStats]]] = defaultdict(list)
    for line in lines:
        for stats in line.epochs:
            if stats.epoch is not None:
                logged[stats.epoch].append((line, stats))
    table = []
    before: dict[str, float | None] = {}
    for number in sorted(logged.keys() | known.recorded.keys()):
        shown = {line.metric: stats for line, stats in logged[number] if line.metric in columns}
        metrics = {metric: _metric(stats, before.get(metric)) for metric, stats in shown.items()}
        before = {metric: stats.mean for metric, stats in shown.items()}
        recorded = known.recorded.get(number, EpochState(number, _NO_STEP))
        table.append(_epoch(recorded, logged[number], metrics, ended=number in known.ended))
    return table


def _epoch(
    event: EpochState,
    logged: Sequence[tuple[Line, EpochStats]],
    metrics: dict[str, EpochMetric],
    *,
    ended: bool,
) -> Epoch:
    """One entry. Metrics that count steps in their own way do not move the epoch's first step."""
    started = [stats.first_step for _, stats in logged if stats.first_step >= event.first_step]
    logged_last = max((stats.last_step for _, stats in logged), default=event.first_step)
    return Epoch(
        epoch=event.epoch,
        first_step=min(started, default=event.first_step),
        last_step=logged_last if event.last_step is None else event.last_step,
        ended=ended,
        seconds=_seconds(logged) if event.seconds is None else event.seconds,
        values={metric: each.mean for metric, each in metrics.items()},
        metrics=metrics,
    )


def _metric(stats: EpochStats, before: float | None) -> EpochMetric:
    """What one metric came to; ``before`` is its mean in the epoch before."""
    change = None if stats.mean is None or before is None else stats.mean - before
    return EpochMetric(
        rows=stats.rows,
        mean=stats.mean,
        min=stats.least.value if stats.least else None,
        max=stats.greatest.value if stats.greatest else None,
        last=stats.last if isfinite(stats.last) else None,
        change=change if change is not None and isfinite(change) else None,
    )


def _seconds(logged: Sequence[tuple[Line, EpochStats]]) -> float | None:
    """From the first row of an epoch to its last, as the latest attempt of the lowest rank logged it.

    ``None`` where that is a single moment, which tells nothing of how long the epoch took.
    """
    if not logged:
        return None
    lowest = min(line.rank for line, _ in logged)
    own = [stats for line, stats in logged if line.rank == lowest]
    latest = max(stats.position >> ATTEMPT_SHIFT for stats in own)
    own = [stats for stats in own if stats.position >> ATTEMPT_SHIFT == latest]
    microseconds = max(e.last_time for e in own) - min(e.first_time for e in own)
    return microseconds / 1e6 if microseconds > 0 else None


def _cut(
    recorded: Mapping[int, EpochState], left: int, logged: Collection[int]
) -> dict[int, EpochState]:
    kept = {}
    for number, epoch in recorded.items():
        if epoch.last_step is not None and epoch.last_step <= left:
            kept[number] = epoch
        elif number in logged and epoch.first_step <= left:
            kept[number] = EpochState(number, epoch.first_step)
    return kept
