"""Which lines share a chart, what it is called, and in which order charts come.

Names give good defaults (`compactor.names`); ``run.define`` overrides them. No metric is lost: two
that would be the same line of the same chart go by their full names, and charts beyond the wanted
number are listed.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from compactor.deciding.best import Winner
from compactor.drawing.around import Drawing, Portrait, portray
from compactor.drawing.ranks import RankChoice, Ranks
from compactor.names import Mode, chart_and_line, direction, line_order, title
from compactor.reading.lines import MEAN_RANK, Line
from compactor.record import Chart, LineInfo
from logwriter.events import MetricDefined

MOST_RANKS = 8
Definitions = Mapping[str, MetricDefined]


@dataclass(frozen=True)
class Plan:
    """A chart to draw: its lines by name, in order; a mean over ranks is only taken when drawn."""

    key: str
    lines: dict[str, Line | Ranks]

    @property
    def metrics(self) -> list[str]:
        """The metrics it draws, each once."""
        return list(dict.fromkeys(line.metric for line in self.lines.values()))


def plan_charts(
    lines: Sequence[Line],
    definitions: Definitions,
    monitor: str | None,
    *,
    ranks: RankChoice = "all",
) -> list[Plan]:
    """Group lines into charts, the ones that matter first.

    First the monitor's chart, then those where small values are good (losses), those where large
    ones are (accuracies), those that were defined, and the others; each group by name.

    Args:
        lines: By rank, then metric.
        definitions: What the run said about its metrics.
        monitor: The metric that decides what was best.
        ranks: ``"all"``: the first eight ranks of each metric are lines; a number: only the lines of
            that rank; ``"mean"``: the mean over the ranks, a line a metric.
    """
    groups: dict[str, list[tuple[str, Line | Ranks]]] = defaultdict(list)
    for traced in _traced(lines, ranks):
        chart, name = _place(traced.metric, definitions)
        groups[chart].append((name, traced))
    plans = [Plan(key, _named(group)) for key, group in groups.items()]
    return sorted(plans, key=lambda plan: (_importance(plan, definitions, monitor), plan.key))


def ranks_left_out(lines: Sequence[Line], ranks: RankChoice = "all") -> list[int]:
    """The ranks that have a line which no chart draws, though all were wanted."""
    if ranks != "all":
        return []
    kept = {id(line) for line in _traced(lines, ranks)}
    return sorted({line.rank for line in lines if id(line) not in kept})


def defined_goal(metric: str, definitions: Definitions) -> Mode | None:
    """Which values of a metric the run defined to be good."""
    said = definitions.get(metric)
    return cast("Mode", said.goal) if said and said.goal in {"min", "max"} else None


def draw_chart(
    plan: Plan,
    definitions: Definitions,
    drawing: Drawing,
    *,
    monitor: tuple[Line, Winner | None] | None,
) -> Chart:
    """Draw one chart.

    Args:
        plan: What to draw.
        definitions: What the run said about its metrics.
        drawing: How to draw.
        monitor: The line that decides what was best, and what won, if anything did.
    """
    drawn: dict[str, Portrait] = {}
    for name, traced in plan.lines.items():
        mode, winner = _goal(traced.metric, definitions), None
        if monitor is not None and _owner(traced) == _owner(monitor[0]):
            mode, winner = None, monitor[1]
        drawn[name] = portray(traced, drawing, chart=plan.key, mode=mode, winner=winner)
    said = _first_said(plan, definitions)
    return Chart(
        title=said(lambda d: d.title) or title(plan.key),
        x_label=said(lambda d: d.x_label) or "step",
        y_label=said(lambda d: d.y_label) or plan.key,
        lines={name: each.drawn.points for name, each in drawn.items()},
        best_point={
            name: each.drawn.best for name, each in drawn.items() if each.drawn.best is not None
        },
        line_info={name: _info(each, drawing, definitions) for name, each in drawn.items()},
        bands={name: each.band.reach for name, each in drawn.items() if each.band.reach},
        means={name: each.band.means for name, each in drawn.items() if each.band.means},
        smoothed={name: each.smoothed for name, each in drawn.items() if each.smoothed},
        along={name: each.along for name, each in drawn.items()},
    )


def _traced(lines: Sequence[Line], ranks: RankChoice) -> list[Line | Ranks]:
    """What is drawn of the lines."""
    if isinstance(ranks, int):
        return [line for line in lines if line.rank == ranks]
    of_metric: dict[str, list[Line]] = defaultdict(list)
    for line in lines:
        of_metric[line.metric].append(line)
    if ranks == "mean":
        return [Ranks(tuple(group)) if group[1:] else group[0] for group in of_metric.values()]
    return [line for group in of_metric.values() for line in group[:MOST_RANKS]]


def _owner(traced: Line | Ranks) -> tuple[str, int]:
    return traced.metric, traced.rank


def _place(metric: str, definitions: Definitions) -> tuple[str, str]:
    chart, line = chart_and_line(metric)
    said = definitions.get(metric)
    return (said and said.chart) or chart, (said and said.line) or line


def _named(group: list[tuple[str, Line | Ranks]]) -> dict[str, Line | Ranks]:
    """Give each line a name of its own: the metric's where two are alike, the rank's beside it."""
    metrics = defaultdict(set)
    for name, line in group:
        metrics[name].add(line.metric)
    first = {line.metric: line.rank for _, line in reversed(group)}
    named: dict[str, Line | Ranks] = {}
    for name, line in sorted(
        group, key=lambda pair: (*line_order(pair[0]), pair[1].metric, pair[1].rank)
    ):
        own = name if len(metrics[name]) == 1 else line.metric
        own = own if line.rank == first[line.metric] else f"{own} (rank {line.rank})"
        while own in named:
            own += " *"
        named[own] = line
    return named


def _importance(plan: Plan, definitions: Definitions, monitor: str | None) -> int:
    goals = {_goal(metric, definitions) for metric in plan.metrics}
    reasons = (
        monitor in plan.metrics,
        "min" in goals,
        "max" in goals,
        any(metric in definitions for metric in plan.metrics),
    )
    return next((place for place, holds in enumerate(reasons) if holds), len(reasons))


def _goal(metric: str, definitions: Definitions) -> Mode | None:
    return defined_goal(metric, definitions) or direction(metric)


def _first_said(
    plan: Plan, definitions: Definitions
) -> Callable[[Callable[[MetricDefined], str | None]], str | None]:
    """What the first of a chart's metrics that says anything says of the chart."""
    said = [definitions[metric] for metric in plan.metrics if metric in definitions]
    return lambda get: next((text for text in map(get, said) if text), None)


def _info(portrait: Portrait, drawing: Drawing, definitions: Definitions) -> LineInfo:
    line, drawn = portrait.line, portrait.drawn
    said = definitions.get(line.metric)
    return LineInfo(
        metric=line.metric,
        rank=None if line.rank == MEAN_RANK else line.rank,
        raw_points=line.rows,
        drawn_points=len(drawn.rows),
        policy=drawn.policy,
        repeated_steps=drawn.repeated_steps,
        first=drawn.first,
        last=drawn.last,
        minimum=drawn.minimum,
        maximum=drawn.maximum,
        mean=portrait.mean,
        std=portrait.std,
        max_error=portrait.max_error,
        smoothing=drawing.style.smooth.text if drawing.style.smooth else None,
        non_finite=drawn.non_finite,
        unit=said.unit if said else None,
        colour=said.colour if said else None,
        note=said.note if said else None,
        goal=_goal(line.metric, definitions),
    )
