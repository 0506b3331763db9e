"""What the benchmarks log: noise of single precision, as ``loss.item()`` gives it.

The numbers are made beforehand, so that no case pays for them; the dict is made in each call. Every
step has other numbers: they repeat only after more steps than a segment holds, out of reach of its
compression.
"""

from typing import Any

import numpy as np

NAMES = ("train/loss", "train/acc", "lr", "grad_norm", "throughput")
MANY = tuple(f"layer{number}/norm" for number in range(1000))
Five = tuple[float, float, float, float, float]

_STEPS = 1 << 18
_TENSORS = 1 << 17


def _noise() -> Any:
    rng = np.random.default_rng(0)
    noise = rng.normal((1.0, 0.8, 1e-3, 3.0, 900.0), (0.1, 0.03, 1e-5, 0.5, 30.0), (_STEPS, 5))
    return noise.astype(np.float32)


class Rows:
    """Rows of five metrics by step.

    Python's floats, unless ``kind`` is ``numpy`` (scalars) or ``torch`` (tensors on the CPU, the loss
    one that needs a gradient; rate and throughput stay floats).
    """

    def __init__(self, kind: str = "python") -> None:
        columns = _noise().T
        if kind == "torch":
            import torch

            loss = torch.tensor(columns[0, :_TENSORS], requires_grad=True) * 1
            acc, norm = (torch.tensor(columns[place, :_TENSORS]) for place in (1, 3))
            lr, throughput = (columns[place, :_TENSORS].tolist() for place in (2, 4))
            self.rows: list[Any] = list(zip(loss, acc, lr, norm, throughput, strict=True))
        elif kind == "numpy":
            self.rows = list(zip(*columns, strict=True))
        else:
            self.rows = list(zip(*(column.tolist() for column in columns), strict=True))
        self._mask = len(self.rows) - 1

    def __call__(self, step: int) -> dict[str, Any]:
        """A dict made for this step."""
        loss, acc, lr, norm, throughput = self.rows[step & self._mask]
        return {
            "train/loss": loss,
            "train/acc": acc,
            "lr": lr,
            "grad_norm": norm,
            "throughput": throughput,
        }

    def five(self, step: int) -> Five:
        """The same five numbers, without names."""
        row: Five = self.rows[step & self._mask]
        return row


def single_values() -> list[float]:
    """Numbers for one metric a call; their number is a power of two."""
    values: list[float] = _noise()[:, 0].astype(float).tolist()
    return values


def wide_rows() -> list[list[float]]:
    """Rows of a thousand numbers each; their number is a power of two."""
    rows: list[list[float]] = (
        _noise().astype(float).reshape(-1, 8)[:32_000].reshape(-1, 1000).tolist()
    )
    return rows
