"""``everystep tail``: the last rows, and those that follow."""

from collections.abc import Iterable
from pathlib import Path

import click
import msgspec

from logwriter.cli.text import JSON, RUN, printable
from logwriter.follow import Follower, Row, last_rows
from logwriter.runlog import read

_INTERRUPTED = 130


@click.command()
@RUN
@click.argument("metrics", nargs=-1)
@click.option(
    "-n",
    "--rows",
    default=10,
    show_default=True,
    type=click.IntRange(1),
    help="Rows of each rank to begin with.",
)
@click.option("--follow/--no-follow", "following", default=True, help="Go on while the run lives.")
@click.option(
    "-F", "--forever", is_flag=True, help="Go on after the run has died: it may be resumed."
)
@click.option(
    "--every",
    default=0.5,
    show_default=True,
    type=click.FloatRange(0),
    help="Seconds between two looks.",
)
@JSON
@click.pass_context
def tail(
    context: click.Context,
    *,
    run: str,
    metrics: tuple[str, ...],
    rows: int,
    following: bool,
    forever: bool,
    every: float,
    as_json: bool,
) -> None:
    """Print the last rows of RUN, and each new one while it lives; of METRICS only, if given.

    Rows of attempts and ranks that begin later come, too. A metric that was not logged yet is
    waited for while the run lives.

    \b
    Example:
      everystep tail runs/digits train/loss
    """
    wanted = list(metrics) or None
    try:
        if following or forever:
            follower = Follower(Path(run), rows, wanted, forever=forever)
            for name in follower.missing:
                click.echo(f"waiting for {printable(name)}: not logged so far", err=True)
            _print(follower.rows(every), as_json=as_json)
        else:
            _print(last_rows(read(Path(run)), rows, wanted), as_json=as_json)
    except KeyboardInterrupt:  # the usual way to end it: nothing to say
        context.exit(_INTERRUPTED)


def _print(rows: Iterable[Row], *, as_json: bool) -> None:
    """Each row at once: click flushes what it prints."""
    for row in rows:
        click.echo(msgspec.json.encode(row).decode() if as_json else _line(row))


def _line(row: Row) -> str:
    values = "  ".join(f"{printable(name)} {value:.6g}" for name, value in row.values.items())
    epoch = "" if row.epoch is None else f"  epoch {row.epoch}"
    rank = f"rank {row.rank}  " if row.rank else ""
    return f"{rank}step {row.step}{epoch}  {values}"
