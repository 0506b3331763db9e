"""``everystep demo``: the whole pipeline on a real, small training."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click
import msgspec

from logwriter import Run
from logwriter.errors import EverystepError

_NEEDED = ("torch", "sklearn")


class TimedRun:
    """A run that adds up how long the training loop spends in `log`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.calls = 0
        self.nanoseconds = 0

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Log one row, and time it."""
        began = time.perf_counter_ns()
        self.run.log(values, step)
        self.nanoseconds += time.perf_counter_ns() - began
        self.calls += 1

    def epochs(self, epochs: int) -> Iterator[int]:
        """Count epochs."""
        return self.run.epochs(epochs)

    def phase(self, name: str) -> None:
        """Begin a phase."""
        self.run.phase(name)


@dataclass(frozen=True)
class Outcome:
    """What the demonstration has to show. Seconds are those of the training loop."""

    run: str
    record: str
    report: str
    files: list[str]
    best_metric: str
    best_epoch: int | None
    best_step: int
    best_value: float
    epochs: int
    steps: int
    rows: int
    values: int
    bytes_on_disk: int
    seconds: float
    logging_share: float
    microseconds_per_log: float


def run_demo(folder: Path | None, epochs: int | None) -> Outcome:
    """Train, log, compact and draw.

    Args:
        folder: Where the run is written; a fresh folder by default.
        epochs: How many epochs to train; enough to overfit by default.

    Raises:
        EverystepError: PyTorch or scikit-learn is not installed, or the folder holds a run.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise EverystepError(
            f"the demo trains with {' and '.join(missing)}, which is not installed: "
            "pip install 'everystep[demo]'"
        )
    from reports.digits import MONITOR, Settings, one_thread, train  # noqa: PLC0415  loads torch

    settings = Settings() if epochs is None else Settings(epochs=epochs)
    with one_thread(), Run(folder, config=settings.as_config(), monitor=MONITOR, mode="min") as run:
        run.define("train/acc", title="Accuracy")
        run.define("grad_norm", title="Gradient norm", note="Before clipping at 10.")
        timed = TimedRun(run)
        began = time.perf_counter()
        steps = train(timed, settings)
        seconds = time.perf_counter() - began
    if run.path is None:
        raise EverystepError(
            "EVERYSTEP_MODE=disabled: the demo has nothing to show without its log"
        )
    return _finish(run.path, settings.epochs, steps, seconds, timed)


def _finish(path: Path, epochs: int, steps: int, seconds: float, timed: TimedRun) -> Outcome:
    """Compact and draw what was logged."""
    from compactor import compact  # noqa: PLC0415  loads DuckDB
    from reports import render  # noqa: PLC0415  loads matplotlib

    click.echo("Compacting and drawing ...", err=True)
    record = compact(path)
    rendered = render(path)
    if record.best is None:
        raise EverystepError("; ".join(record.notes) or "the record names no best epoch")
    segments = list(path.glob("writers/*/*.parquet"))
    return Outcome(
        run=str(path),
        record=str(path / "record.json"),
        report=str(next(file for file in rendered.files if file.suffix == ".html")),
        files=[str(file) for file in rendered.files],
        best_metric=record.best.metric,
        best_epoch=record.best.epoch,
        best_step=record.best.step,
        best_value=record.best.value,
        epochs=epochs,
        steps=steps,
        rows=record.run.rows,
        values=sum(
            info.raw_points for chart in record.charts.values() for info in chart.line_info.values()
        ),
        bytes_on_disk=sum(segment.stat().st_size for segment in segments),
        seconds=seconds,
        logging_share=timed.nanoseconds / 1e9 / seconds,
        microseconds_per_log=timed.nanoseconds / 1e3 / timed.calls,
    )


@click.command()
@click.argument("folder", metavar="[DIR]", required=False, type=click.Path(path_type=Path))
@click.option(
    "--epochs", type=click.IntRange(1), help="How long to train; enough to overfit by default."
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for programs.")
def demo(folder: Path | None, epochs: int | None, as_json: bool) -> None:
    """Train a small network on handwritten digits, log every step and draw it.

    The run is written to DIR, or to a fresh folder under EVERYSTEP_DIR (default: runs/). It takes
    less than a minute on two cores, and no network.

    \b
    Example:
      everystep demo
    """
    outcome = run_demo(folder, epochs)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(outcome), indent=2).decode())
    else:
        _print(outcome)


def _print(outcome: Outcome) -> None:
    megabytes = outcome.bytes_on_disk / 1e6
    pictures = sum(file.endswith(".png") for file in outcome.files)
    click.echo(
        f"Best epoch  {outcome.best_epoch}: {outcome.best_metric} {outcome.best_value:.4f} at step "
        f"{outcome.best_step:,}, of epochs 0 to {outcome.epochs - 1}"
    )
    click.echo(
        f"Raw steps   {outcome.steps:,}, every one kept: {outcome.rows:,} rows, {outcome.values:,} values, "
        f"{megabytes:.2f} MB"
    )
    click.echo(
        f"Logging     {outcome.logging_share:.2%} of the training loop "
        f"({outcome.microseconds_per_log:.1f} µs a call, {outcome.seconds:.1f} s in all)"
    )
    click.echo(f"Record      {outcome.record}")
    click.echo(f"Report      {outcome.report}, and {pictures} PNG files beside it")
