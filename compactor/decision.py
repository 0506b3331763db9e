"""The decision about the best point, as the record tells it."""

from dataclasses import dataclass

from compactor.best import Monitor, Winner, choose_monitor, find_winner
from compactor.charts import defined_goal
from compactor.lines import Line
from compactor.record import Best
from compactor.row import row_at
from compactor.scan import Scan


@dataclass(frozen=True)
class Decision:
    """Which line decides, by whose word, and which point won, if any did."""

    monitor: Monitor
    line: Line
    winner: Winner | None

    def why_none(self) -> str:
        """Why there is no winner, in words."""
        name = self.monitor.metric
        in_epochs = [epoch for epoch in self.line.epochs if epoch.epoch is not None]
        if any(epoch.finite for epoch in in_epochs):
            return f"no epoch with a finite value of {name} has ended"
        return f"{name} has no finite value{' inside an epoch' if in_epochs else ''}"


def decide(scan: Scan, monitor: str | None, mode: str | None) -> Decision:
    """Find the best point, on the lowest rank that logged the monitor.

    Raises:
        UnknownMetricError: ``monitor`` was not logged.
        NoMonitorError: Nothing says by which metric or in which direction.
        ValueError: ``mode`` is neither ``"min"`` nor ``"max"``.
    """
    state = scan.log.state
    chosen = choose_monitor(
        scan.metrics,
        metric=monitor,
        mode=mode,
        declared_metric=state.monitor,
        declared_mode=state.mode,
        goals={metric: defined_goal(metric, state.metrics) for metric in state.metrics},
    )
    line = next(line for line in scan.leading if line.metric == chosen.metric)
    ended = scan.epochs_of(line.rank).ended
    return Decision(chosen, line, find_winner(line, chosen.mode, ended))


def as_best(scan: Scan, decision: Decision) -> Best | None:
    """The decision as the record holds it; ``None`` without a winner."""
    winner, monitor = decision.winner, decision.monitor
    if winner is None:
        return None
    rows = row_at(scan.source, scan.of_rank(decision.line.rank), winner.position, winner.step)
    return Best(
        metric=monitor.metric,
        mode=monitor.mode,
        value=winner.value,
        step=winner.step,
        epoch=winner.epoch,
        per=winner.per,
        candidates=winner.candidates,
        metric_chosen_by=monitor.metric_chosen_by,
        mode_chosen_by=monitor.mode_chosen_by,
        row=rows,
    )
