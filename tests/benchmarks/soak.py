"""Whether a long run stays as cheap as it began: memory, files, descriptors and the slowest calls.

``python tests/benchmarks/soak.py [--steps N]`` logs five metrics a step in one process, as fast as
they come, and reports every 10 %: resident memory (mapped journals included; of child processes, too),
files in the run's folder, open descriptors, sealed segments, and of the calls so far the slowest and
how many took more than 2 and more than 10 ms. Calls over 2 ms are to be at most one a sealed segment.
At the end the run is read back; the memory's slope over the second half of the steps is a least-squares
line, with its standard error.

Machines stall by themselves. So the same loop, around a call that does nothing, runs for the same
time afterwards: what is slow there is the machine.
"""

import argparse
import tempfile
import time
from array import array
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import usage
from rows import Rows
from tabulate import tabulate

from logwriter import Run, read

BUCKET = 128  # nanoseconds; divides both limits
LIMIT, FAR_LIMIT = 2_000_000 // BUCKET, 10_000_000 // BUCKET
QUANTILES = (0.5, 0.99, 0.999, 0.9999)


@dataclass
class CallTimes:
    """A histogram whose size is fixed, so that measuring takes no memory."""

    counts: Any = field(default_factory=lambda: array("Q", bytes(8 * (FAR_LIMIT + 1))))
    slowest: int = 0

    def time_calls(self, call: Callable[[dict[str, float]], object], rows: Rows, at: range) -> None:
        """Time ``call`` of a dict made for each step."""
        clock, counts, slowest = time.perf_counter_ns, self.counts, self.slowest
        for step in at:
            values = rows(step)
            start = clock()
            call(values)
            taken = clock() - start
            counts[min(taken // BUCKET, FAR_LIMIT)] += 1
            slowest = max(slowest, taken)
        self.slowest = slowest

    def columns(self) -> list[str]:
        """The slowest call in ms, and how many were over 2 and 10 ms."""
        over, far = sum(self.counts[LIMIT:]), self.counts[FAR_LIMIT]
        return [f"{self.slowest / 1e6:.2f}", f"{over:,}", f"{far:,}"]

    def quantiles(self) -> str:
        """Microseconds that so many calls did not exceed."""
        total = np.cumsum(self.counts)
        places = np.searchsorted(total, np.array(QUANTILES) * total[-1])
        found = zip(QUANTILES, (places + 1) * BUCKET / 1e3, strict=True)
        return ", ".join(f"p{quantile * 100:g} {limit:.1f} µs" for quantile, limit in found)


def memory() -> float:
    """Resident MB of this process and of all that it started; what they share counts in each."""
    return usage.resident() + sum(map(usage.resident, usage.descendants()))


def segments(folder: Path) -> int:
    """Sealed segments of a run."""
    return sum(1 for _ in folder.rglob("*.parquet"))


def soak(run: Run, folder: Path, rows: Rows, steps: int) -> tuple[CallTimes, list[float]]:
    """Log all steps and print a line every 10 %; returns the memory at every 1 %, too."""
    calls, resident = CallTimes(), list[float]()
    table = []
    for percent in range(1, 101):
        begin, end = steps * (percent - 1) // 100, steps * percent // 100
        calls.time_calls(run.log, rows, range(begin, end))
        resident.append(memory())
        if percent % 10 == 0:
            files = sum(file.is_file() for file in folder.rglob("*"))
            descriptors = sum(1 for _ in Path("/proc/self/fd").iterdir())
            counted = [f"{end:,}", f"{resident[-1]:.0f}", files, descriptors, segments(folder)]
            table.append([*counted, *calls.columns()])
    headers = ["steps", "MB", "files", "descriptors", "segments", "slowest ms", ">2 ms", ">10 ms"]
    print(tabulate(table, headers, disable_numparse=True, colalign=["right"] * len(headers)))
    return calls, resident


def slope(resident: list[float], steps: int) -> str:
    """How memory grew over the second half."""
    later = np.array(resident[len(resident) // 2 :])
    at = np.arange(len(later)) * steps / len(resident) / 1e6
    (slope, _), covariance = np.polyfit(at, later, 1, cov=True)
    error = np.sqrt(covariance[0, 0])
    return f"{slope:+.3f} ± {error:.3f} MB a million steps, between {later.min():.1f} and {later.max():.1f} MB"


def stalls_of_machine(rows: Rows, seconds: float) -> CallTimes:
    """The same loop around a call that does nothing."""
    calls, until = CallTimes(), time.monotonic() + seconds
    while time.monotonic() < until:
        calls.time_calls(len, rows, range(10_000))
    return calls


def check(folder: Path, steps: int) -> str:
    """Read all rows back; a step that is missing is an error."""
    found, _ = read(folder).series("throughput")
    if not np.array_equal(found, np.arange(steps)):
        raise SystemExit(f"{len(found):,} rows are readable, of {steps:,}, or in another order")
    return f"{len(found):,} of {steps:,}"


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    steps = 100_000 if options.smoke else options.steps
    rows = Rows()
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent) / "run"
        cpu, began = usage.cpu_seconds(), time.monotonic()
        with Run(folder, rank=0, world_size=1) as run:
            calls, resident = soak(run, folder, rows, steps)
            seconds = time.monotonic() - began
        summary = run.finish()
        cpu = usage.cpu_seconds() - cpu
        sealed, size = segments(folder), usage.size_of(folder)
        kept = check(folder, steps)
    over = sum(calls.counts[LIMIT:])
    floor = stalls_of_machine(rows, seconds)
    facts = {
        "rows readable": kept,
        "everystep's calls": f"{calls.quantiles()}; stalls: {summary.stalls}",
        "calls over 2 ms": f"{over} for {sealed} sealed segments, {over / sealed:.2f} a segment",
        "memory, second half": slope(resident, steps),
        "bytes a step": f"{size / steps:.1f} (no pause between steps)",
        "CPU": f"{cpu / steps * 1e5:.3f} s a 100,000 steps, loop and finishing included",
        "a call of nothing": "slowest {} ms, {} over 2 ms, {} over 10 ms".format(*floor.columns()),
        "machine": usage.machine(),
    }
    print(tabulate(facts.items(), tablefmt="plain"))


if __name__ == "__main__":
    main()
