"""Runs whose process died, and what bad disks and hasty hands do to their files."""

import subprocess
import sys
from pathlib import Path

from logwriter import Run, read
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
