"""All rows of the lines that are averaged, where their records draw only some of them.

A point is drawn because it stands out, so the mean of drawn points would swing more than that of the
rows. What matters most is read first: the metric that is compared by, then the others as they are
drawn, until `MOST_ROWS` are read.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from logwriter.errors import EverystepError
from logwriter.rundir import is_run
from reports.comparison.averaging import Track
from reports.comparison.comparing import Compared
from reports.comparison.lines import DrawnLine, drawn_line
from reports.comparison.logged import Rows, logged_rows
from reports.comparison.meanline import track_of
from reports.comparison.means import Tracks
from reports.comparison.overlays import MOST_CHARTS, shared_metrics

MOST_ROWS = 5_000_000


@dataclass(frozen=True)
class Source:
    """A run of a group: its place in the comparison, and its line of a metric."""

    place: int
    line: DrawnLine


def full_tracks(compared: Compared, most: int = MOST_ROWS) -> tuple[Tracks, list[str]]:
    """Read the rows that averages need beyond what is drawn.

    Args:
        compared: The runs; a log is read where it lies beside the record and has what that tells of.
        most: How many rows to read at most; groups of which all do not fit are left out.

    Returns:
        The tracks, and what stood in the way of others.
    """
    tracks: dict[tuple[str, str], Track] = {}
    troubles: dict[str, str] = {}
    for metric, members in _thinned(compared):
        rows = sum(source.line.info.raw_points for source in members)
        if rows > most:
            continue
        most -= rows
        for source in members:
            label = compared.comparison.runs[source.place].label
            if label in troubles:
                continue
            try:
                track = _track(compared, source)
            except (EverystepError, OSError) as error:
                troubles[label] = f"{label}: its log cannot be read for the mean: {error}"
            else:
                tracks |= {(label, metric): track} if track else {}
    return tracks, list(troubles.values())


def _thinned(compared: Compared) -> Iterator[tuple[str, list[Source]]]:
    """For each metric and group of runs those lines that leave rows out."""
    comparison, records = compared.comparison, compared.records
    for metric in shared_metrics(comparison.metric, records)[0][:MOST_CHARTS]:
        for group in comparison.groups:
            members = [
                Source(place, line)
                for place, run in enumerate(comparison.runs)
                if run.group == group.label
                and (line := drawn_line(records[place], metric)) is not None
                and line.points
            ]
            thinned = [source for source in members if not source.line.every_step]
            if len(members) > 1 and thinned:
                yield metric, thinned


def _track(compared: Compared, source: Source) -> Track | None:
    """All rows of a line; ``None`` where the log is not there, or has gone on since the record."""
    folder, info = compared.folders[source.place], source.line.info
    if folder is None or not is_run(folder) or info.rank is None:
        return None
    rows = logged_rows(compared.records[source.place], folder, info.metric, info.rank)
    return track_of_rows(rows, source.line) if len(rows.step) == info.raw_points else None


def track_of_rows(rows: Rows, line: DrawnLine) -> Track:
    """Rows by step, the last one of a step; between drawn points times and epochs are on straights."""
    order = np.argsort(rows.step, kind="stable")
    steps = rows.step[order]
    last = order[np.append(steps[1:] != steps[:-1], True)]
    at = rows.step[last].astype(np.float64)
    drawn = track_of(line)
    return Track(
        at,
        np.where(np.isfinite(rows.value[last]), rows.value[last], np.nan),
        np.interp(at, drawn.steps, drawn.seconds),
        np.interp(at, drawn.steps, drawn.epochs),
    )
