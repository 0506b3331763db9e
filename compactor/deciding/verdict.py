"""Which point of a run was best, of the run and of each metric: read, scan once, decide."""

from os import PathLike, fspath
from pathlib import Path
from typing import Literal

import msgspec

from compactor.deciding.best import Of, Per
from compactor.deciding.decision import as_best, best_by_metric, decide
from compactor.names import listed
from compactor.reading.cache import cache_path
from compactor.reading.scan import Progress, scan_run
from compactor.record import Best, MetricBest
from compactor.sampling import LEAST_POINTS
from logwriter.errors import NothingLoggedError


class Verdict(msgspec.Struct, kw_only=True, frozen=True):
    """The best point of the run, and of each metric of which it is known what is good."""

    best: Best
    by_metric: dict[str, MetricBest]


def judge(
    path: str | PathLike[str],
    *,
    monitor: str | None = None,
    mode: str | None = None,
    rank: int | Literal["mean"] | None = None,
    per: Per | None = None,
    of: Of = "mean",
    min_delta: float = 0.0,
    progress: Progress | None = None,
) -> Verdict:
    """Find the best points of a run; writes nothing, but uses the cache of an earlier compaction.

    Args:
        path: The run's folder. The run may be live.
        monitor: The metric that decides. Without it, the one that the run declared, or a usual name.
        mode: ``"min"`` or ``"max"``: which values of the monitor are good.
        rank: Whose values decide: one rank's, the mean over the ranks, or, without it, those of the
            lowest rank that logged the monitor.
        per: What competes: ``"epoch"``, ``"step"``, or epochs where there are some.
        of: What several values of an epoch come to: their ``"mean"``, ``"min"``, ``"max"`` or
            ``"last"``.
        min_delta: By how much a value of the monitor must be better than the best before it.
        progress: Told, in a few words, what is being done.

    Raises:
        NothingLoggedError: The run has no rows, or no candidate is finite.
        NoMonitorError: Nothing says by which metric or in which direction.
        UnknownMetricError: ``monitor`` was not logged, or not by ``rank``.
        NotARunError: There is no run at ``path``.
        DamagedError: The log's bytes do not match their checksums.
        NewerFormatError: A newer everystep wrote the run.
        ValueError: An argument has a value that means nothing.
    """
    run = fspath(path)
    say, cache = progress or _say_nothing, cache_path(Path(path))
    with scan_run(path, LEAST_POINTS, say, cache=cache, keep=False) as scan:
        if not scan.lines:
            raise NothingLoggedError(
                f"{run}: no rows were logged, so no epoch can be best; `everystep show {run}` "
                "tells how the run ended"
            )
        decision = decide(scan, monitor, mode, rank=rank, per=per, of=of, min_delta=min_delta)
        found = as_best(scan, decision)
        if found is None:
            name = decision.monitor.metric
            others = sorted({each.metric for each in scan.lines if each.finite.any()} - {name})
            hint = f"; give --monitor with one of: {listed(others)}" if others else ""
            raise NothingLoggedError(f"{run}: {decision.why_none()}{hint}")
        return Verdict(best=found, by_metric=best_by_metric(scan, decision, per=per, of=of))


def _say_nothing(_: str) -> None:
    """Progress for those who do not ask."""
