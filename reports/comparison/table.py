"""The table of a comparison, a row a run, as the terminal and the page show it. Pure."""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from logwriter.cli.text import shortened
from reports.comparison.result import ComparedRun, Comparison, Group, Reached
from reports.wording import ABSENT, column, count, duration, number, one_line, whole

MISSING = "missing"
NEVER = "never"
GROUP_COLUMNS = ("over seeds", "runs", "mean best", "std", "least", "greatest")
LONGEST_CELL = 32
_LONG_NUMBER = 10
_NUMBER = re.compile(r"-?(0|[1-9]\d*)(\.\d+)?(e[+-]?\d+)?", re.IGNORECASE | re.ASCII)


@dataclass(frozen=True)
class Cell:
    """What stands in a table: as it reads, in full where that says more, and by what it sorts."""

    text: str
    full: str | None = None
    key: float | None = None


@dataclass(frozen=True)
class Column:
    """A column: its heading, whether it holds numbers, and a cell a run."""

    heading: str
    cells: list[Cell]
    numeric: bool = True


def columns_of(comparison: Comparison, most_settings: int | None = None) -> list[Column]:
    """The columns, the most important first.

    Args:
        comparison: What was compared.
        most_settings: How many keys of the configuration to show; all without it.
    """
    runs = comparison.runs
    bests = [run.best for run in runs]
    values = column([best.value if best else None for best in bests])
    columns = [
        Column("run", [_named(run.label, run.path or run.id) for run in runs], numeric=False),
        Column("status", [Cell(one_line(run.status)) for run in runs], numeric=False),
        Column(
            f"best {comparison.metric}",
            [
                Cell(text, repr(best.value), best.value) if best else Cell(ABSENT)
                for text, best in zip(values, bests, strict=True)
            ],
        ),
        Column("epoch", [_whole(best.epoch if best else None) for best in bests]),
        Column("step", [_whole(best.step if best else None) for best in bests]),
        *(_setting(key, runs) for key in comparison.settings[:most_settings]),
        *(_target_columns(comparison) if comparison.target is not None else []),
        Column("duration", [Cell(duration(run.seconds), key=run.seconds) for run in runs]),
        Column("steps", [_whole(run.steps) for run in runs]),
    ]
    return [each for each in columns if any(cell.text != ABSENT for cell in each.cells)]


def group_rows(groups: Iterable[Group]) -> list[list[str]]:
    """What the runs of each group came to together, as mean and deviation of the sample."""
    return [
        [
            group.label,
            str(len(group.runs))
            if group.judged == len(group.runs)
            else f"{group.judged} of {len(group.runs)}",
            *map(number, (group.mean, group.std, group.least, group.greatest)),
        ]
        for group in groups
    ]


def target_text(comparison: Comparison) -> str | None:
    """What is to be known of the target: which it is, and that some moments are not exact."""
    if comparison.target is None:
        return None
    said = f"Target: {comparison.metric} of {number(comparison.target)}, {comparison.target_chosen_by}."
    if any(run.reached and not run.reached.exact for run in comparison.runs):
        said += (
            " \N{LESS-THAN OR EQUAL TO}: by then; the first moment may have come earlier, as not "
            "every row is drawn and no log tells of the others."
        )
    return said


def alike_text(comparison: Comparison) -> str:
    """How much of the configurations is the same."""
    if not comparison.settings:
        return "The configurations do not differ."
    alike = comparison.settings_alike
    if not alike:
        return "All keys of the configurations differ."
    verb = "is" if alike == 1 else "are"
    return f"{count(alike, 'other key')} of the configurations {verb} alike."


def _target_columns(comparison: Comparison) -> list[Column]:
    runs, target = comparison.runs, number(comparison.target)
    return [
        Column(f"{target} at step", [_reached(run, "step") for run in runs]),
        Column(f"{target} after", [_reached(run, "seconds") for run in runs]),
    ]


def _reached(run: ComparedRun, what: str) -> Cell:
    moment: Reached | None = run.reached
    if moment is None:
        return Cell(NEVER if run.best else ABSENT)
    value = moment.step if what == "step" else moment.seconds
    if value is None:
        return Cell(ABSENT)
    text = whole(int(value)) if what == "step" else duration(value)
    return Cell(text if moment.exact else f"\N{LESS-THAN OR EQUAL TO} {text}", key=float(value))


def _setting(key: str, runs: Sequence[ComparedRun]) -> Column:
    texts = [run.settings[key] for run in runs]
    numbers = [None if text is None else _parsed(text) for text in texts]
    numeric = all(
        parsed is not None for text, parsed in zip(texts, numbers, strict=True) if text is not None
    )
    cells = [
        Cell(MISSING) if text is None else _named(said, text, parsed)
        for text, said, parsed in zip(texts, _brief(texts, numbers), numbers, strict=True)
    ]
    return Column(shortened(one_line(key), LONGEST_CELL), cells, numeric=numeric)


def _brief(texts: Sequence[str | None], numbers: Sequence[float | None]) -> list[str]:
    """The values with six significant digits where that leaves different ones different."""
    short = [
        (text or '""') if parsed is None or len(text or "") <= _LONG_NUMBER else f"{parsed:.6g}"
        for text, parsed in zip(texts, numbers, strict=True)
    ]
    if len(set(short)) == len({text or '""' for text in texts}):
        return short
    return [text or '""' for text in texts]


def _named(text: str, full: str, key: float | None = None) -> Cell:
    return Cell(shortened(one_line(text), LONGEST_CELL), full, key)


def _parsed(text: str) -> float | None:
    """The number that a text spells as JSON does; ``007`` and ``1_000`` are texts, and stay as they are."""
    value = float(text) if _NUMBER.fullmatch(text) else math.nan
    return value if math.isfinite(value) else None


def _whole(amount: int | None) -> Cell:
    return Cell(ABSENT) if amount is None else Cell(whole(amount), key=float(amount))
