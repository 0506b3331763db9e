"""``everystep show``: one run in words."""

import datetime as dt
from pathlib import Path

import click

from logwriter.cli.sentences import (
    describe_attempts,
    describe_checkpoints,
    describe_damage,
    describe_head,
    describe_messages,
    describe_phases,
)
from logwriter.cli.text import JSON, RUN, print_json, print_table
from logwriter.metricsummary import MetricSummary, summarize_metrics
from logwriter.partial import PartialRunLog
from logwriter.summary import AttemptSummary, summarize, summarize_attempts, summarize_happenings


@click.command()
@RUN
@JSON
@click.pass_context
def show(context: click.Context, run: str, as_json: bool) -> None:
    """Show what RUN is, how it stands, its attempts, configuration and metrics.

    Of a damaged run it shows what can be read, names the damage, and exits with status 1.

    \b
    Example:
      everystep show runs/digits
    """
    log = PartialRunLog(Path(run))
    head, attempts, metrics = summarize(log), summarize_attempts(log), summarize_metrics(log)
    happenings, config = summarize_happenings(log), log.state.config
    if as_json:
        print_json(
            {
                "run": head,
                "faults": log.faults,
                "config": config,
                "attempts": attempts,
                **happenings,
                "metrics": metrics,
            }
        )
    else:
        _print_lines(describe_head(head, dt.datetime.now(dt.UTC)))
        _print_lines(describe_damage(log.faults, head.path), "Damage")
        click.echo("\nAttempts")
        _print_attempts(attempts)
        _print_lines(describe_attempts(attempts, happenings["lost"]))
        _print_lines(describe_phases(happenings["phases"]), "Phases")
        _print_lines(describe_messages(happenings["messages"]), "Messages")
        _print_lines(describe_checkpoints(happenings["checkpoints"]), "Checkpoints")
        if config:
            click.echo("\nConfiguration")
            print_table(((key, str(value)) for key, value in config.items()), ["key", "value"])
        _print_metrics(metrics)
    if log.faults:
        context.exit(1)


def _print_lines(lines: list[str], heading: str | None = None) -> None:
    if lines and heading:
        click.echo(f"\n{heading}")
    for line in lines:
        click.echo(line)


def _print_attempts(attempts: list[AttemptSummary]) -> None:
    several = len({a.rank for a in attempts}) > 1 or attempts[0].rank
    print_table(
        (
            [
                a.rank if several else None,
                a.attempt,
                a.status,
                a.rows,
                a.hidden or None,
                a.started,
                a.ended,
                None if a.ended else a.last_row,
                f"{a.host}:{a.pid}",
            ]
            for a in attempts
        ),
        ["rank", "attempt", "status", "rows", "hidden", "started", "ended", "last row", "host:pid"],
        shorten=2,
    )


def _print_metrics(metrics: list[MetricSummary]) -> None:
    if not metrics:
        click.echo("\nNo rows were logged.")
        return
    click.echo("\nMetrics")
    print_table(
        (
            [
                m.metric,
                m.values,
                m.last,
                m.minimum,
                m.maximum,
                m.not_finite or None,
                m.first_step,
                m.last_step,
            ]
            for m in metrics
        ),
        ["metric", "values", "last", "min", "max", "NaN, inf", "first step", "last step"],
        shorten=0,
    )
