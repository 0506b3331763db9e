"""How the lines of a comparison are told apart. Pure.

A configuration has one colour in all charts, so runs that repeat each other share theirs and are
thin beside their mean; where all runs are of one configuration, each has its own. The best eight
have colours, the latter four of them dashed as well; the others are grey and thin.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from reports.comparison.result import Comparison
from reports.theme import Stroke, Theme

COLOURED, SOLID = 8, 4


@dataclass(frozen=True)
class Receding(Stroke):
    """The stroke of a line that is there for comparison: the colour of the axes' rules."""

    def colour(self, theme: Theme) -> str:
        """As faint as a rule."""
        return theme.rule


@dataclass(frozen=True)
class Part:
    """How a line is drawn: its stroke, and whether it is thin and behind the others."""

    stroke: Stroke
    thin: bool = False

    @property
    def grey(self) -> bool:
        """Whether it is none of the best."""
        return isinstance(self.stroke, Receding)


@dataclass(frozen=True)
class Cast:
    """The parts of runs and of the means of groups, by their labels."""

    runs: Mapping[str, Part]
    groups: Mapping[str, Part]


def cast_of(comparison: Comparison) -> Cast:
    """Give every run and group its part, configurations in the order of their best run."""
    runs, groups = comparison.runs, comparison.groups
    units = list(dict.fromkeys(run.group or run.label for run in runs))
    if len(units) == 1:
        parts = [_part(place, thin=True) for place in range(len(runs))]
        labels = (run.label for run in runs)
        return Cast(
            dict(zip(labels, parts, strict=True)), {group.label: Part(Stroke()) for group in groups}
        )
    places = {unit: place for place, unit in enumerate(units)}
    return Cast(
        {run.label: _part(places[run.group or run.label], thin=bool(run.group)) for run in runs},
        {group.label: _part(places[group.label]) for group in groups},
    )


def _part(place: int, *, thin: bool = False) -> Part:
    if place >= COLOURED:
        return Part(Receding(), thin=True)
    return Part(Stroke(place, "solid" if place < SOLID else "dashed"), thin)
