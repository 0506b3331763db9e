"""Options of ``compact`` alone: what its charts show, and what of the machine it may use."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from compactor.batch import parse_size

Parsed = Callable[[str], Any]


def _checked(parse: Parsed, given: str) -> str:
    """The text as it is, if it can be parsed."""
    try:
        parse(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error
    return given


def _policy(_: click.Context, __: click.Parameter, given: str) -> str:
    from compactor.sampling import parse_policy  # noqa: PLC0415  loads NumPy

    return _checked(parse_policy, given)


def _policies(ctx: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """``METRIC=POLICY`` each; a metric's name may hold ``=`` and ``:``, a policy's name does not."""
    policies = {}
    for each in given:
        match = re.fullmatch(r"(.+)=([A-Za-z0-9]+(?::.*)?)", each, re.DOTALL)
        if match is None:
            raise click.BadParameter(
                f"{each!r} has no METRIC=POLICY; give such as 'lr=uniform' or 'val/*=piecewise'"
            )
        metric, policy = match.groups()
        policies[metric] = _policy(ctx, param, policy)
    return policies


def _smoothing(_: click.Context, __: click.Parameter, given: str | None) -> str | None:
    from compactor.drawing.smoothing import parse_smoothing  # noqa: PLC0415  loads NumPy

    return given if given is None else _checked(parse_smoothing, given)


def _size(_: click.Context, __: click.Parameter, given: str | None) -> int | None:
    if given is None:
        return None
    try:
        return parse_size(given)
    except ValueError as error:
        raise click.BadParameter(str(error)) from error


def _file_name(_: click.Context, __: click.Parameter, given: Path | None) -> Path | None:
    """Refuse a path that names no file, such as an empty one."""
    if given is not None and not given.name:
        raise click.BadParameter("it is empty; give the name of a file to write")
    return given


_DRAWN = [
    click.option(
        "--policy",
        default="adaptive",
        show_default=True,
        callback=_policy,
        help="How long lines are thinned out: adaptive, piecewise, volatility, uniform and others, "
        "some with options behind a colon, such as volatility:window_std,threshold=0.1.",
    ),
    click.option(
        "--policy-for",
        "policies",
        multiple=True,
        metavar="METRIC=POLICY",
        callback=_policies,
        help="Another policy for a metric, or for all that match, such as 'val/*'; repeatable.",
    ),
    click.option(
        "--max-points",
        type=click.IntRange(min=16),
        default=2000,
        show_default=True,
        help="Points a line may have.",
    ),
    click.option(
        "--charts",
        type=click.IntRange(min=0),
        default=50,
        show_default=True,
        help="Charts to draw; the metrics of the others are listed.",
    ),
    click.option(
        "--smooth",
        metavar="FILTER",
        callback=_smoothing,
        help="Smoothed lines besides, computed on all rows: ema:0.98 (exponential, as TensorBoard "
        "does it) or mean:100 (of so many rows).",
    ),
]
_MACHINE = [
    click.option(
        "--threads",
        type=click.IntRange(min=1),
        help="Threads of a scan; as many as there are processors by default.",
    ),
    click.option(
        "--memory",
        metavar="SIZE",
        callback=_size,
        help="Memory that all runs compacted at a time may use together, such as 2GB; 80 % of the "
        "machine's by default.",
    ),
    click.option(
        "--jobs",
        type=click.IntRange(min=1),
        help="Of several runs, how many are compacted at a time; as many as there are processors "
        "by default, fewer where memory is short.",
    ),
    click.option(
        "--cache/--no-cache",
        default=True,
        help="Whether to keep what was counted, so that next time only new rows are read.",
    ),
]
_WRITTEN = [
    click.option(
        "--output",
        type=click.Path(path_type=Path, dir_okay=False),
        callback=_file_name,
        help="The file to write, for a single RUN; record.json in the run's folder by default.",
    ),
    click.option(
        "--store",
        "database",
        is_flag=False,
        flag_value="everystep.db",
        metavar="[URL]",
        help="Put the record into a database as well, a row a run in the table everystep_runs: "
        "an SQLite file, sqlite:///PATH or postgresql://USER@HOST/NAME; everystep.db in this "
        "folder if nothing follows.",
    ),
]


def choices(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add all options of this module to a command."""
    for option in reversed([*_DRAWN, *_WRITTEN, *_MACHINE]):
        command = option(command)
    return command
