"""The table of epochs: what was recorded of them, and what every metric came to in each."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from compactor.history import Reach, Writer, resumed_from
from compactor.lines import EpochMean, Line
from compactor.record import Epoch
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
    logged: dict[int, list[tuple[str, EpochMean]]] = defaultdict(list)
    for line in lines:
        for mean in line.epochs:
            if mean.epoch is not None:
                logged[mean.epoch].append((line.metric, mean))
    return [
        _epoch(
            known.recorded.get(number, EpochState(number, _NO_STEP)),
            logged[number],
            columns,
            ended=number in known.ended,
        )
        for number in sorted(logged.keys() | known.recorded.keys())
    ]


def _epoch(
    event: EpochState,
    means: Sequence[tuple[str, EpochMean]],
    columns: Collection[str],
    *,
    ended: bool,
) -> Epoch:
    """One entry. Metrics that count steps in their own way do not move the epoch's first step."""
    started = [m.first_step for _, m in means if m.first_step >= event.first_step]
    logged_last = max((mean.last_step for _, mean in means), default=event.first_step)
    return Epoch(
        epoch=event.epoch,
        first_step=min(started, default=event.first_step),
        last_step=logged_last if event.last_step is None else event.last_step,
        ended=ended,
        seconds=event.seconds,
        values={metric: mean.mean for metric, mean in means if metric in columns},
    )


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
