"""The cases of ``log_call.py``: each logs one step a call into a folder."""

import csv
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from rows import MANY, NAMES, Rows, single_values, wide_rows
from trackers import TRACKERS, Tracker

Call = Callable[[int], object]
Open = Callable[[Path, Any], AbstractContextManager[Call]]

FLOOR = "list.append"
FLOOR_TAGS = "list.append, 1 metric"
FLOOR_WIDE = "list.append, 1000 metrics"
EVERYSTEP = "everystep, dict"


def _nothing(_: Path) -> int:
    return 0


@dataclass(frozen=True)
class Case:
    """How a step is logged, and what it is compared with.

    ``open`` takes a folder and what ``make`` made. ``values``: how many values a call counts for,
    where it is not one step. ``share``: one in how many of the steps are enough, for what is slow.
    ``is_timed``: the time of a row is kept, and how many bytes that takes depends on its jitter.
    ``interpreted``: without the hot path in C.
    """

    open: Open
    make: Callable[[], Any] = Rows
    kept: Callable[[Path], int] = _nothing
    needs: tuple[str, ...] = ()
    floor: str = FLOOR
    values: int = 1
    share: int = 1
    is_timed: bool = False
    interpreted: bool = False

    def is_installed(self) -> bool:
        """Whether all modules it needs can be found."""
        return all(find_spec(module) is not None for module in self.needs)


@contextmanager
def append(_: Path, rows: Rows) -> Iterator[Call]:
    """The floor: nothing is saved."""
    log = list[Any]().append
    yield lambda step: log(rows(step))


@contextmanager
def append_tags(_: Path, values: list[float]) -> Iterator[Call]:
    """The floor of one metric a call."""
    log, mask = list[Any]().append, len(values) - 1
    yield lambda step: log({MANY[step % 1000]: values[step & mask]})


@contextmanager
def append_wide(_: Path, rows: list[list[float]]) -> Iterator[Call]:
    """The floor of a thousand metrics a call."""
    log, mask = list[Any]().append, len(rows) - 1
    yield lambda step: log(dict(zip(MANY, rows[step & mask], strict=True)))


@contextmanager
def csv_rows(folder: Path, rows: Rows, *, flushes: bool) -> Iterator[Call]:
    """A CSV file: buffered, or given to the system after each row."""
    with (folder / "log.csv").open("w", newline="") as file:
        write, flush = csv.writer(file).writerow, file.flush
        if not flushes:
            yield lambda step: write((step, *rows(step).values()))
            return

        def call(step: int) -> None:
            write((step, *rows(step).values()))
            flush()

        yield call


def csv_kept(folder: Path) -> int:
    """Complete lines."""
    return (folder / "log.csv").read_bytes().count(b"\n")


@contextmanager
def log_dict(folder: Path, rows: Rows) -> Iterator[Call]:
    """``run.log`` of a dict of five numbers."""
    from logwriter import Run

    with Run(folder / "run") as run:
        log = run.log
        yield lambda step: log(rows(step), step)


@contextmanager
def log_bound(folder: Path, rows: Rows) -> Iterator[Call]:
    """A bound log: positional."""
    from logwriter import Run

    row = rows.five
    with Run(folder / "run") as run:
        log = run.bind(*NAMES)
        yield lambda step: log(step, *row(step))


@contextmanager
def log_tags(folder: Path, values: list[float]) -> Iterator[Call]:
    """One metric a call, a thousand metrics in turn."""
    from logwriter import Run

    mask = len(values) - 1
    with Run(folder / "run") as run:
        log = run.log
        yield lambda step: log({MANY[step % 1000]: values[step & mask]}, step // 1000)


@contextmanager
def add_scalars(folder: Path, values: list[float]) -> Iterator[Call]:
    """The same as code that calls TensorBoard does it."""
    from logwriter.tensorboard import SummaryWriter

    mask = len(values) - 1
    with SummaryWriter(str(folder / "run")) as writer:
        add = writer.add_scalar
        yield lambda step: add(MANY[step % 1000], values[step & mask], step // 1000)


@contextmanager
def log_wide(folder: Path, rows: list[list[float]]) -> Iterator[Call]:
    """A thousand metrics a call."""
    from logwriter import Run

    mask = len(rows) - 1
    with Run(folder / "run") as run:
        log = run.log
        yield lambda step: log(dict(zip(MANY, rows[step & mask], strict=True)), step)


def everystep_kept(folder: Path, *, width: int) -> int:
    """Rows of ``width`` values that everystep reads."""
    from logwriter import read

    values: int = read(folder / "run").rows().num_rows
    return values // width


def _tracked(tracker: Tracker) -> Open:
    @contextmanager
    def opened(folder: Path, rows: Rows) -> Iterator[Call]:
        with tracker.open(folder) as log:
            yield lambda step: log(rows(step), step)

    return opened


def _everystep(opened: Open, make: Callable[[], Any], width: int, **options: Any) -> Case:
    return Case(opened, make, partial(everystep_kept, width=width), is_timed=True, **options)


CASES = {
    FLOOR: Case(append),
    FLOOR_TAGS: Case(append_tags, single_values, floor=FLOOR_TAGS),
    FLOOR_WIDE: Case(append_wide, wide_rows, floor=FLOOR_WIDE, values=1000),
    EVERYSTEP: _everystep(log_dict, Rows, 5),
    "everystep, bound": _everystep(log_bound, Rows, 5),
    "everystep, dict, without C": _everystep(log_dict, Rows, 5, interpreted=True),
    "everystep, bound, without C": _everystep(log_bound, Rows, 5, interpreted=True),
    "everystep, NumPy scalars": _everystep(log_dict, partial(Rows, "numpy"), 5),
    "everystep, CPU tensors": _everystep(log_dict, partial(Rows, "torch"), 5, needs=("torch",)),
    "everystep, 1 of 1000 metrics": _everystep(log_tags, single_values, 1, floor=FLOOR_TAGS),
    "everystep, add_scalar of 1000 tags": _everystep(
        add_scalars, single_values, 1, floor=FLOOR_TAGS
    ),
    "everystep, 1000 metrics": _everystep(log_wide, wide_rows, 1, floor=FLOOR_WIDE, values=1000),
    "csv, buffered": Case(partial(csv_rows, flushes=False), kept=csv_kept),
    "csv, flushed each row": Case(partial(csv_rows, flushes=True), kept=csv_kept),
} | {
    name: Case(_tracked(tracker), kept=tracker.rows, needs=tracker.needs, share=10)
    for name, tracker in TRACKERS.items()
}
