"""A run as offline runs of W&B: what `wandb sync` would find in them is what was logged."""

import importlib
import json
import math
import os
import struct
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from records import digits

from compactor.export.curves import ExportError
from compactor.export.logged import LoggedRow, Written, logged_rows
from compactor.export.trackers import write_run
from compactor.export.wandb import _Columns, _takes_steps
from logwriter import Run, read

pytest.importorskip("wandb")

BLOCK, HEADER = 32_768, struct.Struct("<IHB")
TINY, HUGE = 5e-324, 1.7976931348623157e308


@dataclass
class Offline:
    """What is in an offline run."""

    run: Any
    history: list[dict[str, Any]]
    summary: dict[str, Any]
    axes: list[tuple[str, str]]
    exit_code: int | None


def records(path: Path) -> Iterator[Any]:
    """The records of a ``.wandb`` file: a log as LevelDB has it, behind seven bytes of W&B's."""
    parse = importlib.import_module("wandb.proto.wandb_internal_pb2").Record.FromString
    data, at, gathered = path.read_bytes(), 7, b""
    while at + HEADER.size <= len(data):
        if BLOCK - at % BLOCK < HEADER.size:
            at += BLOCK - at % BLOCK
            continue
        _, length, kind = HEADER.unpack_from(data, at)
        at += HEADER.size + length
        gathered += data[at - length : at]
        if kind in {1, 4}:  # whole, or the last piece
            yield parse(gathered)
            gathered = b""


def opened(folder: Path) -> Offline:
    """The offline run in a folder."""
    (path,) = folder.glob("run-*.wandb")
    found = Offline(None, [], {}, [], None)
    for record in records(path):
        match record.WhichOneof("record_type"):
            case "run":
                found.run = record.run
            case "history":
                found.history.append(named(record.history.item))
            case "summary":
                found.summary |= named(record.summary.update)
            case "metric" if record.metric.step_metric:
                name = record.metric.name or record.metric.glob_name
                found.axes.append((name, record.metric.step_metric))
            case "exit":
                found.exit_code = record.exit.exit_code
    return found


def named(items: Any) -> dict[str, Any]:
    """Items by their names; whole numbers are floats, too, of which one is ``-0``."""
    return {
        item.key or "/".join(item.nested_key): json.loads(item.value_json, parse_int=float)
        for item in items
    }


def export(run: Path, folder: Path) -> Written:
    """Write it."""
    return write_run("wandb", read(run), folder, best=digits().best)


def test_an_offline_run_holds_every_value(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At its step and time; and with the configuration, the best point, and how it ended."""
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("WANDB_PROJECT", "another")
    monkeypatch.setenv("WANDB_RUN_ID", "another")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    odd = [0.1, -0.0, TINY, HUGE, math.nan, math.inf, -math.inf, 1 / 3]
    config = {"lr": 1e-3, "deep": {"betas": [0.9, None]}, "big": 2**60, "_wandb": "mine"}
    with Run(run_path, config=config, tags=["t" * 70]) as run:
        for _ in run.epochs(1):
            for step, value in enumerate(odd):
                run.log({"train/loss": value, "_step": step / 7, "a.b": value}, step=3 * step)
        run.log({"val/loss": 0.25}, step=21)
    written = export(run_path, tmp_path / "out")

    (folder,) = written.paths
    assert (written.rows, written.values, written.notes) == (9, 25, ())
    offline = opened(folder)
    rows = list(logged_rows(read(run_path).parts()))
    assert [entry["_step"] for entry in offline.history] == [row.step for row in rows[:-1]]
    for entry, row in zip(offline.history, rows, strict=False):
        wanted = {
            "_step (metric)": row.values[0],
            "a.b": row.values[1],
            "train/loss": row.values[2],
        }
        assert {name: repr(entry[name]) for name in wanted} == {
            name: repr(value) for name, value in wanted.items()
        }
        assert entry["epoch"] == 0
    assert [entry["_timestamp"] for entry in offline.history[:-1]] == [
        row.time / 1e6 for row in rows[:-2]
    ]
    last = offline.history[-1]
    assert (last["val/loss"], last["_timestamp"]) == (0.25, rows[-1].time / 1e6)  # of both rows
    best = digits().best
    assert best is not None
    assert offline.summary["best"]["value"] == best.value
    assert offline.summary["val/loss"] == 0.25
    assert offline.summary["status"] == "completed"
    assert offline.exit_code == 0
    said = {each.key: json.loads(each.value_json) for each in offline.run.config.update}
    assert said == {**config, "_wandb": {}, "_wandb (config)": "mine"}
    assert (offline.run.project, list(offline.run.tags)) == ("everystep", ["t" * 64])
    assert os.environ["WANDB_PROJECT"] == "another"
    assert {path.name for path in folder.iterdir()} == {f"run-{offline.run.run_id}.wandb", "files"}
    assert list((tmp_path / "out").iterdir()) == [folder]
    assert not (tmp_path / "home").exists()
    assert not list((tmp_path / "here").iterdir())


def test_steps_that_fall_are_a_column_and_ranks_are_a_group(run_path: Path, tmp_path: Path) -> None:
    """W&B would drop such rows; a second export takes the place of the first."""
    for rank in (0, 1):
        with Run(run_path, rank=rank, world_size=2) as run:
            for step in range(50):
                run.log({"train/loss": step + rank / 2}, step=step)
                run.log({"train/loss": -float(step)}, step=step)
            run.log({"val/loss": 0.5}, step=1)
            run.finish("failed")
    (tmp_path / "out").mkdir()
    export(run_path, tmp_path / "out")
    written = export(run_path, tmp_path / "out")
    assert "W&B's own cannot: it counts rows" in written.notes[0]
    assert sorted((tmp_path / "out").iterdir()) == sorted(written.paths)
    offline = [opened(path) for path in written.paths]
    for rank, each in enumerate(offline):
        rows = list(logged_rows(read(run_path).parts(ranks=[rank])))
        assert [entry["_step"] for entry in each.history] == list(range(101))
        assert [
            (entry["step"], entry.get("train/loss"), entry.get("val/loss"))
            for entry in each.history
        ] == [
            (
                row.step,
                *(dict(zip(row.names, row.values, strict=True)).get(name) for name in LOSSES),
            )
            for row in rows
        ]
        assert ("*", "step") in each.axes
        assert each.exit_code == 1
    assert len({each.run.run_group for each in offline}) == 1
    assert len({each.run.run_id for each in offline}) == 2


LOSSES = ("train/loss", "val/loss")


def row(step: int, *names: str) -> LoggedRow:
    """A row of ones."""
    return LoggedRow(1, step, None, names, [1.0] * len(names))


def merged_by_wandb(rows: list[LoggedRow]) -> int | None:
    """The twin: how many values W&B would keep, by its own words; ``None``: it takes no such step."""
    kept: dict[int, set[str]] = {}
    for each in rows:
        if each.step < 0:
            return None
        if each.step >= max(kept, default=0):
            kept.setdefault(each.step, set()).update(each.names)
    return sum(map(len, kept.values()))


ROWS = st.lists(
    st.builds(row, st.integers(-1, 4), st.sampled_from("abc"), st.sampled_from("de")), max_size=6
)


@settings(deadline=None, max_examples=200)
@given(ROWS)
def test_wandbs_steps_are_taken_where_no_value_is_lost(rows: list[LoggedRow]) -> None:
    """And only there."""
    assert _takes_steps(rows) == (merged_by_wandb(rows) == sum(len(each.names) for each in rows))


def test_names_that_are_wandbs_own_give_way() -> None:
    """And no column takes the name of a metric."""
    columns = _Columns(["_step", "_step (metric)", "", "step", "epoch", "loss"])
    names = ("", "_step", "_step (metric)", "epoch", "loss", "step")
    found = columns.of(
        LoggedRow(2_500_000, 7, 3, names, [0.0, 1.0, 2.0, 3.0, 4.0, 5.0]), counted=True
    )
    assert found == {
        "unnamed (metric)": 0.0,
        "_step (metric) *": 1.0,
        "_step (metric)": 2.0,
        "epoch": 3.0,
        "loss": 4.0,
        "step": 5.0,
        "epoch *": 3,
        "step *": 7,
        "_timestamp": 2.5,
    }


def test_without_the_extra_it_says_what_to_install(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves nothing behind."""
    with Run(run_path) as run:
        run.log({"a": 1.0})
    monkeypatch.setitem(sys.modules, "wandb", None)
    with pytest.raises(ExportError, match=r"pip install 'everystep\[wandb\]'"):
        export(run_path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


def test_rows_that_wandb_lost_are_told(
    run_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on a disk that is full, of which it says nothing; and nothing is left that looks complete."""
    with Run(run_path) as run:
        for step in range(10):
            run.log({"a": step}, step)
            run.log({"b": step}, step)
    library = importlib.import_module("wandb")
    log = library.Run.log

    def lossy(self: Any, data: Any, *, step: int) -> None:
        if step != 4:
            log(self, data, step=step)

    with monkeypatch.context() as patch:
        patch.setattr(library.Run, "log", lossy)
        with pytest.raises(ExportError, match=r"kept 9 of 10 rows.*full"):
            export(run_path, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())
