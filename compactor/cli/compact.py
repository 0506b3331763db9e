"""The command ``compact``."""

from pathlib import Path
from typing import Any

import click

from compactor.cli.options import JSON, MODE, MONITOR, RUN, progress, to_json, told_point
from compactor.record import RECORD_NAME, Record


def _file_name(_: click.Context, __: click.Parameter, given: Path | None) -> Path | None:
    """Refuse a path that names no file, such as an empty one."""
    if given is not None and not given.name:
        raise click.BadParameter("it is empty; give the name of a file to write")
    return given


@click.command()
@RUN
@MONITOR
@MODE
@click.option(
    "--policy",
    type=click.Choice(["adaptive", "piecewise", "uniform"]),
    default="adaptive",
    show_default=True,
    help="How long lines are thinned out.",
)
@click.option(
    "--max-points",
    type=click.IntRange(min=16),
    default=2000,
    show_default=True,
    help="Points a line may have.",
)
@click.option(
    "--charts", type=click.IntRange(min=0), default=50, show_default=True, help="Charts to draw."
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    callback=_file_name,
    help="The file to write; record.json in the run's folder by default.",
)
@JSON
def compact(
    *,
    run: Path,
    monitor: str | None,
    mode: str | None,
    policy: str,
    max_points: int,
    charts: int,
    output: Path | None,
    as_json: bool,
) -> None:
    """Read the complete log of RUN and write its record.

    The record says which point was best and holds the points that charts need. It is derived from
    the log alone: delete it, and this command makes it again.

    Example: everystep compact runs/digits --monitor val/acc --mode max
    """
    from compactor import compaction  # noqa: PLC0415  loads DuckDB

    record = compaction.compact(
        run,
        monitor=monitor,
        mode=mode,
        policy=policy,
        max_points=max_points,
        charts=charts,
        output=output,
        progress=progress,
    )
    path = output or run / RECORD_NAME
    click.echo(to_json(_summary(record, path)) if as_json else _told(record, path))


def _summary(record: Record, path: Path) -> dict[str, Any]:
    """What a program wants to know of a record without reading it."""
    return {
        "record": str(path),
        "run": record.run.name,
        "status": record.run.status,
        "rows": record.run.rows,
        "best": record.best,
        "charts": list(record.charts),
        "not_drawn": record.not_drawn,
        "notes": record.notes,
    }


def _told(record: Record, path: Path) -> str:
    from logwriter.cli.text import printable  # noqa: PLC0415  loads pyarrow

    run = record.run
    lines = [
        f"{run.name}: {run.status}, {run.rows:,} rows, {len(record.charts)} charts",
        *([] if record.best is None else [told_point(record.best)]),
        *record.notes,
        f"Written to {path}",
    ]
    return "\n".join(map(printable, lines))
