"""``everystep show``: one run in words."""

from pathlib import Path

import click

from logwriter.cli.text import JSON, RUN, print_json, print_table, printable
from logwriter.metricsummary import summarize_metrics
from logwriter.runlog import read
from logwriter.summary import AttemptSummary, RunSummary, summarize, summarize_attempts


@click.command()
@RUN
@JSON
def show(run: str, as_json: bool) -> None:
    """Show what RUN is, how it stands, its attempts, configuration and metrics.

    \b
    Example:
      everystep show runs/digits
    """
    log = read(Path(run))
    head, attempts, metrics = summarize(log), summarize_attempts(log), summarize_metrics(log)
    if as_json:
        print_json(
            {"run": head, "config": log.state.config, "attempts": attempts, "metrics": metrics}
        )
        return
    _print_head(head)
    _print_attempts(attempts)
    if log.state.config:
        click.echo("\nConfiguration")
        print_table(
            ((key, str(value)) for key, value in log.state.config.items()), ["key", "value"]
        )
    if metrics:
        click.echo("\nMetrics")
        print_table(
            (
                [
                    m.metric,
                    m.values,
                    m.first_step,
                    m.last_step,
                    m.last,
                    m.minimum,
                    m.maximum,
                    m.not_finite or None,
                ]
                for m in metrics
            ),
            ["metric", "values", "first step", "last step", "last", "min", "max", "NaN, inf"],
        )
    else:
        click.echo("\nNo rows were logged.")


def _print_head(head: RunSummary) -> None:
    click.echo(f"{printable(head.name)}  ({head.status})")
    click.echo(f"  {head.path}, id {head.id}, started {head.started or 'unknown'}")
    steps = f"{head.steps:,} steps" if head.steps is not None else "no steps"
    click.echo(f"  {head.rows:,} rows, {steps}, {head.metrics} metrics")
    if head.monitor:
        click.echo(
            f"  monitors {printable(head.monitor)}" + (f", {head.mode}" if head.mode else "")
        )
    if head.tags:
        click.echo("  tags: " + ", ".join(map(printable, head.tags)))


def _print_attempts(attempts: list[AttemptSummary]) -> None:
    click.echo("\nAttempts")
    print_table(
        (
            [
                a.rank,
                a.attempt,
                a.status,
                a.started,
                a.ended,
                a.rows,
                a.hidden or None,
                a.resumed_from,
                f"{a.host}:{a.pid}",
                a.error,
            ]
            for a in attempts
        ),
        [
            "rank",
            "attempt",
            "status",
            "started (UTC)",
            "ended",
            "rows",
            "hidden",
            "resumed after step",
            "host:pid",
            "error",
        ],
    )
    unverified = sum(a.unverified for a in attempts)
    if unverified:
        click.echo(
            f"{unverified} rows are unverified: the machine was restarted before they were synced."
        )
