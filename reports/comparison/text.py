"""A comparison in the terminal."""

from collections.abc import Callable, Iterator

from logwriter.cli.text import print_table, printable, shortened
from reports.comparison.result import Comparison
from reports.comparison.table import (
    GROUP_COLUMNS,
    LONGEST_CELL,
    alike_text,
    columns_of,
    group_rows,
    target_text,
)
from reports.wording import listing, one_line

_MOST_SETTINGS, _MOST_NAMED = 8, 12


def print_comparison(comparison: Comparison, say: Callable[[str], None]) -> None:
    """The table, groups, and what must be said of both; every text made harmless.

    Args:
        comparison: What was compared.
        say: Prints a line.
    """
    columns = columns_of(comparison, _MOST_SETTINGS)
    rows = list(zip(*([cell.text for cell in column.cells] for column in columns), strict=True))
    print_table(rows, [printable(column.heading) for column in columns], shorten=0)
    if comparison.groups:
        say("")
        print_table(group_rows(comparison.groups), GROUP_COLUMNS, shorten=0)
    say("")
    for line in _lines(comparison):
        say(printable(line))


def _lines(comparison: Comparison) -> Iterator[str]:
    good = "smallest" if comparison.mode == "min" else "largest"
    yield f"Best first by {comparison.metric}, {good} ({comparison.metric_chosen_by})."
    if (target := target_text(comparison)) is not None:
        yield target
    more = comparison.settings[_MOST_SETTINGS:]
    if more:
        named = [shortened(one_line(key), LONGEST_CELL) for key in more[:_MOST_NAMED]]
        named += ["others"] if len(more) > _MOST_NAMED else []
        yield f"More keys of the configurations differ: {listing(named)}; --json has them."
    yield alike_text(comparison)
    for run in comparison.runs:
        rules = [found.rule for found in run.findings if found.severity != "info"]
        if rules:
            yield f"{run.label}: {', '.join(dict.fromkeys(rules)).replace('_', ' ')}"
    yield from (f"Note: {note}" for note in comparison.notes)
