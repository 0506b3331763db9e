"""Several processes that log into one file: what is not of rank 0 gets its rank in front.

So the loss of rank 1 is ``rank1/loss``, and never mixes with that of rank 0.
"""

from collections.abc import Mapping

NAMES = ("rank", "global_rank", "local_rank", "process_index")
"""What keys are called that say it."""
SAID = "records of several ranks: those of another than 0 have rank1/ and the like in front of their names"


def of_rank(rank: int | None, values: Mapping[str, float]) -> dict[str, float]:
    """The values of a process, by the names that they get."""
    return {f"rank{rank}/{name}" if rank else name: value for name, value in values.items()}
