"""The command `everystep report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from reports.options import FOLDER, FORMATS, SIZE, THEME
from reports.sources import with_record

if TYPE_CHECKING:
    from reports.figures import Steps
    from reports.rendering import Format
    from reports.sizes import SizeName
    from reports.theme import ThemeName


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--output",
    type=FOLDER,
    metavar="DIR",
    help="The folder to write into. By default RUN/report.",
)
@FORMATS
@THEME
@SIZE
@click.option(
    "--steps",
    type=click.Choice(["auto", "linear", "log"]),
    default="auto",
    show_default=True,
    help="The axis of steps in the images; log gives early steps more room, and auto chooses it "
    "for long runs that did most at their beginning.",
)
@click.option(
    "--terminal",
    is_flag=True,
    help="Draw in the terminal instead: curves, best points and findings; no files are written "
    "but a record.json where there was none.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the files and notes as JSON.")
def report(
    runs: tuple[Path, ...],
    *,
    output: Path | None,
    formats: tuple[Format, ...],
    theme: ThemeName,
    size: SizeName,
    steps: Steps,
    terminal: bool,
    as_json: bool,
) -> None:
    """Draw a run as a web page and PNG charts, or in the terminal.

    RUN is a run's folder or its record.json. A run that was not compacted yet is compacted first;
    with --output, nothing is written into the run. Drawing again replaces the report.

    \b
    Example:
      everystep report runs/digits
      everystep report runs/digits --format pdf --theme paper --size paper
      everystep report runs/digits --terminal
    """
    if terminal:
        from reports.terminal import print_reports  # noqa: PLC0415 - only for this

        if as_json or output is not None:
            raise click.UsageError("--terminal writes no files; leave out --output and --json")
        print_reports(with_record(run, keep=True, say=_say) for run in runs)
        return
    from reports import rendering  # noqa: PLC0415 - loads matplotlib, so only when asked to draw

    sources = [with_record(run, keep=output is None, say=_say) for run in runs]
    rendered = rendering.render_all(
        sources, output, formats=formats, theme=theme, size=size, steps=steps
    )
    files = [str(path) for path in rendered.files]
    if as_json:
        click.echo(json.dumps({"files": files, "notes": rendered.notes}, indent=2))
        return
    click.echo("\n".join(files))
    for note in rendered.notes:
        click.echo(f"Note: {note}", err=True)


def _say(text: str) -> None:
    click.echo(text, err=True)
