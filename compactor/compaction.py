"""From a run to its record: read, scan once, decide, draw, write."""

from collections.abc import Sequence
from os import PathLike, fspath
from pathlib import Path

from compactor.charts import Plan, draw_chart, plan_charts, ranks_left_out
from compactor.decision import Decision, as_best, decide
from compactor.epochs import epoch_table, merged
from compactor.history import messages, phases, run_info
from compactor.record import Best, Chart, Record
from compactor.sampling import LEAST_POINTS, check
from compactor.scan import Progress, Scan, scan_run
from compactor.store import record_path, write_record
from logwriter.errors import NoMonitorError, NothingLoggedError


def compact(
    path: str | PathLike[str],
    *,
    monitor: str | None = None,
    mode: str | None = None,
    policy: str = "adaptive",
    max_points: int = 2000,
    charts: int = 50,
    output: str | PathLike[str] | None = None,
    progress: Progress | None = None,
) -> Record:
    """Make the record of a run from its complete log, and write it.

    Args:
        path: The run's folder. The run may be live; its record is then that of this moment.
        monitor: The metric that decides which point was best. Without it, the one that the run
            declared, or a usual name. If there is none, the record says so in its notes.
        mode: ``"min"`` or ``"max"``: which values of the monitor are good.
        policy: How lines are downsampled; see `compactor.downsample`.
        max_points: How many points a drawn line may have, at least 16.
        charts: How many charts to draw; the metrics of the others are listed.
        output: The file to write; ``record.json`` in the run's folder by default.
        progress: Told, in a few words, what is being done.

    Returns:
        The record, as it was written.

    Raises:
        NotARunError: There is no run at ``path``.
        UnknownMetricError: ``monitor`` was not logged.
        NoMonitorError: ``monitor`` is given, but nothing says which of its values are good.
        DamagedError: The log's bytes do not match their checksums.
        NewerFormatError: A newer everystep wrote the run.
        ValueError: An argument has a value that means nothing.
        OSError: The record cannot be written.
        EverystepError: The rows cannot be scanned, for want of memory for example.
    """
    check(max_points, policy)
    if charts < 0:
        raise ValueError(f"{charts} charts cannot be drawn; give 0 or more")
    if output is not None and not Path(output).name:
        raise ValueError(f"output is {fspath(output)!r}; give the name of a file")
    say = progress or _say_nothing
    with scan_run(path, max_points, say) as scan:
        notes = _notes(scan)
        decision = _decide_or_note(scan, monitor, mode, notes)
        found = as_best(scan, decision) if decision else None
        say("choosing points")
        watched = decision.monitor.metric if decision else None
        plans = plan_charts(scan.lines, scan.log.state.metrics, watched)
        drawn = _draw(scan, plans[:charts], decision, policy, max_points)
        record = _record(scan, found, plans, drawn, notes)
    target = record_path(scan.log.path) if output is None else Path(output)
    write_record(record, target)
    return record


def best(
    path: str | PathLike[str],
    *,
    monitor: str | None = None,
    mode: str | None = None,
    progress: Progress | None = None,
) -> Best:
    """Find the best point of a run; writes nothing.

    Args:
        path: The run's folder.
        monitor: As in `compact`.
        mode: As in `compact`.
        progress: As in `compact`.

    Raises:
        NothingLoggedError: The run has no rows, or no candidate is finite.
        NoMonitorError: Nothing says by which metric or in which direction.
        UnknownMetricError: ``monitor`` was not logged.
        NotARunError: There is no run at ``path``.
        DamagedError: The log's bytes do not match their checksums.
        NewerFormatError: A newer everystep wrote the run.
        ValueError: ``mode`` is neither ``"min"`` nor ``"max"``.
    """
    with scan_run(path, LEAST_POINTS, progress or _say_nothing) as scan:
        if not scan.lines:
            raise NothingLoggedError(
                f"{path}: no rows were logged, so no epoch can be best; `everystep show {path}` "
                "tells how the run ended"
            )
        decision = decide(scan, monitor, mode)
        found = as_best(scan, decision)
        if found is None:
            raise NothingLoggedError(
                f"{path}: {decision.why_none()}; give --monitor with another of: "
                f"{', '.join(scan.metrics)}"
            )
        return found


def _say_nothing(_: str) -> None:
    """Progress for those who do not ask."""


def _decide_or_note(
    scan: Scan, monitor: str | None, mode: str | None, notes: list[str]
) -> Decision | None:
    """Decide; what is missing is an error if the caller asked for a monitor, else a note."""
    if not scan.lines and monitor is None:
        return None
    try:
        decision = decide(scan, monitor, mode)
    except NoMonitorError as error:
        if monitor is not None:
            raise
        notes.append(f"No best point: {error}.")
        return None
    if decision.winner is None:
        notes.append(f"No best point: {decision.why_none()}.")
    return decision


def _notes(scan: Scan) -> list[str]:
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
    out = ranks_left_out(scan.lines)
    if out:
        notes.append(f"{len(out)} ranks are not drawn on some charts: {out[0]} to {out[-1]}.")
    return notes


def _draw(
    scan: Scan, plans: Sequence[Plan], decision: Decision | None, policy: str, max_points: int
) -> dict[str, Chart]:
    monitor = (decision.line, decision.winner) if decision else None
    definitions = scan.log.state.metrics
    return {
        plan.key: draw_chart(
            plan, definitions, policy=policy, max_points=max_points, monitor=monitor
        )
        for plan in plans
    }


def _record(
    scan: Scan,
    found: Best | None,
    plans: Sequence[Plan],
    charts: dict[str, Chart],
    notes: list[str],
) -> Record:
    state = scan.log.state
    leading = scan.leading
    ranks = sorted({state.first.writer.rank, *(line.rank for line in leading)})
    epochs = merged(scan.epochs_of(rank) for rank in ranks)
    in_epochs = {line.metric for line in leading if any(e.epoch is not None for e in line.epochs)}
    drawn, left = plans[: len(charts)], plans[len(charts) :]
    columns = [metric for plan in drawn for metric in plan.metrics if metric in in_epochs]
    return Record(
        best_step=found.step if found else None,
        charts=charts,
        best=found,
        run=run_info(state, scan.reach, scan.lines),
        epochs=epoch_table(epochs, leading, frozenset(columns)),
        epoch_columns=columns,
        phases=phases(state),
        messages=messages(state),
        not_drawn=sorted({metric for plan in left for metric in plan.metrics}),
        notes=notes,
    )
