"""Other trackers, local and offline, each where it is installed.

A tracker is opened on a folder, gives a function that logs a dict of floats at a step, and is
finished when its block is left. Its ``rows`` counts the steps that can be read from the folder
afterwards, also when the process was killed.
"""

import importlib
import os
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, closing, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from usage import size_of

Log = Callable[[Mapping[str, Any], int], object]

WANDB_BLOCK = 1 << 15
WANDB_FILE_HEADER = 7
QUIET_SECONDS = 2.0


@dataclass(frozen=True)
class Tracker:
    """How to log with it, how to count what it kept, and the modules it needs."""

    open: Callable[[Path], AbstractContextManager[Log]]
    rows: Callable[[Path], int]
    needs: tuple[str, ...]

    def is_installed(self) -> bool:
        """Whether all modules it needs can be found."""
        return all(find_spec(module) is not None for module in self.needs)


@contextmanager
def lightning(folder: Path) -> Iterator[Log]:
    """Lightning's CSVLogger: written every 100 steps, by default."""
    # the package lightning brings this one, which can also be installed alone
    loggers = importlib.import_module("pytorch_lightning.loggers")
    logger = loggers.CSVLogger(str(folder))
    yield logger.log_metrics
    logger.finalize("success")


def lightning_rows(folder: Path) -> int:
    """Complete lines below the header."""
    return sum(max(0, file.read_bytes().count(b"\n") - 1) for file in folder.rglob("metrics.csv"))


@contextmanager
def tensorboard(folder: Path) -> Iterator[Log]:
    """Torch's SummaryWriter: a call for each metric."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def log(values: Mapping[str, Any], step: int) -> None:
        for name, value in values.items():
            writer.add_scalar(name, value, step)

    yield log
    writer.close()


def tensorboard_rows(folder: Path) -> int:
    """Steps that have all metrics, as TensorBoard's own reader finds them."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    events = EventAccumulator(str(folder), size_guidance={"scalars": 0}).Reload()
    return min((len(events.Scalars(tag)) for tag in events.Tags()["scalars"]), default=0)


@contextmanager
def trackio(folder: Path) -> Iterator[Log]:
    """Trackio's local database, written by a thread twice a second."""
    os.environ["TRACKIO_DIR"] = str(folder)
    tracker = importlib.import_module("trackio")
    run = tracker.init(project="benchmark")
    yield run.log
    tracker.finish()


def trackio_rows(folder: Path) -> int:
    """Rows of its table of metrics; it has a row for each call."""
    count = 0
    for file in folder.glob("*.db"):
        with closing(sqlite3.connect(file)) as database:
            count += database.execute("SELECT count(*) FROM metrics").fetchone()[0]
    return count


@contextmanager
def wandb(folder: Path) -> Iterator[Log]:
    """W&B without a server: a process beside the training writes the file."""
    tracker = importlib.import_module("wandb")
    run = tracker.init(
        mode="offline",
        dir=str(folder),
        settings=tracker.Settings(silent=True, console="off"),
    )
    yield run.log
    run.finish()
    tracker.teardown()  # else its process lives on, and its CPU time is not complete


def wandb_rows(folder: Path) -> int:
    """Records of history in its file, which is read once the process that writes it has stopped.

    The package for Python reads such files no more, so this does: it is LevelDB's log format
    (``log_format.md`` in LevelDB's documentation) behind a header of its own.
    """
    messages = importlib.import_module("wandb.proto.wandb_internal_pb2")
    _wait_until_quiet(folder)
    return sum(
        messages.Record.FromString(record).HasField("history")
        for file in folder.rglob("*.wandb")
        for record in leveldb_records(file.read_bytes())
    )


def leveldb_records(data: bytes) -> Iterator[bytes]:
    """Whole records of a log of LevelDB behind W&B's header, up to the first that is torn."""
    at, record = WANDB_FILE_HEADER, b""
    while at + 7 <= len(data):
        left = WANDB_BLOCK - at % WANDB_BLOCK
        if left < 7:  # too little for a header: the block ends in zeros
            at += left
            continue
        length, kind = int.from_bytes(data[at + 4 : at + 6], "little"), data[at + 6]
        part = data[at + 7 : at + 7 + length]
        if kind not in range(1, 5) or len(part) < length:
            return
        at += 7 + length
        record = part if kind in (1, 2) else record + part  # whole, first, middle, last
        if kind in (1, 4):
            yield record


def _wait_until_quiet(folder: Path) -> None:
    """Return when the folder has not grown for a while."""
    size, since = size_of(folder), time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        time.sleep(0.1)
        if size_of(folder) != size:
            size, since = size_of(folder), time.monotonic()


TRACKERS = {
    "Lightning CSVLogger": Tracker(lightning, lightning_rows, ("pytorch_lightning", "torch")),
    "Trackio": Tracker(trackio, trackio_rows, ("trackio",)),
    "W&B, offline": Tracker(wandb, wandb_rows, ("wandb",)),
    "TensorBoard": Tracker(tensorboard, tensorboard_rows, ("tensorboard", "torch")),
}
