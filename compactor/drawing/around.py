"""The curves around a curve: how exact it is, how far its rows spread, its smoothed line, its times."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase

import numpy as np

from compactor.deciding.best import Winner
from compactor.drawing.accuracy import max_error, mean_and_std
from compactor.drawing.along import Spans, along
from compactor.drawing.band import NO_BAND, Band, band_of_buckets, band_of_ranks
from compactor.drawing.line import Drawn, draw, pairs, with_winner
from compactor.drawing.ranks import Fetch, Ranks, Together, put_together
from compactor.drawing.smoothing import Smoothing, smooth
from compactor.fold import line_of_points
from compactor.names import Mode
from compactor.reading.lines import Line, Points
from compactor.record import Along
from compactor.sampling import Policy, parse_policy
from compactor.sampling.arrays import Ints


@dataclass(frozen=True, kw_only=True)
class Style:
    """How lines are drawn.

    Attributes:
        policy: How lines are downsampled.
        policies: Others, by metric, by chart or by a pattern (``*``, ``?`` and ``[…]``) of either;
            a metric's own name comes first, then its chart's, then the first pattern that fits.
        max_points: How many points a line may have; ``None`` for as many as its policy keeps.
        smooth: The filter of smoothed lines, if there are to be any.
        whole_rows: Of a line with up to so many rows all of them are looked at, however many lines
            there are.
    """

    policy: Policy = field(default_factory=lambda: parse_policy("adaptive"))
    policies: Mapping[str, Policy] = field(default_factory=dict)
    max_points: int | None = 2000
    smooth: Smoothing | None = None
    whole_rows: int = 0

    def policy_for(self, metric: str, chart: str) -> Policy:
        """How a metric is downsampled on a chart."""
        for name in (metric, chart):
            if name in self.policies:
                return self.policies[name]
        fitting = (
            policy
            for pattern, policy in self.policies.items()
            if fnmatchcase(metric, pattern) or fnmatchcase(chart, pattern)
        )
        return next(fitting, self.policy)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What charts of a run are drawn from, and how.

    Attributes:
        style: How.
        fetch: Reads all rows of a long line from the log; asked only where a policy or a filter
            needs them, once a line.
        start_us: When the run started, in microseconds since 1970.
        spans: The epochs of each rank, from `compactor.drawing.along.epoch_spans`.
    """

    style: Style
    fetch: Fetch
    start_us: int
    spans: Mapping[int, Spans]


@dataclass(frozen=True)
class Portrait:
    """A line as it is drawn, and what goes around it. Fields as in `compactor.record`."""

    line: Line
    drawn: Drawn
    along: Along
    band: Band
    smoothed: list[tuple[int, float | None]]
    mean: float | None
    std: float | None
    max_error: float | None


def portray(
    traced: Line | Ranks,
    drawing: Drawing,
    *,
    chart: str,
    mode: Mode | None,
    winner: Winner | None = None,
) -> Portrait:
    """Draw a line and what goes around it.

    Args:
        traced: The line, or the ranks whose mean it is.
        drawing: How to draw.
        chart: The key of its chart.
        mode: Which values are good, if a best point is wanted. A line with several rows an epoch
            has none: its extreme is a lucky batch.
        winner: The best point of the run, if this line decided it.
    """
    line, together = _as_line(traced, drawing.fetch)
    rank = traced.lines[0].rank if isinstance(traced, Ranks) else traced.rank
    style = drawing.style
    policy = style.policy_for(line.metric, chart)
    rows = line.points if line.whole else None
    everything = policy.needs_all_rows or line.rows <= style.whole_rows
    if rows is None and (everything or style.smooth):
        rows = drawing.fetch(line)
    if rows is not None and everything:
        line = replace(line, points=rows, whole=True)
    line = with_winner(line, winner, drawing.fetch)
    drawn = draw(
        line,
        policy=policy,
        max_points=style.max_points,
        mode=None if line.many_an_epoch else mode,
        winner=winner,
    )
    mean, std = mean_and_std(line.buckets)
    return Portrait(
        line=line,
        drawn=drawn,
        along=along(line, drawn.rows, drawing.spans.get(rank, {}), drawing.start_us),
        band=_band(line, drawn, together),
        smoothed=_smoothed(rows, drawn.rows, style.smooth),
        mean=mean,
        std=std,
        max_error=max_error(line, drawn.rows, rows),
    )


def _as_line(traced: Line | Ranks, fetch: Fetch) -> tuple[Line, Together | None]:
    if isinstance(traced, Line):
        return traced, None
    together = put_together(traced.lines, fetch)
    return line_of_points(traced.metric, traced.rank, together.points), together


def _band(line: Line, drawn: Drawn, together: Together | None) -> Band:
    if together is not None:
        return band_of_ranks(together)
    return band_of_buckets(line.buckets) if len(drawn.rows) < line.rows else NO_BAND


def _smoothed(
    rows: Points | None, shown: Points, smoothing: Smoothing | None
) -> list[tuple[int, float | None]]:
    """The smoothed line at the drawn rows, from all rows."""
    if rows is None or smoothing is None:
        return []
    return pairs(shown.step, smooth(rows.value, smoothing)[_places(rows, shown)])


def _places(rows: Points, shown: Points) -> Ints:
    """Where the drawn rows are among all: by step, and where rows share one, by position."""
    place = np.searchsorted(rows.step, shown.step)
    end = np.searchsorted(rows.step, shown.step, side="right")
    for number in np.flatnonzero(end - place > 1).tolist():
        together = rows.position[place[number] : end[number]]
        place[number] += int(np.searchsorted(together, shown.position[number]))
    return place
