"""A run as a log directory of TensorBoard: every row of its effective history, and what is said of it.

The lowest rank is written into the folder itself, every other into a sub-folder of its own, as TensorBoard
takes each folder for a run. Messages become texts, the configuration and the status a session of the
HPARAMS tab, definitions of metrics their descriptions. Epochs are left out: TensorBoard knows steps only.
No experiment is described for the HPARAMS tab: of several runs in a directory it would read that of the
first alone, and without one it finds out for itself what they have in common.

Files are named after the run, so that exporting again replaces them, and appear when all of them are
complete. The same log gives the same bytes.
"""

import heapq
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import attrgetter
from pathlib import Path
from typing import Any

from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.plugins.hparams import api_pb2
from tensorboard.plugins.hparams import metadata as hparams
from tensorboard.plugins.hparams.plugin_data_pb2 import (
    HParamsPluginData,
    SessionEndInfo,
    SessionStartInfo,
)

from compactor.export.curves import ExportError
from compactor.export.eventfile import EventFile
from compactor.export.files import slug
from compactor.export.logged import Count, LoggedRow, Written, begun, logged_rows
from compactor.export.writing import make_folder, naming
from logwriter import durable
from logwriter.events import Message, MetricDefined
from logwriter.runlog import RunLog

_MARK = "tfevents"
"""What TensorBoard knows event files by; temporary names must not hold it."""
_ENDS = {"completed": api_pb2.STATUS_SUCCESS, "failed": api_pb2.STATUS_FAILURE}
_EXACT = 1 << 53


def write_tensorboard(
    log: RunLog,
    folder: Path,
    *,
    metrics: Sequence[str] = (),
    tell: Callable[[int], object] = lambda _: None,
) -> Written:
    """Write a run for TensorBoard.

    Args:
        log: The run.
        folder: The log directory; made if need be.
        metrics: Only these; all if empty.
        tell: Told of each number of rows that went out.

    Raises:
        ExportError: The folder holds event files of something else, which TensorBoard would mix with these.
        UnknownMetricError: A metric was not logged.
        OSError: The disk refused.
    """
    if metrics:
        log.require(metrics)
    homes = _homes(log, folder)
    paths = {rank: home / _file_name(log) for rank, home in homes.items()}
    for path in paths.values():
        _refuse_others(path)
        make_folder(path.parent)
    hidden = {rank: durable.temporary_path(path.with_name("rows")) for rank, path in paths.items()}
    count = Count(tell)
    try:
        for rank, temporary in hidden.items():
            with naming(paths[rank]), temporary.open("wb") as sink:
                file = EventFile(sink, time=begun(log), described=_descriptions(log))
                _write_rank(log, rank, file, _entries(log, rank, metrics), count)
            durable.sync_file(temporary)
        for rank, temporary in hidden.items():
            durable.put_in_place(temporary, paths[rank])
    finally:
        for temporary in hidden.values():
            temporary.unlink(missing_ok=True)
    return Written(tuple(paths.values()), count.rows, count.values)


def _homes(log: RunLog, folder: Path) -> dict[int, Path]:
    """The folder of each rank."""
    first, *others = log.state.ranks
    return {first: folder, **{rank: folder / f"rank{rank}" for rank in others}}


def _file_name(log: RunLog) -> str:
    return f"events.out.{_MARK}.{begun(log) // 1_000_000:010d}.{slug(log.state.run_id)}"


def _refuse_others(path: Path) -> None:
    """No file of another run beside it: TensorBoard would draw both as one."""
    beside = path.parent.glob(f"*{_MARK}*") if path.parent.is_dir() else ()
    others = sorted(each.name for each in beside if each.name != path.name)
    if others:
        raise ExportError(
            f"{path.parent} holds an event file of something else ({others[0]!r}), and TensorBoard would "
            "draw both as one run: give --output a folder of its own"
        )


def _entries(log: RunLog, rank: int, metrics: Sequence[str]) -> Iterator[LoggedRow | Message]:
    """Rows and messages of a rank, attempt after attempt, by their times."""
    parts = log.parts(ranks=[rank])
    for writer in log.writers:
        if writer.state.writer.rank == rank:
            mine = [part for part in parts if part.attempt == writer.state.writer.attempt]
            streams: list[Iterable[LoggedRow | Message]] = [
                writer.state.messages,
                logged_rows(mine, metrics),
            ]
            yield from heapq.merge(*streams, key=attrgetter("time"))


def _write_rank(
    log: RunLog,
    rank: int,
    file: EventFile,
    entries: Iterable[LoggedRow | Message],
    count: Count,
) -> None:
    is_first = rank == log.state.ranks[0]
    if is_first:
        file.summary(begun(log), 0, _session_start(log))
    for entry in entries:
        if isinstance(entry, Message):
            file.message(entry.time, entry.step, entry.level, entry.text)
        else:
            file.row(entry)
            count.add(entry)
    count.tell()
    end = log.state.last.finished
    if is_first and end is not None and end.status in _ENDS:
        file.summary(end.time, 0, _session_end(end.status, end.time))


def _descriptions(log: RunLog) -> dict[str, str]:
    described = {name: _description(said) for name, said in log.state.metrics.items()}
    return {name: text for name, text in described.items() if text}


def _description(said: MetricDefined) -> str:
    """What a run says of a metric, as paragraphs."""
    unit = said.unit and f"Unit: {said.unit}"
    return "\n\n".join(text for text in (said.title, unit, said.note) if text)


def _session_start(log: RunLog) -> Summary:
    start = SessionStartInfo(start_time_secs=begun(log) / 1e6)
    for name, value in sorted(_flat(log.state.config)):
        match value:
            case bool():
                start.hparams[name].bool_value = value
            case int() | float() if abs(value) <= _EXACT or isinstance(value, float):
                start.hparams[name].number_value = value
            case str():
                start.hparams[name].string_value = value
            case _:
                start.hparams[name].string_value = json.dumps(value, ensure_ascii=False)
    return _session(hparams.SESSION_START_INFO_TAG, HParamsPluginData(session_start_info=start))


def _session_end(status: str, time: int) -> Summary:
    end = SessionEndInfo(status=_ENDS[status], end_time_secs=time / 1e6)
    return _session(hparams.SESSION_END_INFO_TAG, HParamsPluginData(session_end_info=end))


def _session(tag: str, data: HParamsPluginData) -> Summary:
    metadata = hparams.create_summary_metadata(data)
    metadata.plugin_data.content = data.SerializeToString(deterministic=True)
    value = Summary.Value(tag=tag, tensor=hparams.NULL_TENSOR, metadata=metadata)
    return Summary(value=[value])


def _flat(config: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The values of a configuration; those of objects inside it as ``outer/inner``."""
    for key, value in config.items():
        if isinstance(value, Mapping) and value:
            yield from _flat(value, f"{prefix}{key}/")
        else:
            yield f"{prefix}{key}", value
