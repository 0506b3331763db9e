"""The command `everystep compare`."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import click
import msgspec

from compactor.cli.options import JSON, MODE, to_json
from reports.options import FOLDER, FORMATS, SIZE, THEME

if TYPE_CHECKING:
    from pathlib import Path

    from reports.rendering import Format
    from reports.sizes import SizeName
    from reports.theme import ThemeName


def _finite(_context: click.Context, _option: click.Parameter, value: float | None) -> float | None:
    if value is not None and not math.isfinite(value):
        raise click.BadParameter(f"{value} is no finite number")
    return value


@click.command()
@click.argument("runs", metavar="RUN...", nargs=-1, required=True)
@click.option("--metric", metavar="METRIC", help="By which metric; without it, the runs' monitor.")
@MODE
@click.option(
    "--to",
    type=float,
    callback=_finite,
    metavar="VALUE",
    help="Tell how many steps and how long each run took to a value at least as good. "
    "Without it, to the worst of the runs' bests.",
)
@click.option(
    "--seeds",
    multiple=True,
    metavar="KEY",
    help="A key of the configuration that is a seed, besides seed and random_seed; repeatable. "
    "Runs that differ in seeds alone are averaged.",
)
@click.option(
    "--output",
    type=FOLDER,
    metavar="DIR",
    help="Draw the runs over each other, into this folder.",
)
@FORMATS
@THEME
@SIZE
@JSON
@click.pass_context
def compare(
    ctx: click.Context,
    /,
    *,
    runs: tuple[str, ...],
    metric: str | None,
    mode: str | None,
    to: float | None,
    seeds: tuple[str, ...],
    output: Path | None,
    formats: tuple[Format, ...],
    theme: ThemeName,
    size: SizeName,
    as_json: bool,
) -> None:
    """Compare runs: a table, the best first, and charts that overlay them.

    RUN is a run's folder, its record.json, or a pattern in quotes. A run that was not compacted yet
    is compacted first. One that cannot be read is told, the others are compared, and the exit code
    is 1.

    \b
    Example:
      everystep compare 'runs/*'
      everystep compare runs/a runs/b --metric val/acc --to 0.9 --output comparison
    """
    from compactor.batch import expand  # noqa: PLC0415 - only where it is needed
    from reports.comparison import run  # noqa: PLC0415 - loads NumPy
    from reports.comparison.text import print_comparison  # noqa: PLC0415 - likewise

    comparison = run.run_comparison(
        expand(runs),
        output,
        metric=metric,
        mode=mode,
        to=to,
        seeds=seeds,
        formats=formats,
        theme=theme,
        size=size,
        say=_complain,
    )
    for failure in comparison.failed:
        _complain(f"{failure.path}: not compared: {failure.error}")
    if as_json:
        click.echo(to_json(msgspec.to_builtins(comparison)))
    else:
        print_comparison(comparison, click.echo)
        click.echo("\n".join(comparison.files) or "--output DIR draws the runs over each other.")
    ctx.exit(1 if comparison.failed else 0)


def _complain(text: str) -> None:
    from logwriter.cli.text import printable  # noqa: PLC0415 - loads tabulate

    click.echo(printable(text), err=True)
