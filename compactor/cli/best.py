"""The command ``best``."""

from pathlib import Path

import click
import msgspec

from compactor.cli.options import JSON, MODE, MONITOR, RUN, progress, to_json, told_point
from compactor.record import Best


@click.command()
@RUN
@MONITOR
@MODE
@JSON
def best(*, run: Path, monitor: str | None, mode: str | None, as_json: bool) -> None:
    """Tell which epoch and step of RUN was best; writes nothing.

    Example: everystep best runs/digits --monitor val/loss
    """
    from compactor import compaction  # noqa: PLC0415  loads DuckDB

    found = compaction.best(run, monitor=monitor, mode=mode, progress=progress)
    click.echo(to_json(msgspec.to_builtins(found)) if as_json else _told_best(found))


def _told_best(best: Best) -> str:
    from logwriter.cli.text import printable  # noqa: PLC0415  loads pyarrow

    named = [(printable(name), value) for name, value in best.row.items()]
    width = max(len(name) for name, _ in named)
    row = [
        f"  {name:{width}}  {'not finite' if value is None else format(value, '.6g')}"
        for name, value in named
    ]
    return "\n".join([printable(told_point(best)), "The row at that step:", *row])
