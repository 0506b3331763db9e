"""``damaged/``: the originals of what a repair found damaged. Nothing in it is ever deleted."""

import os
from contextlib import suppress
from pathlib import Path

from logwriter import durable, rundir
from logwriter.segments import file_crc


def set_aside(path: Path) -> Path:
    """Move a file, or whatever it is, to ``damaged/``; returns where it is now."""
    target = _place(path)
    path.rename(target)
    _sync(target)
    return target


def keep_original(path: Path) -> Path:
    """Have the file as it is now in ``damaged/`` too, so that another may take its name.

    Returns:
        Where it is; nothing is done if an earlier repair, killed half-way, has kept it already.
    """
    for kept in files_aside(path.parent):
        if kept.name.startswith(path.name) and file_crc(kept) == file_crc(path):
            return kept
    target = _place(path)
    try:
        os.link(path, target)
    except OSError:  # not every file system has links
        durable.replace_file(target, path.read_bytes())
    _sync(target)
    return target


def files_aside(folder: Path) -> list[Path]:
    """The files in ``damaged/`` of a writer's folder, by name."""
    with suppress(FileNotFoundError, NotADirectoryError):
        return sorted(path for path in (folder / rundir.DAMAGED).iterdir() if path.is_file())
    return []


def _place(path: Path) -> Path:
    folder = path.parent / rundir.DAMAGED
    _make_room(folder)
    number = 0
    while os.path.lexists(target := folder / f"{path.name}.{number}"):
        number += 1
    return target


def _make_room(folder: Path) -> None:
    """Make the folder; what has its name but is none is the first thing to lie in it."""
    if os.path.lexists(folder) and not folder.is_dir():
        aside = folder.with_name(f".{folder.name}")
        folder.rename(aside)
        folder.mkdir()
        aside.rename(folder / f"{folder.name}.0")
    folder.mkdir(exist_ok=True)


def _sync(target: Path) -> None:
    durable.sync_directory(target.parent)
    durable.sync_directory(target.parent.parent)
