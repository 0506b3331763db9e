"""How long a long run takes to compact, and how much memory.

``python tests/benchmarks/compacting.py [--steps N] [--run FOLDER]`` logs five metrics a step (unless
FOLDER holds a run already), compacts the run in a process of its own and prints seconds and peak
memory, beside those of an empty run.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from logwriter import Run

CHILD = r"""
import json, re, sys, time
from pathlib import Path
begun = time.perf_counter()
from compactor import compact
record = compact(sys.argv[1], monitor="train/loss")
seconds = time.perf_counter() - begun
peak = int(re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())[1])
points = sum(i.drawn_points for c in record.charts.values() for i in c.line_info.values())
print(json.dumps({"seconds": seconds, "megabytes": peak / 1024, "points": points}))
"""


def log(path: Path, steps: int) -> float:
    """A run of five noisy metrics and a hundred epochs; returns the seconds it took."""
    rng = np.random.default_rng(0)
    begun = time.perf_counter()
    with Run(path, rank=0, world_size=1) as run:
        write = run.bind("train/loss", "train/acc", "lr", "grad_norm", "gpu/util")
        step = 0
        for _ in run.epochs(100):
            noise = rng.standard_normal((steps // 100, 5)) * (0.1, 0.05, 0, 1, 5)
            noise += (1.0, 0.8, 1e-3, 3.0, 90.0)
            for row in noise.tolist():
                write(step, *row)
                step += 1
    return time.perf_counter() - begun


def main() -> None:
    """Print one line a run."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--steps", type=int, default=10_000_000)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    options = parser.parse_args()
    options.steps = 20_000 if options.smoke else options.steps
    with tempfile.TemporaryDirectory() as folder:
        path = options.run or Path(folder) / "long"
        if not path.exists():
            print(f"logged {options.steps:,} steps in {log(path, options.steps):.1f} s")
        short = Path(folder) / "short"
        log(short, 100)
        for each in (short, path):
            ran = subprocess.run(
                [sys.executable, "-c", CHILD, str(each)], check=True, capture_output=True, text=True
            )
            found = json.loads(ran.stdout)
            size = (each / "record.json").stat().st_size / 1e6
            print(
                f"{each.name:8} {found['seconds']:6.2f} s {found['megabytes']:7.0f} MB peak, "
                f"{found['points']:,} points drawn, record of {size:.2f} MB"
            )


if __name__ == "__main__":
    main()
