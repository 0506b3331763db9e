"""The command ``compact``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from compactor.batch import (
    Compacted,
    Outcome,
    compact_runs,
    expand,
    is_batch,
    scan_bytes,
    summarize,
)
from compactor.cli.choices import choices
from compactor.cli.options import (
    JSON,
    MIN_DELTA,
    MODE,
    MONITOR,
    OF,
    PER,
    RANK,
    circumstances,
    progress,
    to_json,
    told_point,
)
from compactor.record import RECORD_NAME, Best


@click.command()
@click.argument("runs", nargs=-1, required=True, metavar="RUN...")
@MONITOR
@MODE
@PER
@OF
@MIN_DELTA
@RANK
@choices
@JSON
@click.pass_context
def compact(
    ctx: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    output: Path | None,
    database: str | None,
    jobs: int | None,
    memory: int | None,
    as_json: bool,
    **how: Any,
) -> None:
    """Read the complete log of RUN and write its record.

    The record says which point was best and holds the points that charts need. It is derived from
    the log alone: delete it, and this command makes it again.

    Of several runs, or a pattern in quotes, each gets its record, several at a time; one that fails
    is told and does not stop the others. The exit code is 0 if all went well, else 1.

    Example: everystep compact runs/digits --monitor val/acc --mode max

    \b
    More:
    everystep compact 'runs/*' --jobs 4 --memory 4GB --store runs.db
    everystep compact runs/digits --smooth ema:0.98 --policy-for 'lr=piecewise'
    everystep compact runs/digits --store postgresql://user@host/name
    """
    if database is not None:
        from compactor.database import parse_address  # noqa: PLC0415  an extra

        parse_address(database)
    if not is_batch(runs):
        _compact_one(
            Path(runs[0]), output=output, database=database, memory=memory, as_json=as_json, **how
        )
        return
    if output is not None:
        raise click.UsageError("--output names one file, and there may be several runs")
    outcomes = _compact_all(
        expand(runs), as_json=as_json, database=database, jobs=jobs, memory=memory, **how
    )
    ctx.exit(1 if any(each.error is not None for each in outcomes) else 0)


def _compact_one(
    run: Path,
    *,
    output: Path | None,
    database: str | None,
    memory: int | None,
    as_json: bool,
    **how: Any,
) -> None:
    from compactor import compaction  # noqa: PLC0415  loads DuckDB

    record = compaction.compact(
        run, output=output, memory=scan_bytes(memory), progress=progress, **how
    )
    compacted = summarize(record, output or run / RECORD_NAME)
    click.echo(to_json(compacted) if as_json else _told(compacted))
    if database is not None:
        from compactor.database import store  # noqa: PLC0415  an extra

        store(record, database)


def _compact_all(paths: Sequence[Path], *, as_json: bool, **how: Any) -> list[Outcome]:
    from tqdm import tqdm  # noqa: PLC0415  only where there are many runs

    with tqdm(total=len(paths), unit="run", disable=None) as bar:

        def done(outcome: Outcome) -> None:
            if not as_json or outcome.error is not None:
                with bar.external_write_mode():
                    click.echo(_told_outcome(outcome), err=outcome.error is not None)
            bar.update()

        outcomes = compact_runs(paths, done=done, **how)
    if as_json:
        click.echo(to_json([_flat(each) for each in outcomes]))
        return outcomes
    failed = sum(each.error is not None for each in outcomes)
    click.echo(f"{len(outcomes) - failed:,} of {len(outcomes):,} runs compacted")
    return outcomes


def _flat(outcome: Outcome) -> dict[str, Any]:
    """An outcome as a program wants it: what one run alone prints, its path, and its error."""
    facts = {"path": outcome.path, "error": outcome.error}
    return facts | (msgspec.structs.asdict(outcome.compacted) if outcome.compacted else {})


def _told(compacted: Compacted) -> str:
    from logwriter.cli.text import printable  # noqa: PLC0415  loads pyarrow

    lines = [
        _head(compacted),
        *([] if compacted.best is None else _told_best(compacted.best)),
        *(
            f"{each.severity.capitalize()}: {each.text} {each.advice}"
            for each in compacted.findings
        ),
        *compacted.notes,
        f"Written to {compacted.record}",
    ]
    return "\n".join(map(printable, lines))


def _told_outcome(outcome: Outcome) -> str:
    """One line a run."""
    from logwriter.cli.text import printable  # noqa: PLC0415  loads pyarrow

    if outcome.error is not None:
        return printable(f"{outcome.path}: failed: {outcome.error}")
    if outcome.compacted is None:
        raise ValueError(f"{outcome.path}: neither a record nor an error")
    best = outcome.compacted.best
    point = "" if best is None else f", {best.metric} {best.value:.6g} at step {best.step:,}"
    rules = [each.rule for each in outcome.compacted.findings if each.severity != "info"]
    found = f"; {', '.join(rules)}" if rules else ""
    return printable(f"{outcome.path}: {_head(outcome.compacted)}{point}{found}")


def _told_best(best: Best) -> list[str]:
    return [told_point(best), *circumstances(best)]


def _head(compacted: Compacted) -> str:
    rows, charts = _count(compacted.rows, "row"), _count(len(compacted.charts), "chart")
    return f"{compacted.run}: {compacted.status}, {rows}, {charts}"


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
