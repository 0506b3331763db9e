"""Options that several commands share, and how their answers are printed."""

import sys
from pathlib import Path
from typing import Any

import click
import msgspec

from compactor.record import Best

RUN = click.argument("run", type=click.Path(path_type=Path))
MONITOR = click.option("--monitor", metavar="METRIC", help="The metric that decides.")
MODE = click.option("--mode", type=click.Choice(["min", "max"]), help="Which values are good.")
JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")


def progress(what: str) -> None:
    """Say on a terminal what takes long."""
    if sys.stderr.isatty():
        click.echo(f"{what} …", err=True)


def to_json(value: Any) -> str:
    """Indented JSON."""
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()


def told_point(best: Best) -> str:
    """A best point in one line."""
    epoch = "" if best.epoch is None else f"epoch {best.epoch}, "
    mean = ", mean of the epoch" if best.per == "epoch mean" else ""
    return (
        f"Best {best.metric}: {best.value:.6g} at {epoch}step {best.step}{mean} "
        f"({best.mode} of {best.candidates:,}; metric: {best.metric_chosen_by}; "
        f"direction: {best.mode_chosen_by})"
    )
