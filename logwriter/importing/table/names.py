"""What columns are called, and which names tell what a column is."""

from collections.abc import Iterable, Iterator, Sequence

STEPS = (
    "step",
    "_step",
    "global_step",
    "total_timesteps",
    "timesteps_total",
    "current_steps",
    "num_env_steps",
    "totalenvinteracts",
    "iteration",
    "iterations",
    "iter",
    "iters",
    "n_iter",
    "itr",
    "steps",
    "_tick",
    "tick",
    "frame",
    "frames",
    "batch",
    "update",
    "updates",
)
"""Names of columns that count steps, the surest first."""
EPOCHS = ("epoch", "epochs", "current_epoch", "epoch_num")
TIMES = (
    "timestamp",
    "_timestamp",
    "time",
    "_time",
    "wall_time",
    "datetime",
    "date",
    "created_at",
)
TELLS_RUNS_APART = frozenset(
    "seed run run_id run_name trial trial_id fold task agent env env_id worker experiment exp".split()
)
"""Names of columns that may tell apart runs which share a table."""
INDEX = frozenset({"", "Unnamed: 0"})
"""Names under which data frames write the numbers of their rows."""


def unique(cells: Iterable[str]) -> tuple[str, ...]:
    """Names of columns from the cells of a header: stripped, none twice.

    The first may have none, as an index has; another without a name is ``column_N``, counted from 1. A
    name that was there before gets a number: ``loss_2``.
    """
    names: dict[str, None] = {}
    for number, cell in enumerate(cells, start=1):
        name = cell.strip() or ("" if number == 1 else f"column_{number}")
        spare = (name if count == 1 else f"{name}_{count}" for count in range(1, 1 << 30))
        names[next(each for each in spare if each not in names)] = None
    return tuple(names)


def known_among(names: Sequence[str], known: Iterable[str]) -> Iterator[str]:
    """The columns with a well-known name, in the order of those; whole names before their last parts.

    Case does not matter, nor what is in front of the last slash: ``trainer/global_step``.
    """
    whole = {_plain(name): name for name in reversed(names)}
    parts = {_plain(name).rpartition("/")[2]: name for name in reversed(names)}
    for each in known:
        if each in whole:
            yield whole[each]
        elif each in parts:
            yield parts[each]


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
