"""What logging every step adds to a training loop.

``python tests/benchmarks/loop.py [--pairs N] [--repeats N] [--only NAME ...]`` trains a small
convolutional network on images of digits, on one thread, and logs five metrics a step: loss, rate,
gradient norm, accuracy and throughput, of which three are tensors. Each logger, and none at all as a
control, runs in processes of its own. There, blocks of 100 steps with and without the call of ``log``
take turns in pairs of random order, so that a machine that slows down slows both; all that the metrics
cost is paid in both.

- without, with: median milliseconds of a step.
- ratio: the median over all pairs of the time with over the time without, and the interval that holds
  95 % of its bootstrap. The control's says how much of that is noise.
- share: of the time of the blocks with logging, how much passed inside the calls. everystep's goal is
  1 % at most.

What a logger does in the background may fall into a block without; ``log_call.py`` counts that.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import usage
from tabulate import tabulate
from tqdm import tqdm
from trackers import TRACKERS, Log

CONTROL = "nothing (control)"
Times = npt.NDArray[np.int64]


class Training:
    """A network that learns digits; each call is a step and returns its metrics."""

    def __init__(self, batch: int = 64) -> None:
        import torch
        from sklearn.datasets import load_digits
        from torch import nn

        torch.set_num_threads(1)
        torch.manual_seed(0)
        digits = load_digits()
        self._images = torch.tensor(digits.images, dtype=torch.float32).unsqueeze(1) / 16
        self._labels = torch.tensor(digits.target)
        self._model = nn.Sequential(
            nn.Conv2d(1, 16, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(16, 32, 3, padding=1),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Flatten(),
            nn.Linear(512, 10),
        )
        self._optimizer = torch.optim.Adam(self._model.parameters(), lr=1e-3)
        self._schedule = torch.optim.lr_scheduler.ExponentialLR(self._optimizer, 0.99999)
        self._batch, self._began = batch, time.perf_counter()

    def __call__(self) -> dict[str, Any]:
        """Train on a random batch."""
        import torch
        from torch.nn import functional

        chosen = torch.randint(len(self._labels), (self._batch,))
        images, labels = self._images[chosen], self._labels[chosen]
        outputs = self._model(images)
        loss = functional.cross_entropy(outputs, labels)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_(self._model.parameters(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        before, self._began = self._began, time.perf_counter()
        return {
            "train/loss": loss,
            "lr": self._schedule.get_last_lr()[0],
            "grad_norm": norm,
            "train/acc": (outputs.argmax(1) == labels).float().mean(),
            "throughput": self._batch / (self._began - before),
        }


@contextmanager
def opened(name: str, folder: Path) -> Iterator[Log]:
    """A logger by its name."""
    if name == CONTROL:
        yield lambda _values, _step: None
    elif name == "everystep":
        from logwriter import Run

        with Run(folder / "run") as run:
            yield run.log
    else:
        with TRACKERS[name].open(folder) as log:
            yield lambda values, step: log(_floats(values), step)


def _floats(values: Mapping[str, Any]) -> dict[str, float]:
    """Not every tracker takes tensors, so that a loop converts them first."""
    return {name: float(value) for name, value in values.items()}


def train(training: Training, log: Log | None, first: int, times: Times) -> int:
    """Fill ``times`` with nanoseconds a step; returns those inside ``log``."""
    clock, inside = time.perf_counter_ns, 0
    start = clock()
    for number in range(len(times)):
        values = training()
        if log is not None:
            called = clock()
            log(values, first + number)
            inside += clock() - called
        end = clock()
        times[number], start = end - start, end
    return inside


def measure(name: str, pairs: int, block: int, seed: int, folder: Path) -> dict[str, Any]:
    """Train in pairs of blocks, one of each with logging, in random order."""
    rng = np.random.default_rng(seed)
    times = np.zeros((pairs, 2, block), dtype=np.int64)
    training, inside = Training(), 0
    train(training, None, 0, np.zeros(2 * block, dtype=np.int64))
    with opened(name, folder) as log:
        train(training, log, 0, np.zeros(block, dtype=np.int64))
        for pair in range(pairs):
            for logs in rng.permutation(2):
                first = (pair + 1) * block
                inside += train(training, log if logs else None, first, times[pair, logs])
    return {
        "without": times[:, 0].tolist(),
        "with": times[:, 1].tolist(),
        "inside": inside,
    }


def run_child(name: str, options: argparse.Namespace, seed: int) -> dict[str, Any]:
    """Measure in a process of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--child", name, "--folder", folder]
        counts = ["--pairs", str(options.pairs), "--block", str(options.block), "--seed", str(seed)]
        ran = subprocess.run([*command, *counts], capture_output=True, text=True, check=False)
    if ran.returncode:
        raise SystemExit(f"{name}: {ran.stderr[-2000:]}")
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def summarize(found: list[dict[str, Any]]) -> list[str]:
    """The columns of the table, of all repeats together."""
    without, logged = (np.concatenate([f[key] for f in found]) for key in ("without", "with"))
    ratios = logged.sum(axis=1) / without.sum(axis=1)
    drawn = np.random.default_rng(0).choice(ratios, (10_000, len(ratios)))
    low, high = np.percentile(np.median(drawn, axis=1), (2.5, 97.5))
    inside = sum(f["inside"] for f in found)
    return [
        f"{np.median(without) / 1e6:.3f}",
        f"{np.median(logged) / 1e6:.3f}",
        f"{np.median(ratios):.4f}",
        f"{low:.4f} to {high:.4f}",
        f"{inside / logged.sum():.2%}",
        f"{inside / logged.size / 1e3:.1f}",
    ]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--pairs", type=int, default=40)
    parser.add_argument("--block", type=int, default=100, help="steps in a block")
    parser.add_argument("--repeats", type=int, default=3, help="processes for each logger")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="loggers with this in their name")
    parser.add_argument("--markdown", action="store_true", help="a table for a README")
    parser.add_argument("--smoke", action="store_true", help="only show that it runs")
    parser.add_argument("--seed", type=int, default=0, help="of the order of blocks")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        pairs, block, seed = options.pairs, options.block, options.seed
        print(json.dumps(measure(options.child, pairs, block, seed, options.folder)))
        return
    if options.smoke:
        options.pairs, options.block, options.repeats = 3, 20, 1
    names = [CONTROL, "everystep"]
    names += [
        name
        for name, tracker in TRACKERS.items()
        if tracker.is_installed() and any(part in name for part in options.only or [""])
    ]
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in names}
    for seed in tqdm(
        range(options.seed, options.seed + options.repeats), disable=None, leave=False
    ):
        for name in names:
            found[name].append(run_child(name, options, seed))
    headers = ["ms a step", "without", "with", "ratio", "95 %", "share", "µs a call"]
    table = [[name, *summarize(each)] for name, each in found.items()]
    style = "github" if options.markdown else "simple"
    print(tabulate(table, headers, style, disable_numparse=True, colalign=["left"] + ["right"] * 6))
    print(f"\n{usage.machine()}")


if __name__ == "__main__":
    main()
