"""``everystep show``: one run in words, and in curves where somebody looks at them.

Curves are drawn for a terminal, and elsewhere where they are asked for.
"""

import datetime as dt
import os
import sys
from pathlib import Path

import click

from logwriter.cli.curves import NARROWEST, arrange, draw_plot, paint, screen_of
from logwriter.cli.curves.history import choose, plots_of
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
from logwriter.runlog import RunLog
from logwriter.summary import AttemptSummary, summarize, summarize_attempts, summarize_happenings


@click.command()
@RUN
@click.option(
    "--metric",
    "names",
    metavar="NAME",
    multiple=True,
    help="Draw the curve of this metric; may be given more than once. By default the few that "
    "matter: the monitor, what measures the same, and losses.",
)
@click.option(
    "--curves/--no-curves",
    default=None,
    help="Draw curves. By default on a terminal, and with --metric or --log.",
)
@click.option(
    "--log", "logarithmic", is_flag=True, help="Logarithmic curves, where all values are positive."
)
@JSON
@click.pass_context
def show(
    context: click.Context,
    *,
    run: str,
    names: tuple[str, ...],
    curves: bool | None,
    logarithmic: bool,
    as_json: bool,
) -> None:
    """Show what RUN is, how it stands, its attempts, configuration and metrics.

    Of a damaged run it shows what can be read, names the damage, and exits with status 1.

    \b
    Example:
      everystep show runs/digits
      everystep show runs/digits --metric grad_norm
    """
    asked = curves or bool(names) or logarithmic
    if asked and (as_json or curves is False):
        refused = "--json" if as_json else "--no-curves"
        raise click.UsageError(f"{refused} leaves curves out, and other options ask for them")
    log = PartialRunLog(Path(run))
    log.require(names)
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
            print_table(
                ((key, str(value)) for key, value in config.items()), ["key", "value"], shorten=1
            )
        _print_metrics(metrics)
        if asked or (curves is None and sys.stdout.isatty()):
            _print_curves(log, choose(metrics, log.state.monitor, names), logarithmic=logarithmic)
    if log.faults:
        context.exit(1)


def _print_lines(lines: list[str], heading: str | None = None) -> None:
    if lines and heading:
        click.echo(f"\n{heading}")
    for line in lines:
        click.echo(line)


def _print_curves(log: RunLog, metrics: list[MetricSummary], *, logarithmic: bool) -> None:
    screen = screen_of(sys.stdout, os.environ)
    if screen.width < NARROWEST:
        click.echo(f"\nToo narrow for curves: they need {NARROWEST} columns.")
    elif metrics:
        click.echo("\nCurves")
        plots = plots_of(log, metrics, screen, logarithmic=logarithmic)
        blocks = [draw_plot(plot, screen) for plot in plots]
        for row in arrange(blocks, screen):
            click.echo(paint(row, screen), color=screen.colour)


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
