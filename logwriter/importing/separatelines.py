"""Lines of many files at once: each is open only while a piece of it is read.

A run may have more metrics than a process may have open files.
"""

import os
from collections.abc import Iterator
from pathlib import Path, PurePath

from logwriter.importing.source import Source

_PIECE = 1 << 15


def lines_of(path: Path, source: Source) -> Iterator[str]:
    """The lines with their ends; one without an end was cut, as tools that write such files end each."""
    at = 0
    while True:
        with path.open("rb") as file:
            file.seek(at)
            lines = file.readlines(_PIECE)
            encoding = "utf-8" if at else "utf-8-sig"
            at = file.tell()
        if not lines:
            return
        source.advance(sum(map(len, lines)))
        for line in lines:
            yield line.decode(encoding, "backslashreplace").replace("\r\n", "\n")
            encoding = "utf-8"


def name_of(path: PurePath) -> str:
    """A path as a metric's name, with slashes; bytes that are no UTF-8 are escaped."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
