"""How what is left out is told: by kind, with how many there were."""

from collections import Counter


def counted(kinds: Counter[str]) -> str:
    """Kinds and counts in a stable order, such as ``graphs (1), histograms (2,000)``."""
    return ", ".join(f"{kind} ({count:,})" for kind, count in sorted(kinds.items()))
