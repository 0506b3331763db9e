"""Records made by hand, as the compactor would make them."""

import math
from collections.abc import Mapping, Sequence
from itertools import groupby
from typing import Any

from compactor.record import (
    Attempt,
    Best,
    Chart,
    Epoch,
    LineInfo,
    NonFinite,
    Point,
    Record,
    RunInfo,
)

Points = Sequence[tuple[int, float]]


def line_info(points: Points, **changes: Any) -> LineInfo:
    """What the compactor says of a line that shows all its points."""
    finite = [(step, value) for step, value in points if math.isfinite(value)]
    info: dict[str, Any] = {
        "metric": "train/loss",
        "rank": 0,
        "raw_points": len(points),
        "drawn_points": len(points),
        "policy": "all",
        "non_finite": _non_finite(points),
    }
    if finite:
        by_value = sorted(finite, key=lambda pair: pair[1])
        ends = (finite[0], finite[-1], by_value[0], by_value[-1])
        names = ("first", "last", "minimum", "maximum")
        info |= {
            name: Point(step=step, value=value)
            for name, (step, value) in zip(names, ends, strict=True)
        }
    return LineInfo(**(info | changes))


def chart(
    key: str,
    lines: Mapping[str, Points],
    *,
    best: Mapping[str, Point] | None = None,
    infos: Mapping[str, Mapping[str, Any]] | None = None,
    **changes: Any,
) -> Chart:
    """A chart of lines whose values may be NaN or infinite."""
    described: dict[str, Any] = {"title": key, "x_label": "step", "y_label": key}
    return Chart(
        lines={
            name: [(step, value if math.isfinite(value) else None) for step, value in points]
            for name, points in lines.items()
        },
        best_point=dict(best or {}),
        line_info={
            name: line_info(
                points, **{"metric": f"{name}/{key}"} | dict((infos or {}).get(name, {}))
            )
            for name, points in lines.items()
        },
        **(described | changes),
    )


def run_info(**changes: Any) -> RunInfo:
    """A run that went well."""
    facts: dict[str, Any] = {
        "id": "20260504-quiet-heron",
        "name": "digits",
        "status": "completed",
        "error": None,
        "started": "2026-05-04T15:30:00Z",
        "ended": "2026-05-04T15:34:12Z",
        "seconds": 252.4,
        "steps": 100,
        "rows": 120,
        "tags": [],
        "config": {},
        "environment": {},
        "attempts": [attempt()],
        "ranks": [0],
        "world_size": 1,
    }
    return RunInfo(**(facts | changes))


def attempt(**changes: Any) -> Attempt:
    """The only process of a run that went well."""
    facts: dict[str, Any] = {
        "rank": 0,
        "attempt": 0,
        "status": "completed",
        "rows": 120,
        "hidden_rows": 0,
        "started": "2026-05-04T15:30:00Z",
        "ended": "2026-05-04T15:34:12Z",
        "resumed_from": None,
    }
    return Attempt(**(facts | changes))


def record(charts: Mapping[str, Chart] | None = None, **changes: Any) -> Record:
    """A record that holds ``charts`` and is otherwise plain."""
    parts: dict[str, Any] = {
        "best_step": None,
        "best": None,
        "run": run_info(),
        "epochs": [],
        "epoch_columns": [],
        "phases": [],
        "messages": [],
        "not_drawn": [],
        "notes": [],
    }
    return Record(charts=dict(charts or {}), **(parts | changes))


def digits() -> Record:
    """Ten epochs of ten steps: losses, accuracies, a learning rate, and the best at epoch 6."""
    train = [(step, 2.3 * math.exp(-step / 40) + 0.02 * (step % 5)) for step in range(100)]
    val = [(10 * e + 9, 0.4 + 0.02 * (e - 6) ** 2) for e in range(10)]
    best = Point(step=69, value=0.4, epoch=6)
    return record(
        {
            "lr": chart("lr", {"lr": [(step, 1e-3 * (1 - step / 100)) for step in range(100)]}),
            "acc": chart(
                "acc",
                {"val": [(step, 1 - value / 2) for step, value in val]},
                best={"val": Point(step=69, value=0.8, epoch=6)},
                title="Accuracy",
            ),
            "loss": chart(
                "loss",
                {"train": train, "val": val},
                best={"val": best},
                infos={name: {"unit": "nats"} for name in ("train", "val")},
                title="Loss",
            ),
        },
        best_step=69,
        best=Best(
            metric="val/loss",
            mode="min",
            value=0.4,
            step=69,
            epoch=6,
            per="epoch",
            candidates=10,
            metric_chosen_by="declared by the run",
            mode_chosen_by="declared by the run",
            row={"val/loss": 0.4, "val/acc": 0.8, "train/grad_norm": None},
        ),
        epochs=[
            Epoch(
                epoch=e,
                first_step=10 * e,
                last_step=step,
                ended=True,
                seconds=25.24,
                values={"val/loss": value, "val/acc": 1 - value / 2},
            )
            for e, (step, value) in enumerate(val)
        ],
        epoch_columns=["val/loss", "val/acc"],
        run=run_info(config={"model": {"width": 64, "layers": [1, 2]}, "lr": 0.001}),
    )


def _non_finite(points: Points) -> NonFinite:
    runs = [
        (finite, [step for step, _ in group])
        for finite, group in groupby(points, key=lambda pair: math.isfinite(pair[1]))
    ]
    stretches = [(steps[0], steps[-1]) for finite, steps in runs if not finite]
    values = [value for _, value in points]
    return NonFinite(
        nan=sum(map(math.isnan, values)),
        positive_infinity=values.count(math.inf),
        negative_infinity=values.count(-math.inf),
        stretch_count=len(stretches),
        stretches=stretches[:100],
    )
