"""Offline runs of W&B become runs: every number of the history, at its step and time."""

import json
import os
import struct
import sys
import zlib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("wandb.proto.wandb_internal_pb2")

from wandb.proto.wandb_internal_pb2 import Record

from logwriter import read
from logwriter.errors import EverystepError, NothingLoggedError
from logwriter.events import Message
from logwriter.importing import import_log
from logwriter.importing.formats import detect, wandb
from logwriter.importing.items import Skipped
from logwriter.importing.source import look
from logwriter.importing.wandbfiles import leveldb

LOGS = Path(os.environ.get("EVERYSTEP_REAL_LOGS", ""))
NAME = "run-abc123.wandb"
BEGUN = 1_700_000_000


def log_of(records: Iterable[bytes]) -> bytes:
    """A file of W&B with these records: the slow twin of its writer, piece by piece."""
    data = bytearray(leveldb.MAGIC)
    for record in records:
        left, is_first = record, True
        while is_first or left:
            room = leveldb.BLOCK - len(data) % leveldb.BLOCK
            if room < 7:
                data += bytes(room)
                room = leveldb.BLOCK
            part, left = left[: room - 7], left[room - 7 :]
            kind = {(True, False): 1, (True, True): 2, (False, True): 3, (False, False): 4}[
                is_first, bool(left)
            ]
            checked = bytes([kind]) + part
            data += struct.pack("<IH", zlib.crc32(checked), len(part)) + checked
            is_first = False
    return bytes(data)


def history(step: int, values: Mapping[Any, Any], *, raw: bool = False) -> bytes:
    """A row, as W&B writes it; ``raw``: the values are JSON already."""
    record = Record()
    record.history.step.num = step
    found = {"_step": step, "_timestamp": BEGUN + step / 2, "_runtime": step / 2, **values}
    for key, value in found.items():
        text = value if raw and key in values else json.dumps(value)
        keys = [key] if isinstance(key, str) else key
        record.history.item.add(nested_key=keys, value_json=text)
    return bytes(record.SerializeToString())


def described(**fields: Any) -> bytes:
    """The record that describes the run."""
    record = Record()
    config = fields.pop("config", {})
    for key, value in config.items():
        record.run.config.update.add(key=key, value_json=json.dumps(value))
    record.run.tags.extend(fields.pop("tags", ()))
    for name, value in fields.items():
        setattr(record.run, name, value)
    return bytes(record.SerializeToString())


def ended(code: int) -> bytes:
    """The record of the exit."""
    record = Record()
    record.exit.exit_code = code
    record.exit.runtime = 5
    return bytes(record.SerializeToString())


def write(folder: Path, *records: bytes) -> Path:
    """The file of a run."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / NAME).write_bytes(log_of(records))
    return folder / NAME


def as_json(value: float) -> float:
    """What JSON keeps of a number."""
    return float("nan") if value != value else float(value)  # noqa: PLR0124  NaN


OF_WANDB = {"_step", "_timestamp", "_runtime"}
"""What W&B itself writes into each record: no metrics."""
numbers = st.floats() | st.integers(-(1 << 62), 1 << 62) | st.booleans()
names = st.text(max_size=5).filter(lambda name: name not in OF_WANDB)
rows = st.lists(st.dictionaries(names, numbers, max_size=4), min_size=1, max_size=9)


@settings(deadline=None, max_examples=40)
@given(rows)
def test_every_number_of_the_history_comes(
    tmp_path_factory: pytest.TempPathFactory, logged: list[dict[str, float]]
) -> None:
    """Bit for bit, infinities included, whatever the keys are; JSON has one NaN, without a sign."""
    folder = tmp_path_factory.mktemp("wandb")
    logged[0]["always"] = 1.0
    path = write(folder, *(history(step, row) for step, row in enumerate(logged)))
    import_log(path, folder / "run")
    for metric in {key for row in logged for key in row}:
        steps, values = read(folder / "run").series(metric)
        pairs = [(step, as_json(row[metric])) for step, row in enumerate(logged) if metric in row]
        assert steps.tolist() == [step for step, _ in pairs]
        assert values.tobytes() == np.array([value for _, value in pairs]).tobytes()


def test_names_steps_and_times_are_those_of_the_source(tmp_path: Path) -> None:
    """Keys inside keys are joined by dots; `_runtime` is no metric."""
    path = write(
        tmp_path, history(7, {("val", "loss"): 0.5, "a/b": 1}), history(9, {"old": {"x": {"y": 2}}})
    )
    (done,) = import_log(path, tmp_path / "run")
    assert set(done.metrics) == {"val.loss", "a/b", "old.x.y"}
    assert "the names of keys inside keys are joined by dots, as W&B shows them" in done.notes
    table = read(tmp_path / "run").rows()
    assert set(table["step"].to_pylist()) == {7, 9}
    times = {round((BEGUN + 3.5) * 1e6), round((BEGUN + 4.5) * 1e6)}
    assert set(table["time"].cast("int64").to_pylist()) == times


def test_what_is_no_number_is_counted_by_kind(tmp_path: Path) -> None:
    """Images and the like do not become metrics by the numbers inside them, however they are written."""
    image = {("img", "_type"): "image-file", ("img", "width"): 64, "x": 1}
    path = write(
        tmp_path,
        history(0, image),
        history(
            1, {"table": {"_type": "table-file", "nrows": 3}, "y": "word", "z": [1], "n": None}
        ),
    )
    (done,) = import_log(path, tmp_path / "run")
    assert done.metrics == ("x",)
    assert done.notes[0] == (
        "left out: empty values (1), image-file values (1), lists (1), table-file values (1), texts (1)"
    )


def test_what_surrounds_the_rows(tmp_path: Path) -> None:
    """Configuration, tags, name, alerts and what only the summary says."""
    late, alert, summary = Record(), Record(), Record()
    late.config.update.add(key="wd", value_json="0.1")
    alert.alert.title, alert.alert.text, alert.alert.level = "careful", "hot \x1b[31m", "WARN"
    for keys, text in (["best"], "3"), (["x"], "2"), (["_wandb", "runtime"], "5"):
        summary.summary.update.add(nested_key=keys, value_json=text)
    path = write(
        tmp_path,
        described(run_id="abc", display_name="brisk", tags=["t"], config={"lr": 1, "_wandb": {}}),
        alert.SerializeToString(),
        history(0, {"x": 1}),
        history(1, {"x": 2}),
        late.SerializeToString(),
        summary.SerializeToString(),
        ended(0),
    )
    import_log(path, tmp_path / "run")
    log = read(tmp_path / "run")
    assert (log.state.name, log.state.status) == ("brisk", "completed")
    assert log.state.config == {"lr": 1, "wd": 0.1, "wandb_summary": {"best": 3}}
    assert log.state.tags == ["t"]
    (told,) = (event for event in log.events if isinstance(event, Message))
    assert (told.text, told.level) == ("careful: hot \x1b[31m", "warning")
    assert log.rows()["time"].cast("int64").to_pylist()[0] == BEGUN * 10**6


@pytest.mark.parametrize(
    ("code", "status"), [(0, "completed"), (3, "failed"), (None, "unfinished")]
)
def test_how_the_run_ended(tmp_path: Path, code: int | None, status: str) -> None:
    """By its exit code; without one it did not come to its end, which is said."""
    records = [history(0, {"x": 1}), *([] if code is None else [ended(code)])]
    (done,) = import_log(write(tmp_path, *records), tmp_path / "run")
    assert read(tmp_path / "run").state.status == status
    assert ("the file does not say how the run ended" in done.notes) is (code is None)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.integers(0, 3) | st.integers(32_000, 70_000), max_size=5))
def test_records_of_any_length_are_put_together(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int]
) -> None:
    """Across blocks, and where the room left in one is smaller than the head of a piece."""
    path = tmp_path_factory.mktemp("log") / NAME
    wrote = [bytes([at + 1]) * length for at, length in enumerate(lengths)]
    path.write_bytes(log_of(wrote))
    counted: list[int] = []
    assert list(leveldb.records(path, counted.append)) == wrote
    assert sum(counted) == path.stat().st_size


def test_a_file_cut_anywhere_gives_the_records_before_the_cut(tmp_path: Path) -> None:
    """And says where, unless the cut lies between two; pieces of a record never pass for one."""
    wrote = [b"a" * 10, b"b" * 40_000, b"c" * 5]
    whole = log_of(wrote)
    ends = [len(log_of(wrote[:count])) for count in range(4)]
    places = {*range(7, 60), *range(32_740, 32_800), *range(len(whole) - 40, len(whole) + 1)}
    for length in sorted(places):
        path = tmp_path / NAME
        path.write_bytes(whole[:length])
        found = list(leveldb.records(path, lambda _: None))
        complete = sum(end <= length for end in ends) - 1
        assert found[:complete] == wrote[:complete]
        faults = found[complete:]
        assert all(isinstance(fault, Skipped) for fault in faults)
        assert bool(faults) is (length not in ends)


def test_damage_costs_its_block_and_no_more(tmp_path: Path) -> None:
    """A flipped bit is found and named, and reading goes on at the next block."""
    wrote = [bytes([at % 251]) * 1000 for at in range(100)]
    whole = log_of(wrote)
    for place in (40, 20_000, 40_000, len(whole) - 3):
        path = tmp_path / NAME
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        found = list(leveldb.records(path, lambda _: None))
        good = [record for record in found if isinstance(record, bytes)]
        assert [record for record in wrote if record in good] == good
        assert len(good) > 60
        assert any(isinstance(each, Skipped) for each in found)


def test_a_record_that_lost_its_middle_is_lost_as_a_whole(tmp_path: Path) -> None:
    """Its first and last pieces are not put together without it."""
    wrote = [b"a" * 100_000, b"b"]
    whole = log_of(wrote)
    path = tmp_path / NAME
    path.write_bytes(whole[:50_000] + b"z" + whole[50_001:])
    fault, last = leveldb.records(path, lambda _: None)
    assert fault == Skipped(f"{NAME}, byte 32,768", "the record does not match its checksum")
    assert last == b"b"


@pytest.mark.parametrize(
    ("record", "where"),
    [
        (b"\xff\xff", "record 2: it is no record of W&B"),
        (history(1, {"y": "{"}, raw=True), "record 2: 'y' is no JSON"),
        (history(1, {"y": "[" * 100_000}, raw=True), "record 2: 'y' is no JSON"),
        (history(1, {"_step": "NaN", "y": "1"}, raw=True), "record 2: its step is nan"),
        (history(1, {"_step": "1e300", "y": "1"}, raw=True), "record 2: its step is 1e+300"),
    ],
)
def test_what_cannot_be_read_is_named_by_its_record(
    tmp_path: Path, record: bytes, where: str
) -> None:
    """And the rows around it are read."""
    path = write(tmp_path, history(0, {"x": 1}), record, history(2, {"x": 3}))
    (done,) = import_log(path, tmp_path / "run")
    assert done.skipped_first == (where,)
    assert read(tmp_path / "run").series("x")[0].tolist() == [0, 2]


@pytest.mark.parametrize("inside", ["", "offline-run-1-abc", "wandb/run-1-abc"])
def test_the_folders_in_which_a_run_is_found(tmp_path: Path, inside: str) -> None:
    """Its own, the folder ``wandb``, and the one that holds that; the link to it is not a second one."""
    folder = tmp_path / "source"
    file = write(folder / inside, history(0, {"x": 1}))
    if inside:
        (file.parent.parent / "latest-run").symlink_to(file.parent)
    assert detect(look(folder)).name == "wandb"
    (done,) = import_log(folder, tmp_path / "run")
    assert done.rows == 1


def test_several_runs_get_their_names(tmp_path: Path) -> None:
    """Those they have in W&B; a run without one is called by its id."""
    write(tmp_path / "wandb/offline-run-1-a", described(display_name="../b"), history(0, {"x": 1}))
    write(tmp_path / "wandb/offline-run-2-b", history(0, {"x": 1}))
    done = import_log(tmp_path / "wandb", tmp_path / "runs")
    assert {each.path for each in done} == {tmp_path / "runs/b", tmp_path / "runs/abc123"}


def test_a_run_without_history_is_refused(tmp_path: Path) -> None:
    """Nothing is left of it."""
    path = write(tmp_path, described(run_id="a"), ended(0))
    with pytest.raises(NothingLoggedError):
        import_log(path, tmp_path / "run")
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_what_is_no_file_of_wandb_is_refused(tmp_path: Path) -> None:
    """By its first bytes, whatever it is called; and a folder without one."""
    (tmp_path / NAME).write_text("step,loss\n")
    assert not wandb.FORMAT.detects(look(tmp_path / NAME))
    with pytest.raises(EverystepError, match="does not begin as a file of W&B does"):
        import_log(tmp_path / NAME, tmp_path / "run", format="wandb")
    with pytest.raises(EverystepError, match="does not begin as a file of W&B does"):
        import_log(tmp_path, tmp_path / "run", format="wandb")
    (tmp_path / NAME).rename(tmp_path / "loss.csv")
    with pytest.raises(EverystepError, match="no offline run of W&B"):
        import_log(tmp_path, tmp_path / "run", format="wandb")


def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And telling the format needs it not."""
    path = write(tmp_path, history(0, {"x": 1}))
    monkeypatch.setitem(sys.modules, "wandb.proto.wandb_internal_pb2", None)
    assert detect(look(path)).name == "wandb"
    with pytest.raises(EverystepError, match=r"pip install 'everystep\[wandb\]'"):
        import_log(path, tmp_path / "run")


@pytest.mark.skipif(not (LOGS / "truth.json").is_file(), reason="EVERYSTEP_REAL_LOGS is not set")
def test_no_real_log_of_another_tool_is_claimed() -> None:
    """The first bytes are W&B's own."""
    assert not [path for path in LOGS.iterdir() if wandb.FORMAT.detects(look(path))]


def test_a_run_that_wandb_itself_wrote(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Offline: rows, configuration, tags, name and status are what was given to it."""
    tracker = pytest.importorskip("wandb")
    for name in ("WANDB_CONFIG_DIR", "WANDB_CACHE_DIR", "WANDB_DATA_DIR"):
        monkeypatch.setenv(name, str(tmp_path / "own"))
    run = tracker.init(
        mode="offline",
        dir=str(tmp_path),
        name="brisk",
        tags=["t"],
        config={"lr": 0.1},
        settings=tracker.Settings(silent=True, console="off", x_disable_stats=True),
    )
    logged = [1 / 3, float("nan"), float("-inf"), -0.0, 5e-324]
    for value in logged:
        run.log({"loss": value, "val": {"acc": value}})
    run.finish(exit_code=3)
    tracker.teardown()
    import_log(tmp_path / "wandb", tmp_path / "run")
    log = read(tmp_path / "run")
    assert (log.state.name, log.state.status, log.state.config["lr"]) == ("brisk", "failed", 0.1)
    for metric in ("loss", "val.acc"):
        steps, values = log.series(metric)
        assert steps.tolist() == [0, 1, 2, 3, 4]
        assert values.tobytes() == np.array(logged).tobytes()
