"""The command `everystep report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

import compactor
from compactor.record import RECORD_NAME
from logwriter.rundir import is_run, last_change
from reports import render

if TYPE_CHECKING:
    from reports.rendering import Format
    from reports.theme import ThemeName


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="DIR",
    help="The folder to write into. By default RUN/report.",
)
@click.option(
    "--format",
    "formats",
    type=click.Choice(["html", "png"]),
    multiple=True,
    default=("html", "png"),
    show_default=True,
    help="What to write; may be given twice.",
)
@click.option(
    "--theme",
    type=click.Choice(["light", "dark"]),
    default="light",
    show_default=True,
    help="The colours of the PNG files. The page has both, and the reader's setting chooses.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the files and notes as JSON.")
def report(
    runs: tuple[Path, ...],
    output: Path | None,
    formats: tuple[Format, ...],
    theme: ThemeName,
    as_json: bool,
) -> None:
    """Draw a run as a web page and PNG charts.

    RUN is a run's folder or its record.json. A run that was not compacted yet is compacted first.
    Drawing again replaces the report.

    \b
    Example:
      everystep report runs/digits
    """
    for run in runs:
        _ensure_record(run)
    rendered = render(runs, output, formats=formats, theme=theme)
    files = [str(path) for path in rendered.files]
    if as_json:
        click.echo(json.dumps({"files": files, "notes": rendered.notes}, indent=2))
        return
    click.echo("\n".join(files))
    for note in rendered.notes:
        click.echo(f"Note: {note}", err=True)


def _ensure_record(run: Path) -> None:
    """Compact what was never compacted; say it when the log has grown since."""
    if not is_run(run):
        return
    record = run / RECORD_NAME
    if not record.exists():
        click.echo(f"{run} has no {RECORD_NAME} yet: compacting it first", err=True)
        compactor.compact(run)
    elif last_change(run) > record.stat().st_mtime_ns:
        click.echo(
            f"{run} has gone on since its {RECORD_NAME} was written; `everystep compact {run}` and "
            "`everystep report` draw what came after",
            err=True,
        )
