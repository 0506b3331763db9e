"""Writing and reading ``record.json``."""

import glob
from os import PathLike
from pathlib import Path

import msgspec

from compactor.record import RECORD_FORMAT, RECORD_NAME, Record, encode
from logwriter.durable import TEMPORARY_SUFFIX, replace_file
from logwriter.errors import DamagedError, NewerFormatError, NotARunError
from logwriter.rundir import list_writers


class _Versioned(msgspec.Struct):
    """The part of a record that every format has."""

    format: int


def record_path(run: Path) -> Path:
    """Where a run's record lies."""
    return run / RECORD_NAME


def write_record(record: Record, path: Path) -> None:
    """Put the record in a file, whole or not at all.

    Raises:
        OSError: The disk refused.
    """
    try:
        clear_abandoned(path)
        replace_file(path, encode(record))
    except OSError as error:
        hint = "`--output FILE` (output= in Python) writes the record elsewhere"
        raise OSError(error.errno, f"{error.strerror}; {hint}", str(path)) from error


def clear_abandoned(path: Path) -> None:
    """Remove the temporary files that killed processes left when they were writing ``path``.

    One of a process that lives on this machine stays, so another writer is not disturbed.

    Raises:
        OSError: The disk refused.
    """
    path = path.resolve()
    start = f".{path.name}."
    for each in path.parent.glob(f"{glob.escape(start)}*{TEMPORARY_SUFFIX}"):
        process = each.name.removeprefix(start).removesuffix(TEMPORARY_SUFFIX)
        if process.isdecimal() and not Path("/proc", process).exists():
            each.unlink(missing_ok=True)


def read_record(run_or_file: str | PathLike[str]) -> Record:
    """Read a record back.

    Args:
        run_or_file: A run's folder, or the record itself.

    Raises:
        NotARunError: There is no record there.
        NewerFormatError: A newer everystep wrote it.
        DamagedError: It is no record.
    """
    given = Path(run_or_file)
    path = record_path(given) if given.is_dir() else given
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        if given.is_dir():
            list_writers(given)
        hint = f"`everystep compact {given}` makes it" if given.is_dir() else "check the path"
        raise NotARunError(f"{path}: there is no record; {hint}") from error
    try:
        return decode(data, path)
    except msgspec.MsgspecError as error:
        raise DamagedError(
            f"{path}: not a record ({error}); `everystep compact RUN` makes it again"
        ) from error


def decode(data: bytes, where: Path | str) -> Record:
    """The record in the bytes of a file or of a database's column.

    Raises:
        NewerFormatError: A newer everystep wrote it.
        DamagedError: A line is drawn that ``line_info`` does not tell of.
        msgspec.MsgspecError: It is no record.
    """
    version = msgspec.json.decode(data, type=_Versioned).format
    if version > RECORD_FORMAT:
        raise NewerFormatError(
            f"{where}: a record of format {version}; this everystep reads format {RECORD_FORMAT}. "
            "Install a newer everystep, or compact the run again with this one"
        )
    record = msgspec.json.decode(data, type=Record)
    for key, chart in record.charts.items():
        if chart.lines.keys() != chart.line_info.keys():
            raise DamagedError(
                f"{where}: not a record (chart {key!r}: lines and line_info differ); "
                "`everystep compact RUN` makes it again"
            )
    return record
