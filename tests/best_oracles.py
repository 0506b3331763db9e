"""The best point, found by walking through the log: the slow, readable twin of `compactor.deciding.best`."""

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

from oracles import exact_mean


class Row(NamedTuple):
    """One logged value: which attempt logged it, as its how-many-th row, where, and what."""

    attempt: int
    seq: int
    step: int
    epoch: int | None
    value: float


class Found(NamedTuple):
    """The winner, and among how many."""

    value: float
    step: int
    epoch: int | None
    attempt: int
    seq: int
    per: str
    candidates: int


def competing(rows: Sequence[Row]) -> list[Row]:
    """In log order: rows in epochs, of the latest attempt at each; without epochs, all rows."""
    latest: dict[int, int] = {}
    for row in sorted(rows):
        if row.epoch is not None:
            latest[row.epoch] = row.attempt
    if not latest:
        return sorted(rows)
    return [row for row in sorted(rows) if row.epoch in latest and row.attempt == latest[row.epoch]]


def improves(value: float, best: float, mode: str, min_delta: float) -> bool:
    """Whether a value is better by more than ``min_delta``."""
    return value + min_delta < best if mode == "min" else value - min_delta > best


def walk(
    candidates: Sequence[tuple[float, Row]], mode: str, min_delta: float, per: str
) -> Found | None:
    """Keep the first finite candidate, and whatever improves on what is kept."""
    finite = [each for each in candidates if math.isfinite(each[0])]
    if not finite:
        return None
    best = finite[0]
    for each in finite[1:]:
        if improves(each[0], best[0], mode, min_delta):
            best = each
    value, row = best
    return Found(value, row.step, row.epoch, row.attempt, row.seq, per, len(finite))


def of_epoch(rows: Sequence[Row], of: str) -> tuple[float, Row]:
    """What the rows of one epoch come to, and the row that stands for it; NaN for nothing."""
    finite = [row for row in rows if math.isfinite(row.value)]
    if of == "last" or not finite:
        return (rows[-1].value if of == "last" else math.nan), rows[-1]
    if of == "mean":
        return exact_mean([row.value for row in finite]) or 0.0, rows[-1]
    chosen = (min if of == "min" else max)(finite, key=lambda row: row.value)
    return chosen.value, chosen


def best(
    rows: Sequence[Row],
    mode: str,
    ended: Collection[int],
    *,
    per: str | None = None,
    of: str = "mean",
    min_delta: float = 0.0,
) -> Found | None:
    """The winner among the rows of one metric of one rank, hidden ones left out."""
    in_race = competing(rows)
    epochs: dict[int, list[Row]] = {}
    for row in in_race:
        if row.epoch is not None:
            epochs[row.epoch] = [*epochs.pop(row.epoch, []), row]  # by their last rows
    if per == "epoch" and not epochs:
        return None
    if per == "step" or not epochs:
        return walk([(row.value, row) for row in in_race], mode, min_delta, "step")
    if all(len(group) == 1 for group in epochs.values()):
        single = [(group[0].value, group[0]) for group in epochs.values()]
        return walk(single, mode, min_delta, "epoch")
    several = [of_epoch(group, of) for epoch, group in epochs.items() if epoch in ended]
    return walk(several, mode, min_delta, f"epoch {of}")


def rewound(attempts: Sequence[tuple[int | None, Sequence[Row]]]) -> list[Row]:
    """The rows that count: an attempt that goes on after a step hides what came behind it.

    Args:
        attempts: For each, after which step it goes on (``None``: it hides nothing), and the rows
            of all its metrics.
    """
    kept: list[list[Row]] = []
    for step, rows in attempts:
        if step is not None:
            kept = [up_to(earlier, step) for earlier in kept]
        kept.append(list(rows))
    return [row for rows in kept for row in rows]


def up_to(rows: Sequence[Row], step: int) -> list[Row]:
    """The rows before the first one whose step is past ``step``."""
    kept = []
    for row in rows:
        if row.step > step:
            break
        kept.append(row)
    return kept


def whole_row(rows: Sequence[tuple[str, int, float]], place: int) -> dict[str, float | None]:
    """What every metric was at one of the rows of a log: metric, step and value of each, in order."""
    step = rows[place][1]
    row: dict[str, float | None] = {}
    for metric in sorted({name for name, _, _ in rows}):
        before = [each for each in rows[: place + 1] if each[0] == metric]
        behind = [each for each in rows[place + 1 :] if each[0] == metric]
        chosen = before[-1:]
        if behind and behind[0][1] == step and not (before and before[-1][1] == step):
            chosen = behind[:1]
        for _, _, value in chosen:
            row[metric] = value if math.isfinite(value) else None
    return row
