"""A run as TensorBoard's log directory: its own readers give back what was logged, bit by bit."""

import io
import math
import struct
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from compactor.export.curves import ExportError
from compactor.export.logged import LoggedRow, logged_rows
from compactor.export.trackers import write_run
from logwriter import Run, durable, read
from logwriter.errors import UnknownMetricError

pytest.importorskip("tensorboard")

from tensorboard import context
from tensorboard.backend.event_processing import event_accumulator, event_file_loader
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT
from tensorboard.data import server_ingester
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.scalar import metadata as scalars
from tensorboard.summary.writer.record_writer import RecordWriter
from tensorboard.util import grpc_util, tensor_util

from compactor.export.eventfile import EventFile

Point = tuple[int, float, float]
"""Step, time in seconds, value."""
LOOKS = 200
ODD = struct.unpack("<d", struct.pack("<Q", 0x7FF8_0000_DEAD_BEEF))[0]
VALUES = [0.1, -0.0, 1e300, 5e-324, math.nan, math.inf, -math.inf, ODD, 1 / 3, 2.0**-149]


def log_run(path: Path, *, rank: int = 0, world_size: int = 1) -> None:
    """Two attempts, of which the second hides rows; sealed and not; texts, and much to say."""
    config = {"lr": 1e-3, "deep": {"betas": [0.9, 0.999], "none": None}, "big": 2**60, "ok": True}
    with Run(path, config=config, rank=rank, world_size=world_size) as run:
        run.define("train/loss", title="Loss", unit="nats", note="*mean*")
        run.message("it begins", "warning")
        for step in range(40):
            run.log({"train/loss": VALUES[step % 10], "lr": step / 3, "损失": rank}, step=step)
            if step == 25:
                run.flush()
    with Run(path, rank=rank, world_size=world_size, resume=30) as run:
        for step in range(31, 45):
            run.log({"train/loss": VALUES[step % 10]}, step=step)
        run.log({"val/loss": 0.3}, step=2)
        run.message("<script>it ends</script>")


def export(run: Path, folder: Path, metrics: Sequence[str] = ()) -> tuple[Path, ...]:
    """The files."""
    return write_run("tensorboard", read(run), folder, metrics=metrics).paths


def accumulated(folder: Path) -> Any:
    """TensorBoard's own reader, told to keep everything."""
    found = event_accumulator.EventAccumulator(str(folder), size_guidance={"tensors": 0})
    return found.Reload()


def points_of(reader: Any, metric: str) -> list[Point]:
    """What it read of a metric, as it was logged."""
    return [
        (each.step, each.wall_time, each.tensor_proto.double_val[0])
        for each in reader.Tensors(metric)
    ]


def logged(run: Path, metric: str, rank: int = 0) -> list[Point]:
    """The oracle: what the log has."""
    rows = read(run).rows([metric], ranks=[rank])
    seconds = (micros / 1e6 for micros in rows.column("time").cast(pa.int64()).to_pylist())
    steps, values = rows.column("step").to_pylist(), rows.column("value").to_pylist()
    return list(zip(steps, seconds, values, strict=True))


def bits(points: list[Point]) -> list[tuple[int, float, bytes]]:
    """Points that compare by the bits of their values."""
    return [(step, seconds, struct.pack("<d", value)) for step, seconds, value in points]


@pytest.fixture
def run(run_path: Path) -> Path:
    """A run of one rank."""
    log_run(run_path)
    return run_path


def test_tensorboards_own_reader_gives_the_log(run: Path, tmp_path: Path) -> None:
    """Every value of the effective history, at its step and time, with the bits of every NaN."""
    export(run, tmp_path / "tb")
    reader, log = accumulated(tmp_path / "tb"), read(run)
    for metric in log.metrics:
        assert bits(points_of(reader, metric)) == bits(logged(run, metric))
    said = {tag for tag in reader.Tags()["tensors"] if tag not in log.metrics}
    assert said == {
        "messages/info",
        "messages/warning",
        hparams.SESSION_START_INFO_TAG,
        hparams.SESSION_END_INFO_TAG,
    }


def test_it_reads_them_as_the_nearest_float32(run: Path, tmp_path: Path) -> None:
    """Which is what TensorBoard draws; beyond them lie the infinities."""
    export(run, tmp_path / "tb")
    found = accumulated(tmp_path / "tb").Tensors("train/loss")
    drawn = [tensor_util.make_ndarray(each.tensor_proto) for each in found]
    assert {(array.dtype, array.shape) for array in drawn} == {(np.dtype(np.float32), ())}
    with np.errstate(over="ignore"):
        nearest = [np.float32(value) for *_, value in logged(run, "train/loss")]
    assert list(map(repr, map(np.float32, drawn))) == list(map(repr, nearest))


def test_the_dashboard_gets_them_from_the_data_server(run: Path, tmp_path: Path) -> None:
    """The one that TensorBoard starts by default, which leaves out scalars that are no float32."""
    pytest.importorskip("tensorboard_data_server")
    export(run, tmp_path / "logs" / "one")
    with served(tmp_path / "logs") as provider:
        asked: dict[str, Any] = {"experiment_id": "", "plugin_name": "scalars"}
        of = context.RequestContext()
        for _ in range(LOOKS):
            listed = provider.list_scalars(of, **asked).get("one", {})
            if listed and listed["train/loss"].max_step == 44:
                break
            time.sleep(0.05)
        lr = provider.read_scalars(of, **asked, downsample=100)["one"]["lr"]
    assert sorted(listed) == read(run).metrics
    assert listed["train/loss"].description == "Loss\n\nUnit: nats\n\n*mean*"
    assert [(each.step, each.wall_time) for each in lr] == [p[:2] for p in logged(run, "lr")]
    assert [each.value for each in lr] == [float(np.float32(p[2])) for p in logged(run, "lr")]


@contextmanager
def served(folder: Path) -> Iterator[Any]:
    """What the data server of TensorBoard provides of a folder."""
    program = server_ingester.get_server_binary().path
    told = folder.parent / "port"
    command = [program, f"--logdir={folder}", "--reload=once", "--port=0", f"--port-file={told}"]
    with subprocess.Popen([*command, "--die-after-stdin"], stdin=subprocess.PIPE) as server:
        for _ in range(LOOKS):
            if told.exists() and told.read_text().endswith("\n"):
                break
            time.sleep(0.05)
        ingester = server_ingester.ExistingServerDataIngester(
            f"localhost:{int(told.read_text())}",
            channel_creds_type=grpc_util.ChannelCredsType.LOCAL,
        )
        yield ingester.data_provider
        server.kill()


def test_the_configuration_is_a_session(run: Path, tmp_path: Path) -> None:
    """With the values that TensorBoard knows; others as JSON."""
    export(run, tmp_path / "tb")
    reader = accumulated(tmp_path / "tb")

    def content(tag: str) -> bytes:
        said: bytes = reader.SummaryMetadata(tag).plugin_data.content
        return said

    start = hparams.parse_session_start_info_plugin_data(content(hparams.SESSION_START_INFO_TAG))
    names = {name: value.WhichOneof("kind") for name, value in start.hparams.items()}
    assert names == {
        "lr": "number_value",
        "ok": "bool_value",
        "big": "string_value",
        "deep/betas": "string_value",
        "deep/none": "string_value",
    }
    order = [content(hparams.SESSION_START_INFO_TAG).index(name.encode()) for name in sorted(names)]
    assert order == sorted(order)  # a map has none of its own, and may differ from run to run
    assert start.hparams["lr"].number_value == 1e-3
    assert start.hparams["big"].string_value == str(2**60)
    assert start.hparams["deep/betas"].string_value == "[0.9, 0.999]"
    end = hparams.parse_session_end_info_plugin_data(content(hparams.SESSION_END_INFO_TAG))
    assert end.status == 1  # a success


def test_messages_are_texts(run: Path, tmp_path: Path) -> None:
    """As they were told, by their levels; TensorBoard makes them harmless."""
    export(run, tmp_path / "tb")
    reader = accumulated(tmp_path / "tb")
    assert reader.SummaryMetadata("messages/info").plugin_data.plugin_name == "text"
    (begun,), (ended,) = reader.Tensors("messages/warning"), reader.Tensors("messages/info")
    assert list(begun.tensor_proto.string_val) == [b"it begins"]
    assert list(ended.tensor_proto.string_val) == [b"<script>it ends</script>"]
    assert (begun.step, ended.step) == (0, 44)


def test_a_metric_may_have_the_name_of_the_messages(run_path: Path, tmp_path: Path) -> None:
    """They get another."""
    with Run(run_path) as writer:
        writer.log({"messages/info": 1.0})
        writer.message("hello")
    export(run_path, tmp_path / "tb")
    tags = accumulated(tmp_path / "tb").Tags()["tensors"]
    assert {"messages/info", "messages/info *"} <= set(tags)


def test_each_further_rank_is_a_run_of_its_own(run_path: Path, tmp_path: Path) -> None:
    """In a folder below that of the lowest."""
    for rank in (1, 3):
        log_run(run_path, rank=rank, world_size=4)
    paths = export(run_path, tmp_path / "tb")
    assert [path.parent for path in paths] == [tmp_path / "tb", tmp_path / "tb" / "rank3"]
    for path, rank in zip(paths, (1, 3), strict=True):
        found = points_of(accumulated(path.parent), "损失")
        assert bits(found) == bits(logged(run_path, "损失", rank))
        assert {value for *_, value in found} == {float(rank)}


def test_only_metrics_that_were_asked_for_are_written(run: Path, tmp_path: Path) -> None:
    """One that was not logged is refused before anything is written."""
    export(run, tmp_path / "tb", ["lr"])
    tags = accumulated(tmp_path / "tb").Tags()["tensors"]
    assert [tag for tag in tags if tag in read(run).metrics] == ["lr"]
    with pytest.raises(UnknownMetricError, match="nope"):
        export(run, tmp_path / "other", ["nope"])
    assert not (tmp_path / "other").exists()


def test_the_same_run_is_the_same_bytes(run: Path, tmp_path: Path) -> None:
    """Under the same name, which says nothing of when or where it was exported."""
    (one,), (other,) = export(run, tmp_path / "one"), export(run, tmp_path / "other")
    assert (one.name, one.read_bytes()) == (other.name, other.read_bytes())
    assert export(run, tmp_path / "one") == (one,)
    assert list((tmp_path / "one").iterdir()) == [one]
    started = read(run).state.first.started
    assert started is not None
    seconds = started.time // 1_000_000
    assert one.name == f"events.out.tfevents.{seconds}.{started.run_id}"


def test_a_folder_with_another_log_is_refused(run: Path, tmp_path: Path) -> None:
    """TensorBoard would draw both as one run."""
    (tmp_path / "events.out.tfevents.1.another").touch()
    with pytest.raises(ExportError, match=r"tfevents\.1\.another.*folder of its own"):
        export(run, tmp_path)


def test_a_failed_export_leaves_what_was_there(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And nothing else."""
    (path,) = export(run, tmp_path / "tb")
    before = path.read_bytes()

    def refuse(written: Path) -> None:
        assert "tfevents" not in written.name  # a TensorBoard that looks on must not read it
        raise OSError("the disk is full")

    monkeypatch.setattr(durable, "sync_file", refuse)
    with pytest.raises(OSError, match="the disk is full"):
        export(run, tmp_path / "tb")
    assert [each.read_bytes() for each in (tmp_path / "tb").iterdir()] == [before]


def test_without_the_extra_it_says_what_to_install(
    run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Instead of failing somewhere inside."""
    monkeypatch.setitem(sys.modules, "compactor.export.tensorboard", None)
    with pytest.raises(ExportError, match=r"pip install 'everystep\[tensorboard\]'"):
        export(run, tmp_path / "tb")


def test_an_import_gives_the_log_again(run: Path, tmp_path: Path) -> None:
    """Rows as they were, but for epochs, which TensorBoard does not have."""
    formats = pytest.importorskip("logwriter.importing.formats.tensorboard")
    assert formats.FORMAT.name == "tensorboard"
    from logwriter.importing import import_log

    export(run, tmp_path / "tb")
    import_log(tmp_path / "tb", tmp_path / "again", format="tensorboard", keep_restarts=True)
    before, after = list(every_row(run)), list(every_row(tmp_path / "again"))
    assert [row[:3] for row in after] == [row[:3] for row in before]
    if repr(after[0][3]) != repr(before[0][3]):
        pytest.skip("the importer does not look at `double_val` yet")
    assert [bits_of(row) for row in after] == [bits_of(row) for row in before]


def every_row(path: Path) -> Iterator[tuple[int, int, tuple[str, ...], list[float]]]:
    """Time, step, names and values of each row."""
    for row in logged_rows(read(path).parts()):
        yield row.time, row.step, row.names, row.values


def bits_of(row: tuple[int, int, tuple[str, ...], list[float]]) -> list[bytes]:
    """The bits of its values."""
    return [struct.pack("<d", value) for value in row[3]]


def plainly_written(rows: list[LoggedRow]) -> bytes:
    """The slow twin: TensorBoard's own messages and its own writer."""
    sink, known = io.BytesIO(), set[str]()
    writer = RecordWriter(sink)
    writer.write(Event(wall_time=0.5, file_version="brain.Event:2").SerializeToString())
    for row in rows:
        values = []
        for name, value in zip(row.names, row.values, strict=True):
            with np.errstate(over="ignore"):
                single = float(np.float32(value))
            tensor = TensorProto(
                dtype=DT_FLOAT,
                tensor_shape=TensorShapeProto(),
                float_val=[single],
                double_val=[value],
            )
            values.append(Summary.Value(tag=name, tensor=tensor))
            if name not in known:
                values[-1].metadata.CopyFrom(scalars.create_summary_metadata("", ""))
                known.add(name)
        event = Event(wall_time=row.time / 1e6, step=row.step, summary=Summary(value=values))
        writer.write(event.SerializeToString())
    return sink.getvalue()


NAMES = st.lists(st.text(st.characters(codec="utf-8"), max_size=9), min_size=1, unique=True)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(NAMES, min_size=1, max_size=3),
    st.lists(
        st.tuples(
            st.integers(1, 2**50), st.integers(-(2**63), 2**63 - 1), st.integers(0, 2), st.data()
        ),
        max_size=8,
    ),
)
def test_events_are_what_tensorboards_own_writer_makes_of_them(
    layouts: list[list[str]], drawn: list[tuple[int, int, int, Any]]
) -> None:
    """Byte by byte, though what repeats is made once."""
    rows = []
    for micros, step, place, data in drawn:
        names = tuple(layouts[place % len(layouts)])
        values = data.draw(st.lists(st.floats(), min_size=len(names), max_size=len(names)))
        rows.append(LoggedRow(micros, step, None, names, values))
    sink = io.BytesIO()
    file = EventFile(sink, time=500_000, described={})
    for row in rows:
        file.row(row)
    assert sink.getvalue() == plainly_written(rows)


def test_tensorboards_loader_reads_all_of_a_file(run: Path, tmp_path: Path) -> None:
    """No checksum is wrong, and one row is one event."""
    (path,) = export(run, tmp_path / "tb")
    events = list(event_file_loader.LegacyEventFileLoader(str(path)).Load())
    rows = sum(1 for _ in every_row(run))
    assert len(events) == 1 + rows + 2 + 2  # the version, two messages, the session's start and end
