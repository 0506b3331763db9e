"""Announced segments that lie under a wrong name: found by their checksums, and put back.

Each goes to ``damaged/`` first, and from there to its own name, so that a repair that was killed in
between finds it there.
"""

import os
from pathlib import Path

from logwriter import durable, rundir
from logwriter.aside import files_aside, set_aside
from logwriter.segments import file_crc
from logwriter.verify import WriterCheck


def put_back(check: WriterCheck) -> tuple[list[str], list[Path]]:
    """Give announced segments that are bad or gone their files back, where those lie elsewhere.

    Returns:
        What was done, in words, and the damaged files that were moved out of the way.
    """
    missing = {*check.gone, *(path.name for path in check.bad_segments)}
    wanted = {
        (sealed.crc32, sealed.bytes): sealed.segment
        for name, sealed in check.state.segments.items()
        if name in missing
    }
    found = _find(check, wanted)
    for name, path in found.items():
        if path.parent == check.folder:
            found[name] = set_aside(path)
    actions, moved = [], []
    for name, path in found.items():
        place = check.folder / name
        if os.path.lexists(place):
            moved.append(set_aside(place))
        path.rename(place)
        actions.append(f"{name}: was under the name {path.name.rsplit('.', 1)[0]}; put back")
    if found:
        durable.sync_directory(check.folder)
        durable.sync_directory(check.folder / rundir.DAMAGED)
    return actions, moved


def _find(check: WriterCheck, wanted: dict[tuple[int, int], str]) -> dict[str, Path]:
    """Where the wanted files are, by the names that they should have."""
    sizes = {size for _, size in wanted}
    listing = rundir.list_writer(check.folder)
    places = [
        *(segment.path for segment in listing.segments),
        *listing.unknown,
        *files_aside(check.folder),
    ]
    found: dict[str, Path] = {}
    for path in places:
        if path.is_file() and path.stat().st_size in sizes:
            name = wanted.get(file_crc(path))
            if name is not None:
                found.setdefault(name, path)
    return found
