"""Runs of every kind, made up from a seed and logged for real."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np

from logwriter import Run

STEPS, EPOCHS = 3000, 30
LONG = 10_000_000


def _losses(epoch: float, noise: float, *, rise: float = 0.0) -> tuple[float, float]:
    train = 2.3 * math.exp(-epoch / 5) + 0.05
    val = 2.3 * math.exp(-epoch / 5) + 0.15 + rise * max(0.0, epoch - 9) ** 1.3
    return train * math.exp(0.25 * noise), val


def _train(run: Run, seed: int, *, rise: float = 0.0, width: float = 1.0) -> None:
    """A plain training: losses and accuracies, a cosine rate, a gradient norm."""
    noise = np.random.default_rng(seed).normal(size=(STEPS + EPOCHS, 2)) * width
    run.phase("warm-up")
    for epoch in run.epochs(EPOCHS):
        for batch in range(STEPS // EPOCHS):
            step = epoch * (STEPS // EPOCHS) + batch
            if step == 300:
                run.phase("cosine")
            loss, _ = _losses(step * EPOCHS / STEPS, noise[step, 0], rise=rise)
            rate = 1e-3 * min(1, step / 300) * (0.5 + 0.5 * math.cos(math.pi * step / STEPS))
            norm = 0.4 + loss * math.exp(0.4 * noise[step, 1])
            run.log({"train/loss": loss, "lr": rate, "grad_norm": norm})
        _, val = _losses(epoch + 1, 0, rise=rise)
        val *= math.exp(0.02 * noise[STEPS + epoch, 0])
        run.log({"val/loss": val, "val/acc": 1 - val / 3})


def healthy(path: Path) -> None:
    """All goes well."""
    with Run(path, monitor="val/loss", mode="min") as run:
        _train(run, 1)


def overfit(path: Path) -> None:
    """The validation loss turns after ten epochs."""
    with Run(path, monitor="val/loss", mode="min") as run:
        _train(run, 2, rise=0.02)


def diverged(path: Path) -> None:
    """The loss climbs, then is no number any more."""
    rng = np.random.default_rng(3)
    with Run(path, monitor="val/loss", mode="min") as run:
        for step in range(2000):
            loss = 2 * math.exp(-step / 300) + 0.1 * rng.random()
            loss = loss if step < 1200 else loss * math.exp((step - 1200) / 20)
            run.log({"train/loss": loss if step < 1500 else math.nan})
            if step % 100 == 99:
                run.log({"val/loss": loss * 1.1 if step < 1500 else math.inf})


def spiky(path: Path) -> None:
    """Rare batches go far astray."""
    rng = np.random.default_rng(4)
    with Run(path, monitor="train/loss", mode="min") as run:
        for step in range(5000):
            spike = 40 * rng.random() if rng.random() < 0.002 else 0.0
            run.log({"train/loss": 1.5 * math.exp(-step / 1500) + 0.2 * rng.random() + spike})


def stepped(path: Path) -> None:
    """The learning rate falls by ten, twice."""
    rng = np.random.default_rng(5)
    with Run(path, monitor="val/top1", mode="max") as run:
        for epoch in run.epochs(90):
            level = epoch // 30
            for _ in range(50):
                loss = (1.8, 0.9, 0.6)[level] * (1 + 0.15 * rng.normal())
                run.log({"train/loss": loss, "lr": 0.1 * 0.1**level})
            run.log({"val/top1": (0.55, 0.70, 0.76)[level] + 0.01 * rng.normal()})


def resumed_twice(path: Path) -> None:
    """Two processes died; each was gone on with from an earlier step."""
    rng = np.random.default_rng(6)
    for begin, end in ((0, 900), (800, 2100), (1500, 3000)):
        with Run(path, monitor="loss", mode="min", resume=begin or False) as run:
            for step in range(begin, end):
                run.log({"loss": 2 * math.exp(-step / 700) + 0.2 * rng.random()}, step=step)


def eight_ranks(path: Path) -> None:
    """Eight processes of one job, one of them a little slow to learn."""
    for rank in range(8):
        rng = np.random.default_rng(70 + rank)
        with Run(path, monitor="loss", mode="min", rank=rank, world_size=8) as run:
            for step in range(600):
                pace = 260 if rank == 5 else 150
                run.log({"loss": 2 * math.exp(-step / pace) + 0.1 + 0.05 * rng.random()})


def one_point(path: Path) -> None:
    """It was stopped at once."""
    with Run(path, monitor="loss", mode="min") as run:
        run.log({"loss": 2.302})


def long(path: Path) -> None:
    """Ten million steps: what happens early must be seen too."""
    rng = np.random.default_rng(8)
    noise = rng.normal(size=LONG)
    with Run(path, monitor="val/loss", mode="min") as run:
        log = run.bind("train/loss")
        for step, jitter in enumerate(noise.tolist()):
            log(step, 3 + 8 * math.exp(-step / 3000) - 0.6 * step / LONG + 0.3 * jitter)
            if step % 20_000 == 19_999:
                run.log({"val/loss": 3.1 - 0.6 * step / LONG + 0.02 * jitter}, step=step)


def scripts(path: Path) -> None:
    """Titles in Chinese, Arabic, Hebrew and signs."""
    names = {
        "损失": "训练损失曲线",
        "accuracy": "دقة النموذج acc",
        "rate": "קצב הלמידה",
        "fire": "loss 🔥🚀 é ß Ω",
    }
    with Run(path, name="模型 نموذج", monitor="损失", mode="min") as run:
        for metric, title in names.items():
            run.define(metric, title=title)
        run.phase("预热")
        for step in range(200):
            run.log({name: math.exp(-step / 40) + 0.1 * k for k, name in enumerate(names)})


def hostile(path: Path) -> None:
    """Names that are no friends."""
    names = ["<script>alert(1)</script>", "$\\frac{a", "n" * 300, "_hidden", "a\tb\nc", "../../etc"]
    with Run(path, name='"><img src=x>', monitor=names[0], mode="min") as run:
        for step in range(100):
            run.log({name: math.exp(-step / 30) + place for place, name in enumerate(names)})


GENERATED: dict[str, Callable[[Path], None]] = {
    "healthy": healthy,
    "overfit": overfit,
    "diverged": diverged,
    "spiky": spiky,
    "stepped": stepped,
    "resumed-twice": resumed_twice,
    "eight-ranks": eight_ranks,
    "one-point": one_point,
    "long": long,
    "scripts": scripts,
    "hostile": hostile,
}
