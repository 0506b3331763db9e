"""Which checkpoint holds the model of the best point."""

from collections.abc import Sequence

import pytest

from compactor.deciding.best import Winner
from compactor.deciding.checkpoint import checkpoint_at
from compactor.history import Reach
from compactor.reading.lines import ATTEMPT_SHIFT
from logwriter import events as ev
from logwriter.rundir import WriterId
from logwriter.state import AttemptState, RunState

Saved = tuple[str, int, int | None]
"""Path, step, epoch."""
NOWHERE = Reach()


def attempt(
    rank: int,
    number: int,
    saved: Sequence[Saved],
    *,
    resumed: bool = False,
    after: int | None = None,
) -> AttemptState:
    """What the events of one process add up to."""
    return AttemptState(
        WriterId(rank, number),
        resumed=ev.RunResumed(time=0, step=after) if resumed else None,
        checkpoints=tuple(
            ev.CheckpointSaved(time=0, path=path, step=step, epoch=epoch)
            for path, step, epoch in saved
        ),
    )


def winner(step: int, epoch: int | None, number: int = 0, per: str = "epoch") -> Winner:
    """A winner that was logged by an attempt of this number."""
    return Winner(1.0, step, epoch, (number << ATTEMPT_SHIFT) + 7, per, 3)


def path_of(
    attempts: Sequence[AttemptState], best: Winner, rank: int = 0, first_step: int | None = None
) -> str | None:
    """The checkpoint's path; ``first_step`` is that of the second attempt's rows."""
    reach = {(0, 1): Reach(first_step=first_step)}
    found = checkpoint_at(RunState(tuple(attempts)), reach, best, rank)
    return None if found is None else found.path


SAVED = [("a", 9, 0), ("b", 14, 1), ("c", 19, 1), ("d", 29, 2)]


def test_the_last_one_saved_in_the_winning_epoch() -> None:
    """Its step may be another than the winner's."""
    found = checkpoint_at(RunState((attempt(0, 0, SAVED),)), {}, winner(17, 1), 0)
    assert found is not None
    assert (found.path, found.step, found.epoch) == ("c", 19, 1)
    assert path_of([attempt(0, 0, SAVED)], winner(17, 7)) is None


@pytest.mark.parametrize("per", ["step", "epoch min", "epoch max"])
def test_where_a_row_won_by_itself_only_a_checkpoint_of_its_step_is_its_model(per: str) -> None:
    """A later one of the same epoch scored otherwise."""
    saved = [("a", 199, 0), ("b", 399, 0)]
    assert path_of([attempt(0, 0, saved)], winner(199, 0, per=per)) == "a"
    assert path_of([attempt(0, 0, saved)], winner(200, 0, per=per)) is None
    assert path_of([attempt(0, 0, saved)], winner(200, 0, per="epoch mean")) == "b"


def test_without_epochs_the_last_one_saved_at_the_winning_step() -> None:
    """One step beside it, it is another model."""
    saved: list[Saved] = [("a", 14, None), ("b", 14, None), ("c", 15, None)]
    assert path_of([attempt(0, 0, saved)], winner(14, None)) == "b"
    assert path_of([attempt(0, 0, saved)], winner(13, None)) is None


@pytest.mark.parametrize(("after", "expected"), [(29, "d"), (28, None), (19, "c"), (18, "b")])
def test_what_lies_behind_a_rewind_is_not_there(after: int, expected: str | None) -> None:
    """A later attempt went on from before it."""
    attempts = [attempt(0, 0, SAVED), attempt(0, 1, [], resumed=True, after=after)]
    epoch = 2 if after > 20 else 1
    assert path_of(attempts, winner(0, epoch)) == expected


def test_a_rewind_hides_all_that_was_saved_after_the_first_step_past_it() -> None:
    """Steps may go back; the order of the log decides."""
    saved: list[Saved] = [("a", 30, 0), ("b", 5, 1)]
    attempts = [attempt(0, 0, saved), attempt(0, 1, [], resumed=True, after=10)]
    assert path_of(attempts, winner(5, 1)) is None
    assert path_of(attempts[:1], winner(5, 1)) == "b"


def test_a_resumed_attempt_goes_on_before_its_first_row() -> None:
    """Where no step was given; one without rows hides nothing."""
    attempts = [attempt(0, 0, SAVED), attempt(0, 1, [], resumed=True)]
    assert path_of(attempts, winner(0, 2), first_step=29) is None
    assert path_of(attempts, winner(0, 2), first_step=30) == "d"
    assert path_of(attempts, winner(0, 2)) == "d"


def test_of_an_epoch_that_was_repeated_the_winners_attempt_saved_it() -> None:
    """The model of the attempt before is gone, also where nothing was saved since."""
    again = attempt(0, 1, [("e", 35, 2)], resumed=True)
    assert path_of([attempt(0, 0, SAVED), again], winner(35, 2, 1)) == "e"
    silent = attempt(0, 1, [], resumed=True)
    assert path_of([attempt(0, 0, SAVED), silent], winner(35, 2, 1)) is None


def test_another_ranks_is_told_of_where_the_deciding_one_saved_none() -> None:
    """Rank 0 often saves for all; that of the lowest rank is told of."""
    attempts = [
        attempt(0, 0, SAVED),
        attempt(1, 0, [("shard", 9, 0)]),
        attempt(2, 0, [("x", 39, 3)]),
    ]
    assert path_of(attempts, winner(9, 0), rank=1) == "shard"
    assert path_of(attempts, winner(29, 2), rank=1) == "d"
    assert path_of(attempts, winner(39, 3), rank=1) == "x"
