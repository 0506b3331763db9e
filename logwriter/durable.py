"""The one place that makes files durable.

A file that must be whole or absent is written under a temporary name, synced, renamed over its
final name, and its directory synced. A crash at any point leaves the old file or the new one.
"""

import os
from collections.abc import Callable
from pathlib import Path

TEMPORARY_SUFFIX = ".tmp"


def sync_directory(directory: Path) -> None:
    """Make the names in ``directory`` survive a power cut."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def sync_file(path: Path) -> None:
    """Make the bytes of ``path`` survive a power cut."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace_with(path: Path, write: Callable[[Path], None]) -> None:
    """Let ``write`` fill a temporary file, then put it in the place of ``path``.

    Args:
        path: The final name. Its directory must exist.
        write: Called with the temporary path; must leave a complete file there.

    Raises:
        OSError: The disk refused. ``path`` is then what it was before.
    """
    temporary = temporary_path(path)
    try:
        write(temporary)
        sync_file(temporary)
        put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)


def temporary_path(path: Path) -> Path:
    """The name under which this process writes what will be ``path``."""
    return path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")


def put_in_place(temporary: Path, path: Path) -> None:
    """Give a complete, synced file its final name, durably."""
    temporary.replace(path)
    sync_directory(path.parent)


def is_temporary(path: Path) -> bool:
    """Whether `temporary_path` gave the file its name: half written, unless its process lives."""
    return path.name.startswith(".") and path.suffix == TEMPORARY_SUFFIX


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of ``path``, whole or not at all.

    A symbolic link is followed. What is there and no regular file, such as a pipe or a device, is
    written to, and never replaced.

    Raises:
        OSError: The disk refused, or ``path`` is a folder.
    """
    path = path.resolve()
    if path.exists() and not path.is_file():
        path.write_bytes(data)
        return

    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    replace_with(path, write)
