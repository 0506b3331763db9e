"""From a run to its record: end to end, through real runs."""

import json
import math
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import jsonschema
import numpy as np
import pytest

from compactor import compact
from compactor.deciding.verdict import judge
from compactor.reading import folding
from compactor.record import encode, json_schema
from compactor.store import read_record
from logwriter import Run
from logwriter.errors import (
    NoMonitorError,
    NothingLoggedError,
    UnknownMetricError,
)
from logwriter.repair import repair

KILLED = """
import os, signal, sys
from logwriter import Run

run = Run(sys.argv[1], monitor="val/loss", journal_bytes=1 << 18, config={"lr": 0.1})
for epoch in run.epochs(6):
    for i in range(6000):
        run.log({"train/loss": 2.0 / (1 + epoch + i / 6000), "lr": 0.1 - i * 1e-5})
    run.log({"val/loss": abs(epoch - 3) + 0.25, "val/acc": epoch / 10})
    run.message(f"epoch {epoch}")
    if epoch == 2:
        run.flush()
    if epoch == 4:
        os.kill(os.getpid(), signal.SIGKILL)
"""


def train(path: Path, epochs: int = 5, batches: int = 20) -> None:
    """A run of which epoch 3 is the best."""
    with Run(path, monitor="val/loss", config={"lr": 0.1, "worst": math.inf}, tags=["t"]) as run:
        run.define("train/loss", unit="nats", title="Cross entropy")
        run.phase("warm-up")
        for epoch in run.epochs(epochs):
            for batch in range(batches):
                run.log({"train/loss": 2 - epoch / 10 - batch / 1000, "grad_norm": 1.0})
            run.log({"val/loss": abs(epoch - 3) + 0.5})
            run.log({"val/acc": 0.5 + epoch / 100})


def check_schema(path: Path) -> None:
    """The file is strict JSON, and what its schema says."""

    def refuse(token: str) -> None:
        raise AssertionError(token)

    document = json.loads(path.read_text(), parse_constant=refuse)
    jsonschema.Draft202012Validator(json_schema()).validate(document)


def test_a_run_is_compacted(run_path: Path) -> None:
    """Best point, whole row, charts, epochs, times: one document."""
    train(run_path)
    record = compact(run_path)
    assert read_record(run_path) == record
    check_schema(run_path / "record.json")
    assert record.best is not None
    assert (record.best.metric, record.best.mode, record.best.per) == ("val/loss", "min", "epoch")
    assert (record.best_step, record.best.step, record.best.epoch) == (79, 79, 3)
    assert record.best.metric_chosen_by == "declared by the run"
    assert record.best.row == {
        "grad_norm": 1.0,
        "train/loss": 2 - 0.3 - 0.019,
        "val/acc": 0.53,
        "val/loss": 0.5,
    }
    assert list(record.charts) == ["loss", "acc", "grad_norm"]
    assert list(record.charts["loss"].lines) == ["train", "val"]
    assert record.charts["loss"].title == "Cross entropy"
    assert record.charts["loss"].best_point["val"].step == 79
    assert [(e.epoch, e.first_step, e.last_step, e.ended) for e in record.epochs] == [
        (n, 20 * n, 20 * n + 19, True) for n in range(5)
    ]
    assert record.epochs[2].values["val/loss"] == 1.5
    assert record.epoch_columns == ["train/loss", "val/loss", "val/acc", "grad_norm"]
    assert [(phase.name, phase.step) for phase in record.phases] == [("warm-up", 0)]
    assert (record.run.rows, record.run.steps, record.run.status) == (110, 100, "completed")
    assert record.run.tags == ["t"]
    assert record.run.config == {"lr": 0.1, "worst": "inf"}
    assert record.notes == []


def test_compacting_again_gives_the_same_bytes(run_path: Path) -> None:
    """Law 4: only the log is true."""
    train(run_path)
    compact(run_path)
    first = (run_path / "record.json").read_bytes()
    (run_path / "record.json").unlink()
    compact(run_path)
    assert (run_path / "record.json").read_bytes() == first


@pytest.mark.parametrize("whole", [0, 65_536])
def test_sealing_changes_no_byte(
    run_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """A killed run gives the same record before and after its journals are sealed."""
    monkeypatch.setattr(folding, "WHOLE_ROWS", whole)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(run_path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert list(run_path.glob("writers/*/*.wal"))
    assert list(run_path.glob("writers/*/*.parquet"))
    before = encode(compact(run_path))
    repair(run_path)
    assert not list(run_path.glob("writers/*/*.wal"))
    assert encode(compact(run_path)) == before
    record = read_record(run_path)
    assert record.run.status == "unfinished"
    assert record.run.ended is None
    assert record.run.seconds is not None
    assert record.best is not None
    assert (record.best.epoch, record.best.value) == (3, 0.25)
    assert [epoch.ended for epoch in record.epochs] == [True] * 4 + [False]


def test_long_and_short_lines_agree_on_what_matters(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Best, epochs and line facts do not depend on how the rows came back."""
    with Run(run_path, monitor="train/loss") as run:
        rng = np.random.default_rng(3)
        for _ in run.epochs(4):
            for value in rng.standard_normal(1000):
                run.log({"train/loss": float(value), "acc": 1 - float(value)})
    whole = compact(run_path, output=tmp_path / "whole.json")
    monkeypatch.setattr(folding, "WHOLE_ROWS", 0)
    bucketed = compact(run_path, output=tmp_path / "bucketed.json", max_points=50)
    assert whole.best == bucketed.best
    assert whole.best is not None
    assert whole.best.per == "epoch mean"
    assert whole.epochs == bucketed.epochs
    for key, chart in whole.charts.items():
        other = bucketed.charts[key]
        assert chart.best_point == other.best_point
        for name, info in chart.line_info.items():
            thin = other.line_info[name]
            assert (info.minimum, info.maximum) == (thin.minimum, thin.maximum)
            assert (info.first, info.last) == (thin.first, thin.last)
            assert info.raw_points == thin.raw_points == 4000
            assert thin.drawn_points <= 50
            assert thin.policy == "adaptive"


def test_a_resumed_run_shows_its_latest_history(run_path: Path) -> None:
    """Rows behind the resume are hidden; epochs taken back are not in the table."""
    with Run(run_path, monitor="val/loss") as run:
        for epoch in run.epochs(5):
            for _ in range(10):
                run.log({"train/loss": 1.0})
            run.log({"val/loss": -float(epoch)})
    with Run(run_path, resume=29) as run:
        for epoch in run.epochs(range(3, 4)):
            for _ in range(10):
                run.log({"train/loss": 2.0})
            run.log({"val/loss": 5.0, "again": epoch})
    record = compact(run_path)
    assert record.best is not None
    assert (record.best.epoch, record.best.value, record.best.step) == (2, -2.0, 29)
    assert [(e.epoch, e.values["val/loss"]) for e in record.epochs] == [
        (0, 0.0),
        (1, -1.0),
        (2, -2.0),
        (3, 5.0),
    ]
    assert [a.hidden_rows for a in record.run.attempts] == [22, 0]
    assert [a.resumed_from for a in record.run.attempts] == [None, 29]
    assert record.run.rows == 44
    steps = [step for step, _ in record.charts["loss"].lines["train"]]
    assert steps == list(range(40))


def test_an_attempt_hidden_as_a_whole_counts_as_hidden(run_path: Path) -> None:
    """Resuming before its first row hides all of it."""
    with Run(run_path) as run:
        run.log({"loss": 1.0}, step=0)
    with Run(run_path, resume=True) as run:
        run.log({"loss": 0.1}, step=5)
    with Run(run_path, resume=0) as run:
        run.log({"loss": 2.0}, step=1)
    record = compact(run_path, monitor="loss")
    assert [a.hidden_rows for a in record.run.attempts] == [0, 1, 0]
    assert [a.resumed_from for a in record.run.attempts] == [None, 4, 0]
    assert record.best is not None
    assert record.best.value == 1.0


def test_what_was_lost_or_refused_is_noted(run_path: Path) -> None:
    """Values that were no numbers, and rows that a repair gave up."""
    with Run(run_path, name="poor") as run:
        run.log({"val/loss": 1.0, "text": "high"})
        run.flush()
        run.log({"val/loss": 2.0})
    (segment,) = run_path.glob("writers/*/steps-000000000000-*.parquet")
    segment.unlink()
    repair(run_path)
    record = compact(run_path)
    assert record.notes == [
        "r00000-a000: 1 row is lost for good.",
        "r00000-a000: values that were not numbers were left out: text (1).",
    ]
    assert record.run.rows == 1


def test_ranks_share_a_chart(run_path: Path) -> None:
    """Stragglers show; the best is decided on the lowest rank that logged the monitor."""
    for rank in range(3):
        with Run(run_path, rank=rank, world_size=3) as run:
            for step in range(5):
                run.log({"train/loss": 10.0 * rank + step})
            if rank:
                run.log({"val/loss": 3.0 - rank})
    record = compact(run_path)
    assert list(record.charts["loss"].lines) == [
        "train",
        "train (rank 1)",
        "train (rank 2)",
        "val",
        "val (rank 2)",
    ]
    assert record.run.ranks == [0, 1, 2]
    assert record.best is not None
    assert (record.best.value, record.best.row["train/loss"]) == (2.0, 14.0)


def empty(path: Path) -> None:
    """A run without a row."""
    with Run(path, monitor="val/loss"):
        pass


def only_events(path: Path) -> None:
    """Epochs and messages, no rows."""
    with Run(path) as run:
        for _ in run.epochs(2):
            run.message("nothing")


def one_point(path: Path) -> None:
    """A single value."""
    with Run(path) as run:
        run.log({"val/loss": 1.0})


def all_nan(path: Path) -> None:
    """A monitor without a finite value."""
    with Run(path) as run:
        for _ in range(3):
            run.log({"val/loss": math.nan})


def no_monitor(path: Path) -> None:
    """A metric that is no usual monitor."""
    with Run(path) as run:
        run.log({"speed": 1.0})


def killed_epoch(path: Path) -> None:
    """A monitor averaged over an epoch that never ended."""
    with Run(path, monitor="train/loss") as run:
        loop = run.epochs(1)
        next(loop)
        run.log({"train/loss": 1.0})
        run.log({"train/loss": 2.0})
        run.finish("failed", error="out of memory")


@pytest.mark.parametrize(
    ("make", "notes", "error"),
    [
        (empty, ["No rows were logged."], (NothingLoggedError, "everystep show")),
        (only_events, ["No rows were logged."], (NothingLoggedError, "no rows were logged")),
        (one_point, [], None),
        (
            all_nan,
            ["No best point: val/loss has no finite value."],
            (NothingLoggedError, "val/loss has no finite value"),
        ),
        (
            no_monitor,
            [
                (
                    "No best point: nothing says which metric decides what was best; "
                    "give --monitor (monitor= in Python) with one of: speed."
                )
            ],
            (NoMonitorError, "one of: speed"),
        ),
        (
            killed_epoch,
            ["No best point: no epoch with a finite value of train/loss has ended."],
            (NothingLoggedError, "has ended"),
        ),
    ],
)
def test_a_poor_run_still_has_a_record(
    run_path: Path,
    make: Callable[[Path], None],
    notes: list[str],
    error: tuple[type[Exception], str] | None,
) -> None:
    """The record is written with plain notes; asking for the best is an error with a next step."""
    make(run_path)
    record = compact(run_path)
    check_schema(run_path / "record.json")
    assert record.notes == notes
    if error is None:
        assert judge(run_path).best == record.best
    else:
        assert record.best is None
        with pytest.raises(error[0], match=error[1]):
            judge(run_path)


def test_a_monitor_asked_for_must_exist(run_path: Path) -> None:
    """In both; and nothing is written."""
    train(run_path)
    for call in (compact, judge):
        with pytest.raises(UnknownMetricError, match="did you mean val/loss"):
            call(run_path, monitor="val/lss")
    with pytest.raises(NoMonitorError, match="--mode"):
        compact(run_path, monitor="grad_norm")
    assert not (run_path / "record.json").exists()


def test_charts_beyond_the_wanted_number_are_listed(run_path: Path) -> None:
    """Drawn first are the ones that matter."""
    train(run_path)
    record = compact(run_path, charts=1)
    assert list(record.charts) == ["loss"]
    assert record.not_drawn == ["grad_norm", "val/acc"]
    assert record.epoch_columns == ["train/loss", "val/loss"]


def test_a_value_logged_later_in_the_same_step_belongs_to_its_row(run_path: Path) -> None:
    """Before it in the log there is an older value; at the step itself, this one."""
    with Run(run_path) as run:
        run.log({"val/acc": 0.1}, step=0)
        run.log({"val/loss": 1.0}, step=5)
        run.log({"val/acc": 0.9}, step=5)
        run.log({"val/loss": 2.0, "late": 1.0}, step=6)
    found = judge(run_path).best
    assert found.row == {"val/acc": 0.9, "val/loss": 1.0}


@pytest.mark.parametrize("whole", [0, 65_536])
def test_the_row_is_the_nearest_before_the_best(
    run_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """Exactly, also where only a few rows of a long line came back."""
    monkeypatch.setattr(folding, "WHOLE_ROWS", whole)
    with Run(run_path) as run:
        for step in range(3000):
            run.log({"a": float(step)}, step=step)
            if step % 500 == 250:
                run.log({"val/loss": abs(step - 1250) + 1.0}, step=step)
            if step % 7 == 0:
                run.log({"b": float(-step)}, step=step)
    assert judge(run_path).best.row == {"a": 1250.0, "b": -1246.0, "val/loss": 1.0}


def test_arguments_that_mean_nothing_are_refused(run_path: Path) -> None:
    """Before the run is read."""
    for arguments in ({"max_points": 15}, {"policy": "nth"}, {"charts": -1}, {"threads": 0}):
        with pytest.raises(ValueError, match=r"at least|choose one|0 or more|1 or more"):
            compact(run_path, **arguments)


def log_ranks(run_path: Path) -> None:
    """Two ranks; the second is better, and best later."""
    for rank in (0, 1):
        with Run(run_path, rank=rank, world_size=2, monitor="val/loss") as run:
            for epoch in run.epochs(4):
                run.log({"val/loss": 1.0 + (epoch - 1 - rank) ** 2 - rank / 2, "lr": 0.1})


def test_all_tables_are_those_of_the_rank_that_was_asked_for(run_path: Path) -> None:
    """Not half of the record another's."""
    log_ranks(run_path)
    record = compact(run_path, ranks=1)
    assert record.best is not None
    assert (record.best.value, record.best.epoch, record.best.rank) == (0.5, 2, 1)
    assert [epoch.values["val/loss"] for epoch in record.epochs] == [4.5, 1.5, 0.5, 1.5]
    assert {info.rank for chart in record.charts.values() for info in chart.line_info.values()} == {
        1
    }
    mean = compact(run_path, ranks="mean")
    assert mean.best is not None
    assert (mean.best.value, mean.best.rank) == (1.25, None)
    assert [epoch.values["val/loss"] for epoch in mean.epochs] == [3.25, 1.25, 1.25, 3.25]


def test_a_rank_without_rows_cannot_be_asked_for(run_path: Path) -> None:
    """The error names those that have some."""
    log_ranks(run_path)
    with pytest.raises(NothingLoggedError, match="rank 7 logged nothing; ranks that did: 0, 1"):
        compact(run_path, ranks=7)


def test_a_policy_that_nothing_is_drawn_with_is_noted(run_path: Path) -> None:
    """A slip of a name is not swallowed."""
    log_ranks(run_path)
    policies = {"val/los": "uniform", "lr": "uniform", "val/*": "uniform"}
    assert compact(run_path, policies=policies).notes == [
        "The policy for 'val/los' was not used: no metric or chart has that name."
    ]


def test_a_line_that_is_drawn_is_looked_at_in_full_among_ever_so_many(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Only memory keeps short lines from coming whole; one at a time they fit."""
    with Run(run_path) as run:
        for step in range(5000):
            run.log({"loss": math.sin(step), "other": math.cos(step)})
    whole = compact(run_path)
    monkeypatch.setattr(folding, "WHOLE_ROWS_TOGETHER", 5000)
    assert compact(run_path).charts["loss"].lines == whole.charts["loss"].lines


def test_a_rank_that_logged_nothing_is_found(run_path: Path) -> None:
    """Unless one rank, or the mean of those that did, was asked for."""
    for rank in (0, 1, 2):
        with Run(run_path, rank=rank, world_size=4) as run:
            for step in range(50):
                if rank != 1:
                    run.log({"loss": 1.0 / (1 + step)})
    found = [each for each in compact(run_path).findings if each.rule == "rank_silent"]
    assert len(found) == 1
    assert "1" in found[0].text
    assert "3" in found[0].text
    assert not [each for each in compact(run_path, ranks=0).findings if "rank" in each.rule]
