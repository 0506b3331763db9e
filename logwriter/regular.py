"""Opening the files of a run to read them, where something else may have taken their names.

A folder, a pipe, a device, or links in a circle or to nowhere under the name of a file are damage.
"""

import errno
import os
import stat
from pathlib import Path

from logwriter.errors import DamagedError

_NO_FILE = {errno.ELOOP, errno.ENXIO}  # links in a circle; a socket


def open_regular(path: Path) -> int:
    """A descriptor to read a file with; it never waits for the other end of a pipe.

    Raises:
        FileNotFoundError: Nothing has this name.
        DamagedError: It is a folder, or something else that is no file.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except OSError as error:
        if error.errno in _NO_FILE or (error.errno == errno.ENOENT and path.is_symlink()):
            raise _no_file(path) from error
        raise
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise _no_file(path)
    return descriptor


def require_regular(path: Path) -> None:
    """Make sure that what has this name, if anything does, is a file.

    Raises:
        DamagedError: It is something else.
    """
    if os.path.lexists(path) and not path.is_file():
        raise _no_file(path)


def _no_file(path: Path) -> DamagedError:
    return DamagedError(
        f"{path.name}: not a file, but named like one; "
        "`everystep verify --repair RUN` sets it aside"
    )
