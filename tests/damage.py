"""Runs whose process died, and what bad disks and hasty hands do to their files."""

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from logwriter import Run, read
from logwriter import journal as jf
from logwriter.repair import repair
from logwriter.saving import RepairReport
from logwriter.verify import verify

_DIES = """
import os, sys, time
from logwriter import Run
run = Run(sys.argv[1], journal_bytes=1 << 18, sync_every=0.05)
for number in range(int(sys.argv[2])):
    run.log({"a": number, "b": -number})
time.sleep(0.5)  # a sync point
os._exit(0)
"""


def die(path: Path, rows: int) -> Path:
    """A run whose process ended without a word; returns its writer's folder."""
    subprocess.run([sys.executable, "-c", _DIES, str(path), str(rows)], check=True)
    return path / "writers/r00000-a000"


def finish(path: Path, rows: int = 20_000, name: str = "a") -> list[Path]:
    """A run that ended well, in several segments; returns them in order."""
    with Run(path, journal_bytes=1 << 18) as run:
        for number in range(rows):
            run.log({name: number})
    return sorted(path.rglob("*.parquet"))


def faults(path: Path) -> list[str]:
    """All faults of the run."""
    return [fault for check in verify(path) for fault in check.faults]


def flip(path: Path, place: int) -> None:
    """Change one byte."""
    write(path, place, bytes([path.read_bytes()[place] ^ 0xFF]))


def write(path: Path, place: int, data: bytes) -> None:
    """Put other bytes in their place."""
    with path.open("r+b") as file:
        file.seek(place)
        file.write(data)


def mend(path: Path) -> RepairReport:
    """Repair the run of one writer; afterwards nothing is wrong, and nothing is left to do."""
    (report,) = repair(path)
    assert not faults(path)
    assert not verify(path)[0].notes
    (again,) = repair(path)
    assert (again.actions, again.moved, again.lost_rows) == ([], [], 0)
    assert again.rows == report.rows == sum(part.rows for part in read(path).parts("all"))
    return report


def make_journal(
    path: Path,
    rows: Sequence[tuple[int, tuple[tuple[str, float], ...]]],
    boot: str,
    host: str,
    synced: Sequence[int],
) -> None:
    """A journal of a dead process of rank 0, as FORMAT.md describes it.

    Args:
        path: Where it goes.
        rows: Sequence number, which is the step too, and the metrics with their values.
        boot: The boot of the machine that its header names.
        host: The machine.
        synced: How many slots its sync points cover, the newest last.
    """
    size = 1 << 18
    slots, rows_offset, rows_bytes = jf.geometry(size)
    origin = time.time_ns() - 10**12
    shape = (size, jf.SLOTS_OFFSET, slots, rows_offset, rows_bytes)
    header = jf.Header(0, 0, rows[0][0], *shape, origin, boot, host)
    used, data, ends, known = bytearray(), bytearray(), [0], dict[tuple[str, ...], int]()
    for seq, values in rows:
        names = tuple(name for name, _ in values)
        if names not in known:
            known[names] = len(known) + 1
            data += jf.encode_layout(names)
            used += jf.LAYOUT_SLOT.to_bytes(2, "little")
            ends.append(len(data))
        numbers = (value for _, value in values)
        data += jf.row_struct(len(values)).pack(1_000 * (seq + 1), seq, jf.NO_EPOCH, *numbers)
        used += known[names].to_bytes(2, "little")
        ends.append(len(data))
    path.write_bytes(bytes(size))
    write(path, 0, jf.encode_header(header))
    write(path, jf.SLOTS_OFFSET, bytes(used))
    write(path, rows_offset, bytes(data))
    for number, covered in enumerate(synced, 1):
        crcs = jf.block_crcs(bytes(used[: 2 * covered]), bytes(data[: ends[covered]]))
        point = jf.encode_sync(jf.SyncPoint(number, covered, ends[covered], crcs))
        write(path, jf.SYNC_OFFSETS[number % 2], point)


def fill_disk(path: Path, leave: int) -> None:
    """Use up the disk but for ``leave`` bytes, also those that a spare is being made of."""
    with path.open("wb") as file:
        deadline = time.monotonic() + 20
        while True:
            free = os.statvfs(path.parent)
            more = free.f_bavail * free.f_frsize - leave
            try:
                os.posix_fallocate(file.fileno(), 0, file.seek(0, os.SEEK_END) + max(0, more))
            except OSError:
                assert time.monotonic() < deadline
            else:
                break
