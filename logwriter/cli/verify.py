"""``everystep verify``: is every byte what it was, is any row missing; and repair."""

from pathlib import Path

import click

from logwriter.cli.text import JSON, RUN, print_json
from logwriter.repair import repair
from logwriter.saving import RepairReport
from logwriter.verify import WriterCheck
from logwriter.verify import verify as check_run


@click.command()
@RUN
@click.option(
    "--repair", "repairing", is_flag=True, help="Save what can be saved; move damage aside."
)
@click.option("--force", is_flag=True, help="Repair also what another machine wrote.")
@JSON
@click.pass_context
def verify(context: click.Context, run: str, repairing: bool, force: bool, as_json: bool) -> None:
    """Check every checksum of RUN, and that no row is missing. Exit status 1 if there is a fault.

    With --repair: seal what a dead process left unsealed, save what can be read of damaged files,
    move their originals to damaged/, and say how many rows were kept and lost.

    \b
    Example:
      everystep verify runs/digits
    """
    reports = repair(Path(run), force=force) if repairing else []
    checks = check_run(Path(run))
    if as_json:
        print_json(
            {"repairs": [_repair_facts(r) for r in reports], "writers": [_facts(c) for c in checks]}
        )
    else:
        for report in reports:
            _print_repair(report)
        for check in checks:
            _print_check(check)
    if any(check.faults for check in checks):
        context.exit(1)


def _facts(check: WriterCheck) -> dict[str, object]:
    return {
        "writer": str(check.writer),
        "live": check.live,
        "rows": check.rows,
        "unverified": check.unverified,
        "faults": check.faults,
        "notes": check.notes,
    }


def _repair_facts(report: RepairReport) -> dict[str, object]:
    return {
        "writer": str(report.writer),
        "rows": report.rows,
        "lost_rows": report.lost_rows,
        "lost_values": report.lost_values,
        "actions": report.actions,
        "moved": [str(path) for path in report.moved],
    }


def _print_check(check: WriterCheck) -> None:
    verdict = f"{len(check.faults)} faults" if check.faults else "good"
    click.echo(
        f"{check.writer}: {verdict}, {check.rows:,} rows"
        + (", still running" if check.live else "")
    )
    for fault in check.faults:
        click.echo(f"  fault: {fault}")
    for note in check.notes:
        click.echo(f"  note:  {note}")


def _print_repair(report: RepairReport) -> None:
    click.echo(
        f"{report.writer}: repaired; {report.rows:,} rows can be read, {report.lost_rows:,} rows and "
        f"{report.lost_values:,} single values are lost"
    )
    for action in report.actions:
        click.echo(f"  {action}")
    for path in report.moved:
        click.echo(f"  the damaged original is {path}")
