"""The command ``export``."""

import os
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from compactor.cli.options import JSON, MODE, MONITOR, RUN, progress, to_json
from compactor.record import RECORD_NAME, Record
from logwriter.rundir import is_run, last_change

if TYPE_CHECKING:
    from compactor.export import Axis
    from compactor.export.files import Format
    from compactor.export.writing import Write

_CHARTS = ("echarts", "chartjs", "vega-lite")
_TABLES = ("csv", "parquet")
_FOLDER = "export"


@click.command()
@RUN
@click.option(
    "--to",
    "form",
    type=click.Choice([*_CHARTS, "series", *_TABLES]),
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
    """Write RUN for other programs: charts, plain lines or a table.

    \b
    echarts    options for Apache ECharts       JSON: {chart: option}
    chartjs    configurations for Chart.js 4    JSON: {chart: configuration}
    vega-lite  specifications for Vega-Lite 6   JSON: {chart: specification}
    series     [{title, x, y, best_step, best_value, best_index}, ...]
    csv        a row for each drawn point, or with --full for each value logged
    parquet    the same table

    RUN is a run's folder or its record.json. A run that was not compacted yet is compacted first;
    with --monitor, --mode, --policy or --max-points it is compacted anew for this export alone.
    Without --output, the file is written to RUN/export; what is there is replaced.

    A value that is not finite is null in JSON, empty in the CSV of drawn points, and with --full
    NaN or an infinity: nan, inf, -inf in CSV. Names are written as they are, as quoted texts.
    A spreadsheet may take one that begins with = for a formula: import such columns as text.

    \b
    Examples:
      everystep export runs/digits --to echarts
      everystep export runs/digits --to series --metric val/loss --x epoch -o -
      everystep export runs/digits --to vega-lite --output charts/
      everystep export runs/digits --to parquet --full -o digits.parquet
    """
    from compactor.export import select  # noqa: PLC0415  loads pyarrow

    _refuse_contradictions(form=form, full=full, charts=charts, x=x, output=output, as_json=as_json)
    asked = {name: value for name, value in compacting.items() if value is not None}
    if full:
        facts = _export_history(run, form, metrics, output, asked)
    else:
        record = _record_of(run, keep=output is None, asked=asked)
        facts = _export_record(
            select(record, charts=charts, metrics=metrics), run, form, x or "step", output
        )
    if output != "-":
        click.echo(to_json(facts) if as_json else "\n".join(facts["files"]))


def _refuse_contradictions(
    *,
    form: "Format",
    full: bool,
    charts: tuple[str, ...],
    x: str | None,
    output: str | None,
    as_json: bool,
) -> None:
    if full and form not in _TABLES:
        raise click.UsageError(f"--full is for csv and parquet; {form} holds the drawn points")
    if full and charts:
        raise click.UsageError("--full reads the log, which knows no charts: give --metric")
    if x and form in _TABLES:
        raise click.UsageError(f"--x is for charts and series: {form} has steps, epochs and times")
    if output == "-" and form == "parquet":
        raise click.UsageError("parquet is no text: give --output a file")
    if output == "-" and as_json:
        raise click.UsageError("--json tells of files, and -o - writes none: give one of them")
    if output == "":
        raise click.UsageError("--output is empty; give the name of a file or folder to write")


def _option(name: str) -> str:
    return "--" + name.replace("_", "-")


def _record_of(run: Path, *, keep: bool, asked: dict[str, Any]) -> Record:
    """The run's record; made first where there is none, or where one was asked for specially.

    What is made for an export that goes elsewhere is not kept: the run may be read-only.
    """
    from compactor.store import read_record  # noqa: PLC0415  loads what compacting needs

    if not is_run(run):
        if asked:
            raise click.UsageError(f"{run} is no run's folder: it takes no {_option(min(asked))}")
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
        return _compact(run, {**asked, "output": Path(folder) / RECORD_NAME, "cache": False})


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

    if form in _CHARTS and output is not None and _is_folder(output):
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
    asked: dict[str, Any],
) -> dict[str, Any]:
    from tqdm import tqdm  # noqa: PLC0415  only where there may be something to see

    from compactor.export import files, read_history  # noqa: PLC0415  loads pyarrow

    if asked:
        raise click.UsageError(f"--full is not compacted: it takes no {_option(min(asked))}")
    history = read_history(run, metrics)
    with tqdm(
        total=history.rows,
        desc="writing rows",
        unit=" rows",
        unit_scale=True,
        file=sys.stderr,
        disable=not sys.stderr.isatty(),
        leave=False,
    ) as bar:
        paths = _put(*files.history_file(history, form, bar.update), run, output)
    return {"files": [str(path) for path in paths], "format": form, "rows": history.rows}


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
