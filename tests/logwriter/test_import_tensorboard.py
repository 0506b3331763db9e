"""Event files of TensorBoard become runs: every scalar, bit for bit, at its step and time."""

import json
import os
import struct
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tensorboard")
pytest.importorskip("google_crc32c")

from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.types_pb2 import DataType
from tensorboard.plugins.hparams.plugin_data_pb2 import HParamsPluginData
from tensorboard.summary.writer.record_writer import RecordWriter

from logwriter import read
from logwriter.errors import EverystepError, NothingLoggedError
from logwriter.events import Message
from logwriter.importing import import_log
from logwriter.importing.formats import detect, tensorboard
from logwriter.importing.items import Ended, Item, Rows, Skipped
from logwriter.importing.source import Options, look

LOGS = Path(os.environ.get("EVERYSTEP_REAL_LOGS", ""))
NAME = "events.out.tfevents.1700000000.host.1.0"
BEGUN = 1.7e9
Read = list[tuple[str, int, int, float]]


def scalar(tag: str, step: int, value: float, *, time: float | None = None) -> Any:
    """An event with one scalar."""
    event = Event(step=step, wall_time=BEGUN + step if time is None else time)
    event.summary.value.add(tag=tag, simple_value=value)
    return event


def tensor(tag: str, step: int, kind: str, **fields: Any) -> Any:
    """An event with one tensor, as TF 2 writes it."""
    event = Event(step=step, wall_time=BEGUN + step)
    value = event.summary.value.add(tag=tag)
    value.metadata.plugin_data.plugin_name = "scalars"
    value.tensor.dtype = DataType.Value(f"DT_{kind}")
    for name, given_value in fields.items():
        if name == "shape":
            for size in given_value:
                value.tensor.tensor_shape.dim.add(size=size)
        elif isinstance(given_value, bytes):
            value.tensor.tensor_content = given_value
        else:
            getattr(value.tensor, name).extend(given_value)
    return event


def write(path: Path, events: Iterable[Any], *, mode: str = "wb") -> Path:
    """An event file by TensorBoard's own writer of records."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open(mode) as file:
        records = RecordWriter(file)
        records.write(Event(wall_time=BEGUN, file_version="brain.Event:2").SerializeToString())
        for event in events:
            records.write(event.SerializeToString())
    return path


def items_of(path: Path) -> list[Item]:
    """What the format finds in the only run of a source."""
    (source,) = tensorboard.finds(look(path), Options())
    return list(tensorboard.reads(source))


def rows_of(run: Path) -> Read:
    """All rows of an imported run in their order: metric, step, time and value."""
    table = read(run).rows(attempts="all").sort_by([("attempt", "ascending"), ("seq", "ascending")])
    columns = [table["metric"], table["step"], table["time"].cast("int64"), table["value"]]
    return list(zip(*(column.to_pylist() for column in columns), strict=True))


def same_bits(found: Iterable[float], expected: Iterable[float]) -> bool:
    """Whether numbers are the same, NaN, infinities and the sign of zero included."""
    return np.array(list(found)).tobytes() == np.array(list(expected)).tobytes()


floats32 = st.floats(width=32, allow_subnormal=True)
events = st.lists(
    st.tuples(st.sampled_from(["a", "b/c", "é\x1b[31m"]), st.integers(0, 5), floats32), min_size=1
)


@settings(deadline=None, max_examples=40)
@given(events)
def test_every_scalar_comes_as_tensorboard_reads_it(
    tmp_path_factory: pytest.TempPathFactory, logged: list[tuple[str, int, float]]
) -> None:
    """In the order of the file, widened from float32; TensorBoard's own loader is the oracle."""
    folder = tmp_path_factory.mktemp("events")
    path = write(folder / NAME, (scalar(*each) for each in logged))
    import_log(path, folder / "run", keep_restarts=True)
    oracle = [
        (value.tag, event.step, round(event.wall_time * 1e6), value.simple_value)
        for event in map(Event.FromString, RawEventFileLoader(str(path)).Load())
        for value in event.summary.value
    ]
    found = rows_of(folder / "run")
    assert [row[:2] for row in found] == [row[:2] for row in oracle]
    assert same_bits((row[3] for row in found), (row[3] for row in oracle))


@settings(deadline=None, max_examples=40)
@given(st.lists(st.floats(), min_size=1, max_size=8))
def test_doubles_keep_every_bit(
    tmp_path_factory: pytest.TempPathFactory, values: list[float]
) -> None:
    """As values and as bytes, without dimensions and with one."""
    folder = tmp_path_factory.mktemp("doubles")
    plain = [tensor("x", at, "DOUBLE", double_val=[value]) for at, value in enumerate(values)]
    packed = [
        tensor("y", at, "DOUBLE", tensor_content=struct.pack("<d", value), shape=[1])
        for at, value in enumerate(values)
    ]
    import_log(write(folder / NAME, plain + packed), folder / "run")
    for metric in "xy":
        assert same_bits(read(folder / "run").series(metric)[1], values)


@pytest.mark.parametrize(
    ("kind", "fields", "value"),
    [
        ("FLOAT", {"float_val": [0.1]}, float(np.float32(0.1))),
        ("FLOAT", {"tensor_content": struct.pack("<f", 0.1)}, float(np.float32(0.1))),
        ("HALF", {"half_val": [0x3C01]}, float(np.uint16(0x3C01).view(np.float16))),
        ("INT32", {"int_val": [-7]}, -7.0),
        ("INT64", {"int64_val": [1 << 53]}, 2.0**53),
        ("BOOL", {"bool_val": [True]}, 1.0),
        ("DOUBLE", {"double_val": [5e-324], "shape": [1, 1]}, 5e-324),
    ],
)
def test_a_tensor_with_one_number_is_a_scalar(
    tmp_path: Path, kind: str, fields: dict[str, Any], value: float
) -> None:
    """Of every kind of number that has a float64."""
    import_log(write(tmp_path / NAME, [tensor("x", 3, kind, **fields)]), tmp_path / "run")
    assert rows_of(tmp_path / "run") == [("x", 3, round((BEGUN + 3) * 1e6), value)]


def test_an_integer_that_no_float64_holds_is_said_to_be_rounded(tmp_path: Path) -> None:
    """Nothing is changed in silence."""
    event = tensor("x", 0, "INT64", int64_val=[(1 << 53) + 1])
    (done,) = import_log(write(tmp_path / NAME, [event]), tmp_path / "run")
    assert done.notes == ("1 integers beyond 2^53 were rounded to the nearest float64",)


@pytest.mark.parametrize(
    "event",
    [
        tensor("bad", 1, "FLOAT", tensor_content=b"abc"),
        tensor("bad", 1, "FLOAT"),
        tensor("bad", 1, "DOUBLE", tensor_content=b"", shape=[1]),
    ],
)
def test_a_tensor_that_lies_about_its_content_is_named(tmp_path: Path, event: Any) -> None:
    """Its tag and step are; what follows is read."""
    path = write(tmp_path / NAME, [event, scalar("x", 2, 1.0)])
    (done,) = import_log(path, tmp_path / "run")
    assert done.rows == done.skipped == 1
    assert done.skipped_first[0].startswith("bad, step 1: no number: ")


def test_a_tensor_that_claims_to_be_huge_takes_no_memory(tmp_path: Path) -> None:
    """One number and a shape of 10^12 are no scalar, and are not spread out."""
    huge = tensor("huge", 1, "FLOAT", float_val=[1.0], shape=[10**6, 10**6])
    (done,) = import_log(write(tmp_path / NAME, [huge, scalar("x", 2, 1.0)]), tmp_path / "run")
    assert done.metrics == ("x",)
    assert done.notes == ("left out, being neither numbers nor texts: scalars (1)",)


def test_a_file_cut_anywhere_gives_the_events_before_the_cut(tmp_path: Path) -> None:
    """And says where the record that is cut begins, unless the cut lies between two."""
    whole = write(tmp_path / "whole", [scalar("x", at, at / 3) for at in range(4)]).read_bytes()
    ends = list(_ends(whole))
    for length in range(1, len(whole)):
        path = tmp_path / f"{NAME}.{length}"
        path.write_bytes(whole[:length])
        found = items_of(path)
        complete = sum(end <= length for end in ends)
        values = [value for rows in found if isinstance(rows, Rows) for value in rows.values["x"]]
        assert len(values) == max(0, complete - 1)  # the first record is the version
        skipped = [item for item in found if isinstance(item, Skipped)]
        if length in ends:
            assert not skipped
        else:
            (told,) = skipped
            assert told.where == f"{path.name}, byte {max([0, *ends[:complete]]):,}"
            assert "cut short" in told.why
            assert Ended("unfinished") in found


def test_a_flipped_bit_anywhere_ends_the_file_there(tmp_path: Path) -> None:
    """No wrong number is ever read: the events before it come, and it is named."""
    whole = write(tmp_path / "whole", [scalar("x", at, at / 3) for at in range(3)]).read_bytes()
    ends = list(_ends(whole))
    for place in range(len(whole)):
        path = tmp_path / f"{NAME}.{place}"
        path.write_bytes(whole[:place] + bytes([whole[place] ^ 0x10]) + whole[place + 1 :])
        found = items_of(path)
        intact = sum(end <= place for end in ends)
        values = [value for rows in found if isinstance(rows, Rows) for value in rows.values["x"]]
        assert values == [float(np.float32(at / 3)) for at in range(intact - 1)]
        (told,) = (item for item in found if isinstance(item, Skipped))
        assert told.where.endswith(f"byte {max([0, *ends[:intact]]):,}")


def _ends(data: bytes) -> Iterable[int]:
    at = 0
    while at < len(data):
        at += 16 + int.from_bytes(data[at : at + 8], "little")
        yield at


def test_a_record_that_is_no_event_is_named_and_the_next_is_read(tmp_path: Path) -> None:
    """Its checksum is right, so the file is not damaged."""
    path = write(tmp_path / NAME, [scalar("x", 0, 1.0)])
    with path.open("ab") as file:
        RecordWriter(file).write(b"\xff\xff\xff")
        RecordWriter(file).write(scalar("x", 1, 2.0).SerializeToString())
    (done,) = import_log(path, tmp_path / "run")
    assert done.rows == 2
    assert done.skipped_first == (f"{NAME}, record 3: it is no event",)


def test_two_runs_appended_to_one_file_are_two_attempts(tmp_path: Path) -> None:
    """The second hides what it repeats; nothing is lost."""
    path = write(tmp_path / NAME, [scalar("x", at, 1.0) for at in range(5)])
    write(path, [scalar("x", at, 2.0, time=BEGUN + 9 + at) for at in range(2, 4)], mode="ab")
    (done,) = import_log(path, tmp_path / "run")
    assert (done.rows, done.attempts, done.skipped) == (7, 2, 0)
    steps, values = read(tmp_path / "run").series("x")
    assert steps.tolist() == [0, 1, 2, 3]
    assert values.tolist() == [1, 1, 2, 2]


def test_files_of_a_folder_are_read_by_the_times_in_their_names(tmp_path: Path) -> None:
    """9 comes before 10, whatever the letters say, and a later file that goes back is a restart."""
    for stamp, first, value in ((1000, 3, 2.0), (999, 0, 1.0)):
        write(
            tmp_path / "log" / f"events.out.tfevents.{stamp}.host",
            [scalar("x", first + at, value, time=BEGUN + stamp + at) for at in range(5)],
        )
    (done,) = import_log(tmp_path / "log", tmp_path / "run")
    assert (done.rows, done.attempts) == (10, 2)
    assert done.notes == ("2 event files, in the order of the times in their names",)
    assert read(tmp_path / "run").series("x")[1].tolist() == [1] * 3 + [2] * 5


def test_a_session_that_purges_begins_an_attempt(tmp_path: Path) -> None:
    """As TensorBoard does at a session's start, though no metric goes back by itself."""
    start = Event(step=2, wall_time=BEGUN + 9, session_log=SessionLog(status=SessionLog.START))
    logged = [scalar("x", at, 1.0) for at in range(4)]
    path = write(tmp_path / NAME, [*logged, start, scalar("y", 2, 5.0, time=BEGUN + 10)])
    (done,) = import_log(path, tmp_path / "run")
    assert done.attempts == 2
    assert read(tmp_path / "run").series("x")[0].tolist() == [0, 1]


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("fit/events.out.tfevents.1.host", "fit"),
        ("fit/short.events.out.tfevents", "short"),
        ("fit/odd", "odd"),
    ],
)
def test_what_a_run_of_one_file_is_called(tmp_path: Path, path: str, name: str) -> None:
    """By its folder where its own name is only what TensorBoard made up."""
    import_log(write(tmp_path / path, [scalar("x", 0, 1.0)]), tmp_path / "run")
    assert read(tmp_path / "run").state.name == name


def logdir(folder: Path, *names: str) -> Path:
    """A folder whose subfolders hold one event file each; the scalar is the number of the name."""
    for number, name in enumerate(names):
        logged = [scalar("loss", at, number, time=BEGUN + at + number / 10) for at in range(3)]
        write(folder / name / NAME, logged)
    return folder


@pytest.mark.parametrize(
    ("folders", "runs"),
    [
        (["."], {"log"}),
        (["a", "b/c"], {"a", "b/c"}),
        (["fit/train", "fit/validation"], {"fit"}),
        (["train", "validation"], {"log"}),
        ([".", "eval"], {"log"}),
        (["fit/train"], {"fit/train"}),
        (["train", "other"], {"train", "other"}),
    ],
)
def test_which_folders_are_runs(tmp_path: Path, folders: list[str], runs: set[str]) -> None:
    """Each, but for parts of a run that lie beside each other or beside its own events."""
    sources = tensorboard.finds(look(logdir(tmp_path / "log", *folders)), Options())
    assert {source.name for source in sources} == runs


def test_parts_of_a_run_come_side_by_side_with_their_folders_in_front(tmp_path: Path) -> None:
    """In the order of their events' times, each of which is kept."""
    (done,) = import_log(logdir(tmp_path / "log", "train", "validation"), tmp_path / "run")
    assert (done.metrics, done.attempts) == (("train/loss", "validation/loss"), 1)
    assert any("train/, validation/" in note for note in done.notes)
    found = rows_of(tmp_path / "run")
    assert [row[:2] for row in found] == [
        (f"{part}/loss", at) for at in range(3) for part in ("train", "validation")
    ]
    assert [row[2] for row in found] == [
        round((BEGUN + at + part / 10) * 1e6) for at in range(3) for part in range(2)
    ]


def test_what_surrounds_the_scalars(tmp_path: Path) -> None:
    """Texts are messages, hyper-parameters the configuration; the rest is counted by kind."""
    pytest.importorskip("torch")
    from torch.utils.tensorboard import SummaryWriter

    with SummaryWriter(str(tmp_path / "log")) as writer:
        writer.add_text("note", "it <b>begins</b> \x1b[31m", 0)
        writer.add_hparams({"lr": 0.1, "batch": 64, "adam": True, "net": "s"}, {}, run_name=".")
        writer.add_scalar("loss", 0.5, 1)
        writer.add_histogram("weights", np.arange(3.0), 1)
        writer.add_histogram("weights", np.arange(3.0), 2)
        writer.add_text("note", "it ends", 2)
    (done,) = import_log(tmp_path / "log", tmp_path / "run")
    state = read(tmp_path / "run").state
    assert state.config == {"lr": 0.1, "batch": 64, "adam": True, "net": "s"}
    told = [event for event in read(tmp_path / "run").events if isinstance(event, Message)]
    assert [(each.text, each.step) for each in told] == [
        ("note: it <b>begins</b> \x1b[31m", 0),
        ("note: it ends", 2),
    ]
    assert "left out, being neither numbers nor texts: histograms (2)" in done.notes
    assert done.metrics == ("loss",)


def test_a_text_before_the_first_row_changes_no_time(tmp_path: Path) -> None:
    """The run begins with the row, not with the change of the file."""
    text = Event(wall_time=12.0)
    value = text.summary.value.add(tag="note/text_summary")
    value.metadata.plugin_data.plugin_name = "text"
    value.tensor.dtype = DataType.Value("DT_STRING")
    value.tensor.string_val.append(b"hello \xff")
    path = write(tmp_path / NAME, [text, scalar("x", 0, 1.0, time=13.0)])
    import_log(path, tmp_path / "run")
    assert rows_of(tmp_path / "run") == [("x", 0, 13 * 10**6, 1.0)]
    (told,) = (event for event in read(tmp_path / "run").events if isinstance(event, Message))
    assert (told.text, told.time) == ("note: hello \ufffd", 12 * 10**6)


def test_a_tag_belongs_to_the_plugin_that_its_first_summary_names(tmp_path: Path) -> None:
    """Later ones need not name it, and are no scalars, whatever their shape is."""
    first, later = (tensor("curve", at, "FLOAT", float_val=[0.5]) for at in range(2))
    first.summary.value[0].metadata.plugin_data.plugin_name = "pr_curves"
    later.summary.value[0].ClearField("metadata")
    bare = tensor("x", 0, "FLOAT", float_val=[0.5])
    bare.summary.value[0].ClearField("metadata")
    (done,) = import_log(write(tmp_path / NAME, [first, later, bare]), tmp_path / "run")
    assert done.metrics == ("x",)
    assert done.notes == ("left out, being neither numbers nor texts: pr_curves (2)",)


def test_progress_comes_to_the_size_of_all_files(tmp_path: Path) -> None:
    """Damage included."""
    folder = logdir(tmp_path / "log", "train", "validation")
    with (folder / "train" / NAME).open("ab") as file:
        file.write(b"torn")
    told: list[tuple[int, int]] = []
    import_log(folder, tmp_path / "run", progress=lambda *each: told.append(each))
    size = sum(file.stat().st_size for file in folder.rglob(NAME))
    assert {total for _, total in told} == {size}
    assert sum(count for count, _ in told) == size


@pytest.mark.parametrize(("said", "status"), [(1, "completed"), (2, "failed")])
def test_a_session_that_ended_says_how(tmp_path: Path, said: int, status: str) -> None:
    """As the plugin for hyper-parameters records it."""
    ended = HParamsPluginData()
    ended.session_end_info.status = said
    event = Event(wall_time=BEGUN + 2)
    data = event.summary.value.add(tag="_hparams_/session_end_info").metadata.plugin_data
    data.plugin_name, data.content = "hparams", ended.SerializeToString()
    import_log(write(tmp_path / NAME, [scalar("x", 0, 1.0), event]), tmp_path / "run")
    assert read(tmp_path / "run").state.status == status


def test_hyper_parameters_that_cannot_be_read_are_named(tmp_path: Path) -> None:
    """And the rows are read."""
    event = Event(wall_time=BEGUN)
    data = event.summary.value.add(tag="_hparams_/session_start_info").metadata.plugin_data
    data.plugin_name, data.content = "hparams", b"\xff\xff"
    (done,) = import_log(write(tmp_path / NAME, [event, scalar("x", 0, 1.0)]), tmp_path / "run")
    assert done.rows == 1
    assert done.skipped_first[0].startswith("_hparams_/session_start_info: ")


def test_a_time_that_is_none_becomes_that_of_the_row_before(tmp_path: Path) -> None:
    """Which is said; relative times, such as 12 s, are times."""
    times = [float("nan"), 12.0, float("inf"), -5.0, 0.0, 13.5, 1e300]
    path = write(tmp_path / NAME, [scalar("x", at, 1, time=time) for at, time in enumerate(times)])
    os.utime(path, (10, 10))
    (done,) = import_log(path, tmp_path / "run")
    found = [row[2] / 1e6 for row in rows_of(tmp_path / "run")]
    assert found == [10, 12, 12, 12, 12, 13.5, 13.5]
    assert done.notes == ("5 rows without a time got that of the row before",)


def test_a_tag_that_comes_twice_in_an_event_makes_two_rows(tmp_path: Path) -> None:
    """Both values are kept, in their order."""
    event = scalar("x", 1, 1.0)
    event.summary.value.add(tag="y", simple_value=2.0)
    event.summary.value.add(tag="x", simple_value=3.0)
    (done,) = import_log(write(tmp_path / NAME, [event]), tmp_path / "run")
    assert done.rows == 2
    assert [(row[0], row[3]) for row in rows_of(tmp_path / "run")] == [("x", 1), ("y", 2), ("x", 3)]


def test_chunks_do_not_change_what_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Wherever one ends."""
    untimed = {3, 4, 9, 30}
    logged = [
        scalar(f"m{at % 7}", at, at / 3, time=0 if at in untimed else None) for at in range(50)
    ]
    path = write(tmp_path / NAME, logged)
    import_log(path, tmp_path / "whole")
    for name, limit in (("ROWS_A_CHUNK", 3), ("CELLS_A_CHUNK", 10)):
        monkeypatch.setattr(f"logwriter.importing.eventfiles.columns.{name}", limit)
        import_log(path, tmp_path / name)
        assert rows_of(tmp_path / name) == rows_of(tmp_path / "whole")


def test_files_in_a_folder_that_hold_nothing_are_named(tmp_path: Path) -> None:
    """An empty one and a Git LFS pointer; the others are read."""
    write(tmp_path / "log" / NAME, [scalar("x", 0, 1.0)])
    (tmp_path / "log" / "events.out.tfevents.1").touch()
    (tmp_path / "log" / "events.out.tfevents.2").write_text(
        "version https://git-lfs.github.com/spec/v1\n"
    )
    (done,) = import_log(tmp_path / "log", tmp_path / "run")
    assert done.rows == 1
    assert [("empty" in each, "git lfs pull" in each) for each in done.skipped_first] == [
        (True, False),
        (False, True),
    ]


def test_a_file_without_scalars_is_no_run(tmp_path: Path) -> None:
    """It is refused, and nothing is left behind."""
    with pytest.raises(NothingLoggedError, match="no row of numbers"):
        import_log(write(tmp_path / NAME, []), tmp_path / "run")
    assert [each.name for each in tmp_path.iterdir()] == [NAME]


def test_a_folder_without_event_files_is_refused(tmp_path: Path) -> None:
    """By what would have to be in it."""
    (tmp_path / "notes.txt").write_text("hello")
    with pytest.raises(EverystepError, match=r"no event file of TensorBoard \(\*tfevents\*\)"):
        import_log(tmp_path, tmp_path / "run", format="tensorboard")


@pytest.mark.parametrize("module", ["google_crc32c", "tensorboard.compat.proto.types_pb2"])
def test_without_the_extra_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, module: str
) -> None:
    """Whichever of its packages is missing."""
    path = write(tmp_path / NAME, [scalar("x", 0, 1.0)])
    monkeypatch.setitem(sys.modules, module, None)
    monkeypatch.delitem(sys.modules, "logwriter.importing.eventfiles.events", raising=False)
    with pytest.raises(EverystepError, match=r"pip install 'everystep\[tensorboard\]'"):
        import_log(path, tmp_path / "run")


@pytest.mark.parametrize(
    ("name", "head", "is_one"),
    [
        ("anything", lambda whole: whole, True),
        (NAME, lambda whole: whole[:9], True),
        ("anything", lambda _: b"step,loss\n1,2\n", False),
        (NAME + ".csv", lambda _: b"step,loss\n1,2\n", False),
        ("x.txt", lambda _: b"about brain.Event:2 and its records, " * 9, False),
    ],
)
def test_what_is_told_to_be_an_event_file(
    tmp_path: Path, name: str, head: Callable[[bytes], bytes], is_one: bool
) -> None:
    """By its first record, or by its name where that is cut; never a table or text."""
    whole = write(tmp_path / "whole", [scalar("x", 0, 1.0)]).read_bytes()
    path = tmp_path / name
    path.write_bytes(head(whole))
    assert tensorboard.detects(look(path)) is is_one


def real_logs() -> list[Path]:
    """All of them, where they are."""
    return sorted(each for each in LOGS.iterdir()) if (LOGS / "truth.json").is_file() else []


@pytest.mark.skipif(not real_logs(), reason="EVERYSTEP_REAL_LOGS does not name the real logs")
def test_of_real_logs_only_event_files_are_told_to_be_some() -> None:
    """No other tool's file is claimed."""
    claimed = {path.name for path in real_logs() if tensorboard.FORMAT.detects(look(path))}
    assert claimed == {path.name for path in real_logs() if path.name.endswith("tfevents")}


@pytest.mark.parametrize("path", [path for path in real_logs() if path.name.endswith("tfevents")])
def test_a_real_event_file_says_what_a_plain_reading_says(tmp_path: Path, path: Path) -> None:
    """Rows, metrics, first, last and extreme values, what is not finite, and the best."""
    truth = json.loads((LOGS / "truth.json").read_text())[path.name]
    assert detect(look(path)).name == "tensorboard"
    (done,) = import_log(path, tmp_path / "run")
    assert (done.rows, list(done.metrics)) == (truth["rows"], truth["metric_names"])
    assert (done.skipped, done.attempts) == (0, 1)
    log = read(tmp_path / "run")
    for metric, facts in truth["all_metrics"].items():
        steps, values = log.series(metric)
        assert len(values) == facts["n"]
        assert sum(np.isinf(values)) == truth["nan_inf"].get(metric, {}).get("inf", 0)
        if "min" in facts:
            finite = np.where(np.isfinite(values), values, np.inf)
            lowest = int(np.argmin(finite))
            assert (finite[lowest], steps[lowest]) == (facts["min"]["value"], facts["min"]["step"])
            assert (values[0], values[-1]) == (facts["first"], facts["last"])
