"""What happened to a run, as frozen types, and their encoding as lines.

Each event is one line of ``events.jsonl``: a JSON object whose last key, ``crc``, holds the CRC-32
(eight hexadecimal digits) of the line's bytes before ``,"crc":``. A line is written with one
``write`` on a file opened for appending, so a killed process leaves whole lines, or a torn last
one, which is the end of the log. A line that fails its checksum in front of good lines is damage.
"""

import json
import zlib
from collections.abc import Mapping
from math import isfinite
from typing import Any, TypeAlias, get_args

import msgspec

from logwriter.errors import DamagedError, NewerFormatError

EVENT_FORMAT = 1
_CRC_KEY = b',"crc":"'
_CRC_TAIL = len(_CRC_KEY) + 8 + len(b'"}')


class _Event(msgspec.Struct, frozen=True, tag_field="type"):
    """What all events share: ``time`` in microseconds since the epoch, and the format ``v``."""

    time: int


class RunStarted(_Event, tag="run.started", kw_only=True, frozen=True):
    """A process began to write: who it is, and what it was told."""

    v: int = EVENT_FORMAT
    run_id: str
    name: str
    config: dict[str, Any]
    tags: list[str]
    monitor: str | None = None
    mode: str | None = None
    rank: int
    world_size: int
    attempt: int
    launch_id: str | None = None
    host: str
    boot_id: str
    pid: int
    environment: dict[str, Any]


class RunResumed(_Event, tag="run.resumed", kw_only=True, frozen=True):
    """This attempt goes on from earlier ones.

    Rows that earlier attempts logged after they first went past ``step`` are hidden. ``None``: the
    step before this attempt's first row.
    """

    v: int = EVENT_FORMAT
    step: int | None = None


class ConfigUpdated(_Event, tag="config.updated", kw_only=True, frozen=True):
    """Keys of the configuration were set or replaced."""

    v: int = EVENT_FORMAT
    config: dict[str, Any]


class MetricDefined(_Event, tag="metric.defined", kw_only=True, frozen=True):
    """How a metric wants to be drawn and judged. ``None`` leaves the default."""

    v: int = EVENT_FORMAT
    metric: str
    chart: str | None = None
    line: str | None = None
    title: str | None = None
    x_label: str | None = None
    y_label: str | None = None
    unit: str | None = None
    colour: str | None = None
    note: str | None = None
    goal: str | None = None


class EpochStarted(_Event, tag="epoch.started", kw_only=True, frozen=True):
    """An epoch began, at the current step."""

    v: int = EVENT_FORMAT
    epoch: int
    step: int


class EpochEnded(_Event, tag="epoch.ended", kw_only=True, frozen=True):
    """An epoch was completed; ``seconds`` by the monotonic clock."""

    v: int = EVENT_FORMAT
    epoch: int
    step: int
    seconds: float


class PhaseStarted(_Event, tag="phase.started", kw_only=True, frozen=True):
    """A named stretch of training (warm-up, fine-tune) began."""

    v: int = EVENT_FORMAT
    phase: str
    step: int


class SegmentSealed(_Event, tag="segment.sealed", kw_only=True, frozen=True):
    """A journal became a segment: rows ``first_seq`` to ``last_seq``, CRC-32 of the whole file."""

    v: int = EVENT_FORMAT
    segment: str
    first_seq: int
    last_seq: int
    rows: int
    values: int
    bytes: int
    crc32: int


class RowsLost(_Event, tag="rows.lost", kw_only=True, frozen=True):
    """A repair gave up rows ``first_seq`` to ``last_seq``, both included: readers go on behind them."""

    v: int = EVENT_FORMAT
    first_seq: int
    last_seq: int
    reason: str


class CheckpointSaved(_Event, tag="checkpoint.saved", kw_only=True, frozen=True):
    """A checkpoint was saved at ``path``, with whatever the caller said of it."""

    v: int = EVENT_FORMAT
    path: str
    step: int
    epoch: int | None = None
    facts: dict[str, Any] = {}


class Message(_Event, tag="message", kw_only=True, frozen=True):
    """Something worth reading, at the current step."""

    v: int = EVENT_FORMAT
    text: str
    level: str = "info"
    step: int


class RunFinished(_Event, tag="run.finished", kw_only=True, frozen=True):
    """The attempt ended on its own.

    ``status`` is ``completed``, ``failed``, or ``exited`` (the interpreter ended without
    ``finish``), or what the caller named it. ``rows`` is the sequence number after the last row;
    ``troubles`` counts failures of the disk, by kind.
    """

    v: int = EVENT_FORMAT
    status: str
    error: str | None = None
    rows: int
    dropped: int = 0
    not_numbers: dict[str, int] = {}
    stalls: int = 0
    troubles: dict[str, int] = {}


Event: TypeAlias = (
    RunStarted
    | RunResumed
    | ConfigUpdated
    | MetricDefined
    | EpochStarted
    | EpochEnded
    | PhaseStarted
    | SegmentSealed
    | RowsLost
    | CheckpointSaved
    | Message
    | RunFinished
)

_decoder: msgspec.json.Decoder[Event] = msgspec.json.Decoder(Event)
_encoder = msgspec.json.Encoder()


def encode_line(event: Event) -> bytes:
    """One line of ``events.jsonl``, with its checksum and its newline."""
    body = _encoder.encode(event)[:-1]
    return b'%s%s%08x"}\n' % (body, _CRC_KEY, zlib.crc32(body))


def decode_line(line: bytes, where: str) -> Event:
    """The event on one line, its newline taken off.

    Args:
        line: The bytes of the line.
        where: File and line number, for errors.

    Raises:
        DamagedError: The checksum does not match, or the line is no event.
        NewerFormatError: The event is of a newer format, or of a type this version does not know.
    """
    body, key, crc = line[:-_CRC_TAIL], line[-_CRC_TAIL:-10], line[-10:-2]
    if key != _CRC_KEY or line[-2:] != b'"}' or crc != b"%08x" % zlib.crc32(body):
        raise DamagedError(
            f"{where}: the line does not match its checksum; "
            "`everystep verify --repair RUN` keeps the good lines"
        )
    try:
        event = _decoder.decode(body + b"}")
    except msgspec.ValidationError as error:
        raise _explain(body, where, error) from error
    if event.v > EVENT_FORMAT:
        raise _newer(where, type(event).__struct_config__.tag, event.v)
    return event


def plain(config: Mapping[str, Any]) -> dict[str, Any]:
    """The mapping as JSON can hold it: keys as text, unknown types as their ``str``.

    Infinities, NaN and integers beyond 64 bits become text, because JSON has no safe word for them.
    """
    return {readable(str(key)): _plain(value) for key, value in config.items()}


def readable(text: str) -> str:
    """The text as UTF-8 can hold it: lone surrogates, as in undecodable arguments, are escaped."""
    return text.encode("utf-8", "backslashreplace").decode()


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return plain(value)
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, set | frozenset):
        return sorted((_plain(item) for item in value), key=repr)
    return _plain_scalar(value.item() if _is_scalar(value) else value)


def _plain_scalar(value: Any) -> Any:
    safe = (
        value is None
        or (isinstance(value, int) and -(1 << 63) <= value < 1 << 63)
        or (isinstance(value, float) and isfinite(value))
    )
    return value if safe else readable(str(value))


def _is_scalar(value: Any) -> bool:
    """Whether it is a NumPy scalar, or an array or tensor without dimensions."""
    return getattr(value, "shape", None) == () and hasattr(value, "item")


def _explain(body: bytes, where: str, error: msgspec.ValidationError) -> Exception:
    raw = json.loads(body + b"}")
    kinds = {kind.__struct_config__.tag for kind in get_args(Event)}
    version = raw.get("v", EVENT_FORMAT)
    if raw.get("type") not in kinds or version > EVENT_FORMAT:
        return _newer(where, raw.get("type"), version)
    return DamagedError(f"{where}: not an event this version understands: {error}")


def _newer(where: str, kind: object, version: int) -> NewerFormatError:
    return NewerFormatError(
        f"{where}: an event {kind!r} of format {version}; this everystep reads format {EVENT_FORMAT}. "
        "Install a newer everystep to read this run"
    )
