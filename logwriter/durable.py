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
    temporary = path.with_name(f".{path.name}.{os.getpid()}{TEMPORARY_SUFFIX}")
    try:
        write(temporary)
        sync_file(temporary)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_directory(path.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Put ``data`` in the place of ``path``, whole or not at all."""

    def write(temporary: Path) -> None:
        temporary.write_bytes(data)

    replace_with(path, write)
