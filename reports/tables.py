"""Tables of a page that its script sorts or switches, and the figures of a chart. Pure."""

from typing import Any

from compactor.record import Record, RunInfo
from reports.view import Line
from reports.wording import ABSENT, number, whole

STATISTICS = ("mean", "min", "max", "last", "change")
LINE_COLUMNS = ("Line", "First", "Last", "Least", "Greatest", "Mean", "Deviation", "Values")
RANK_COLUMNS = ("Rank", "Status", "Attempts", "Rows", "Hidden", "Dropped")
PHASE_COLUMNS = ("Phase", "From step", "To step")
BEST_COLUMNS = ("Metric", "Best", "Direction", "Epoch", "Step", "Of each")

Row = list[str]


def epoch_data(record: Record) -> dict[str, Any]:
    """The table of epochs for the script: each metric has a column of values for each statistic.

    Metrics and columns are lists in the order of the table, so that no name is a key.
    """
    epochs, names = record.epochs, record.epoch_columns
    detailed = any(epoch.metrics for epoch in epochs)
    return {
        "metrics": names,
        "first": [epoch.first_step for epoch in epochs],
        "last": [epoch.last_step for epoch in epochs],
        "epoch": [epoch.epoch for epoch in epochs],
        "seconds": [epoch.seconds for epoch in epochs],
        "statistics": [
            {
                "name": statistic,
                "columns": [
                    [
                        getattr(epoch.metrics[name], statistic) if name in epoch.metrics else None
                        for epoch in epochs
                    ]
                    for name in names
                ],
            }
            for statistic in STATISTICS
            if detailed
        ],
    }


def best_rows(record: Record) -> list[Row]:
    """The best of each metric whose direction is known."""
    return [
        [
            name,
            number(best.value),
            {"min": "smallest", "max": "largest"}.get(best.mode, best.mode),
            ABSENT if best.epoch is None else whole(best.epoch),
            whole(best.step),
            best.per,
        ]
        for name, best in record.best_by_metric.items()
    ]


def phase_rows(record: Record) -> list[Row]:
    """The phases in the order of their steps, each up to where the next begins."""
    phases = sorted(record.phases, key=lambda phase: phase.step)
    ends = [*(whole(after.step - 1) for after in phases[1:]), ABSENT]
    return [[each.name, whole(each.step), end] for each, end in zip(phases, ends, strict=False)]


def rank_rows(run: RunInfo) -> list[Row]:
    """The ranks, where there are several."""
    rows = []
    for rank in run.ranks if run.world_size > 1 or len(run.ranks) > 1 else []:
        own = [attempt for attempt in run.attempts if attempt.rank == rank]
        rows.append(
            [
                str(rank),
                own[-1].status if own else ABSENT,
                f"{len(own):,}",
                f"{sum(attempt.rows for attempt in own):,}",
                f"{sum(attempt.hidden_rows for attempt in own):,}",
                f"{sum(attempt.dropped for attempt in own):,}",
            ]
        )
    return rows


def line_row(line: Line) -> Row:
    """A line of a chart in figures, for those who would rather read."""
    info = line.info
    points = (info.first, info.last, info.minimum, info.maximum)
    return [
        line.name,
        *(f"{number(p.value)} at step {whole(p.step)}" if p else ABSENT for p in points),
        number(info.mean),
        number(info.std),
        f"{info.raw_points:,}",
    ]
