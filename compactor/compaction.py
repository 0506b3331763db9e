"""From a run to its record: read, scan once, decide, draw, write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Literal

from compactor.along import epoch_spans
from compactor.around import Drawing
from compactor.best import Of, Per, check_rule
from compactor.cache import CACHE_NAME
from compactor.charts import Plan, defined_goal, draw_chart, plan_charts, ranks_left_out
from compactor.decision import Decision, as_best, best_by_metric, decide
from compactor.epochs import epoch_table, merged
from compactor.findings import Evidence, find_findings
from compactor.history import messages, phases, run_info, started_us
from compactor.ranks import RankChoice
from compactor.record import Best, Chart, Finding, MetricBest, Record
from compactor.sampling import LEAST_POINTS, parse_policy
from compactor.scan import Progress, Scan, scan_run
from compactor.smoothing import parse_smoothing
from compactor.store import record_path, write_record
from logwriter.errors import NoMonitorError, NothingLoggedError, UnknownMetricError


def compact(
    path: str | PathLike[str],
    *,
    monitor: str | None = None,
    mode: str | None = None,
    ranks: RankChoice = "all",
    per: Per | None = None,
    of: Of = "mean",
    min_delta: float = 0.0,
    policy: str = "adaptive",
    policies: Mapping[str, str] | None = None,
    max_points: int = 2000,
    smooth: str | None = None,
    charts: int = 50,
    output: str | PathLike[str] | None = None,
    cache: bool = True,
    threads: int | None = None,
    memory: int | None = None,
    progress: Progress | None = None,
) -> Record:
    """Make the record of a run from its complete log, and write it.

    Args:
        path: The run's folder. The run may be live; its record is then that of this moment.
        monitor: The metric that decides which point was best. Without it, the one that the run
            declared, or a usual name. If there is none, the record says so in its notes.
        mode: ``"min"`` or ``"max"``: which values of the monitor are good.
        ranks: Whose lines are drawn, and decide: ``"all"`` (the lowest rank that logged the monitor
            decides), one rank, or ``"mean"`` for the mean over the ranks.
        per: What competes: ``"epoch"``, ``"step"``, or epochs where there are some.
        of: What several values of an epoch come to: their ``"mean"``, ``"min"``, ``"max"`` or
            ``"last"``.
        min_delta: By how much a value of the monitor must be better than the best before it.
        policy: How lines are downsampled; see `compactor.downsample`.
        policies: Other policies, by metric, chart, or a pattern of either.
        max_points: How many points a drawn line may have, at least 16.
        smooth: Which smoothed lines to add: ``"ema:0.98"`` or ``"mean:100"``.
        charts: How many charts to draw; the metrics of the others are listed.
        output: The file to write; ``record.json`` in the run's folder by default.
        cache: Whether to keep what was read of sealed segments beside the record, so that the next
            compaction reads only new ones. The record is the same without it.
        threads: How many threads may work; as many as there are processors by default.
        memory: How many bytes DuckDB may use.
        progress: Told, in a few words, what is being done.

    Returns:
        The record, as it was written.

    Raises:
        NotARunError: There is no run at ``path``.
        NothingLoggedError: The rank asked for has no rows.
        UnknownMetricError: ``monitor`` was not logged, or not by the rank asked for.
        NoMonitorError: ``monitor`` is given, but nothing says which of its values are good.
        DamagedError: The log's bytes do not match their checksums.
        NewerFormatError: A newer everystep wrote the run.
        ValueError: An argument has a value that means nothing.
        OSError: The record cannot be written.
        EverystepError: The rows cannot be scanned, for want of memory for example.
    """
    if charts < 0:
        raise ValueError(f"{charts} charts cannot be drawn; give 0 or more")
    if max_points < LEAST_POINTS:
        raise ValueError(f"max_points is {max_points}; give at least {LEAST_POINTS}")
    if output is not None and not Path(output).name:
        raise ValueError(f"output is {fspath(output)!r}; give the name of a file")
    check_rule(per, of, min_delta)
    chosen = parse_policy(policy)
    others = {name: parse_policy(text) for name, text in (policies or {}).items()}
    filtered = None if smooth is None else parse_smoothing(smooth)
    target = record_path(Path(path)) if output is None else Path(output)
    kept = target.with_name(CACHE_NAME) if cache else None
    say = progress or _say_nothing
    with scan_run(path, max_points, say, threads=threads, memory=memory, cache=kept) as scan:
        if isinstance(ranks, int) and scan.ranks and ranks not in scan.ranks:
            known = ", ".join(map(str, scan.ranks))
            raise NothingLoggedError(
                f"{fspath(path)}: rank {ranks} logged nothing; ranks that did: {known}"
            )
        notes = _notes(scan, ranks)
        rank = None if ranks == "all" else ranks
        rule = _Rule(rank=rank, per=per, of=of, min_delta=min_delta)
        verdict = _judge(scan, monitor, mode, rule, notes)
        say("choosing points")
        drawing = Drawing(
            fetch=scan.rows,
            start_us=started_us(scan.log.state, scan.reach),
            spans={
                each: epoch_spans(scan.epochs_of(each), scan.of_rank(each)) for each in scan.ranks
            },
            policy=chosen,
            policies=others,
            max_points=max_points,
            smooth=filtered,
        )
        watched = verdict.decision.monitor.metric if verdict.decision else None
        plans = plan_charts(scan.lines, scan.log.state.metrics, watched, ranks=ranks)
        drawn = _draw(scan, plans[:charts], verdict.decision, drawing)
        record = _record(scan, verdict, plans, drawn, notes)
    write_record(record, target)
    return record


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """How the best point is sought. Arguments of `compactor.decision.decide`."""

    rank: int | Literal["mean"] | None
    per: Per | None
    of: Of
    min_delta: float


@dataclass(frozen=True)
class _Verdict:
    """What was decided, if anything."""

    decision: Decision | None
    best: Best | None
    by_metric: dict[str, MetricBest]


def _say_nothing(_: str) -> None:
    """Progress for those who do not ask."""


def _judge(
    scan: Scan, monitor: str | None, mode: str | None, rule: _Rule, notes: list[str]
) -> _Verdict:
    """Decide; what is missing is an error if the caller asked for a monitor, else a note."""
    decision = None
    if scan.lines or monitor is not None:
        try:
            decision = decide(scan, monitor, mode, **vars(rule))
        except (NoMonitorError, UnknownMetricError) as error:
            if monitor is not None:
                raise
            notes.append(f"No best point: {error}.")
    if decision is not None and decision.winner is None:
        notes.append(f"No best point: {decision.why_none()}.")
    found = as_best(scan, decision) if decision else None
    return _Verdict(decision, found, best_by_metric(scan, decision, per=rule.per, of=rule.of))


def _notes(scan: Scan, ranks: RankChoice) -> list[str]:
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


def _draw(
    scan: Scan, plans: Sequence[Plan], decision: Decision | None, drawing: Drawing
) -> dict[str, Chart]:
    monitor = (decision.line, decision.winner) if decision else None
    definitions = scan.log.state.metrics
    return {plan.key: draw_chart(plan, definitions, drawing, monitor=monitor) for plan in plans}


def _find(scan: Scan, verdict: _Verdict, seconds_per_step: float | None) -> list[Finding]:
    state, best = scan.log.state, verdict.best
    decision = verdict.decision
    return find_findings(
        Evidence(
            lines=scan.lines,
            monitor=decision.monitor.metric if decision else None,
            mode=decision.monitor.mode if decision else None,
            ended={rank: scan.epochs_of(rank).ended for rank in scan.ranks},
            best_epoch=best.epoch if best else None,
            best_step=best.step if best else None,
            goals={metric: defined_goal(metric, state.metrics) for metric in state.metrics},
            status=state.status,
            seconds_per_step=seconds_per_step,
        )
    )


def _record(
    scan: Scan,
    verdict: _Verdict,
    plans: Sequence[Plan],
    charts: dict[str, Chart],
    notes: list[str],
) -> Record:
    state = scan.log.state
    leading = scan.leading
    ranks = sorted({state.first.writer.rank, *scan.ranks})
    epochs = merged(scan.epochs_of(rank) for rank in ranks)
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
        findings=_find(scan, verdict, pace),
        epochs=epoch_table(epochs, leading, frozenset(columns)),
        epoch_columns=columns,
        phases=phases(state),
        messages=messages(state),
        not_drawn=sorted(set(scan.metrics).difference(shown)),
        notes=notes,
    )
