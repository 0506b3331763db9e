"""The line that stands for a metric in a record. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass

from compactor.record import Along, Chart, LineInfo, Point, Record

Points = list[tuple[int, float | None]]


@dataclass(frozen=True)
class DrawnLine:
    """A line of a chart, and the chart."""

    chart: Chart
    name: str

    @property
    def info(self) -> LineInfo:
        """What the line stands for."""
        return self.chart.line_info[self.name]

    @property
    def points(self) -> Points:
        """``[step, value]``, ``null`` where it is not finite."""
        return self.chart.lines[self.name]

    @property
    def along(self) -> Along | None:
        """The other horizontal positions of the points."""
        return self.chart.along.get(self.name)

    @property
    def best(self) -> Point | None:
        """The best point, where the record marks one."""
        return self.chart.best_point.get(self.name)

    @property
    def whole(self) -> bool:
        """Whether every row is drawn."""
        return self.info.drawn_points == self.info.raw_points

    @property
    def every_step(self) -> bool:
        """Whether a row of each step is drawn."""
        return self.info.policy == "all"


def metrics_of(record: Record) -> list[str]:
    """The metrics of a run, those that are drawn first, in their order."""
    drawn = (info.metric for chart in record.charts.values() for info in chart.line_info.values())
    return list(dict.fromkeys([*drawn, *record.not_drawn]))


def drawn_line(record: Record, metric: str) -> DrawnLine | None:
    """The line of a metric: of the rank that decided, else of the lowest; ``None`` if not drawn."""
    lines = sorted(_lines(record, metric), key=lambda line: _rank(line.info.rank))
    deciding = record.best.rank if record.best and record.best.metric == metric else None
    return next((line for line in lines if line.info.rank == deciding), lines[0] if lines else None)


def _lines(record: Record, metric: str) -> Iterator[DrawnLine]:
    for chart in record.charts.values():
        for name, info in chart.line_info.items():
            if info.metric == metric:
                yield DrawnLine(chart, name)


def _rank(rank: int | None) -> int:
    return -1 if rank is None else rank
