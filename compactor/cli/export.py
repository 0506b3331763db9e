"""The command ``export``."""

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compactor.cli.contradictions import CHARTS, FOLDERS, TABLES, option_of, refuse_contradictions
from compactor.cli.options import JSON, MODE, MONITOR, RUN, progress, to_json
from compactor.record import RECORD_NAME, Record
from logwriter.rundir import is_run, last_change

if TYPE_CHECKING:
    from tqdm import tqdm

    from compactor.export import Axis
    from compactor.export.files import Format
    from compactor.export.writing import Write

_FOLDER = "export"


@click.command()
@RUN
@click.option(
    "--to",
    "form",
    type=click.Choice([*CHARTS, "series", *TABLES, *FOLDERS]),
    required=True,
    help="What to write.",
)
@click.option("--full", is_flag=True, help="Every row of the log (csv, parquet).")
@click.option("--chart", "charts", metavar="NAME", multiple=True, help="Only this chart.")
@click.option("--metric", "metrics", metavar="NAME", multiple=True, help="Only this metric.")
@click.option(
    "--x",
    type=click.Choice(["step", "epoch", "seconds"]),
    help="What the horizontal axis counts; steps by default.",
)
@click.option(
    "-o",
    "--output",
    metavar="FILE|DIR",
    help="Where to write; - is the standard output, and a folder gets a file for each chart.",
)
@MONITOR
@MODE
@click.option("--policy", metavar="NAME", help="How long lines are thinned out.")
@click.option("--max-points", type=click.IntRange(min=16), help="Points a line may have.")
@JSON
def export(
    *,
    run: Path,
    form: "Format",
    full: bool,
    charts: tuple[str, ...],
    metrics: tuple[str, ...],
    x: "Axis | None",
    output: str | None,
    as_json: bool,
    **compacting: Any,
) -> None:
    """Write RUN for other programs: charts, plain lines, a table, or the whole run.

    \b
    echarts      options for Apache ECharts       JSON: {chart: option}
    chartjs      configurations for Chart.js 4    JSON: {chart: configuration}
    vega-lite    specifications for Vega-Lite 6   JSON: {chart: specification}
    series       [{title, x, y, best_step, best_value, best_index}, ...]
    csv          a row for each drawn point, or with --full for each value logged
    parquet      the same table
    tensorboard  every row, for `tensorboard --logdir DIR` (everystep[tensorboard])
    wandb        every row, for `wandb sync DIR/offline-run-...` (everystep[wandb])

    RUN is a run's folder or its record.json. A run that was not compacted yet is compacted first;
    with --monitor, --mode, --policy or --max-points it is compacted anew for this export alone.
    Without --output, the file is written to RUN/export; what is there is replaced.

    A value that is not finite is null in JSON, empty in the CSV of drawn points, and with --full
    NaN or an infinity: nan, inf, -inf in CSV. Names are written as they are, as quoted texts.
    A spreadsheet may take one that begins with = for a formula: import such columns as text.

    tensorboard and wandb take the effective history, each rank by itself, with the configuration;
    tensorboard has the messages, too, wandb the best point. TensorBoard draws float32; the values as
    they were logged lie beside them, for `everystep import` and other readers. Nothing is sent
    anywhere: `wandb sync` does that.

    \b
    Examples:
      everystep export runs/digits --to echarts
      everystep export runs/digits --to series --metric val/loss --x epoch -o -
      everystep export runs/digits --to vega-lite --output charts/
      everystep export runs/digits --to parquet --full -o digits.parquet
      everystep export runs/digits --to tensorboard -o logs/digits
    """
    from compactor.export import select  # noqa: PLC0415  loads pyarrow

    asked = {name: value for name, value in compacting.items() if value is not None}
    refuse_contradictions(
        form=form, full=full, charts=charts, x=x, output=output, as_json=as_json, asked=asked
    )
    if form in FOLDERS:
        facts = _export_run(run, form, metrics, output, asked)
    elif full:
        facts = _export_history(run, form, metrics, output)
    else:
        record = _record_of(run, keep=output is None, asked=asked)
        facts = _export_record(
            select(record, charts=charts, metrics=metrics), run, form, x or "step", output
        )
    if output != "-":
        click.echo(to_json(facts) if as_json else "\n".join(facts["files"]))


def _record_of(run: Path, *, keep: bool, asked: dict[str, Any]) -> Record:
    """The run's record; made first where there is none, or where one was asked for specially.

    What is made for an export that goes elsewhere is not kept: the run may be read-only.
    """
    from compactor.store import read_record  # noqa: PLC0415  loads what compacting needs

    if not is_run(run):
        if asked:
            raise click.UsageError(f"{run} is no run's folder: it takes no {option_of(min(asked))}")
        return read_record(run)
    record = run / RECORD_NAME
    if asked:
        return _passing_record(run, asked)
    if not record.exists():
        click.echo(f"{run} has no {RECORD_NAME} yet: compacting it first", err=True)
        return _passing_record(run, asked) if not keep else _compact(run, {})
    if last_change(run) > record.stat().st_mtime_ns:
        click.echo(
            f"{run} has gone on since its {RECORD_NAME} was written; `everystep compact {run}` and "
            "`everystep export` write what came after",
            err=True,
        )
    return read_record(run)


def _passing_record(run: Path, asked: dict[str, Any]) -> Record:
    with tempfile.TemporaryDirectory() as folder:
        return _compact(run, {**asked, "output": Path(folder) / RECORD_NAME})


def _compact(run: Path, arguments: dict[str, Any]) -> Record:
    from compactor import compaction  # noqa: PLC0415  loads DuckDB

    try:
        return compaction.compact(run, progress=progress, **arguments)
    except ValueError as error:
        raise click.UsageError(str(error)) from error


def _export_record(
    record: Record, run: Path, form: "Format", x: "Axis", output: str | None
) -> dict[str, Any]:
    from compactor.export import files  # noqa: PLC0415  loads pyarrow

    if form in CHARTS and output is not None and _is_folder(output):
        paths = files.write_charts(record, form, Path(output), x)
    else:
        paths = _put(*files.record_file(record, form, x), run, output)
    return {
        "files": [str(path) for path in paths],
        "format": form,
        "charts": list(record.charts),
        "lines": sum(len(chart.lines) for chart in record.charts.values()),
        "points": sum(
            len(line) for chart in record.charts.values() for line in chart.lines.values()
        ),
    }


def _export_history(
    run: Path,
    form: "Format",
    metrics: tuple[str, ...],
    output: str | None,
) -> dict[str, Any]:
    from compactor.export import files, read_history  # noqa: PLC0415  loads pyarrow

    _require_folder(run)
    history = read_history(run, metrics)
    with _bar(history.rows) as bar:
        paths = _put(*files.history_file(history, form, bar.update), run, output)
    return {"files": [str(path) for path in paths], "format": form, "rows": history.rows}


def _export_run(
    run: Path,
    form: str,
    metrics: tuple[str, ...],
    output: str | None,
    asked: dict[str, Any],
) -> dict[str, Any]:
    from compactor.export.trackers import write_run  # noqa: PLC0415  loads pyarrow
    from logwriter import read  # noqa: PLC0415  likewise

    _require_folder(run)
    log = read(run)
    best = _record_of(run, keep=output is None, asked=asked).best if form == "wandb" else None
    folder = run / _FOLDER / form if output is None else Path(output)
    if folder.exists() and not folder.is_dir():
        raise click.UsageError(f"{folder} is a file; {form} takes a folder")
    with _bar(sum(part.rows for part in log.parts())) as bar:
        written = write_run(form, log, folder, best=best, metrics=metrics, tell=bar.update)
    for note in written.notes:
        click.echo(note, err=True)
    return {
        "files": [str(path) for path in written.paths],
        "format": form,
        "rows": written.rows,
        "values": written.values,
        "notes": written.notes,
    }


def _require_folder(run: Path) -> None:
    if run.is_file():
        raise click.UsageError(f"{run} is no run's folder: a record has no rows, its run has them")


def _bar(rows: int) -> "tqdm[Any]":
    from tqdm import tqdm  # noqa: PLC0415  only where there may be something to see

    return tqdm(
        total=rows,
        desc="writing rows",
        unit=" rows",
        unit_scale=True,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
    )


def _put(name: str, write: "Write", run: Path, output: str | None) -> list[Path]:
    """Write one file where it belongs; none is named for the standard output."""
    from compactor.export.writing import write_file  # noqa: PLC0415  loads pyarrow

    if output == "-":
        write(sys.stdout.buffer)
        return []
    if output is None:
        path = (run if run.is_dir() else run.parent) / _FOLDER / name
    else:
        path = Path(output) / name if _is_folder(output) else Path(output)
    write_file(path, write)
    return [path]


def _is_folder(output: str) -> bool:
    return output.endswith(os.sep) or Path(output).is_dir()
