"""A run as an offline run of W&B, which `wandb sync` uploads.

W&B's own library writes it, without a network, into the folder that it is to be in and nowhere else.

A row of W&B's history has a step of its own, larger than that of the row before: rows with the same step
are one, and one with a smaller step is dropped. So where no step of a run falls and no metric has two
values at one step, W&B's steps are the run's, and rows that share one become one, with the time of the
last. Otherwise W&B counts the rows, and the run's step is a column that its charts have as their x axis.
Either way every value is there, as JSON has it: exact, but that NaN is NaN, whatever its bits.

Each rank is a run of its own, all in one group. Messages are left out: W&B has no place for them.
"""

import datetime as dt
import os
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from compactor.export.curves import ExportError, unique_name
from compactor.export.files import slug
from compactor.export.logged import Count, LoggedRow, Written, begun, logged_rows
from compactor.export.writing import make_folder
from compactor.record import Best
from logwriter.importing.items import Skipped
from logwriter.importing.wandbfiles.leveldb import records
from logwriter.runlog import RunLog

if TYPE_CHECKING:
    import wandb

_PROJECT = "everystep"
_TAG_LENGTH = 64
_RESERVED = frozenset(("", "_step", "_timestamp", "_runtime", "_wandb"))
_OWN_FOLDERS = ("CACHE", "CONFIG", "DATA", "ARTIFACT")
_COUNTED = (
    "steps fall or repeat, which W&B's own cannot: it counts rows, and its charts have the column {!r} "
    "on their x axis"
)


def write_wandb(
    log: RunLog,
    folder: Path,
    *,
    best: Best | None = None,
    metrics: Sequence[str] = (),
    tell: Callable[[int], object] = lambda _: None,
) -> Written:
    """Write an offline run of W&B for each rank.

    Args:
        log: The run.
        folder: Where the folders of the runs go; made if need be. Those of this run are replaced.
        best: The best point, for the summary.
        metrics: Only these; all if empty.
        tell: Told of each number of rows that went out.

    Raises:
        ExportError: W&B is not installed, is at work in this process, or failed.
        UnknownMetricError: A metric was not logged.
        OSError: The disk refused.
    """
    if metrics:
        log.require(metrics)
    make_folder(folder)
    count = Count(tell)
    columns = _Columns(log.metrics)
    finished: list[tuple[Path, int, Path]] = []
    notes: dict[str, None] = {}
    with tempfile.TemporaryDirectory(prefix=".wandb-", dir=folder) as hidden:
        with _library(hidden) as own:
            for rank in log.state.ranks:
                counted = not _takes_steps(_rows(log, rank, metrics))
                if counted:
                    notes[_COUNTED.format(columns.step)] = None
                run = _begin(own, log, rank, hidden)
                written = Path(run.settings.sync_dir)
                try:
                    rows = _rows(log, rank, metrics)
                    sent = _write_history(run, columns, rows, count, counted=counted)
                    run.summary.update(columns.summary(log, best))
                finally:
                    run.finish(exit_code=0 if log.state.status == "completed" else 1)
                finished.append((written, sent, folder / _name(log, rank)))
        for written, sent, _ in finished:  # its process has ended: not before is all in the files
            _check(written, sent, folder)
        paths = [_placed(written, place) for written, _, place in finished]
    return Written(tuple(paths), count.rows, count.values, tuple(notes))


def _write_history(
    run: "wandb.Run",
    columns: "_Columns",
    rows: Iterable[LoggedRow],
    count: Count,
    *,
    counted: bool,
) -> int:
    """Write the rows; returns how many they are to W&B, for which those with one step are one."""
    sent, last = 0, None
    if counted:
        run.define_metric(columns.step, hidden=True)
        run.define_metric("*", step_metric=columns.step)
    for row in rows:
        run.log(columns.of(row, counted=counted), step=None if counted else row.step)
        count.add(row)
        sent += counted or row.step != last
        last = row.step
    count.tell()
    return sent


def _check(written: Path, rows: int, folder: Path) -> None:
    """W&B says nothing of a disk that is full: its file must hold all rows, and an end."""
    from wandb.proto.wandb_internal_pb2 import Record  # noqa: PLC0415  an extra

    kinds: Counter[str | None] = Counter()
    for file in written.glob("*.wandb"):
        for data in records(file, lambda _: None):
            if not isinstance(data, Skipped):
                kinds[Record.FromString(data).WhichOneof("record_type")] += 1
    if kinds["history"] != rows or not kinds["exit"]:
        raise ExportError(
            f"W&B kept {kinds['history']:,} of {rows:,} rows, and did not say why: is the disk of "
            f"{folder} full? Nothing was left there"
        )


class _Columns:
    """The names of what goes into a row of W&B's history, where some names are its own."""

    def __init__(self, metrics: Iterable[str]) -> None:
        taken = set(metrics)
        self._own = {
            name: unique_name(f"{name or 'unnamed'} (metric)", taken)
            for name in sorted(taken & _RESERVED)
        }
        self.step = unique_name("step", taken)
        self._epoch = unique_name("epoch", taken)
        self._best, self._status = unique_name("best", taken), unique_name("status", taken)

    def of(self, row: LoggedRow, *, counted: bool) -> dict[str, float]:
        """A row, its step among its columns where W&B counts the rows."""
        found: dict[str, float] = {
            self._own.get(name, name): value
            for name, value in zip(row.names, row.values, strict=True)
        }
        if row.epoch is not None:
            found[self._epoch] = row.epoch
        if counted:
            found[self.step] = row.step
        return {**found, "_timestamp": row.time / 1e6}

    def summary(self, log: RunLog, best: Best | None) -> dict[str, Any]:
        """What the summary says besides the last values."""
        said: dict[str, Any] = {self._status: log.state.status}
        if best is not None:
            fields = ("metric", "mode", "value", "step", "epoch")
            said[self._best] = {field: getattr(best, field) for field in fields}
        return said


def _rows(log: RunLog, rank: int, metrics: Sequence[str]) -> Iterator[LoggedRow]:
    return logged_rows(log.parts(ranks=[rank]), metrics)


def _takes_steps(rows: Iterable[LoggedRow]) -> bool:
    """Whether W&B's steps can be those of the rows, without losing a value."""
    last, there = 0, set[str]()
    for row in rows:
        if row.step < last:
            return False
        if row.step > last:
            last, there = row.step, set()
        if not there.isdisjoint(row.names):
            return False
        there.update(row.names)
    return True


@contextmanager
def _library(hidden: str) -> Iterator[Any]:
    """W&B's library, told to leave nothing anywhere else and to speak to nobody."""
    told = {f"WANDB_{name}_DIR": hidden for name in _OWN_FOLDERS}
    told |= {"WANDB_MODE": "offline", "WANDB_ERROR_REPORTING": "false", "WANDB_SILENT": "true"}
    with _environment(told):
        try:
            import wandb as library  # noqa: PLC0415  an extra; it reads the environment
        except ImportError as error:
            raise ExportError(
                "an export to W&B needs its extra: pip install 'everystep[wandb]'"
            ) from error
        if library.run is not None:
            raise ExportError("W&B logs a run in this process: finish it, or export in another one")
        try:
            yield library
        except library.Error as error:
            raise ExportError(f"W&B could not write the run: {error}") from error
        finally:
            library.teardown()


@contextmanager
def _environment(told: Mapping[str, str]) -> Iterator[None]:
    """The environment without any other word for W&B than these."""
    others = {name: value for name, value in os.environ.items() if name.startswith("WANDB_")}
    for name in others:
        del os.environ[name]
    os.environ.update(told)
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith("WANDB_")]:
            del os.environ[name]
        os.environ.update(others)


def _begin(library: Any, log: RunLog, rank: int, hidden: str) -> "wandb.Run":
    state = log.state
    several = len(state.ranks) > 1
    settings = library.Settings(
        mode="offline",
        root_dir=hidden,
        console="off",
        silent=True,
        symlink=False,
        host=state.first.started.host if state.first.started else "",
        disable_code=True,
        disable_git=True,
        disable_job_creation=True,
        save_code=False,
        x_disable_machine_info=True,
        x_disable_meta=True,
        x_disable_stats=True,
        x_save_requirements=False,
    )
    config = {
        f"{key} (config)" if key == "_wandb" else key: state.config[key] for key in state.config
    }
    run: wandb.Run = library.init(
        settings=settings,
        project=_PROJECT,
        id=_id(log, rank),
        name=(f"{state.name}, rank {rank}" if several else state.name) or None,
        group=slug(state.run_id) if several else None,
        tags=[tag[:_TAG_LENGTH] for tag in state.tags if tag],
        config=config,
    )
    return run


def _id(log: RunLog, rank: int) -> str:
    several = len(log.state.ranks) > 1
    return slug(log.state.run_id) + (f"-rank{rank}" if several else "")


def _name(log: RunLog, rank: int) -> str:
    """As W&B names its folders, but after the time at which the run began."""
    moment = dt.datetime.fromtimestamp(begun(log) / 1e6, dt.UTC)
    return f"offline-run-{moment:%Y%m%d_%H%M%S}-{_id(log, rank)}"


def _placed(written: Path, place: Path) -> Path:
    """Put what W&B wrote in its place, without the logs of the library: they tell of this machine."""
    for name in ("logs", "tmp"):
        shutil.rmtree(written / name, ignore_errors=True)
    if place.exists():
        shutil.rmtree(place)
    return written.rename(place)
