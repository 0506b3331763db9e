"""One rule for all formats: what counts steps, epochs and times, and what may not be mixed."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tabled import column, imported, notes, points

from logwriter import read
from logwriter.errors import EverystepError
from logwriter.importing.running import RunningStep
from logwriter.importing.sayings import Sayings
from logwriter.importing.table.counting import EpochCounting
from logwriter.journal import NO_EPOCH

few = settings(max_examples=25, deadline=None)
EPOCHS = st.one_of(st.none(), st.integers(0, 4))
RECORDS = st.lists(
    st.fixed_dictionaries(
        {"count": st.integers(0, 6), "loss": st.floats(allow_nan=False, allow_infinity=False)},
        optional={
            "epoch": st.integers(0, 4),
            "acc": st.floats(0, 1),
            "phase": st.sampled_from(["train", "Validation"]),
            "timestamp": st.integers(1_700_000_000, 1_700_000_009),
        },
    ),
    min_size=1,
    max_size=25,
)


ORDERS = [
    {"count": 1, "loss": 0.0, "epoch": 0, "acc": 0.0, "phase": "Validation"},
    {"count": 2, "epoch": 1, "phase": "Validation", "acc": 0.0, "loss": 0.0},
    {"count": 0, "loss": 0.0, "phase": "Validation"},
]
"""JSON that names the same metrics in another order, as columns of a table never do."""


VALIDATION_WITHOUT_EPOCHS = [
    {"count": 0, "loss": 0.0},
    {"count": 1, "loss": 0.0, "phase": "Validation"},
]
TIMES_THAT_END = [
    {"count": 0, "loss": 0.0, "epoch": 0, "timestamp": 1_700_000_001},
    {"count": 1, "loss": 0.0, "epoch": 1, "timestamp": 1_700_000_000, "phase": "train"},
    {"count": 1, "loss": 0.0, "acc": 0.0},
    {"count": 0, "loss": 0.0},
]
"""Times step back; the last row has none, and what is said before it divides it from those above."""


SWITCHED_WITHIN_AN_EPOCH = [
    *((0, count, {"a"}) for count in (0, 1)),
    (1, 1, {"b"}),
    *((1, count, {"a"}) for count in (0, 1, 0)),
    (2, 0, {"a"}),
]
"""Epoch 1 has the count 1 before it is known that counts begin again, and after."""


def as_table(records: list[dict[str, Any]]) -> str:
    """The records as CSV."""
    names = list(dict.fromkeys(name for record in records for name in record))
    lines = [",".join(str(record.get(name, "")) for name in names) for record in records]
    return "\n".join([",".join(names), *lines]) + "\n"


def as_lines(records: list[dict[str, Any]]) -> str:
    """The records as JSON lines."""
    return "".join(json.dumps(record) + "\n" for record in records)


def logged(path: Path, text: str, name: str, **how: Any) -> list[dict[str, Any]] | None:
    """All that an import makes of a text, without the format's own; ``None``: it refuses."""
    try:
        one = imported(path, text, name=name, **how)
    except EverystepError:
        return None
    rows = read(one.path).rows(attempts="all").to_pylist()
    return sorted(rows, key=lambda row: (row["attempt"], row["seq"], row["metric"]))


@few
@example(records=ORDERS, counter="step")
@example(records=VALIDATION_WITHOUT_EPOCHS, counter="iter")
@example(records=TIMES_THAT_END, counter="step")
@given(records=RECORDS, counter=st.sampled_from(["step", "iter", "Global Step"]))
def test_a_table_and_json_lines_of_the_same_log_are_the_same_run(
    tmp_path_factory: pytest.TempPathFactory, records: list[dict[str, Any]], counter: str
) -> None:
    """The same steps, epochs, times, names and attempts, row by row."""
    place = tmp_path_factory.mktemp("same")
    records = [
        {counter: each["count"], **{k: v for k, v in each.items() if k != "count"}}
        for each in records
    ]
    records[0].setdefault("timestamp", 1_700_000_000)
    table = logged(place / "table", as_table(records), "log.csv", format="csv")
    lines = logged(place / "lines", as_lines(records), "log.jsonl", format="jsonl")
    assert table == lines


@few
@example(rows=SWITCHED_WITHIN_AN_EPOCH, cuts=[7])
@given(
    rows=st.lists(
        st.tuples(EPOCHS, st.integers(0, 9), st.sets(st.sampled_from(["a", "b", "c"]), min_size=1)),
        min_size=1,
        max_size=40,
    ),
    cuts=st.lists(st.integers(1, 7), min_size=1),
)
def test_steps_of_many_rows_at_a_time_are_those_of_row_by_row(
    rows: list[tuple[int | None, int, set[str]]], cuts: list[int]
) -> None:
    """However the rows are cut into chunks."""
    one_by_one = RunningStep("count", Sayings())
    expected = [one_by_one.step(frozenset(metrics), epoch, count) for epoch, count, metrics in rows]
    counting, found, at = EpochCounting("count", Sayings()), list[int](), 0
    for size in cuts * len(rows):
        chunk = rows[at : at + size]
        at += size
        if chunk:
            step = np.array([count for _, count, _ in chunk])
            epoch = np.array([NO_EPOCH if each is None else each for each, _, _ in chunk])
            given = {name: np.array([name in has for _, _, has in chunk]) for name in "abc"}
            found += counting.count(step, epoch, given).tolist()
    assert found == expected


@pytest.mark.parametrize("first", [0, 1])
@pytest.mark.parametrize("kind", ["csv", "jsonl", "log"])
def test_counts_within_epochs_run_on_alike(tmp_path: Path, kind: str, first: int) -> None:
    """Those from 0 follow on the last step, those from 1 count from it; no step is there twice."""
    records = [
        {"epoch": epoch, "step": first + n, "loss": 0.5} for epoch in range(3) for n in range(4)
    ]
    text = {
        "csv": as_table(records),
        "jsonl": as_lines(records),
        "log": "".join(f"epoch: {e['epoch']}, step: {e['step']}, loss: 0.5\n" for e in records),
    }[kind]
    one = imported(tmp_path / "run", text, name=f"a.{kind}")
    assert column(one.path, "step", "loss") == [first + n for n in range(12)]
    assert "counts within epochs" in notes(one)


def test_the_order_of_names_on_a_line_does_not_matter(tmp_path: Path) -> None:
    """A step that falls within an epoch is a restart, and no count that begins in each epoch."""
    lines = (
        "epoch: 0, step: 1, loss: 1, acc: 2",
        "epoch: 1, step: 2, acc: 3, loss: 4",
        "epoch: 1, step: 0, loss: 5",
    )
    one = imported(tmp_path / "run", "\n".join(lines) + "\n", name="a.log", format="text")
    assert column(one.path, "step", "loss") == [1, 2, 0]
    assert one.attempts == 2
    assert "counts within epochs" not in notes(one)


def test_other_metrics_may_count_by_other_rules(tmp_path: Path) -> None:
    """Validation that logs the epoch as its step does not make training look as if it began again."""
    text = "epoch,step,loss,val\n0,1,5,\n0,2,5,\n1,1,,7\n1,3,5,\n1,4,5,\n2,2,,7\n"
    one = imported(tmp_path / "run", text)
    assert column(one.path, "step", "loss") == [1, 2, 3, 4]
    assert column(one.path, "step", "val") == [1, 2]


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_parts_of_the_data_are_not_mixed(tmp_path: Path, kind: str) -> None:
    """A record that says of which part it is has names of that part; validation has training's step."""
    records = [
        {"phase": phase, "epoch": epoch, "iter": n, "loss": epoch + n / 10}
        for epoch in (1, 2)
        for phase, count in (("train", 3), ("val", 1))
        for n in range(1, count + 1)
    ]
    text = as_table(records) if kind == "csv" else as_lines(records)
    one = imported(tmp_path / "run", text, name=f"a.{kind}")
    assert points(one.path) == [
        (1, "train/loss", 1.1),
        (2, "train/loss", 1.2),
        (3, "train/loss", 1.3),
        (3, "val/loss", 1.1),
        (4, "train/loss", 2.1),
        (5, "train/loss", 2.2),
        (6, "train/loss", 2.3),
        (6, "val/loss", 2.1),
    ]
    assert one.attempts == 1
    assert "what the record itself says it is of" in notes(one)
    assert "columns of text" not in notes(one)


def test_a_column_that_splits_runs_is_no_part(tmp_path: Path) -> None:
    """What the user says goes first; and other words than those of parts make no part."""
    text = "phase,step,loss\nwarmup,1,5\ntrain,2,5\n"
    assert points(imported(tmp_path / "a", text).path) == [(1, "loss", 5.0), (2, "loss", 5.0)]
    from logwriter.importing import import_log

    (tmp_path / "s.csv").write_text("phase,step,loss\ntrain,1,5\nval,2,5\n")
    runs = import_log(tmp_path / "s.csv", tmp_path / "runs", split="phase")
    assert [points(run.path) for run in runs] == [[(1, "loss", 5.0)], [(2, "loss", 5.0)]]


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("jsonl", '{{"rank": {rank}, "step": {step}, "loss": {loss}}}\n'),
        ("log", "[rank{rank}]: step: {step}, loss: {loss}\n"),
        ("log", "[default{rank}]:step: {step} loss: {loss}\n"),
        ("log", "2024-03-01 10:00:00 [Local Rank: {rank}] step: {step} | loss: {loss}\n"),
    ],
)
def test_ranks_are_not_mixed(tmp_path: Path, kind: str, text: str) -> None:
    """Rank 0 keeps its names; another is told by its number, also where it comes late."""
    order = [(0, 1), (0, 2), (1, 1), (0, 3), (1, 2)]
    log = "".join(text.format(rank=r, step=s, loss=s + r / 10) for r, s in order)
    one = imported(tmp_path / "run", log, name=f"a.{kind}")
    names = ["loss", "rank1/loss"]
    assert points(one.path) == [(s, names[r], s + r / 10) for r, s in order]
    assert one.attempts == 1
    assert "records of several ranks" in notes(one)


def test_a_rank_that_counts_no_processes_is_a_metric(tmp_path: Path) -> None:
    """Such as that of an adapter's matrices."""
    text = '{"step": 1, "loss": 2, "rank": 8}\n{"step": 2, "loss": 1, "rank": 16}\n'
    one = imported(tmp_path / "run", text, name="a.jsonl")
    assert set(one.metrics) == {"loss", "rank"}


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_a_source_that_begins_with_its_last_step_is_refused(tmp_path: Path, kind: str) -> None:
    """All but one row would be hidden, each in a folder of its own."""
    records = [{"step": n, "loss": n / 10} for n in range(50, 0, -1)]
    text = as_table(records) if kind == "csv" else as_lines(records)
    with pytest.raises(EverystepError, match="steps go back 8 times in its first 8 rows"):
        imported(tmp_path / "run", text, name=f"a.{kind}")
    assert sorted(each.name for each in tmp_path.iterdir()) == [f"a.{kind}"]
    kept = imported(tmp_path / "run", text, name=f"a.{kind}", keep_restarts=True)
    assert kept.rows == 50


def test_many_sessions_of_some_rows_are_attempts(tmp_path: Path) -> None:
    """A job that is stopped again and again."""
    text = "step,loss\n" + "".join(f"{n},1\n" for _ in range(30) for n in range(5))
    assert imported(tmp_path / "run", text).attempts == 30


def test_any_column_of_text_may_tell_runs_apart(tmp_path: Path) -> None:
    """It is suggested where steps go back with it, whatever it is called."""
    text = "optimizer,step,loss\n" + "".join(f"{o},{n},1\n" for o in "ab" for n in range(3))
    assert "steps go back where column 'optimizer' changes: --split optimizer" in notes(
        imported(tmp_path / "run", text)
    )


def test_seeds_side_by_side_are_told(tmp_path: Path) -> None:
    """No step goes back, and yet rows of several runs are in one."""
    text = "seed,step,loss\n" + "".join(f"{seed},{n},1\n" for n in range(3) for seed in range(2))
    assert "'seed' has several values, whose rows are all in this run: --split seed" in notes(
        imported(tmp_path / "run", text)
    )
    single = imported(tmp_path / "single", "seed,step,loss\n1,1,1\n1,2,1\n")
    assert "--split" not in notes(single)
