"""A segment that lies complete under a temporary name: what any process may make, and the owner places.

Only the process that holds the writer's lock gives files their names and announces them. One that
was killed, or outlived its run, leaves at most a temporary file, which nobody reads.
"""

from pathlib import Path

import msgspec

from logwriter import durable
from logwriter.events import SegmentSealed
from logwriter.rundir import segment_path


class Prepared(msgspec.Struct, frozen=True, tag="prepared"):
    """The temporary name of a synced segment, and what to announce of it once it is in place."""

    temporary: str
    first_seq: int
    rows: int
    values: int
    bytes: int
    crc32: int


def place_segment(folder: Path, prepared: Prepared, *, time: int) -> SegmentSealed:
    """Give a prepared segment its final name, durably, and return what to announce.

    Args:
        folder: The writer's folder.
        prepared: What was prepared there.
        time: Of the announcement, in microseconds since 1970.

    Raises:
        OSError: The disk refused; nothing was left behind.
    """
    last_seq = prepared.first_seq + prepared.rows - 1
    path = segment_path(folder, prepared.first_seq, last_seq)
    temporary = folder / prepared.temporary
    try:
        durable.put_in_place(temporary, path)
    finally:
        temporary.unlink(missing_ok=True)
    return SegmentSealed(
        time=time,
        segment=path.name,
        first_seq=prepared.first_seq,
        last_seq=last_seq,
        rows=prepared.rows,
        values=prepared.values,
        bytes=prepared.bytes,
        crc32=prepared.crc32,
    )
