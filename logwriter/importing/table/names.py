"""What columns are called."""

from collections.abc import Iterable

TELLS_RUNS_APART = frozenset(
    "seed run run_id run_name trial trial_id fold task agent env env_id worker experiment exp rank".split()
)
"""Names of columns that may tell apart runs which share a table."""
INDEX = frozenset({"", "Unnamed: 0"})
"""Names under which data frames write the numbers of their rows."""


def unique(cells: Iterable[str]) -> tuple[str, ...]:
    """Names of columns from the cells of a header: stripped, none twice.

    The first may have none, as an index has; another without a name is ``column_N``, counted from 1. A
    name that was there before gets a number: ``loss_2``.
    """
    names: dict[str, int] = {}
    for number, cell in enumerate(cells, start=1):
        name = spare = cell.strip() or ("" if number == 1 else f"column_{number}")
        while spare in names:
            names[name] += 1
            spare = f"{name}_{names[name]}"
        names[spare] = 1
    return tuple(names)
