"""Options that several commands share, and how their answers are printed."""

import math
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import click
import msgspec

from compactor.record import Best

Ranks = int | Literal["mean", "all"]


def _ranks(_: click.Context, __: click.Parameter, given: str) -> Ranks:
    """A rank's number, or the word as it is."""
    if given == "mean":
        return "mean"
    if given == "all":
        return "all"
    if given.isascii() and given.isdecimal():
        return int(given)
    raise click.BadParameter(f"{given!r} is no rank; give its number, mean or all")


def _finite(_: click.Context, __: click.Parameter, given: float) -> float:
    """Refuse what no difference can be."""
    if not (math.isfinite(given) and given >= 0):
        raise click.BadParameter(f"{given} is no difference; give a number, 0 or more")
    return given


RUN = click.argument("run", type=click.Path(path_type=Path))
MONITOR = click.option("--monitor", metavar="METRIC", help="The metric that decides.")
MODE = click.option("--mode", type=click.Choice(["min", "max"]), help="Which values are good.")
MIN_DELTA = click.option(
    "--min-delta",
    type=float,
    default=0.0,
    callback=_finite,
    metavar="NUMBER",
    help="By how much a value must be better than the best before it.",
)
PER = click.option(
    "--per",
    type=click.Choice(["epoch", "step"]),
    help="What competes: epochs, or single steps. Without it epochs, where there are some.",
)
OF = click.option(
    "--of",
    type=click.Choice(["mean", "min", "max", "last"]),
    default="mean",
    show_default=True,
    help="How an epoch's values of the monitor become one.",
)
RANK = click.option(
    "--rank",
    "ranks",
    callback=_ranks,
    default="all",
    show_default=True,
    metavar="N|mean|all",
    help="Whose values count: one rank's, the mean over the ranks, or all ranks' side by side "
    "(the lowest that logged the monitor then decides which point was best).",
)
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def progress(what: str) -> None:
    """Say on a terminal what takes long."""
    if sys.stderr.isatty():
        click.echo(f"{what} …", err=True)


def to_json(value: Any) -> str:
    """Indented JSON."""
    return msgspec.json.format(msgspec.json.encode(_readable(value)), indent=2).decode()


def _readable(value: Any) -> Any:
    """The same, with paths that are not UTF-8 escaped."""
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, list):
        return [_readable(each) for each in value]
    if isinstance(value, dict):
        return {_readable(key): _readable(each) for key, each in value.items()}
    return value


def told_point(best: Best) -> str:
    """A best point in one line."""
    epoch = "" if best.epoch is None else f"epoch {best.epoch}, "
    rule = f", min_delta {best.min_delta:g}" if best.min_delta else ""
    several = f", {best.per[6:]} of the epoch" if best.per.startswith("epoch ") else ""
    return (
        f"Best {best.metric}: {best.value:.6g} at {epoch}step {best.step}{several} "
        f"({best.mode} of {best.candidates:,}{rule}; metric: {best.metric_chosen_by}; "
        f"direction: {best.mode_chosen_by})"
    )


def circumstances(best: Best) -> Iterator[str]:
    """What is worth a line only where it is not as usual."""
    if best.rank is None:
        yield "Decided by the mean over the ranks; the row is that of the lowest rank"
    elif best.rank:
        yield f"Decided by rank {best.rank}"
    if best.min_delta:
        yield f"Better than what came before by more than {best.min_delta:g}"
    if best.checkpoint is not None:
        yield f"Checkpoint saved there: {best.checkpoint.path} (step {best.checkpoint.step})"
