"""From cells to a line: its points, buckets and epochs."""

import itertools
from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np

from compactor.fold.cells import NO_EPOCH, ROW, merge, rises, starts_of
from compactor.fold.digest import Digest, bucket_starts, digest, join, shift_for
from compactor.fold.exact import means
from compactor.fold.records import Records
from compactor.fold.rows import Rows
from compactor.reading.lines import (
    ATTEMPT_SHIFT,
    Buckets,
    EpochStats,
    Gaps,
    Line,
    Place,
    Points,
    find_gaps,
)
from compactor.sampling.arrays import Floats, Ints, Mask
from compactor.sampling.pins import gap_edges

BUCKETS_A_POINT = 4
"""A long line comes in so many times as many buckets as a chart draws points of it."""
_EPOCH_ROWS = ("first", "last", "latest", "least", "greatest")


def assemble(
    metric: str, rank: int, digest: Digest, *, max_points: int, whole: Points | None = None
) -> Line:
    """Put a line together.

    Args:
        metric: Its name.
        rank: Whose.
        digest: All of the line, in the order of the log.
        max_points: How many points a chart will draw.
        whole: All rows, where the line is short enough.
    """
    cells = digest.cells
    stats, latest = _epochs(cells, digest.terms)
    if whole is not None:
        points, buckets, gaps = whole, row_buckets(whole), find_gaps(whole)
    else:
        merged = _merged(cells, max_points)
        edges = _edges(cells, digest.edges)
        buckets = _as_buckets(merged)
        points = joined([_marks(merged), points_of(latest), edges])
        gaps = _gaps(cells, digest.edges)
    return Line(
        metric=metric,
        rank=rank,
        rows=int(cells["rows"].sum()),
        points=points,
        whole=whole is not None,
        buckets=buckets,
        epochs=stats,
        gaps=gaps,
    )


def is_in_order(cells: Records) -> bool:
    """Whether a line's steps never fall in the order of the log; ``cells`` are all of the line's."""
    at = np.argsort(cells.part("first")["position"])
    return rises(cells.take(at), np.zeros(1, np.int64))


def _edges(cells: Records, edges: Records) -> Points:
    """The edges of stretches and their finite neighbours, which may lie in another segment."""
    if not len(edges):
        return points_of(edges.part("row"))
    known = _known(cells, edges)
    return known.take(np.unique(gap_edges(np.isfinite(known.value), 4 * len(known))))


def _gaps(cells: Records, edges: Records) -> Gaps:
    """The gaps of a long line: the first and last row of each cell keep gaps apart, too."""
    if (cells["finite"] == cells["rows"]).all():
        return Gaps()
    at = np.argsort(cells.part("first")["position"])
    whole = merge(cells.take(at), np.zeros(1, np.int64))
    return Gaps(
        nan=int(whole["nan"][0]),
        positive_infinity=int(whole["above"][0]),
        negative_infinity=int(whole["below"][0]),
        count=int(whole["stretches"][0]),
        stretches=find_gaps(_known(cells, edges)).stretches,
    )


def _known(cells: Records, edges: Records) -> Points:
    """The edges of stretches, and the first and last row of each cell."""
    rows = [edges.part("row"), cells.part("first"), cells.part("last")]
    return points_of(Records.joined(ROW, rows))


def points_of(rows: Records) -> Points:
    """Rows of `compactor.fold.cells.ROW` as points, by step, then position, each once."""
    _, at = np.unique(rows["position"], return_index=True)
    rows = rows.take(at)
    rows = rows.take(np.lexsort((rows["position"], rows["step"])))
    inside = rows["epoch"] != NO_EPOCH
    return Points(
        step=rows["step"],
        position=rows["position"],
        epoch=np.where(inside, rows["epoch"], 0),
        in_epoch=inside,
        time=rows["time"],
        value=rows["value"],
    )


def joined(parts: list[Points]) -> Points:
    """Points of several sources as one, each row once, by step, then position."""
    columns = {
        name: np.concatenate([getattr(part, name) for part in parts]) for name in vars(parts[0])
    }
    together = Points(**columns)
    together = together.take(np.unique(together.position, return_index=True)[1])
    return together.take(np.lexsort((together.position, together.step)))


def line_of_points(metric: str, rank: int, points: Points, *, max_points: int = 2000) -> Line:
    """A whole line from all its rows."""
    order = np.argsort(points.position)
    rows = Rows(
        line=np.zeros(len(points), np.int64),
        step=points.step[order],
        position=points.position[order],
        epoch=np.where(points.in_epoch, points.epoch, NO_EPOCH)[order],
        time=points.time[order],
        value=points.value[order],
    )
    attempt = rows.position >> ATTEMPT_SHIFT
    bounds = np.append(starts_of(attempt), len(rows)).tolist()
    parts = [digest(rows.take(slice(*ends))) for ends in itertools.pairwise(bounds)]
    return assemble(metric, rank, join(parts), max_points=max_points, whole=points)


def line_of(
    metric: str,
    rank: int,
    step: Ints,
    value: Floats,
    *,
    epoch: Ints | None = None,
    time: Ints | None = None,
    attempt: int = 0,
) -> Line:
    """A whole line from plain arrays of shape ``(N,)``, in the order of the log.

    Args:
        metric: Its name.
        rank: Whose.
        step: The steps.
        value: The values.
        epoch: The epochs; without them, the rows are outside epochs.
        time: In microseconds since 1970; a second a row without it.
        attempt: Of which attempt all rows are.
    """
    number = np.arange(len(step))
    step = np.asarray(step, np.int64)
    points = Points(
        step=step,
        position=(attempt << ATTEMPT_SHIFT) + number,
        epoch=np.zeros(len(step), np.int64) if epoch is None else np.asarray(epoch, np.int64),
        in_epoch=np.full(len(step), epoch is not None),
        time=1_000_000 * number if time is None else np.asarray(time, np.int64),
        value=np.asarray(value, np.float64),
    )
    return line_of_points(metric, rank, points.take(np.argsort(step, kind="stable")))


def _merged(cells: Records, max_points: int) -> Records:
    """The cells merged into buckets, by step."""
    if not len(cells):
        return cells
    first = cells.part("first")
    low, high = int(first["step"].min()), int(cells.part("last")["step"].max())
    bucket = bucket_starts(first["step"], shift_for(low, high, BUCKETS_A_POINT * max_points))
    order = np.lexsort((first["position"], first["step"], bucket))
    return merge(_taken(cells, order), starts_of(bucket[order]))


def _taken(cells: Records, order: Ints) -> Records:
    """The cells in an order, copied only if it is another one."""
    return cells if (order[1:] > order[:-1]).all() else cells.take(order)


def _marks(buckets: Records) -> Points:
    """The rows of the buckets that matter."""
    some, broken = buckets["finite"] > 0, buckets["finite"] < buckets["rows"]
    found = [
        buckets.part("first"),
        buckets.part("last"),
        *(
            buckets.part(name).take(some)
            for name in ("least", "least_end", "greatest", "greatest_end")
        ),
        buckets.part("broken").take(broken),
    ]
    return points_of(Records.joined(ROW, found))


def _as_buckets(cells: Records) -> Buckets:
    some = cells["finite"] > 0
    count = np.where(some, cells["finite"], np.nan)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):
        steep = np.where(cells["spread"] > 0, cells["product"] / cells["spread"], 0.0)
        off = np.maximum(cells["square"] - steep * cells["product"], 0.0)
        return Buckets(
            first_step=cells.part("first")["step"].copy(),  # and let go of the others
            last_step=cells.part("last")["step"].copy(),
            rows=cells["rows"].copy(),
            finite=cells["finite"].copy(),
            mean=np.where(some, cells["mean"], np.nan),
            variance=cells["square"] / count,
            minimum=np.where(some, cells.part("least")["value"], np.nan),
            maximum=np.where(some, cells.part("greatest")["value"], np.nan),
            slope=np.where(some, steep, np.nan),
            residual=off / count,
        )


def row_buckets(points: Points) -> Buckets:
    """A bucket a row."""
    finite = np.isfinite(points.value)
    value = np.where(finite, points.value, np.nan)
    nothing = np.where(finite, 0.0, np.nan)
    ones = np.ones(len(points), np.int64)
    return Buckets(
        first_step=points.step,
        last_step=points.step,
        rows=ones,
        finite=finite.astype(np.int64),
        mean=value,
        variance=nothing,
        minimum=value,
        maximum=value,
        slope=nothing,
        residual=nothing,
    )


def _epochs(cells: Records, terms: Records) -> tuple[tuple[EpochStats, ...], Records]:
    """What the line came to in each epoch, and the last row of the log in each.

    Of an epoch that was repeated, the latest attempt counts; rows outside epochs come first.
    """
    if not len(cells):
        return (), cells.part("latest")
    first = cells.part("first")
    epoch, attempt = first["epoch"], first["position"] >> ATTEMPT_SHIFT
    order = np.lexsort((first["position"], attempt, epoch))
    outside = epoch == NO_EPOCH
    starts = starts_of(epoch[order], np.where(outside, 0, attempt)[order])
    merged = merge(_taken(cells, order), starts, _EPOCH_ROWS)
    group = np.empty(len(cells), np.int64)
    group[order] = np.repeat(np.arange(len(starts)), np.diff(starts, append=len(cells)))
    regrouped = Records(terms.kind, terms.columns.copy())
    regrouped["cell"] = group[terms["cell"]]
    mean = means(regrouped, merged["finite"])
    numbers = merged.part("first")["epoch"]
    counts = np.append(numbers[1:] != numbers[:-1], True)
    stats = tuple(_stats(merged.take(counts), itertools.compress(mean, counts)))
    return stats, merged.part("latest").take(counts & (numbers != NO_EPOCH))


def _stats(cells: Records, means: Iterable[float | None]) -> Iterator[EpochStats]:
    """A cell an epoch."""
    first, last, latest = (cells.part(name) for name in ("first", "last", "latest"))
    some = cells["finite"] > 0
    with np.errstate(over="ignore", invalid="ignore"):
        std = np.sqrt(cells["square"] / np.maximum(cells["finite"], 1))
    columns = {
        "epoch": _or_none(first["epoch"], first["epoch"] != NO_EPOCH),
        "rows": cells["rows"].tolist(),
        "finite": cells["finite"].tolist(),
        "mean": means,
        "std": _or_none(std, some),
        "least": _places(cells.part("least"), some),
        "greatest": _places(cells.part("greatest"), some),
        "last": latest["value"].tolist(),
        "step": latest["step"].tolist(),
        "position": latest["position"].tolist(),
        "first_step": first["step"].tolist(),
        "last_step": last["step"].tolist(),
        "first_time": cells["begin"].tolist(),
        "last_time": cells["end"].tolist(),
    }
    for values in zip(*columns.values(), strict=True):
        yield EpochStats(**dict(zip(columns, values, strict=True)))


def _or_none(values: Floats | Ints, known: Mask) -> list[Any]:
    """As Python's own numbers; ``None`` where it is not known."""
    return [
        value if is_known else None
        for value, is_known in zip(values.tolist(), known.tolist(), strict=True)
    ]


def _places(rows: Records, known: Mask) -> list[Place | None]:
    columns = (rows[name].tolist() for name in ("value", "step", "position"))
    return [
        Place(*row) if is_known else None
        for is_known, *row in zip(known.tolist(), *columns, strict=True)
    ]
