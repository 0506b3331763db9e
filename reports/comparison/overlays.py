"""One record whose charts overlay several runs, so that all that draws a record draws a comparison. Pure.

A chart a metric that two runs have; in it a line a run, the best run first, before them the mean of
each group of runs that differ in seeds alone. What the lines would each say of themselves, as that
not every row is drawn, is said once for all of them.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import msgspec

from compactor.record import Chart, LineInfo, Point, Record
from reports.comparison.averaging import Average
from reports.comparison.casting import COLOURED, Cast, Part, cast_of
from reports.comparison.labels import numbered
from reports.comparison.lines import DrawnLine, drawn_line, metrics_of
from reports.comparison.meanline import along_of, info_of, points_of
from reports.comparison.means import Mean, Tracks, means_of, said_of_means
from reports.comparison.result import ComparedRun, Comparison
from reports.comparison.sheet import sheet
from reports.wording import count, listing, number

MOST_CHARTS = 50
_BANDS_UP_TO = 3
_NAMED = 6

LineKey = tuple[str, str]
"""The key of a chart and the name of one of its lines."""


@dataclass(frozen=True)
class Overlay:
    """The charts of a comparison, as a record.

    ``parts`` says how each line is drawn, ``means`` what each mean stands for; ``leaders`` are the
    lines of the best run.
    """

    record: Record
    parts: Mapping[LineKey, Part]
    means: Mapping[LineKey, Average]
    leaders: frozenset[LineKey]


@dataclass(frozen=True)
class _Drawn:
    """A run, its line of a metric, and the best point that is marked on it."""

    run: ComparedRun
    line: DrawnLine
    best: Point | None


@dataclass(frozen=True)
class _Line:
    """A line of a chart: the mean of a group, or a run's own."""

    name: str
    part: Part
    mean: Average | None = None
    drawn: _Drawn | None = None


def overlay(
    comparison: Comparison,
    records: Sequence[Record],
    tracks: Tracks = MappingProxyType({}),
    *,
    told: bool = False,
) -> Overlay:
    """The charts of a comparison.

    Args:
        comparison: What was compared.
        records: The records of its runs, in its order.
        tracks: All rows of lines that are averaged, beyond what the records draw.
        told: Whether the name of a line tells its best value, for where nothing else does.
    """
    cast = cast_of(comparison)
    metrics, alone = shared_metrics(comparison.metric, records)
    charts: dict[str, Chart] = {}
    lines: dict[LineKey, _Line] = {}
    for key in metrics[:MOST_CHARTS]:
        drawn = list(_drawn(key, comparison, records))
        if len(drawn) > 1:
            means = means_of([(each.run, each.line) for each in drawn], comparison.groups, tracks)
            own = _lines(drawn, means, cast, told=told)
            said = " · ".join(_said(drawn, means, cast, len(records)))
            charts[key] = _chart(own, drawn[0].line, said, banded=len(records) <= _BANDS_UP_TO)
            lines |= {(key, line.name): line for line in own}
    shared = sheet(comparison, charts, list(_left_out(metrics, alone)))
    return Overlay(
        shared,
        {key: line.part for key, line in lines.items()},
        {key: line.mean for key, line in lines.items() if line.mean},
        frozenset(
            key
            for key, each in lines.items()
            if each.drawn and each.drawn.run is comparison.runs[0]
        ),
    )


def shared_metrics(first: str, records: Sequence[Record]) -> tuple[list[str], list[str]]:
    """The metrics of at least two runs, the one compared by first, and those of one run alone."""
    runs: dict[str, int] = {first: 0}
    for record in records:
        for metric in metrics_of(record):
            runs[metric] = runs.get(metric, 0) + 1
    return [m for m, n in runs.items() if n > 1], [m for m, n in runs.items() if n == 1]


def _left_out(metrics: Sequence[str], alone: Sequence[str]) -> Iterator[str]:
    if alone:
        more = [f"{len(alone) - _NAMED:,} more"] if len(alone) > _NAMED else []
        yield f"Of one run alone, and not drawn: {listing([*alone[:_NAMED], *more])}."
    if len(metrics) > MOST_CHARTS:
        yield f"The first {MOST_CHARTS} of {len(metrics):,} metrics are drawn."


def _drawn(metric: str, comparison: Comparison, records: Sequence[Record]) -> Iterator[_Drawn]:
    for run, record in zip(comparison.runs, records, strict=True):
        line = drawn_line(record, metric)
        if line is None or not line.points:
            continue
        best = line.best
        if metric == comparison.metric:
            own = run.best
            best = Point(step=own.step, value=own.value, epoch=own.epoch) if own else None
        yield _Drawn(run, line, best)


def _lines(
    drawn: Sequence[_Drawn], means: Sequence[Mean], cast: Cast, *, told: bool
) -> list[_Line]:
    """The lines of a chart in their order: the means that there are, then the runs."""
    lines = [
        _Line(
            f"mean of {len(each.group.runs)}: {each.group.label}",
            cast.groups[each.group.label],
            mean=each.average,
        )
        for each in means
        if each.average
    ]
    for each in drawn:
        said = f" ({number(each.best.value)})" if told and each.best else ""
        lines.append(_Line(f"{each.run.label}{said}", cast.runs[each.run.label], drawn=each))
    names = numbered([line.name for line in lines])
    return [replace(line, name=name) for line, name in zip(lines, names, strict=True)]


def _chart(lines: Sequence[_Line], first: DrawnLine, said: str, *, banded: bool) -> Chart:
    chart = Chart(
        title=_title(first),
        x_label=first.chart.x_label,
        y_label=first.chart.y_label,
        lines={},
        best_point={},
        line_info={},
        note=said or None,
    )
    for line in lines:
        if line.mean:
            _add_mean(chart, line.name, line.mean, first.info)
        if line.drawn:
            _add_run(chart, line, line.drawn, banded=banded)
    return chart


def _add_mean(chart: Chart, name: str, mean: Average, one: LineInfo) -> None:
    chart.lines[name] = points_of(mean.track)
    chart.line_info[name] = info_of(one, mean)
    if along := along_of(mean.track):
        chart.along[name] = along


def _add_run(chart: Chart, part: _Line, drawn: _Drawn, *, banded: bool) -> None:
    """One run's line, in the colour of the comparison rather than one of its own."""
    name, line = part.name, drawn.line
    chart.lines[name] = line.points
    chart.line_info[name] = msgspec.structs.replace(
        line.info, colour=None, note=None, policy="all", repeated_steps=0
    )
    if line.along:
        chart.along[name] = line.along
    if smoothed := line.chart.smoothed.get(line.name):
        chart.smoothed[name] = smoothed
    if means := line.chart.means.get(line.name):
        chart.means[name] = means
    band = line.chart.bands.get(line.name)
    if band and banded and not part.part.thin:
        chart.bands[name] = band
    if drawn.best is not None and not part.part.grey:
        chart.best_point[name] = drawn.best


def _title(line: DrawnLine) -> str:
    title = line.chart.title.strip() or line.info.metric
    return title if line.name == line.info.metric else f"{title} · {line.name}"


def _said(drawn: Sequence[_Drawn], means: Sequence[Mean], cast: Cast, runs: int) -> Iterator[str]:
    if len(drawn) < runs:
        yield f"{len(drawn)} of {runs} runs have it"
    if any(cast.runs[each.run.label].grey for each in drawn):
        yield f"in colour: the best {COLOURED}; the others are grey, their best points not marked"
    yield from said_of_means(means)
    yield from dict.fromkeys(each.line.info.note for each in drawn if each.line.info.note)
    yield from _said_of_rows([each.line.info for each in drawn])


def _said_of_rows(infos: Sequence[LineInfo]) -> Iterator[str]:
    thinned = [i for i in infos if i.drawn_points < i.raw_points and i.policy != "all"]
    if thinned:
        most, rows = max(i.drawn_points for i in thinned), max(i.raw_points for i in thinned)
        yield f"up to {most:,} points drawn of up to {count(rows, 'row')} a run"
    repeated = sum(info.repeated_steps for info in infos)
    if repeated:
        yield f"{count(repeated, 'row')} not drawn, as another of the same step is"
