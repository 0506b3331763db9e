"""A run as HTML: how it stands, the curves that matter most, and its metrics in numbers."""

import datetime as dt
from collections.abc import Sequence

import numpy as np

from logwriter.cli.sentences import describe_attempts, describe_damage
from logwriter.metricsummary import MetricSummary, summarize_metrics
from logwriter.notebook import markup
from logwriter.notebook.columns import Fold
from logwriter.notebook.picture import picture
from logwriter.notebook.recent import RecentLog
from logwriter.partial import PartialRunLog
from logwriter.runlog import RunLog, chunks, encode_metrics
from logwriter.state import RunState
from logwriter.summary import AttemptSummary, summarize_attempts, summarize_happenings

MOST_CURVES = 6
MOST_METRICS = 24
_HEADERS = ("metric", "values", "last", "min", "max", "last step")


def log_html(log: RunLog) -> str:
    """The run as it was when ``log`` was read.

    Raises:
        OSError: A segment is gone or cannot be read.
        DamagedError: It is no file any more.
    """
    recent = RecentLog(log)
    attempts = summarize_attempts(log)
    metrics = by_importance(summarize_metrics(recent), log.state)
    faults = log.faults if isinstance(log, PartialRunLog) else {}
    lost = summarize_happenings(log)["lost"]
    return markup.fragment(
        markup.heading(log.state.name or str(log.path), status_of(log, attempts)),
        markup.lines(_facts(log, attempts)),
        markup.lines(describe_damage(faults, str(log.path))),
        markup.lines(describe_attempts(attempts, lost)),
        markup.side_by_side(_pictures(recent, metrics[:MOST_CURVES])),
        _table(metrics),
        markup.lines(_left_out(recent, len(metrics))),
    )


def status_of(log: RunLog, attempts: Sequence[AttemptSummary]) -> str:
    """How the last attempt of the lowest rank stands."""
    return [a.status for a in attempts if a.rank == log.state.ranks[0]][-1]


def by_importance(metrics: Sequence[MetricSummary], state: RunState) -> list[MetricSummary]:
    """The monitor, losses, what the run defined, the rest, and the system's; each by name."""

    def place(metric: MetricSummary) -> tuple[int, str]:
        name = metric.metric
        reasons = (name == state.monitor, "loss" in name.lower(), name in state.metrics)
        last = len(reasons) + name.startswith("system/")
        return next((n for n, holds in enumerate(reasons) if holds), last), name

    return sorted(metrics, key=place)


def _facts(log: RunLog, attempts: Sequence[AttemptSummary]) -> list[str]:
    """Size, time and place in two lines."""
    rows, number = sum(a.rows for a in attempts), len({a.attempt for a in attempts})
    size = [f"{rows:,} row{'' if rows == 1 else 's'}"]
    if number > 1:
        size.append(f"{number:,} attempts")
    if log.state.world_size > 1:
        size.append(f"{len(log.state.ranks):,} of {log.state.world_size:,} ranks")
    began = min((a.started for a in attempts if a.started), default=None)
    seen = max((moment for a in attempts if (moment := a.ended or a.last_row)), default=None)
    if began:
        size.append(f"started {began}")
    if began and seen:
        took = dt.datetime.fromisoformat(seen) - dt.datetime.fromisoformat(began)
        size.append(f"took {markup.duration(took.total_seconds())}")
    return [", ".join(size), str(log.path)]


def _pictures(log: RunLog, metrics: Sequence[MetricSummary]) -> list[str]:
    folds = {m.metric: Fold(m.first_step, m.last_step, _goal(m.metric, log.state)) for m in metrics}
    _fold(log, folds)
    return [
        picture(
            m.metric,
            [folds[m.metric].trace(m.metric)],
            m.first_step,
            m.last_step,
            _remark(m, folds[m.metric]),
        )
        for m in metrics
    ]


def _fold(log: RunLog, folds: dict[str, Fold]) -> None:
    """Give each fold the rows of its metric, of the lowest rank that logged it."""
    missing = set(folds)
    for rank in log.state.ranks:
        found = set()
        for part in log.parts(ranks=[rank]) if missing else []:
            for table in chunks(part, ("metric", "seq", "step", "value")):
                names, codes = encode_metrics(table)
                steps, values = table.column("step").to_numpy(), table.column("value").to_numpy()
                for code, name in enumerate(names):
                    own = np.flatnonzero(codes == code) if name in missing else ()
                    if len(own):
                        found.add(name)
                        folds[name].add(steps[own], values[own])
        missing -= found


def _goal(metric: str, state: RunState) -> str | None:
    """Which values of a metric are good, where the run said so."""
    if metric == state.monitor and state.mode:
        return state.mode
    return state.metrics[metric].goal if metric in state.metrics else None


def _remark(metric: MetricSummary, fold: Fold) -> str:
    said = []
    if fold.best is not None:
        step, value = fold.best
        said.append(f"best row {markup.number(value)} at {step:,}")
    if metric.not_finite:
        said.append(f"{metric.not_finite:,} not finite")
    return ", ".join(said)


def _table(metrics: Sequence[MetricSummary]) -> str:
    if not metrics:
        return markup.lines(["No rows were logged."])
    troubled = any(m.not_finite for m in metrics[:MOST_METRICS])
    rows = [
        [
            m.metric,
            f"{m.values:,}",
            "not finite" if m.last is None else markup.number(m.last),
            markup.number(m.minimum),
            markup.number(m.maximum),
            f"{m.last_step:,}",
            *([f"{m.not_finite:,}" if m.not_finite else ""] if troubled else []),
        ]
        for m in metrics[:MOST_METRICS]
    ]
    return markup.table([*_HEADERS, *(["NaN, inf"] if troubled else [])], rows)


def _left_out(recent: RecentLog, metrics: int) -> list[str]:
    """What a reader might miss, and where it is."""
    said = []
    if metrics > MOST_METRICS:
        said.append(
            f"Of {metrics:,} metrics {MOST_METRICS} are listed and {MOST_CURVES} are drawn; "
            "`.metrics` names all."
        )
    elif metrics > MOST_CURVES:
        said.append(f"Of {metrics} metrics {MOST_CURVES} are drawn.")
    if recent.shown < recent.values:
        said.append(
            f"Only the newest {recent.shown:,} of {recent.values:,} values were read for this; "
            "`everystep show` reads all."
        )
    return said
