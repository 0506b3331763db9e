"""The commands ``compact`` and ``best``. They parse, call and print; errors are caught above."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from compactor.record import RECORD_NAME, Best, Record


def _file_name(_: click.Context, __: click.Parameter, given: Path | None) -> Path | None:
    """Refuse a path that names no file, such as an empty one."""
    if given is not None and not given.name:
        raise click.BadParameter("it is empty; give the name of a file to write")
    return given


_RUN = click.argument("run", type=click.Path(path_type=Path))
_MONITOR = click.option("--monitor", metavar="METRIC", help="The metric that decides.")
_MODE = click.option("--mode", type=click.Choice(["min", "max"]), help="Which values are good.")
_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


@click.command()
@_RUN
@_MONITOR
@_MODE
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
@_JSON
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
        progress=_progress,
    )
    path = output or run / RECORD_NAME
    click.echo(_json(_summary(record, path)) if as_json else _told(record, path))


@click.command()
@_RUN
@_MONITOR
@_MODE
@_JSON
def best(*, run: Path, monitor: str | None, mode: str | None, as_json: bool) -> None:
    """Tell which epoch and step of RUN was best; writes nothing.

    Example: everystep best runs/digits --monitor val/loss
    """
    from compactor import compaction  # noqa: PLC0415  loads DuckDB

    found = compaction.best(run, monitor=monitor, mode=mode, progress=_progress)
    click.echo(_json(msgspec.to_builtins(found)) if as_json else _told_best(found))


def _progress(what: str) -> None:
    """Say on a terminal what takes long."""
    if sys.stderr.isatty():
        click.echo(f"{what} …", err=True)


def _json(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


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
        *([] if record.best is None else [_told_point(record.best)]),
        *record.notes,
        f"Written to {path}",
    ]
    return "\n".join(map(printable, lines))


def _told_best(best: Best) -> str:
    from logwriter.cli.text import printable  # noqa: PLC0415  loads pyarrow

    named = [(printable(name), value) for name, value in best.row.items()]
    width = max(len(name) for name, _ in named)
    row = [
        f"  {name:{width}}  {'not finite' if value is None else format(value, '.6g')}"
        for name, value in named
    ]
    return "\n".join([printable(_told_point(best)), "The row at that step:", *row])


def _told_point(best: Best) -> str:
    epoch = "" if best.epoch is None else f"epoch {best.epoch}, "
    mean = ", mean of the epoch" if best.per == "epoch mean" else ""
    return (
        f"Best {best.metric}: {best.value:.6g} at {epoch}step {best.step}{mean} "
        f"({best.mode} of {best.candidates:,}; metric: {best.metric_chosen_by}; "
        f"direction: {best.mode_chosen_by})"
    )
