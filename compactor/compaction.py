"""From a run to its record: read, scan once, decide, draw, write."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from os import PathLike, fspath
from pathlib import Path
from typing import Literal

from compactor.deciding.best import Of, Per, check_rule
from compactor.deciding.decision import Decision, as_best, best_by_metric, decide
from compactor.document import Chosen, Decided, make_record, notes_on, notes_on_policies
from compactor.drawing.along import epoch_spans
from compactor.drawing.around import Drawing, Style
from compactor.drawing.charts import Plan, draw_chart, plan_charts
from compactor.drawing.ranks import RankChoice
from compactor.drawing.smoothing import parse_smoothing
from compactor.history import started_us
from compactor.reading import folding
from compactor.reading.cache import cache_path
from compactor.reading.scan import Progress, Scan, scan_run
from compactor.record import Chart, Record
from compactor.sampling import LEAST_POINTS, parse_policy
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
        cache: Whether to use what was kept of a long run's sealed segments, and to keep it beside its
            record, so that only new ones are read. With an ``output`` nothing else is written. The
            record is the same without it.
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
    _check(charts=charts, max_points=max_points, output=output, threads=threads)
    check_rule(per, of, min_delta)
    style = Style(
        policy=parse_policy(policy),
        policies={name: parse_policy(text) for name, text in (policies or {}).items()},
        max_points=max_points,
        smooth=None if smooth is None else parse_smoothing(smooth),
        whole_rows=folding.WHOLE_ROWS,
    )
    target = record_path(Path(path)) if output is None else Path(output)
    kept = cache_path(Path(path)) if cache else None
    say = progress or _say_nothing
    with scan_run(
        path,
        max_points,
        say,
        threads=threads,
        memory=memory,
        cache=kept,
        keep=output is None,
    ) as scan:
        _check_rank(ranks, scan)
        notes = notes_on(scan, ranks)
        rule = _Rule(rank=None if ranks == "all" else ranks, per=per, of=of, min_delta=min_delta)
        verdict = _judge(scan, monitor, mode, rule, notes)
        say("choosing points")
        watched = verdict.decision.monitor.metric if verdict.decision else None
        plans = plan_charts(scan.lines, scan.log.state.metrics, watched, ranks=ranks)
        notes += notes_on_policies(style.policies, scan, plans)
        record = make_record(
            scan,
            verdict=verdict,
            plans=plans,
            charts=_draw(scan, plans[:charts], verdict.decision, style),
            chosen=Chosen.by(scan, ranks),
            notes=notes,
        )
    write_record(record, target)
    return record


@dataclass(frozen=True, kw_only=True)
class _Rule:
    """How the best point is sought. Arguments of `compactor.deciding.decision.decide`."""

    rank: int | Literal["mean"] | None
    per: Per | None
    of: Of
    min_delta: float


def _check(
    *, charts: int, max_points: int, output: str | PathLike[str] | None, threads: int | None
) -> None:
    """Refuse what can be seen to mean nothing before anything is read."""
    if charts < 0:
        raise ValueError(f"{charts} charts cannot be drawn; give 0 or more")
    if max_points < LEAST_POINTS:
        raise ValueError(f"max_points is {max_points}; give at least {LEAST_POINTS}")
    if output is not None and not Path(output).name:
        raise ValueError(f"output is {fspath(output)!r}; give the name of a file")
    if threads is not None and threads < 1:
        raise ValueError(f"{threads} threads cannot work; give 1 or more")


def _check_rank(ranks: RankChoice, scan: Scan) -> None:
    if isinstance(ranks, int) and scan.ranks and ranks not in scan.ranks:
        known = ", ".join(map(str, scan.ranks))
        raise NothingLoggedError(
            f"{scan.log.path}: rank {ranks} logged nothing; ranks that did: {known}"
        )


def _say_nothing(_: str) -> None:
    """Progress for those who do not ask."""


def _judge(
    scan: Scan, monitor: str | None, mode: str | None, rule: _Rule, notes: list[str]
) -> Decided:
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
    return Decided(decision, found, best_by_metric(scan, decision, per=rule.per, of=rule.of))


def _draw(
    scan: Scan, plans: Sequence[Plan], decision: Decision | None, style: Style
) -> dict[str, Chart]:
    drawing = Drawing(
        style=style,
        fetch=scan.rows,
        start_us=started_us(scan.log.state, scan.reach),
        spans={rank: epoch_spans(scan.epochs_of(rank), scan.of_rank(rank)) for rank in scan.ranks},
    )
    monitor = (decision.line, decision.winner) if decision else None
    definitions = scan.log.state.metrics
    return {plan.key: draw_chart(plan, definitions, drawing, monitor=monitor) for plan in plans}
