"""Each metric of a run in a few numbers, from one pass over the rows."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from logwriter.part import Part
from logwriter.runlog import RunLog, chunks, encode_metrics

_COLUMNS = ("metric", "seq", "step", "value")


@dataclass(frozen=True)
class MetricSummary:
    """One metric in the effective history of its lowest rank."""

    metric: str
    values: int
    first_step: int
    last_step: int
    last: float | None
    minimum: float | None
    maximum: float | None
    not_finite: int


def summarize_metrics(log: RunLog) -> list[MetricSummary]:
    """Each metric of the effective history, by name; one row group in memory at a time."""
    found: dict[str, MetricSummary] = {}
    for rank in log.state.ranks:
        of_rank: dict[str, MetricSummary] = {}
        for piece in _pieces(log.parts(ranks=[rank])):
            before = of_rank.get(piece.metric)
            of_rank[piece.metric] = _join(before, piece) if before else piece
        found = of_rank | found  # a lower rank's word stands
    return [found[name] for name in sorted(found)]


def _pieces(parts: Sequence[Part]) -> Iterator[MetricSummary]:
    """What each run of equal metrics says, in log order for each metric."""
    return chain.from_iterable(
        _summarize(table) for part in parts for table in chunks(part, _COLUMNS)
    )


def _summarize(table: pa.Table) -> Iterator[MetricSummary]:
    names, codes = encode_metrics(table)
    if not len(codes):
        return
    starts = np.flatnonzero(np.diff(codes, prepend=-1))
    steps, values = table.column("step").to_numpy(), table.column("value").to_numpy()
    finite = np.isfinite(values)
    columns: list[npt.NDArray[np.generic]] = [
        codes[starts],
        np.diff(starts, append=len(codes)),
        np.minimum.reduceat(steps, starts),
        np.maximum.reduceat(steps, starts),
        values[np.append(starts[1:], len(codes)) - 1],
        np.minimum.reduceat(np.where(finite, values, np.inf), starts),
        np.maximum.reduceat(np.where(finite, values, -np.inf), starts),
        np.add.reduceat(~finite, starts, dtype=np.int64),
    ]
    for code, count, first, last_step, last, low, high, others in zip(
        *(column.tolist() for column in columns), strict=True
    ):
        yield MetricSummary(
            metric=names[code],
            values=count,
            first_step=first,
            last_step=last_step,
            last=last if np.isfinite(last) else None,
            minimum=low if others < count else None,
            maximum=high if others < count else None,
            not_finite=others,
        )


def _join(before: MetricSummary, after: MetricSummary) -> MetricSummary:
    """Both together; ``after`` holds the later rows."""
    lows = [low for low in (before.minimum, after.minimum) if low is not None]
    highs = [high for high in (before.maximum, after.maximum) if high is not None]
    return MetricSummary(
        metric=before.metric,
        values=before.values + after.values,
        first_step=min(before.first_step, after.first_step),
        last_step=max(before.last_step, after.last_step),
        last=after.last,
        minimum=min(lows, default=None),
        maximum=max(highs, default=None),
        not_finite=before.not_finite + after.not_finite,
    )
