"""The decision about the best point, as the record tells it: of the run, and of each metric."""

from dataclasses import dataclass
from typing import Literal

from compactor.deciding.best import Of, Per, Winner, check_rule, find_winner
from compactor.deciding.checkpoint import checkpoint_at
from compactor.deciding.monitor import Monitor, choose_monitor
from compactor.deciding.row import row_at
from compactor.drawing.charts import defined_goal
from compactor.drawing.ranks import all_rows, mean_line
from compactor.epochs import Epochs
from compactor.names import direction
from compactor.reading.lines import MEAN_RANK, Line
from compactor.reading.scan import Scan
from compactor.record import Best, MetricBest
from logwriter.errors import UnknownMetricError


@dataclass(frozen=True)
class Decision:
    """Which line decides, by whose word and which rule, and which point won, if any did.

    ``line.rank`` is `MEAN_RANK` for the mean over the ranks.
    """

    monitor: Monitor
    line: Line
    winner: Winner | None
    per: Per | None = None
    of: Of = "mean"
    min_delta: float = 0.0

    def why_none(self) -> str:
        """Why there is no winner, in words."""
        name = self.monitor.metric
        in_epochs = [epoch for epoch in self.line.epochs if epoch.epoch is not None]
        if self.per == "epoch" and not in_epochs:
            return f"{name} has no value inside an epoch, so that no epoch can win; per step its rows would"
        if self.per == "step" or not any(epoch.finite for epoch in in_epochs):
            return f"{name} has no finite value{' inside an epoch' if in_epochs else ''}"
        kind = "last value of" if self.of == "last" else "value of"
        return f"no epoch with a finite {kind} {name} has ended"


def decide(
    scan: Scan,
    monitor: str | None,
    mode: str | None,
    *,
    rank: int | Literal["mean"] | None = None,
    per: Per | None = None,
    of: Of = "mean",
    min_delta: float = 0.0,
) -> Decision:
    """Find the best point of the run.

    Args:
        scan: The run.
        monitor: The metric that decides; see `choose_monitor`.
        mode: Which of its values are good; likewise.
        rank: Whose values decide: those of one rank, or the mean over the ranks that logged the
            monitor; ``None`` for the lowest of them. For the mean, an epoch has ended when it has on
            each of them that knows it; the mean over one rank is that rank.
        per: What competes; see `find_winner`, as for ``of`` and ``min_delta``.
        of: What several values of an epoch come to.
        min_delta: By how much a candidate must be better than the best before it.

    Raises:
        UnknownMetricError: ``monitor`` was not logged, or not by ``rank``.
        NoMonitorError: Nothing says by which metric or in which direction.
        ValueError: An argument has a value that means nothing.
    """
    check_rule(per, of, min_delta)
    if isinstance(rank, str) and rank != "mean":
        raise ValueError(f"rank is {rank!r}; give a number, or 'mean', or leave it out")
    state = scan.log.state
    chosen = choose_monitor(
        scan.metrics,
        metric=monitor,
        mode=mode,
        declared_metric=state.monitor,
        declared_mode=state.mode,
        goals={metric: defined_goal(metric, state.metrics) for metric in state.metrics},
    )
    line, ended = _deciding(scan, chosen.metric, rank)
    winner = find_winner(
        line, chosen.mode, ended, per=per, of=of, min_delta=min_delta, fetch=scan.rows
    )
    return Decision(chosen, line, winner, per, of, min_delta)


def as_best(scan: Scan, decision: Decision) -> Best | None:
    """The decision as the record holds it; ``None`` without a winner.

    The row is that of the rank that decided; for a mean over the ranks, that of the lowest rank
    that logged the monitor at the winning row.
    """
    winner, monitor = decision.winner, decision.monitor
    if winner is None:
        return None
    of_mean = decision.line.rank == MEAN_RANK
    rank = _lowest_rank_at(scan, monitor.metric, winner) if of_mean else decision.line.rank
    return Best(
        metric=monitor.metric,
        mode=monitor.mode,
        value=winner.value,
        step=winner.step,
        epoch=winner.epoch,
        per=winner.per,
        candidates=winner.candidates,
        min_delta=decision.min_delta,
        rank=None if of_mean else rank,
        checkpoint=checkpoint_at(scan.log.state, scan.reach, winner, rank),
        metric_chosen_by=monitor.metric_chosen_by,
        mode_chosen_by=monitor.mode_chosen_by,
        row=row_at(scan.source, scan.of_rank(rank), winner.position, winner.step),
    )


def best_by_metric(
    scan: Scan, decision: Decision | None, *, per: Per | None = None, of: Of = "mean"
) -> dict[str, MetricBest]:
    """The best point of each metric of which it is known whether small or large values are good.

    That is known of the monitor, of metrics with a goal defined, and of those whose name tells. The
    monitor's point is the run's best. The others are found by the same rule, on the rank that
    decided if it logged them, else (and for the mean over the ranks) on the lowest that did; of equals
    the first wins: ``min_delta`` is in the monitor's unit, and no measure for them.

    Args:
        scan: The run.
        decision: About the run's best point, if there is one.
        per: What competes; see `find_winner`.
        of: What several values of an epoch come to.

    Returns:
        By metric, in the order of the names; metrics without a finite candidate are left out.
    """
    definitions = scan.log.state.metrics
    lines = {line.metric: line for line in scan.leading}
    if decision is not None:
        lines |= {line.metric: line for line in scan.of_rank(decision.line.rank)}
    ended = {rank: scan.epochs_of(rank).ended for rank in {line.rank for line in lines.values()}}
    found = {}
    for _, line in sorted(lines.items()):
        if decision is not None and line.metric == decision.monitor.metric:
            mode, winner = decision.monitor.mode, decision.winner
        else:
            known = defined_goal(line.metric, definitions) or direction(line.metric)
            if known is None:
                continue
            mode, winner = known, find_winner(line, known, ended[line.rank], per=per, of=of)
        if winner is not None:
            found[line.metric] = MetricBest(
                mode=mode,
                value=winner.value,
                step=winner.step,
                epoch=winner.epoch,
                per=winner.per,
            )
    return found


def _deciding(
    scan: Scan, metric: str, rank: int | Literal["mean"] | None
) -> tuple[Line, frozenset[int]]:
    """The line that decides, and the epochs that ended for it."""
    lines = [line for line in scan.lines if line.metric == metric]
    if rank == "mean":
        ended = _ended_on_all([scan.epochs_of(each.rank) for each in lines])
        return mean_line(lines, scan.rows), ended
    line = _of_rank(lines, rank)
    return line, scan.epochs_of(line.rank).ended


def _of_rank(lines: list[Line], rank: int | None) -> Line:
    """One rank's line; without a rank, the lowest one's."""
    for line in lines:
        if rank is None or line.rank == rank:
            return line
    ranks = ", ".join(str(line.rank) for line in lines)
    raise UnknownMetricError(
        f"rank {rank} did not log {lines[0].metric!r}; ranks that did: {ranks}"
    )


def _ended_on_all(epochs: list[Epochs]) -> frozenset[int]:
    known = frozenset[int]().union(*(each.known for each in epochs))
    return known.difference(*(each.known - each.ended for each in epochs))


def _lowest_rank_at(scan: Scan, metric: str, winner: Winner) -> int:
    """The lowest rank that logged a metric at the place where the mean over the ranks won."""
    for line in scan.lines:
        if line.metric == metric:
            points = all_rows(line, scan.rows)
            if ((points.position == winner.position) & (points.step == winner.step)).any():
                return line.rank
    raise LookupError(f"no rank logged {metric} at step {winner.step}")
