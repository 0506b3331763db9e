"""The means of the runs of each group in one chart, and what is said of them. Pure."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from reports.comparison.averaging import Average, Track, average
from reports.comparison.lines import DrawnLine
from reports.comparison.meanline import track_of
from reports.comparison.result import ComparedRun, Group
from reports.wording import listing

Tracks = Mapping[tuple[str, str], Track]
"""All rows of lines that do not draw them, by the label of the run and the metric."""


@dataclass(frozen=True)
class Mean:
    """A group, and the mean of those of its runs that have a metric; ``None`` if there is none."""

    group: Group
    average: Average | None


def means_of(
    lines: Sequence[tuple[ComparedRun, DrawnLine]], groups: Sequence[Group], tracks: Tracks
) -> list[Mean]:
    """The means of the groups of which two runs at least have the metric.

    A group is averaged over all rows only where those of each of its runs are known.
    """
    means = []
    for group in groups:
        own = [(run, line) for run, line in lines if run.group == group.label]
        drawn = [track_of(line) for _, line in own]
        full = [
            tracks.get((run.label, line.info.metric), track)
            for (run, line), track in zip(own, drawn, strict=True)
        ]
        if len(own) > 1:
            means.append(Mean(group, average(full if all(each.whole for each in full) else drawn)))
    return means


def said_of_means(means: Sequence[Mean]) -> Iterator[str]:
    """What is true of all means once, what is true of some with their names."""
    if any(mean.average for mean in means):
        yield "means are shaded from the least of their runs to the greatest"
    said: dict[str, list[str]] = {}
    for mean in means:
        notes = mean.average.notes if mean.average else ("none, as its runs share no step",)
        for note in notes:
            said.setdefault(note, []).append(mean.group.label)
    for note, groups in said.items():
        alike = len(groups) == len(means)
        yield f"means: {note}" if alike else f"mean of {listing(groups)}: {note}"
