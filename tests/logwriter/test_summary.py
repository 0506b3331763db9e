"""Facts about metrics from one pass, and tables of many metrics in reasonable time."""

import time
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from logwriter import Run, read
from logwriter import metricsummary as ms
from logwriter.runlog import RunLog

VALUES = st.sampled_from([0.0, -1.5, 2.0, float("nan"), float("inf"), -float("inf"), 1e300])
ROWS = st.lists(
    st.tuples(
        st.dictionaries(st.sampled_from("abc"), VALUES, min_size=1),
        st.integers(-5, 9),
        st.booleans(),
    ),
    max_size=12,
)


def plainly(log: RunLog, metric: str) -> ms.MetricSummary:
    """The slow, readable twin: from the metric's rows as a list."""
    table = log.rows([metric])
    table = table.filter(pc.field("rank") == pc.min(table.column("rank")))
    steps, values = table.column("step").to_pylist(), table.column("value").to_pylist()
    finite = [value for value in values if np.isfinite(value)]
    return ms.MetricSummary(
        metric=metric,
        values=len(values),
        first_step=min(steps),
        last_step=max(steps),
        last=values[-1] if np.isfinite(values[-1]) else None,
        minimum=min(finite, default=None),
        maximum=max(finite, default=None),
        not_finite=len(values) - len(finite),
    )


@settings(max_examples=10, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from([True, 3]), ROWS), max_size=3))
def test_one_pass_tells_what_the_rows_of_each_metric_tell(
    tmp_path_factory: pytest.TempPathFactory,
    attempts: list[tuple[int, bool | int, list[tuple[dict[str, float], int, bool]]]],
) -> None:
    """Any ranks, attempts, rewinds, seals, and values that are not finite."""
    path = tmp_path_factory.mktemp("summary") / "run"
    with Run(path, rank=0, world_size=2) as run:
        run.log({"z": 1}, step=0)
    for rank, resume, rows in attempts:
        with Run(path, rank=rank, world_size=2, resume=resume) as run:
            for values, step, flush in rows:
                run.log(values, step=step)
                if flush:
                    run.flush()
    log = read(path)
    wanted = [plainly(log, name) for name in log.metrics if log.rows([name]).num_rows]
    assert ms.summarize_metrics(log) == wanted


def test_many_metrics_in_many_segments_are_read_in_linear_time(run_path: Path) -> None:
    """Twenty thousand names, a row each, twice: seconds, where a pass for each name took minutes."""
    names = [f"metric/{number * 7919 % 20_000:05d}" for number in range(20_000)]
    with Run(run_path) as run:
        for _ in range(2):
            for name in names:
                run.log({name: 1.0})
            run.flush()
    begun = time.process_time()
    log = read(run_path)
    table = log.rows()
    assert len(log.parts()) > 1
    assert table.column("metric").to_pylist() == [n for n in sorted(names) for _ in range(2)]
    order = table.column("seq").to_numpy().reshape(-1, 2)
    assert (order[:, 0] < order[:, 1]).all()
    assert len(ms.summarize_metrics(log)) == 20_000
    log.require(names)
    assert time.process_time() - begun < 5
