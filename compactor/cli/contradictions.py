"""Options of ``export`` that make no sense together. Pure: refused before anything is read or written."""

from typing import Any

import click

CHARTS = ("echarts", "chartjs", "vega-lite")
TABLES = ("csv", "parquet")
FOLDERS = ("tensorboard", "wandb")
"""Formats of trackers: folders with every row of the run."""
_OF_FOLDERS = {"tensorboard": frozenset[str](), "wandb": frozenset({"monitor", "mode"})}


def refuse_contradictions(
    *,
    form: str,
    full: bool,
    charts: tuple[str, ...],
    x: str | None,
    output: str | None,
    as_json: bool,
    asked: dict[str, Any],
) -> None:
    """Refuse them.

    Args:
        form: The format.
        full: Whether every row was asked for.
        charts: The charts that were asked for.
        x: What the horizontal axis is to count.
        output: Where to write.
        as_json: Whether JSON is to be printed.
        asked: What was asked of the record, by the names of the options.

    Raises:
        click.UsageError: Two of them contradict each other.
    """
    if form in FOLDERS:
        _refuse_for_folders(form, full=full, charts=charts, x=x, output=output, asked=asked)
    if full and form not in TABLES:
        raise click.UsageError(f"--full is for csv and parquet; {form} holds the drawn points")
    if full and charts:
        raise click.UsageError("--full reads the log, which knows no charts: give --metric")
    if full and asked:
        raise click.UsageError(f"--full is not compacted: it takes no {option_of(min(asked))}")
    if x and form in TABLES:
        raise click.UsageError(f"--x is for charts and series: {form} has steps, epochs and times")
    if output == "-" and form == "parquet":
        raise click.UsageError("parquet is no text: give --output a file")
    if output == "-" and as_json:
        raise click.UsageError("--json tells of files, and -o - writes none: give one of them")
    if output == "":
        raise click.UsageError("--output is empty; give the name of a file or folder to write")


def option_of(name: str) -> str:
    """How the option of an argument is spelt."""
    return "--" + name.replace("_", "-")


def _refuse_for_folders(
    form: str,
    *,
    full: bool,
    charts: tuple[str, ...],
    x: str | None,
    output: str | None,
    asked: dict[str, Any],
) -> None:
    if full:
        raise click.UsageError(f"{form} holds every row anyway: leave --full out")
    if charts:
        raise click.UsageError(f"{form} draws charts of its own: give --metric")
    if x:
        raise click.UsageError(f"--x is for charts and series: {form} has steps and times")
    if output == "-":
        raise click.UsageError(f"{form} is a folder of files: give --output one")
    unknown = set(asked) - _OF_FOLDERS[form]
    if unknown:
        raise click.UsageError(f"{form} holds every row: it takes no {option_of(min(unknown))}")
