"""``everystep ls``: the runs in a folder."""

from pathlib import Path

import click

from logwriter.cli.text import JSON, print_json, print_table
from logwriter.errors import EverystepError
from logwriter.rundir import find_runs, runs_directory
from logwriter.runlog import read
from logwriter.summary import RunSummary, summarize


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), required=False)
@JSON
def ls(folder: Path | None, as_json: bool) -> None:
    """List the runs in FOLDER (default: EVERYSTEP_DIR, else runs/).

    One unreadable run does not hide the others: it is named with its fault.

    \b
    Example:
      everystep ls runs/
    """
    where = folder or runs_directory()
    summaries, faults = _summaries(where)
    if as_json:
        print_json({"runs": summaries, "unreadable": faults})
    elif summaries:
        print_table(
            ([s.name, s.status, s.started, s.rows, s.steps, s.metrics, s.path] for s in summaries),
            ["run", "status", "started (UTC)", "rows", "steps", "metrics", "path"],
        )
    else:
        click.echo(
            f"No runs in {where}/. `everystep demo` makes one; `Run()` in your loop does, too."
        )
    if not as_json:
        for path, fault in faults.items():
            click.echo(f"{path}: cannot be read: {fault}", err=True)


def _summaries(folder: Path) -> tuple[list[RunSummary], dict[str, str]]:
    summaries, faults = [], {}
    for path in find_runs(folder):
        try:
            summaries.append(summarize(read(path)))
        except (EverystepError, OSError) as fault:
            faults[str(path)] = str(fault)
    return summaries, faults
