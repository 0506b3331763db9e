"""Runs for other trackers, each written with a library that is an extra."""

from collections.abc import Callable, Sequence
from pathlib import Path

from compactor.export.curves import ExportError
from compactor.export.logged import Written
from compactor.record import Best
from logwriter.runlog import RunLog


def write_run(
    form: str,
    log: RunLog,
    folder: Path,
    *,
    best: Best | None = None,
    metrics: Sequence[str] = (),
    tell: Callable[[int], object] = lambda _: None,
) -> Written:
    """Write a run for a tracker.

    Args:
        form: ``"tensorboard"`` or ``"wandb"``.
        log: The run.
        folder: Where to; made if need be.
        best: The best point, for W&B's summary.
        metrics: Only these; all if empty.
        tell: Told of each number of rows that went out.

    Raises:
        ExportError: The extra is not installed, or the folder holds something else.
        UnknownMetricError: A metric was not logged.
        OSError: The disk refused.
    """
    if form == "wandb":
        from compactor.export.wandb import write_wandb  # noqa: PLC0415  only where it is asked for

        return write_wandb(log, folder, best=best, metrics=metrics, tell=tell)
    try:
        from compactor.export.tensorboard import write_tensorboard  # noqa: PLC0415  an extra
    except ImportError as error:
        raise ExportError(
            "an export to TensorBoard needs its extra: pip install 'everystep[tensorboard]'"
        ) from error
    return write_tensorboard(log, folder, metrics=metrics, tell=tell)
