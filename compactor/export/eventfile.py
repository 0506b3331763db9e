"""An event file of TensorBoard: what one process writes into a log directory.

TensorBoard draws float32: its data server leaves out scalars of any other type, float64 included
(tensorboard-data-server 0.7). So a value is a float32 tensor of the scalars plugin, as TensorFlow writes
them, and the same tensor holds it as it was logged, in ``double_val``, which readers pass on and do not
look at. A row is one event.

The framing is that of TFRecord files (``tensorflow/core/lib/io/record_writer.h``). It is not left to
TensorBoard's writer, which computes checksums in Python: 300 µs for a row of five values.
"""

import struct
from collections.abc import Mapping, Sequence
from typing import BinaryIO

import numpy as np
from google_crc32c import value as crc32c
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary, SummaryMetadata
from tensorboard.compat.proto.tensor_pb2 import TensorProto
from tensorboard.compat.proto.tensor_shape_pb2 import TensorShapeProto
from tensorboard.compat.proto.types_pb2 import DT_FLOAT, DT_STRING
from tensorboard.plugins.scalar import metadata as scalars
from tensorboard.plugins.text import metadata as texts

from compactor.export.curves import unique_name
from compactor.export.logged import LoggedRow

_VERSION = "brain.Event:2"
_LENGTH = struct.Struct("<Q")
_CHECK = struct.Struct("<I")


class EventFile:
    """Writes events, in the order they are given. The same ones give the same bytes.

    Times are microseconds since 1970.
    """

    def __init__(self, sink: BinaryIO, *, time: int, described: Mapping[str, str]) -> None:
        """Begin.

        Args:
            sink: Where to.
            time: When the run began.
            described: What the dashboard says of each metric, as Markdown.
        """
        self._sink, self._described = sink, described
        self._layouts: dict[tuple[str, ...], _Layout] = {}
        self._known: set[str] = set()
        self._messages: dict[str, str] = {}
        self._write(Event(wall_time=time / 1e6, file_version=_VERSION).SerializeToString())

    def row(self, row: LoggedRow) -> None:
        """Write a row.

        Raises:
            OSError: The disk refused; this holds for all methods.
        """
        layout = self._layouts.get(row.names)
        head = Event(wall_time=row.time / 1e6, step=row.step).SerializeToString()
        if layout is not None:
            self._write(head + layout.filled(row.values))
            return
        self._write(head + _tail(self._introduced(row)))
        self._layouts[row.names] = _Layout(row.names)

    def message(self, time: int, step: int, level: str, text: str) -> None:
        """Write a message: a text under its level."""
        if level not in self._messages:
            self._messages[level] = unique_name(
                f"messages/{level}", {*self._described, *self._known}
            )
        tensor = TensorProto(
            dtype=DT_STRING,
            tensor_shape=TensorShapeProto(dim=[TensorShapeProto.Dim(size=1)]),
            string_val=[text.encode()],
        )
        value = Summary.Value(
            tag=self._messages[level],
            tensor=tensor,
            metadata=texts.create_summary_metadata(display_name="", description=""),
        )
        self.summary(time, step, Summary(value=[value]))

    def summary(self, time: int, step: int, summary: Summary) -> None:
        """Write any summary."""
        self._write(
            Event(wall_time=time / 1e6, step=step, summary=summary).SerializeToString(
                deterministic=True
            )
        )

    def _introduced(self, row: LoggedRow) -> list[Summary.Value]:
        """The values of a row, with what is said of metrics that were not there before, once."""
        values = [_scalar(*pair) for pair in zip(row.names, row.values, strict=True)]
        for value in values:
            if value.tag not in self._known:
                value.metadata.CopyFrom(self._metadata(value.tag))
                self._known.add(value.tag)
        return values

    def _metadata(self, metric: str) -> SummaryMetadata:
        return scalars.create_summary_metadata(
            display_name="", description=self._described.get(metric, "")
        )

    def _write(self, data: bytes) -> None:
        length = _LENGTH.pack(len(data))
        self._sink.write(
            b"%s%s%s%s"
            % (length, _CHECK.pack(_masked_crc(length)), data, _CHECK.pack(_masked_crc(data)))
        )


class _Layout:
    """The summary of rows with the same metrics, in which only the values differ.

    A message is the concatenation of its fields (Protocol Buffers, Encoding), and the two forms of a
    value are the last of its own: so what stands around them is made once, which is ten times as fast.
    """

    def __init__(self, names: Sequence[str]) -> None:
        values = [_scalar(name, 0.0) for name in names]
        alone = [Summary(value=[value]).SerializeToString() for value in values]
        head = _tail(values)[: -sum(map(len, alone))]
        self._fields: list[bytes | float] = []
        for serialized in alone:
            piece, between = head + serialized[:-14], serialized[-10:-8]
            self._fields += [piece, 0.0, between, 0.0]
            head = b""
        pieces = map(len, self._fields[::4])  # type: ignore[arg-type]
        self._pack = struct.Struct("<" + "".join(f"{size}sf2sd" for size in pieces)).pack

    def filled(self, values: Sequence[float]) -> bytes:
        """The summary with these values."""
        self._fields[3::4] = values
        try:
            self._fields[1::4] = values
            return self._pack(*self._fields)
        except OverflowError:
            self._fields[1::4] = map(_single, values)
            return self._pack(*self._fields)


def _scalar(metric: str, value: float) -> Summary.Value:
    tensor = TensorProto(
        dtype=DT_FLOAT,
        tensor_shape=TensorShapeProto(),
        float_val=[_single(value)],
        double_val=[value],
    )
    return Summary.Value(tag=metric, tensor=tensor)


def _single(value: float) -> float:
    """The nearest float32; an infinity where it is beyond them."""
    with np.errstate(over="ignore"):
        return float(np.float32(value))


def _tail(values: Sequence[Summary.Value]) -> bytes:
    """The part of an event that holds its summary."""
    tail: bytes = Event(summary=Summary(value=values)).SerializeToString()
    return tail


def _masked_crc(data: bytes) -> int:
    crc: int = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
