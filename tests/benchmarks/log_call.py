"""What one call of ``log`` costs, beside a list, a CSV file and the trackers that are installed.

``python tests/benchmarks/log_call.py [--steps N] [--only NAME ...]`` runs each case in a process of
its own and prints a table. A step is five float metrics in one call (in five calls where a tracker
takes one metric a call); the cases with a thousand metrics are counted by value. The mean is that of
an undisturbed loop, as a multiple of ``list.append`` in the same run; percentiles come from a second
loop that times each call. CPU seconds count all threads and child processes, finishing included.
"""

import argparse
import csv
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy as np

NAMES = ("train/loss", "train/acc", "lr", "grad_norm", "throughput")
MANY = tuple(f"layer{number}/norm" for number in range(1000))
Call = Callable[[int], None]


def values(step: int) -> dict[str, float]:
    """Five numbers, as a loop would have them."""
    x = step * 1e-6
    return {
        "train/loss": 2.0 - x,
        "train/acc": x,
        "lr": 1e-3,
        "grad_norm": 1.5 + x,
        "throughput": 900.0,
    }


@contextmanager
def append(_: Path) -> Iterator[Call]:
    """The floor: nothing is saved."""
    rows: list[dict[str, float]] = []
    yield lambda step: rows.append(values(step))


@contextmanager
def csv_writer(folder: Path) -> Iterator[Call]:
    """Buffered by the file, lost with the process."""
    with (folder / "log.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, NAMES)
        yield lambda step: writer.writerow(values(step))


@contextmanager
def everystep_log(folder: Path) -> Iterator[Call]:
    """``run.log`` of a dict."""
    from logwriter import Run

    with Run(folder / "run") as run:
        log = run.log
        yield lambda step: log(values(step), step)


@contextmanager
def everystep_bind(folder: Path) -> Iterator[Call]:
    """A bound log: positional."""
    from logwriter import Run

    with Run(folder / "run") as run:
        log = run.bind(*NAMES)
        yield lambda step: log(step, 2.0 - step * 1e-6, step * 1e-6, 1e-3, 1.5, 900.0)


@contextmanager
def everystep_tensors(folder: Path) -> Iterator[Call]:
    """``run.log`` of tensors on the CPU, a loss that needs a gradient among them."""
    import torch

    from logwriter import Run

    loss = torch.tensor(2.0, requires_grad=True) * 1
    other = torch.tensor(0.5)
    row = {
        "train/loss": loss,
        "train/acc": other,
        "lr": 1e-3,
        "grad_norm": other,
        "throughput": 900.0,
    }
    with Run(folder / "run") as run:
        yield lambda step: run.log(dict(row), step)


@contextmanager
def everystep_tags(folder: Path) -> Iterator[Call]:
    """One metric a call, a thousand metrics in turn."""
    from logwriter import Run

    with Run(folder / "run") as run:
        yield lambda step: run.log({MANY[step % 1000]: 1.0}, step // 1000)


@contextmanager
def everystep_wide(folder: Path) -> Iterator[Call]:
    """A thousand metrics in one call."""
    from logwriter import Run

    row = dict.fromkeys(MANY, 1.0)
    with Run(folder / "run") as run:
        yield lambda step: run.log(row, step)


@contextmanager
def tensorboard(folder: Path) -> Iterator[Call]:
    """Torch's SummaryWriter."""
    from torch.utils.tensorboard import SummaryWriter

    writer = SummaryWriter(str(folder))

    def call(step: int) -> None:
        for name, value in values(step).items():
            writer.add_scalar(name, value, step)

    yield call
    writer.close()


@contextmanager
def wandb_offline(folder: Path) -> Iterator[Call]:
    """W&B without a server."""
    import wandb

    run = wandb.init(mode="offline", dir=str(folder), settings=wandb.Settings(silent=True))
    yield lambda step: run.log(values(step), step=step)
    run.finish()


@contextmanager
def trackio_local(folder: Path) -> Iterator[Call]:
    """Trackio's local database."""
    os.environ["TRACKIO_DIR"] = str(folder)
    import trackio

    run = trackio.init(project="benchmark")
    yield lambda step: run.log(values(step), step=step)
    trackio.finish()


CASES = {
    "list.append, nothing saved": (append, 1, ""),
    "csv.DictWriter, buffered": (csv_writer, 1, ""),
    "everystep, log(dict)": (everystep_log, 1, ""),
    "everystep, bound": (everystep_bind, 1, ""),
    "everystep, CPU tensors": (everystep_tensors, 1, "torch"),
    "everystep, 1000 tags, a value": (everystep_tags, 1, ""),
    "everystep, 1000 at once, a value": (everystep_wide, 1000, ""),
    "TensorBoard (SummaryWriter)": (tensorboard, 1, "tensorboard"),
    "Trackio": (trackio_local, 1, "trackio"),
    "W&B, offline": (wandb_offline, 1, "wandb"),
}
SLOW = {"TensorBoard (SummaryWriter)": 10, "Trackio": 10, "W&B, offline": 10}


def measure(name: str, steps: int, folder: Path) -> dict[str, float]:
    """Run one case in this process."""
    make, per_call, _ = CASES[name]
    calls = max(1000, steps // per_call // SLOW.get(name, 1))
    times = np.empty(calls, dtype=np.int64)
    clock = time.perf_counter_ns
    with make(folder) as call:
        for step in range(calls // 10):
            call(step)
        cpu = _cpu_seconds()
        began = clock()
        for step in range(calls // 10, calls + calls // 10):
            call(step)
        loop = clock() - began
        for number in range(calls):
            start = clock()
            call(calls * 2 + number)
            times[number] = clock() - start
    counted = 2 * calls * per_call
    size = sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
    return {
        "mean": loop / calls / per_call / 1e3,
        **{f"p{p}": float(np.percentile(times, p)) / 1e3 for p in (50, 99, 99.9)},
        "max": float(times.max()) / 1e3,
        "cpu": (_cpu_seconds() - cpu) / counted * 1e5,
        "bytes": size / counted,
        "memory": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
    }


def _cpu_seconds() -> float:
    return sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def run_case(name: str, steps: int) -> dict[str, float] | None:
    """Run one case in a process of its own; ``None`` if what it needs is not installed."""
    needed = CASES[name][2]
    if needed and find_spec(needed) is None:
        return None
    with tempfile.TemporaryDirectory() as folder:
        command = [
            sys.executable,
            __file__,
            "--child",
            name,
            "--steps",
            str(steps),
            "--folder",
            folder,
        ]
        ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{name}: {ran.stderr[-2000:]}")
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=500_000)
    parser.add_argument(
        "--only", nargs="+", metavar="NAME", help="cases whose name contains one of these"
    )
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(measure(options.child, options.steps, options.folder)))
        return
    steps = 20_000 if options.smoke else options.steps
    columns = ("mean", "p50", "p99", "p99.9", "max")
    print(
        f"{'µs a step (or value)':34}{'x append':>9}"
        + "".join(f"{c:>10}" for c in columns)
        + f"{'CPU s/100k':>12}{'bytes':>8}{'peak MB':>9}"
    )
    floor = None
    for name in CASES:
        if floor is not None and options.only and not any(part in name for part in options.only):
            continue
        found = run_case(name, steps)
        if found is None:
            print(f"{name:34}{'not installed':>9}")
            continue
        floor = found["mean"] if floor is None else floor
        print(
            f"{name:34}{found['mean'] / floor:9.1f}"
            + "".join(f"{found[c]:10.2f}" for c in columns)
            + f"{found['cpu']:12.3f}{found['bytes']:8.1f}{found['memory']:9.0f}"
        )


if __name__ == "__main__":
    main()
