"""The document of a run, put together from what was scanned, decided and drawn."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from compactor.deciding.decision import Decision
from compactor.drawing.charts import Plan, defined_goal, ranks_left_out
from compactor.drawing.ranks import RankChoice, mean_line
from compactor.epochs import epoch_table, merged
from compactor.findings import Evidence, find_findings
from compactor.history import messages, phases, run_info
from compactor.reading.lines import Line
from compactor.reading.scan import Scan
from compactor.record import Best, Chart, Finding, MetricBest, Record
from compactor.sampling import Policy


@dataclass(frozen=True)
class Decided:
    """What was decided, if anything."""

    decision: Decision | None
    best: Best | None
    by_metric: dict[str, MetricBest]


@dataclass(frozen=True)
class Chosen:
    """Whose values tables and findings show: a line of each metric, and whose epochs they are."""

    leading: Sequence[Line]
    lines: Sequence[Line]
    ranks: Sequence[int]
    is_everyone: bool

    @classmethod
    def by(cls, scan: Scan, ranks: RankChoice) -> "Chosen":
        """One rank's, the mean over the ranks, or those of the lowest rank that logged each metric."""
        if isinstance(ranks, int):
            own = scan.of_rank(ranks)
            return cls(own, own, [ranks], is_everyone=False)
        everyone = sorted({scan.log.state.first.writer.rank, *scan.ranks})
        if ranks == "all":
            return cls(scan.leading, scan.lines, everyone, is_everyone=True)
        of_metric: dict[str, list[Line]] = {metric: [] for metric in scan.metrics}
        for line in scan.lines:
            of_metric[line.metric].append(line)
        means = [mean_line(lines, scan.rows) for lines in of_metric.values()]
        return cls(means, scan.lines, everyone, is_everyone=False)


def notes_on(scan: Scan, ranks: RankChoice) -> list[str]:
    """What is missing of the run, and why, in plain words."""
    notes = []
    if not scan.lines:
        notes.append("No rows were logged.")
    for attempt in scan.log.state.attempts:
        lost = sum(each.last_seq - each.first_seq + 1 for each in attempt.lost)
        if lost:
            verb = "row is" if lost == 1 else "rows are"
            notes.append(f"{attempt.writer}: {lost:,} {verb} lost for good.")
        end = attempt.finished
        if end is not None and end.dropped:
            notes.append(f"{attempt.writer}: {end.dropped:,} rows were dropped.")
        if end is not None and end.not_numbers:
            kinds = ", ".join(f"{name} ({n:,})" for name, n in sorted(end.not_numbers.items()))
            notes.append(f"{attempt.writer}: values that were not numbers were left out: {kinds}.")
    out = ranks_left_out(scan.lines, ranks)
    if out:
        notes.append(f"{len(out)} ranks are not drawn on some charts: {out[0]} to {out[-1]}.")
    return notes


def notes_on_policies(
    policies: Mapping[str, Policy], scan: Scan, plans: Sequence[Plan]
) -> list[str]:
    """A note on each policy that no metric and no chart is drawn with."""
    names = [*scan.metrics, *(plan.key for plan in plans)]
    return [
        f"The policy for {pattern!r} was not used: no metric or chart has that name."
        for pattern in policies
        if pattern not in names and not any(fnmatchcase(name, pattern) for name in names)
    ]


def make_record(
    scan: Scan,
    *,
    verdict: Decided,
    plans: Sequence[Plan],
    charts: dict[str, Chart],
    chosen: Chosen,
    notes: list[str],
) -> Record:
    """The record.

    Args:
        scan: The run.
        verdict: What was decided.
        plans: All charts, in order.
        charts: Those that were drawn, the first of ``plans``.
        chosen: Whose values the table of epochs and the findings are about.
        notes: What is missing, and why.
    """
    state = scan.log.state
    leading = chosen.leading
    epochs = merged(scan.epochs_of(rank) for rank in chosen.ranks)
    in_epochs = {line.metric for line in leading if any(e.epoch is not None for e in line.epochs)}
    shown = [metric for plan in plans[: len(charts)] for metric in plan.metrics]
    columns = [metric for metric in dict.fromkeys(shown) if metric in in_epochs]
    info = run_info(state, scan.reach, scan.lines)
    pace = info.seconds / info.steps if info.seconds and info.steps > 1 else None
    return Record(
        best_step=verdict.best.step if verdict.best else None,
        charts=charts,
        best=verdict.best,
        best_by_metric=verdict.by_metric,
        run=info,
        findings=_find(scan, verdict, chosen, pace),
        epochs=epoch_table(epochs, leading, frozenset(columns)),
        epoch_columns=columns,
        phases=phases(state),
        messages=messages(state),
        not_drawn=sorted(set(scan.metrics).difference(shown)),
        notes=notes,
    )


def _find(
    scan: Scan, verdict: Decided, chosen: Chosen, seconds_per_step: float | None
) -> list[Finding]:
    state, best = scan.log.state, verdict.best
    decision = verdict.decision
    return find_findings(
        Evidence(
            lines=chosen.lines,
            monitor=decision.monitor.metric if decision else None,
            mode=decision.monitor.mode if decision else None,
            ended={rank: scan.epochs_of(rank).ended for rank in scan.ranks},
            best_epoch=best.epoch if best else None,
            best_step=best.step if best else None,
            goals={metric: defined_goal(metric, state.metrics) for metric in state.metrics},
            status=state.status,
            seconds_per_step=seconds_per_step,
            min_delta=decision.min_delta if decision else 0.0,
            expected_ranks=range(state.world_size) if chosen.is_everyone else (),
        )
    )
