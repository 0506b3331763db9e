"""What the record of a comparison says around its charts: what a sheet of them has above. Pure."""

from compactor.record import Best, Chart, Record, RunInfo
from reports.comparison.result import ComparedRun, Comparison
from reports.wording import count


def sheet(comparison: Comparison, charts: dict[str, Chart], notes: list[str]) -> Record:
    """The record around the charts: what a sheet of them says above."""
    runs = comparison.runs
    best = next((run for run in runs if run.best), None)
    statuses = list(dict.fromkeys(run.status for run in runs))
    amounts = [f"{sum(run.status == each for run in runs)} {each}" for each in statuses]
    title = f"{count(len(runs), 'run')} by {comparison.metric}"
    return Record(
        best_step=None,
        charts=charts,
        best=_best(comparison, best) if best else None,
        run=RunInfo(
            id="comparison",
            name=f"{best.label} is best of {title}" if best else title,
            status=", ".join(amounts),
            error=None,
            started="",
            ended=None,
            seconds=None,
            steps=max(run.steps for run in runs),
            rows=0,
            tags=[],
            config={},
            environment={},
            attempts=[],
            ranks=[],
            world_size=1,
        ),
        epochs=[],
        epoch_columns=[],
        phases=[],
        messages=[],
        not_drawn=[],
        notes=[*comparison.notes, *notes],
    )


def _best(comparison: Comparison, run: ComparedRun) -> Best | None:
    if run.best is None:
        return None
    return Best(
        metric=comparison.metric,
        mode=comparison.mode,
        value=run.best.value,
        step=run.best.step,
        epoch=run.best.epoch,
        per=run.best.per,
        candidates=len(comparison.runs),
        metric_chosen_by=comparison.metric_chosen_by,
        mode_chosen_by=comparison.metric_chosen_by,
        row={},
    )
