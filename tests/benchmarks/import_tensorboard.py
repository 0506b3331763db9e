"""How long event files of TensorBoard take to import, beside reading them with tbparse.

``python tests/benchmarks/import_tensorboard.py [--values N] [--python PATH]`` writes one event file with
scalars of five metrics (a million by default), and prints for each reader, in processes of their own and
without what importing modules takes:

- everystep: the whole import, until the run with sealed and checked segments is in its place.
- tbparse: a data frame with tag, step, value and time, by the interpreter that ``--python`` names, which
  may be another virtual environment's; left out where it is not installed there.

× everystep is the ratio of times, MB the peak memory of the process.
"""

import argparse
import importlib
import json
import random
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import usage

METRICS = ("train/loss", "train/acc", "lr", "grad_norm", "gpu/util")
NAME = "events.out.tfevents.1700000000.benchmark"
MISSING = 3
"""The exit status of a child whose reader is not installed."""


def write(folder: Path, count: int) -> int:
    """An event file with so many scalars, one an event, as torch's writer leaves them; its bytes."""
    from google_crc32c import value as crc32c
    from tensorboard.compat.proto.event_pb2 import Event

    def frame(data: bytes) -> bytes:
        length = struct.pack("<Q", len(data))
        return length + mask(length) + data + mask(data)

    def mask(data: bytes) -> bytes:
        crc = crc32c(data)
        return struct.pack("<I", ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF)

    rng = random.Random(0)
    with (folder / NAME).open("wb") as file:
        file.write(frame(Event(wall_time=1.7e9, file_version="brain.Event:2").SerializeToString()))
        for number in range(count):
            event = Event(wall_time=1.7e9 + number / 1000, step=number // len(METRICS))
            event.summary.value.add(
                tag=METRICS[number % len(METRICS)], simple_value=rng.gauss(1, 0.1)
            )
            file.write(frame(event.SerializeToString()))
        return file.tell()


def read_everystep(folder: Path) -> Callable[[], int]:
    """Import it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    from tensorboard.compat.proto import event_pb2  # noqa: F401  loaded before the clock starts

    from logwriter.importing import import_log

    def run() -> int:
        with tempfile.TemporaryDirectory(dir=folder.parent) as runs:
            (done,) = import_log(folder, Path(runs, "run"))
        return done.values

    return run


def read_tbparse(folder: Path) -> Callable[[], int]:
    """Make a data frame of it."""
    reader: Any = importlib.import_module("tbparse").SummaryReader
    return lambda: len(reader(str(folder), extra_columns={"wall_time"}).scalars)


READERS: dict[str, tuple[str, Callable[[Path], Callable[[], int]]]] = {
    "everystep": ("google_crc32c", read_everystep),
    "tbparse": ("tbparse", read_tbparse),
}


def measure(name: str, folder: Path) -> dict[str, float]:
    """Seconds, CPU seconds and peak MB of one reader, in this process."""
    run = READERS[name][1](folder)
    begun, cpu = time.perf_counter(), time.process_time()
    values = run()
    return {
        "seconds": time.perf_counter() - begun,
        "cpu": time.process_time() - cpu,
        "MB": usage.peak(),
        "values": values,
    }


def measure_apart(name: str, folder: Path, python: str) -> dict[str, float] | None:
    """The same in a process of its own; ``None`` where the reader is not installed."""
    command = [python, __file__, "--child", name, "--folder", str(folder)]
    ran = subprocess.run(command, capture_output=True, text=True, check=False)
    if ran.returncode == MISSING:
        return None
    if ran.returncode:
        raise SystemExit(f"{name}: {ran.stderr[-2000:]}")
    found: dict[str, float] = json.loads(ran.stdout.splitlines()[-1])
    return found


def compare(folder: Path, count: int, python: str, repeats: int) -> str:
    """The table; the fastest of some runs of each, in turns."""
    from tabulate import tabulate  # the other interpreter, which only measures, may not have it

    size = write(folder, count)
    found: dict[str, list[dict[str, float]]] = {}
    for _ in range(repeats):
        for name in READERS:
            one = measure_apart(name, folder, python if name == "tbparse" else sys.executable)
            found.setdefault(name, []).extend([one] if one else [])
    best = {name: min(runs, key=lambda run: run["seconds"]) for name, runs in found.items() if runs}
    wrong = {name: run["values"] for name, run in best.items() if run["values"] < count}
    if wrong:
        raise SystemExit(f"of {count:,} values, {wrong} were read")
    floor = best["everystep"]["seconds"]
    table = [
        [name, run["seconds"], run["seconds"] / floor, run["cpu"], run["MB"]]
        for name, run in best.items()
    ]
    left_out = "".join(f"\n{name} is not installed" for name in found if name not in best)
    head = (
        f"{count:,} scalars of {len(METRICS)} metrics, {size / 1e6:.0f} MB; {usage.machine()}\n\n"
    )
    columns = ["", "seconds", "× everystep", "CPU s", "MB"]
    return (
        head
        + tabulate(table, columns, "github", floatfmt=("", ".2f", ".1f", ".2f", ".0f"))
        + left_out
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--values", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--python", default=sys.executable, help="the interpreter that has tbparse")
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    parser.add_argument("--child", choices=READERS, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        if find_spec(READERS[options.child][0]) is None:
            raise SystemExit(MISSING)
        print(json.dumps(measure(options.child, options.folder)))
        return
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made, "log")
        folder.mkdir()
        print(
            compare(
                folder, 2000 if options.smoke else options.values, options.python, options.repeats
            )
        )


if __name__ == "__main__":
    main()
