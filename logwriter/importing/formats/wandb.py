"""Offline runs of W&B: a file ``run-ID.wandb``, the folder of a run, or a folder ``wandb`` with several.

A record of the history is a row at its ``_step`` and ``_timestamp``; keys with numbers are metrics, those
of objects inside it joined by dots, as W&B shows them. ``_runtime`` is left out: it repeats the time.
"""

from collections.abc import Iterator
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format
from logwriter.importing.items import Item, Skipped
from logwriter.importing.records import gather
from logwriter.importing.source import Look, Options, Source
from logwriter.importing.wandbfiles.leveldb import MAGIC, records

_SUFFIX = ".wandb"
_EARLY = 16
"""The run is described in one of so many records."""


def detects(looked: Look) -> bool:
    """A file that begins as W&B's do, or a folder with some where W&B puts them."""
    if looked.is_folder:
        return bool(_files_in(looked.path))
    return looked.head.startswith(MAGIC)


def finds(looked: Look, options: Options) -> list[Source]:
    """The runs, by the names they have in W&B.

    Raises:
        EverystepError: It is no file of W&B, there is none in the folder, or the extra is missing.
    """
    files = _files_in(looked.path) if looked.is_folder else [looked.path]
    if not files:
        raise EverystepError(f"{looked.path}: no offline run of W&B (run-ID{_SUFFIX}) in it")
    if not looked.is_folder and not looked.head.startswith(MAGIC):
        raise EverystepError(f"{looked.path} does not begin as a file of W&B does")
    return [Source(file, _name_of(file), (file,), options, part=str(file.name)) for file in files]


def reads(source: Source) -> Iterator[Item]:
    """The rows, alerts as messages, the configuration, and how the run ended.

    Raises:
        EverystepError: It is no file of W&B, or the extra is not installed.
        OSError: The file cannot be read.
    """
    with source.path.open("rb") as file:
        if file.read(len(MAGIC)) != MAGIC:
            raise EverystepError(f"{source.path} does not begin as a file of W&B does")
    try:
        from logwriter.importing.wandbfiles.records import Interpreter  # noqa: PLC0415  an extra
    except ImportError as error:
        raise _missing() from error
    interpreter = Interpreter()
    found = records(source.path, source.advance)
    yield from gather(
        item
        for number, record in enumerate(found, start=1)
        for item in ([record] if isinstance(record, Skipped) else interpreter.take(record, number))
    )
    yield from interpreter.finish()


def _files_in(folder: Path) -> list[Path]:
    """The files of runs in the folder of a run, in a folder ``wandb``, or in one that holds it.

    The link ``latest-run`` that W&B leaves beside the runs is not among the folders it finds.
    """
    patterns = ("*", "*run-*/*", "wandb/*run-*/*")
    found = (file for pattern in patterns for file in folder.glob(pattern + _SUFFIX))
    return sorted(file for file in found if file.is_file())


def _name_of(file: Path) -> str:
    """What the run is called in W&B; its id where it was not named."""
    try:
        from wandb.proto.wandb_internal_pb2 import Record  # noqa: PLC0415  an extra
    except ImportError as error:
        raise _missing() from error
    from google.protobuf.message import DecodeError  # noqa: PLC0415  comes with the extra

    for _, record in zip(range(_EARLY), records(file, lambda _: None), strict=False):
        if isinstance(record, Skipped):
            break
        try:
            run = Record.FromString(record).run
        except DecodeError:
            break
        if run.display_name:
            return str(run.display_name)
    return file.stem.removeprefix("run-")


def _missing() -> EverystepError:
    return EverystepError("offline runs of W&B need its extra: pip install 'everystep[wandb]'")


FORMAT = Format(
    "wandb", "offline runs of W&B: run-ID.wandb, or a folder of them", detects, finds, reads
)
