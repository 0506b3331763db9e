"""How long a long run takes to compact, beside merely reading it, and how much memory.

``python tests/benchmarks/compact.py [--steps N] [--values N] [--folder DIR]`` logs a run of five
metrics (10 million steps by default) and one of a single metric (100 million), and prints for each, in
processes of their own and without what importing takes:

- floor: DuckDB reads all columns of the run's segments and sums them.
- from scratch: `compact`, with no cache.
- start-up: `compact` of a run of a few thousand steps.
- again: `compact` after the run went on for a hundredth of its steps, with the cache of the time before.
- once more: `compact` with nothing new.

The last three take turns. × floor is the ratio to the floor of the same run, MB the peak memory of the
process. Where TensorBoard is installed, reading a fiftieth of the first run back from its files is measured as well, in seconds a
million values.
"""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import usage
from tabulate import tabulate
from tqdm import tqdm

from logwriter import Run

Found = dict[str, float]
FIVE = ("train/loss", "train/acc", "lr", "grad_norm", "gpu/util")
CENTRES, WIDTHS = (1.0, 0.8, 1e-3, 3.0, 90.0), (0.1, 0.05, 0.0, 1.0, 5.0)
SHORT = 5_000  # steps
SHARE = 50  # of the steps are read from TensorBoard's files, which take a hundred times as long


def log(path: Path, metrics: int, steps: int, *, after: int = 0) -> None:
    """Noisy values, float32-born, in a hundred epochs; ``after`` so many steps, a run goes on."""
    rng = np.random.default_rng(0)
    with Run(path, rank=0, world_size=1, resume=after > 0) as run:
        write = run.bind(*FIVE[:metrics])
        step = after
        for _ in run.epochs(100):
            left = steps // 100
            while left > 0:
                noise = rng.standard_normal((min(left, 100_000), metrics)) * WIDTHS[:metrics]
                noise = (noise + CENTRES[:metrics]).astype(np.float32)
                for row in noise.tolist():
                    write(step, *row)
                    step += 1
                left -= 100_000


def measure_floor(path: Path) -> Found:
    """DuckDB reads and sums every column."""
    import duckdb

    files = [str(file) for file in sorted(path.rglob("steps-*.parquet"))]
    with duckdb.connect() as connection:
        begun, cpu = time.perf_counter(), time.process_time()
        connection.execute(
            "SELECT count(metric), sum(seq), sum(step), sum(epoch), sum(epoch_us(time)), sum(value) "
            "FROM read_parquet($files)",
            {"files": files},
        ).fetchall()
        return _taken(begun, cpu)


def measure_scratch(path: Path) -> Found:
    """Compact without a cache."""
    return _compact(path, cache=False)


def measure_again(path: Path) -> Found:
    """Compact with the cache that is there."""
    return _compact(path, cache=True)


def measure_tensorboard(path: Path) -> Found:
    """Read all values of an event file back."""
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    begun, cpu = time.perf_counter(), time.process_time()
    events = EventAccumulator(str(path), size_guidance={"tensors": 0, "scalars": 0})
    events.Reload()
    values = sum(len(events.Scalars(tag)) for tag in events.Tags()["scalars"])
    return {**_taken(begun, cpu), "values": values}


MEASURES: dict[str, Callable[[Path], Found]] = {
    "floor": measure_floor,
    "from scratch": measure_scratch,
    "again": measure_again,
    "tensorboard": measure_tensorboard,
}


def _compact(path: Path, *, cache: bool) -> Found:
    from compactor import compact

    begun, cpu = time.perf_counter(), time.process_time()
    record = compact(path, monitor="train/loss", cache=cache)
    taken = _taken(begun, cpu)
    return {
        **taken,
        "record": len((path / "record.json").read_bytes()) / 1e6,
        "rows": record.run.rows,
    }


def _taken(begun: float, cpu: float) -> Found:
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "MB": usage.peak(),
    }


def run_child(measure: str, path: Path) -> Found:
    """Measure in a process of its own."""
    command = [sys.executable, __file__, "--child", measure, "--folder", str(path)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{measure}: {ran.stderr[-2000:]}")
    found: Found = json.loads(ran.stdout.splitlines()[-1])
    return found


def measure_run(path: Path, metrics: int, steps: int, repeats: int) -> list[list[str]]:
    """One line a measure; the median of some runs of each."""
    log(path, metrics, steps)
    floor = _median([run_child("floor", path) for _ in range(repeats)])
    scratch = _median([run_child("from scratch", path) for _ in range(repeats)])
    start, again, once_more = measure_going_on(path, metrics, steps, repeats)
    beyond = [f"{run['seconds'] - start['seconds']:.2f} s beyond" for run in (again, once_more)]
    lines = [
        ("floor", floor),
        ("from scratch", scratch),
        ("start-up", start),
        (f"again: {beyond[0]}", again),
        (f"once more: {beyond[1]}", once_more),
    ]
    name = f"{steps:,} × {metrics}"
    return [
        [
            name,
            what,
            f"{found['seconds']:.2f}",
            f"{found['seconds'] / floor['seconds']:.1f}",
            f"{found['cpu']:.2f}",
            f"{found['MB']:.0f}",
            f"{found['record']:.2f}" if "record" in found else "–",
        ]
        for what, found in lines
    ]


def measure_going_on(path: Path, metrics: int, steps: int, repeats: int) -> list[Found]:
    """The median of some short runs, of the run with more rows, and of the run with none."""
    from compactor.reading.cache import CACHE_NAME

    short = path.with_name(f"short {path.name}")
    log(short, metrics, SHORT)
    run_child("again", path)
    cache = path / CACHE_NAME
    known = cache.read_bytes() if cache.exists() else None
    log(path, metrics, steps // 100, after=steps)
    turns = []
    for _ in range(repeats):
        cache.unlink(missing_ok=True)
        if known is not None:
            cache.write_bytes(known)
        turns.append([run_child("again", each) for each in (short, path, path)])
    return [_median(list(runs)) for runs in zip(*turns, strict=True)]


def _median(runs: list[Found]) -> Found:
    return sorted(runs, key=lambda found: found["seconds"])[len(runs) // 2]


def compare_tensorboard(folder: Path, steps: int) -> str:
    """Seconds a million values, from an event file and from a log."""
    from torch.utils.tensorboard import SummaryWriter

    rng = np.random.default_rng(0)
    with SummaryWriter(str(folder / "events")) as writer:
        for step in tqdm(range(steps), "TensorBoard writes", disable=None, leave=False):
            for name, value in zip(FIVE, rng.standard_normal(5).tolist(), strict=True):
                writer.add_scalar(name, value, step)
    log(folder / "run", 5, steps)
    theirs = run_child("tensorboard", folder / "events")
    ours = run_child("from scratch", folder / "run")
    values = theirs["values"] / 1e6
    return (
        f"Of {theirs['values']:,.0f} values, TensorBoard's reader takes {theirs['seconds'] / values:.2f} s "
        f"a million to read them, compact {ours['seconds'] / values:.2f} s a million for all it does: "
        f"{theirs['seconds'] / ours['seconds']:.0f} ×."
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=10_000_000, help="of the run of five metrics")
    parser.add_argument(
        "--values", type=int, default=100_000_000, help="of the run of one; 0: none"
    )
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--folder", type=Path, help="where the runs go; a temporary folder without it"
    )
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    parser.add_argument("--child", choices=MEASURES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        print(json.dumps(MEASURES[options.child](options.folder)))
        return
    if options.smoke:
        options.steps, options.values, options.repeats = 400_000, 0, 1
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        lines = measure_run(folder / "five", 5, options.steps, options.repeats)
        if options.values:
            lines += measure_run(folder / "one", 1, options.values, options.repeats)
        headers = ["run", "", "seconds", "× floor", "CPU s", "MB", "record, MB"]
        right = ["left", "left", *["right"] * 5]
        print(tabulate(lines, headers, colalign=right, disable_numparse=True))
        if importlib.util.find_spec("tensorboard"):
            print("\n" + compare_tensorboard(folder, max(1000, options.steps // SHARE)))
    print(f"\n{usage.machine()}")


if __name__ == "__main__":
    main()
