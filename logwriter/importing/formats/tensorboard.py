"""Event files of TensorBoard: one, or a folder with those of several runs.

Scalars become rows, one an event, at its step and time; texts become messages, hyper-parameters the
configuration. What else there is, is counted. The files of a folder are read one after another, in the
order of the times in their names; parts of a run (`_logdir`) side by side, in the order of their
events' times.
"""

import heapq
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from logwriter.errors import EverystepError
from logwriter.importing.eventfiles.logdir import MARK, has_events, prefix_of, runs_below
from logwriter.importing.eventfiles.tfrecords import records
from logwriter.importing.formats import Format
from logwriter.importing.items import Ended, Item, Noted, Skipped
from logwriter.importing.leftout import counted
from logwriter.importing.source import Look, Options, Source, look

if TYPE_CHECKING:
    from logwriter.importing.eventfiles.events import Interpreter

_Found = tuple[float, str, Any]
"""When, what stands in front of its tags, and an event or what could not be read."""
_VERSION = b"brain.Event:"
_STEM = "events.out.tfevents"
_LONGEST = 1 << 12
"""So long may the first record be, which names the version and the writer."""


def detects(looked: Look) -> bool:
    """An event file, told by its first record or by its name and its bytes; or a folder with some."""
    if looked.is_folder:
        return has_events(looked.path)
    length = int.from_bytes(looked.head[:8], "little")
    if length < _LONGEST and _VERSION in looked.head[12 : 12 + length]:
        return True
    return MARK in looked.path.name and looked.head[4:8] == bytes(4)


def finds(looked: Look, options: Options) -> list[Source]:
    """The runs.

    Raises:
        EverystepError: There is no event file in the folder.
    """
    path = looked.path
    if not looked.is_folder:
        return [Source(path, _name_of(path.absolute()), (path,), options)]
    runs = runs_below(path)
    if not runs:
        raise EverystepError(f"{path}: no event file of TensorBoard (*{MARK}*) in it or below")
    return [
        Source(home, path.absolute().name if home == path else part, files, options, part=part)
        for home, files in runs.items()
        for part in [home.relative_to(path).as_posix()]
    ]


def reads(source: Source) -> Iterator[Item]:
    """The scalars, messages and hyper-parameters of a run.

    Raises:
        EverystepError: The extra is not installed.
        OSError: A file cannot be read.
    """
    try:
        from logwriter.importing.eventfiles.events import Interpreter  # noqa: PLC0415  an extra
    except ImportError as error:
        raise EverystepError(
            "event files of TensorBoard need its extra: pip install 'everystep[tensorboard]'"
        ) from error
    interpreter = Interpreter(source.last_change)
    cut: dict[str, bool] = {}
    for _, prefix, found in _events(source):
        cut[prefix] = isinstance(found, Skipped)
        if isinstance(found, Skipped):
            yield found
        else:
            yield from interpreter.take(found, prefix)
    yield from interpreter.flush()
    yield from map(Noted, _notes(source, interpreter))
    if any(cut.values()):
        yield Ended("unfinished")


def _name_of(file: Path) -> str:
    """What is in front of the name that TensorBoard gives its files; the folder's name if nothing is."""
    return file.name.partition(_STEM)[0].rstrip(".-_") or file.parent.name


def _events(source: Source) -> Iterator[_Found]:
    """The events of all files; of parts of a run, by time."""
    home = source.path if source.path.is_dir() else source.path.parent
    streams = [
        _one_after_another(prefix, list(files), source.advance)
        for prefix, files in groupby(source.files, lambda file: prefix_of(file, home))
    ]
    return heapq.merge(*streams, key=itemgetter(0)) if len(streams) > 1 else streams[0]


def _one_after_another(
    prefix: str, files: list[Path], advance: Callable[[int], None]
) -> Iterator[_Found]:
    from google.protobuf.message import DecodeError  # noqa: PLC0415  an extra
    from tensorboard.compat.proto.event_pb2 import Event  # noqa: PLC0415  an extra

    parse = Event.FromString
    seconds = 0.0
    for file in files:
        where = f"{prefix}{file.name}"
        try:
            look(file)
        except EverystepError as error:
            yield seconds, prefix, Skipped(where, str(error))
            continue
        for number, record in enumerate(records(file, advance), start=1):
            if isinstance(record, Skipped):
                yield seconds, prefix, record
                continue
            try:
                event = parse(record)
            except DecodeError:
                yield seconds, prefix, Skipped(f"{where}, record {number:,}", "it is no event")
                continue
            if event.wall_time > 0:  # neither NaN nor missing
                seconds = event.wall_time
            yield seconds, prefix, event


def _notes(source: Source, interpreter: "Interpreter") -> Iterator[str]:
    """What was decided, and what was left out."""
    folders = Counter(file.parent for file in source.files)
    if max(folders.values()) > 1:
        yield f"{len(source.files):,} event files, in the order of the times in their names"
    if len(folders) > 1:
        parts = ", ".join(f"{each.name}/" for each in sorted(folders) if each != source.path)
        yield f"parts of one run, whose names stand in front of their metrics: {parts}"
    if interpreter.left_out:
        yield f"left out, being neither numbers nor texts: {counted(interpreter.left_out)}"
    if interpreter.rounded:
        yield f"{interpreter.rounded:,} integers beyond 2^53 were rounded to the nearest float64"
    if interpreter.columns.untimed:
        yield f"{interpreter.columns.untimed:,} rows without a time got that of the row before"


FORMAT = Format(
    "tensorboard", "event files of TensorBoard, or a folder of them", detects, finds, reads
)
