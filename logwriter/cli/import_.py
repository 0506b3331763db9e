"""``everystep import``: logs of other tools become runs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from logwriter.cli.text import JSON, print_json, printable
from logwriter.importing.formats import NAMES

if TYPE_CHECKING:
    from logwriter.errors import EverystepError
    from logwriter.importing.target import Imported


@click.command("import")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("run", type=click.Path(path_type=Path), required=False)
@click.option(
    "--format",
    type=click.Choice(NAMES),
    help="What the source is; told from what is in it by default.",
)
@click.option("--name", help="What to call the run; the source's name by default.")
@click.option("--step", metavar="COLUMN", help="The column that counts steps.")
@click.option("--epoch", metavar="COLUMN", help="The column that counts epochs.")
@click.option("--time", metavar="COLUMN", help="The column that holds the time of each row.")
@click.option(
    "--pattern",
    metavar="REGEX",
    help="How a line of a text log reads: a regular expression whose named groups are metrics, and "
    "step, epoch and time.",
)
@click.option(
    "--split",
    metavar="COLUMN",
    help="The column that tells runs apart which share the file, such as seed; each becomes a run.",
)
@click.option(
    "--keep-restarts",
    is_flag=True,
    help="Keep all in one attempt where steps go back. Otherwise a new attempt begins there, and hides "
    "what it repeats, as a resumed run does.",
)
@JSON
@click.pass_context
def import_(
    ctx: click.Context, /, source: Path, run: Path | None, *, as_json: bool, **how: Any
) -> None:
    """Make a run of a log that another tool wrote, with every value as it was.

    SOURCE is a file or folder; what it is, is told from what is in it. RUN is the new run's folder, or,
    where SOURCE holds several runs, the folder to put them into (default: EVERYSTEP_DIR, else runs/).
    Nothing is ever overwritten. What cannot be read is counted, and named by line.

    \b
    Example:
      everystep import lightning_logs/version_0 runs/baseline
      everystep import results.csv --step iteration
      everystep import train.log --pattern 'step (?P<step>\\d+) .*loss (?P<loss>\\S+)'
    """
    from tqdm import tqdm  # noqa: PLC0415  only where something is imported

    from logwriter.importing import import_log  # noqa: PLC0415  loads pyarrow

    faults: dict[str, str] = {}
    with tqdm(unit="B", unit_scale=True, disable=None, leave=False) as bar:

        def progress(count: int, total: int) -> None:
            bar.total = total
            bar.update(count)

        def failed(name: str, error: EverystepError) -> None:
            faults[name] = str(error)

        done = import_log(source, run, progress=progress, failed=failed, **how)
    if as_json:
        runs = [{**asdict(each), "path": str(each.path)} for each in done]
        print_json({"runs": runs, "failed": faults})
    else:
        for each in done:
            click.echo("\n".join(map(printable, _told(each))))
        for name, fault in faults.items():
            click.echo(printable(f"{name}: not imported: {fault}"), err=True)
        if done:
            click.echo(f"`everystep report {done[0].path}` draws it")
    ctx.exit(1 if faults else 0)


def _told(imported: Imported) -> list[str]:
    metrics, attempts = len(imported.metrics), imported.attempts
    head = (
        f"{imported.path}: {imported.rows:,} rows, {imported.values:,} values of "
        f"{metrics:,} metric{'' if metrics == 1 else 's'} from {imported.source} ({imported.format})"
    )
    lines = [head, *imported.notes]
    if attempts > 1:
        lines.append(
            f"Steps go back {attempts - 1:,} time{'' if attempts == 2 else 's'}: a new attempt begins "
            "there and hides what it repeats; --keep-restarts keeps all, --split COLUMN tells runs apart"
        )
    if imported.skipped:
        more = imported.skipped - len(imported.skipped_first)
        lines.append(f"{imported.skipped:,} not read: " + "; ".join(imported.skipped_first))
        lines += [f"and {more:,} more"] if more else []
    return lines
