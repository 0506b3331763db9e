"""A small network that learns handwritten digits, and then learns them by heart.

The images are those of scikit-learn: 1,797 digits of 8 × 8 pixels from the UCI repository ("Optical
Recognition of Handwritten Digits", Alpaydin and Kaynak, 1998), part of the package. Some of the
training labels are made wrong, as labels in the wild are, and the network has room to learn those by
heart as well: the training loss goes on falling while the validation loss turns and climbs, which is
what a training log should show.
"""

import math
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any, Protocol

import torch
from sklearn.datasets import load_digits
from torch import nn

MONITOR = "val/loss"


class Logger(Protocol):
    """What training needs of a run."""

    def log(self, values: Mapping[str, Any], step: int | None = None) -> None:
        """Log one row."""

    def epochs(self, epochs: int) -> Iterator[int]:
        """Count epochs."""

    def phase(self, name: str) -> None:
        """Begin a phase."""


@dataclass(frozen=True)
class Settings:
    """The hyper-parameters of the training."""

    epochs: int = 60
    batch_size: int = 8
    hidden: int = 128
    lr: float = 2e-3
    warmup_epochs: int = 2
    train_share: float = 0.4
    wrong_labels: float = 0.1
    seed: int = 0

    def as_config(self) -> dict[str, Any]:
        """The settings, and what stands fast besides, for the log."""
        return asdict(self) | {
            "optimizer": "Adam",
            "schedule": "warm-up, then cosine",
            "data": "digits",
        }


@dataclass(frozen=True)
class Split:
    """Images, shape (n, 64), values 0 to 1, and their labels, shape (n,)."""

    images: torch.Tensor
    labels: torch.Tensor


def load_splits(settings: Settings) -> tuple[Split, Split]:
    """Training and validation images, shuffled by the seed."""
    digits = load_digits()
    images = torch.tensor(digits.data, dtype=torch.float32) / 16
    labels = torch.tensor(digits.target, dtype=torch.int64)
    generator = torch.Generator().manual_seed(settings.seed)
    order = torch.randperm(len(labels), generator=generator)
    cut = round(settings.train_share * len(labels))
    wrong = order[: round(settings.wrong_labels * cut)]
    labels[wrong] = (labels[wrong] + torch.randint(1, 10, wrong.shape, generator=generator)) % 10
    train, validation = order[:cut], order[cut:]
    return Split(images[train], labels[train]), Split(images[validation], labels[validation])


def train(run: Logger, settings: Settings) -> int:
    """Train, log every batch and every epoch, and return the number of batches."""
    torch.manual_seed(settings.seed)
    training, validation = load_splits(settings)
    model = _make_model(settings.hidden)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings.lr)
    per_epoch = math.ceil(len(training.labels) / settings.batch_size)
    schedule = _make_schedule(optimizer, settings, per_epoch)
    run.phase("warm-up")
    for epoch in run.epochs(settings.epochs):
        if epoch == settings.warmup_epochs:
            run.phase("cosine")
        for batch in torch.randperm(len(training.labels)).split(settings.batch_size):
            lr = optimizer.param_groups[0]["lr"]
            logits = model(training.images[batch])
            loss = nn.functional.cross_entropy(logits, training.labels[batch])
            optimizer.zero_grad()
            loss.backward()
            norm = nn.utils.clip_grad_norm_(model.parameters(), max_norm=10.0)
            optimizer.step()
            schedule.step()
            accuracy = (logits.argmax(1) == training.labels[batch]).float().mean()
            run.log({"train/loss": loss, "train/acc": accuracy, "lr": lr, "grad_norm": norm})
        run.log(_evaluate(model, validation))
    return settings.epochs * per_epoch


@contextmanager
def one_thread() -> Iterator[None]:
    """Train in one thread: the network is too small to share, and sharing costs more than it saves."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _make_model(hidden: int) -> nn.Module:
    return nn.Sequential(
        nn.Linear(64, hidden),
        nn.ReLU(),
        nn.Linear(hidden, hidden),
        nn.ReLU(),
        nn.Linear(hidden, 10),
    )


def _make_schedule(
    optimizer: torch.optim.Optimizer, settings: Settings, per_epoch: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """Linear warm-up, then half a cosine down to a fifth."""
    warmup = settings.warmup_epochs * per_epoch
    total = settings.epochs * per_epoch

    def factor(step: int) -> float:
        if step < warmup:
            return (step + 1) / warmup
        progress = (step - warmup) / max(1, total - warmup)
        return 0.2 + 0.8 * (1 + math.cos(math.pi * progress)) / 2

    return torch.optim.lr_scheduler.LambdaLR(optimizer, factor)


@torch.no_grad()
def _evaluate(model: nn.Module, split: Split) -> dict[str, torch.Tensor]:
    logits = model(split.images)
    accuracy = (logits.argmax(1) == split.labels).float().mean()
    return {MONITOR: nn.functional.cross_entropy(logits, split.labels), "val/acc": accuracy}
