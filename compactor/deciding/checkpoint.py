"""The checkpoint that holds the model of the best point, if one was saved."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import takewhile

from compactor.deciding.best import Winner
from compactor.history import Reach, Writer, resumed_from
from compactor.reading.lines import ATTEMPT_SHIFT
from compactor.record import Checkpoint
from logwriter.events import CheckpointSaved
from logwriter.state import RunState


def checkpoint_at(
    state: RunState, reach: Mapping[Writer, Reach], winner: Winner, rank: int
) -> Checkpoint | None:
    """The last checkpoint saved in the winning epoch; at the winning step, without an epoch.

    It must have been saved by the attempt that logged the winner: an attempt that repeats an epoch
    does not bring back the model of the one before it. Of a checkpoint behind a rewind nothing is
    known any more.

    Args:
        state: The run.
        reach: How far each attempt's rows go.
        winner: The best point.
        rank: Who logged it. Another rank's checkpoint is told of if this one saved none there, that
            of the lowest.

    Returns:
        The checkpoint; ``None`` if none was saved there.
    """
    others = [other for other in state.ranks if other != rank]
    attempt = winner.position >> ATTEMPT_SHIFT
    for saver in (rank, *others):
        saved = [each for each in _kept(state, reach, saver, attempt) if _is_there(each, winner)]
        if saved:
            last = saved[-1]
            return Checkpoint(path=last.path, step=last.step, epoch=last.epoch)
    return None


def _kept(
    state: RunState, reach: Mapping[Writer, Reach], rank: int, number: int
) -> Sequence[CheckpointSaved]:
    """What one attempt saved, up to where later attempts take it back.

    A rewind to a step hides what was logged after the first row past it; checkpoints likewise.
    """
    kept: Sequence[CheckpointSaved] = ()
    for attempt in state.attempts:
        if attempt.writer.rank != rank or attempt.writer.attempt < number:
            continue
        if attempt.writer.attempt == number:
            kept = attempt.checkpoints
        elif (left := resumed_from(attempt, reach)) is not None:
            kept = list(_up_to(kept, left))
    return kept


def _up_to(saved: Sequence[CheckpointSaved], left: int) -> Iterator[CheckpointSaved]:
    return takewhile(lambda each: each.step <= left, saved)


def _is_there(saved: CheckpointSaved, winner: Winner) -> bool:
    """A row wins alone, or with its whole epoch: then any checkpoint of the epoch has its model."""
    if winner.epoch is None or winner.per in {"step", "epoch min", "epoch max"}:
        return saved.step == winner.step
    return saved.epoch == winner.epoch
