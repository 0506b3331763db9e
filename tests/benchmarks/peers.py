"""What others do, as yardsticks."""

from typing import Any

import numpy as np


def lttb(x: Any, y: Any, n: int) -> Any:
    """Largest-Triangle-Three-Buckets (Steinarsson, 2013): the yardstick, not a policy."""
    edges = np.linspace(1, len(x) - 1, n - 1).astype(int)
    kept = [0]
    for place in range(n - 2):
        bucket = np.arange(edges[place], edges[place + 1])
        later = slice(edges[place + 1], edges[place + 2]) if place < n - 3 else slice(-1, None)
        dx, dy = x[later].mean() - x[kept[-1]], y[later].mean() - y[kept[-1]]
        area = np.abs(dx * (y[bucket] - y[kept[-1]]) - dy * (x[bucket] - x[kept[-1]]))
        kept.append(int(bucket[np.argmax(area)]))
    return np.array([*kept, len(x) - 1])
