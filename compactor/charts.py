"""Which lines share a chart, what it is called, and in which order charts come.

Names give good defaults (`compactor.names`); ``run.define`` overrides them. No metric is lost: two
that would be the same line of the same chart go by their full names, and charts beyond the wanted
number are listed.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import cast

from compactor.best import Winner
from compactor.drawing import Drawn, draw
from compactor.lines import Line
from compactor.names import Mode, chart_and_line, direction, line_order, title
from compactor.record import Chart, LineInfo
from logwriter.events import MetricDefined

MOST_RANKS = 8
Definitions = Mapping[str, MetricDefined]


@dataclass(frozen=True)
class Plan:
    """A chart to draw: its lines by name, in order."""

    key: str
    lines: dict[str, Line]

    @property
    def metrics(self) -> list[str]:
        """The metrics it draws, each once."""
        return list(dict.fromkeys(line.metric for line in self.lines.values()))


def plan_charts(lines: Sequence[Line], definitions: Definitions, monitor: str | None) -> list[Plan]:
    """Group lines into charts, the ones that matter first.

    First the monitor's chart, then those where small values are good (losses), those where large
    ones are (accuracies), those that were defined, and the others; each group by name. Of each
    metric the first eight ranks are drawn.
    """
    groups: dict[str, list[tuple[str, Line]]] = defaultdict(list)
    ranks: Counter[str] = Counter()
    for line in lines:
        ranks[line.metric] += 1
        if ranks[line.metric] <= MOST_RANKS:
            chart, name = _place(line.metric, definitions)
            groups[chart].append((name, line))
    plans = [Plan(key, _named(group)) for key, group in groups.items()]
    return sorted(plans, key=lambda plan: (_importance(plan, definitions, monitor), plan.key))


def ranks_left_out(lines: Sequence[Line]) -> list[int]:
    """The ranks that have a line which no chart draws."""
    seen: Counter[str] = Counter()
    out = set()
    for line in lines:
        seen[line.metric] += 1
        if seen[line.metric] > MOST_RANKS:
            out.add(line.rank)
    return sorted(out)


def defined_goal(metric: str, definitions: Definitions) -> Mode | None:
    """Which values of a metric the run defined to be good."""
    said = definitions.get(metric)
    return cast("Mode", said.goal) if said and said.goal in {"min", "max"} else None


def draw_chart(
    plan: Plan,
    definitions: Definitions,
    *,
    policy: str,
    max_points: int,
    monitor: tuple[Line, Winner | None] | None,
) -> Chart:
    """Draw one chart.

    Args:
        plan: What to draw.
        definitions: What the run said about its metrics.
        policy: How to downsample.
        max_points: How many points each line may have.
        monitor: The line that decides what was best, and what won, if anything did.
    """
    drawn = {}
    for name, line in plan.lines.items():
        if monitor is not None and line is monitor[0]:
            mode, winner = None, monitor[1]
        else:
            mode, winner = _judged(line, definitions), None
        drawn[name] = draw(line, policy=policy, max_points=max_points, mode=mode, winner=winner)
    said = _first_said(plan, definitions)
    return Chart(
        title=said(lambda d: d.title) or title(plan.key),
        x_label=said(lambda d: d.x_label) or "step",
        y_label=said(lambda d: d.y_label) or plan.key,
        lines={name: line.points for name, line in drawn.items()},
        best_point={name: line.best for name, line in drawn.items() if line.best is not None},
        line_info={
            name: _info(plan.lines[name], line, definitions) for name, line in drawn.items()
        },
    )


def _place(metric: str, definitions: Definitions) -> tuple[str, str]:
    chart, line = chart_and_line(metric)
    said = definitions.get(metric)
    return (said and said.chart) or chart, (said and said.line) or line


def _named(group: list[tuple[str, Line]]) -> dict[str, Line]:
    """Give each line a name of its own: the metric's where two are alike, the rank's beside it."""
    metrics = defaultdict(set)
    for name, line in group:
        metrics[name].add(line.metric)
    first = {line.metric: line.rank for _, line in reversed(group)}
    named: dict[str, Line] = {}
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


def _judged(line: Line, definitions: Definitions) -> Mode | None:
    """The direction to look for a best point in.

    Of a metric logged many times an epoch there is none: its extreme is a lucky batch.
    """
    return None if line.many_an_epoch else _goal(line.metric, definitions)


def _first_said(
    plan: Plan, definitions: Definitions
) -> Callable[[Callable[[MetricDefined], str | None]], str | None]:
    """What the first of a chart's metrics that says anything says of the chart."""
    said = [definitions[metric] for metric in plan.metrics if metric in definitions]
    return lambda get: next((text for text in map(get, said) if text), None)


def _info(line: Line, drawn: Drawn, definitions: Definitions) -> LineInfo:
    said = definitions.get(line.metric)
    return LineInfo(
        metric=line.metric,
        rank=line.rank,
        raw_points=line.rows,
        drawn_points=len(drawn.points),
        policy=drawn.policy,
        repeated_steps=drawn.repeated_steps,
        first=drawn.first,
        last=drawn.last,
        minimum=drawn.minimum,
        maximum=drawn.maximum,
        non_finite=drawn.non_finite,
        unit=said.unit if said else None,
        colour=said.colour if said else None,
        note=said.note if said else None,
        goal=_goal(line.metric, definitions),
    )
