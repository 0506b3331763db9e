"""What one call of ``log`` costs, beside a list, a CSV file and the trackers that are installed.

``python tests/benchmarks/log_call.py [--steps N] [--only NAME ...] [--markdown]`` runs each case in
processes of its own and prints a table. A step is five float metrics in one call (in five calls where
a tracker takes one metric a call), in a dict made for that call; with a thousand metrics a call, a
value counts as a step.

- mean: microseconds a step in an undisturbed loop; as a multiple of ``list.append`` of the same dict
  (× list), and of everystep's dict where the step is the same (× dict).
- p50 to max: microseconds of single calls, from a second loop that times each; how many were timed,
  and how many took more than 2 and more than 10 ms.
- CPU s: seconds for 100,000 steps in all threads and processes, finishing included.
- bytes: on disk, a step, when finished. everystep's, which depend on the clock, are those of steps
  10 ± 0.5 ms apart.
- MB: how far the process's memory rose above what it was before the logger was imported (NumPy, and
  PyTorch where it is needed, were there already), and the memory of processes that the logger started.
- kept: of 20,000 steps logged as fast as they come, how many can be read when the process kills itself
  (SIGKILL) right behind the last call.
"""

import argparse
import gc
import importlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import usage
from loggers import CASES, EVERYSTEP, Case
from tabulate import tabulate
from tqdm import tqdm

STEP_SECONDS, JITTER_SECONDS = 0.01, 0.0005
Found = dict[str, float]

COLUMNS = {
    "mean": ".2f",
    "× list": ".1f",
    "× dict": ".2f",
    "p50": ".2f",
    "p99": ".2f",
    "p99.9": ".1f",
    "max": ".0f",
    "calls": ",.0f",
    ">2 ms": ".0f",
    ">10 ms": ".0f",
    "CPU s": ".3f",
    "bytes": ".1f",
    "MB": ".0f",
    "kept": ",.0f",
}


def measure_speed(case: Case, steps: int, folder: Path) -> Found:
    """Two loops, one of them timed call by call, and what they took."""
    if "torch" in case.needs:
        importlib.import_module("torch")
    rows = case.make()
    gc.collect()
    gc.freeze()  # what the benchmark made beforehand is no work for the collector
    calls = max(1000, steps // case.values // case.share)
    times = np.ones(calls, dtype=np.int64)
    clock = time.perf_counter_ns
    usage.forget_peak()
    before = usage.resident()
    with case.open(folder, rows) as call:
        for step in range(calls // 10):
            call(step)
        cpu = usage.cpu_seconds()
        began = clock()
        for step in range(calls // 10, calls + calls // 10):
            call(step)
        loop = clock() - began
        for number in range(calls):
            start = clock()
            call(calls * 2 + number)
            times[number] = clock() - start
        others = sum(map(usage.peak, usage.descendants()))
    counted = 2 * calls * case.values
    return {
        "mean": loop / calls / case.values / 1e3,
        **{f"p{p}": float(np.percentile(times, p)) / 1e3 for p in (50, 99, 99.9)},
        "max": float(times.max()) / 1e3,
        "calls": calls,
        ">2 ms": int((times > 2e6).sum()),
        ">10 ms": int((times > 10e6).sum()),
        "CPU s": (usage.cpu_seconds() - cpu) / counted * 1e5,
        "bytes": usage.size_of(folder) / (counted + calls // 10 * case.values),
        "MB": usage.peak() - before + others,
    }


def measure_bytes(case: Case, steps: int, folder: Path) -> Found:
    """The same rows at the pace of a training loop, which the clock pretends."""
    from logwriter import committer, read
    from logwriter.hotpath import interpreted

    ticks = _ticks(time.monotonic_ns())
    interpreted._clock = committer._clock = ticks.__next__
    with case.open(folder, case.make()) as call:
        for step in range(steps // case.values):
            call(step)
    times = read(folder / "run").rows()["time"].to_numpy()
    seconds = (times.max() - times.min()) / np.timedelta64(1, "s")
    if not 0.9 < seconds / (steps // case.values - 1) / STEP_SECONDS < 1.1:
        raise SystemExit("logwriter does not take the time from _clock any more")
    return {"bytes": usage.size_of(folder) / steps}


def _ticks(now: int) -> Iterator[int]:
    """Nanoseconds of a monotonic clock, read once a step."""
    rng = np.random.default_rng(1)
    while True:
        for wait in rng.normal(STEP_SECONDS * 1e9, JITTER_SECONDS * 1e9, 4096).astype(int).tolist():
            now += wait
            yield now


def log_and_die(case: Case, steps: int, folder: Path) -> Found:
    """Log as fast as it goes, and kill this process right behind the last call."""
    with case.open(folder, case.make()) as call:
        for step in range(steps // case.values):
            call(step)
        os.kill(os.getpid(), signal.SIGKILL)
    raise AssertionError("a killed process does not get here")


MEASURES: dict[str, Callable[[Case, int, Path], Found]] = {
    "speed": measure_speed,
    "bytes": measure_bytes,
    "kill": log_and_die,
}


def run_child(name: str, measure: str, steps: int, folder: str, returncode: int = 0) -> str:
    """Measure one case in a process of its own; returns what it printed."""
    options = ["--child", name, "--measure", measure, "--steps", str(steps), "--folder", folder]
    command = [sys.executable, __file__, *options]
    without_c = measure == "bytes" or CASES[name].interpreted  # C reads the clock by itself
    environment = os.environ | {"EVERYSTEP_COMPILED": "0" if without_c else "1"}
    ran = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    if ran.returncode != returncode:
        raise SystemExit(f"{name}, {measure}: {ran.stderr[-2000:]}")
    return ran.stdout


def run_case(name: str, *, steps: int, sized: int, killed: int) -> Found:
    """All that is measured of one case, in fresh folders."""
    case = CASES[name]
    found: Found = {}
    measures = {"speed": steps} | ({"bytes": sized} if case.is_timed else {})
    for measure, count in measures.items():
        with tempfile.TemporaryDirectory() as folder:
            found |= json.loads(run_child(name, measure, count, folder).splitlines()[-1])
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        run_child(name, "kill", killed, folder, returncode=-signal.SIGKILL)
        found["kept"] = case.kept(Path(folder))
    return found


def chosen(parts: list[str] | None) -> list[str]:
    """The cases whose name contains one of the parts, and those that they are compared with."""
    names = [name for name in CASES if parts is None or any(part in name for part in parts)]
    needed = {EVERYSTEP, *names, *(CASES[name].floor for name in [EVERYSTEP, *names])}
    return [name for name in CASES if name in needed]


def print_table(found: dict[str, Found], *, markdown: bool) -> None:
    """One line a case."""
    for name, figures in found.items():
        floor = CASES[name].floor
        figures["× list"] = figures["mean"] / found[floor]["mean"]
        if floor == CASES[EVERYSTEP].floor:
            figures["× dict"] = figures["mean"] / found[EVERYSTEP]["mean"]
    table = [
        [name, *(format(figures[c], f) if c in figures else "–" for c, f in COLUMNS.items())]
        for name, figures in found.items()
    ]
    print(
        tabulate(
            table,
            headers=["µs", *COLUMNS],
            tablefmt="github" if markdown else "simple",
            colalign=["left"] + ["right"] * len(COLUMNS),
            disable_numparse=True,
        )
    )


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=500_000)
    parser.add_argument("--only", nargs="+", metavar="NAME", help="cases with this in their name")
    parser.add_argument("--markdown", action="store_true", help="a table for a README")
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--measure", choices=MEASURES, help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        measure = MEASURES[options.measure]
        print(json.dumps(measure(CASES[options.child], options.steps, options.folder)))
        return
    counts = {"steps": options.steps, "sized": 1_000_000, "killed": 20_000}
    if options.smoke:
        counts = {"steps": 2000, "sized": 20_000, "killed": 2000}
    names = chosen(options.only)
    installed = [name for name in names if CASES[name].is_installed()]
    with ThreadPoolExecutor(os.cpu_count() if options.smoke else 1) as pool:  # else undisturbed
        measured = pool.map(partial(run_case, **counts), installed)
        bar = tqdm(measured, total=len(installed), disable=None, leave=False)
        found = dict(zip(installed, bar, strict=True))
    print_table(found, markdown=options.markdown)
    if missing := [name for name in names if name not in found]:
        print(f"\nNot installed: {'; '.join(missing)}.")
    print(f"\n{usage.machine()}")


if __name__ == "__main__":
    main()
