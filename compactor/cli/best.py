"""The command ``best``."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import click
import msgspec

from compactor.cli.options import (
    JSON,
    MIN_DELTA,
    MODE,
    MONITOR,
    OF,
    PER,
    RANK,
    RUN,
    Ranks,
    circumstances,
    progress,
    to_json,
    told_point,
)

if TYPE_CHECKING:
    from compactor.deciding.verdict import Verdict

_WIDEST_NAME = 40


@click.command()
@RUN
@MONITOR
@MODE
@PER
@OF
@MIN_DELTA
@RANK
@JSON
def best(
    *,
    run: Path,
    monitor: str | None,
    mode: str | None,
    per: Literal["epoch", "step"] | None,
    of: Literal["mean", "min", "max", "last"],
    min_delta: float,
    ranks: Ranks,
    as_json: bool,
) -> None:
    """Tell which epoch and step of RUN was best; writes nothing.

    Tells the values of all metrics there, the checkpoint if one was saved there, and the best point
    of each other metric of which it is known whether small or large values are good.

    \b
    Example: everystep best runs/digits --monitor val/loss
    Example: everystep best runs/digits --monitor train/loss --per step --min-delta 0.01
    """
    from compactor.deciding.verdict import judge  # noqa: PLC0415  loads DuckDB

    verdict = judge(
        run,
        monitor=monitor,
        mode=mode,
        rank=None if ranks == "all" else ranks,
        per=per,
        of=of,
        min_delta=min_delta,
        progress=progress,
    )
    if as_json:
        click.echo(to_json(_for_programs(verdict)))
    else:
        _tell(verdict)


def _for_programs(verdict: "Verdict") -> dict[str, Any]:
    """The best point as the record holds it, and those of all metrics beside it."""
    found = msgspec.to_builtins(verdict.best)
    return {**found, "best_by_metric": msgspec.to_builtins(verdict.by_metric)}


def _tell(verdict: "Verdict") -> None:
    from logwriter.cli.text import print_table, printable  # noqa: PLC0415  loads pyarrow

    best = verdict.best
    click.echo(printable(told_point(best)))
    for line in circumstances(best):
        click.echo(printable(line))
    click.echo("The row at that step:")
    named = [(printable(name), value) for name, value in best.row.items()]
    width = max(min(len(name), _WIDEST_NAME) for name, _ in named)
    for name, value in named:
        click.echo(f"  {name:{width}}  {'not finite' if value is None else format(value, '.6g')}")
    others = [(name, each) for name, each in verdict.by_metric.items() if name != best.metric]
    if others:
        click.echo("The best of the other metrics:")
        headers = ["metric", "mode", "value", "step", "epoch", "per"]
        print_table(
            (
                (name, each.mode, float(f"{each.value:.6g}"), each.step, each.epoch, each.per)
                for name, each in others
            ),
            headers,
            shorten=0,
        )
