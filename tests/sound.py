"""Sound runs of several kinds, and what is in them, to do harm to."""

import shutil
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from damage import make_journal

from logwriter import Run, read
from logwriter.host import boot_id, host_name
from logwriter.repair import repair
from logwriter.rundir import WriterId
from logwriter.verify import verify

OTHER_BOOT = "00000000-0000-4000-8000-000000000000"
LAYOUTS = [("a", "b"), ("c",), ("d", "e", "f")]

Key = tuple[int, int, int]
Rows = dict[Key, frozenset[tuple[object, ...]]]


def row(writer: int, seq: int) -> dict[str, float]:
    """What is logged: each value tells where it belongs."""
    names = LAYOUTS[(seq % 7 == 0) + (seq % 11 == 0)]
    return {name: writer * 1e6 + seq + number / 8 for number, name in enumerate(names)}


def log(run: Run, writer: int, rows: range, first_step: int = 0) -> None:
    """Log the rows with these sequence numbers, a step each."""
    for seq in rows:
        run.log(row(writer, seq), step=first_step + seq)


@dataclass(frozen=True)
class Sound:
    """A run before anything is done to it: its rows, and which files hold them."""

    path: Path
    same_boot: bool
    all: pa.Table
    effective: pa.Table
    rows: Rows
    stretches: dict[Path, tuple[int, int]]
    dead: set[WriterId]


def finished(path: Path) -> None:
    """Five segments of several layouts, and epochs."""
    with Run(path, journal_bytes=1 << 18, config={"lr": 1}) as run:
        log(run, 0, range(500))
        run.flush()
        for epoch in run.epochs(2):
            log(run, 0, range(500 * (epoch + 1), 500 * (epoch + 2)))
            run.message("so far")
            run.flush()
        log(run, 0, range(1_500, 1_600))
        run.flush()
        log(run, 0, range(1_600, 2_000))


def dead(path: Path, boot: str | None = None) -> None:
    """Two segments, and two journals with sync points and rows behind them."""
    with Run(path.with_name("alive"), journal_bytes=1 << 18, sync_every=3_600) as run:
        for first in (0, 300):
            log(run, 0, range(first, first + 300))
            run.flush()
        shutil.copytree(path.with_name("alive"), path)
    folder = path / "writers/r00000-a000"
    for journal in folder.glob("*.wal"):
        journal.unlink()
    for first, end, synced in ((600, 3_600, (1_500, 2_800)), (3_600, 5_000, (900,))):
        rows = [(seq, tuple(row(0, seq).items())) for seq in range(first, end)]
        name = folder / f"journal-{first:012d}.wal"
        make_journal(name, rows, boot or boot_id(), host_name(), synced)


def rewound(path: Path) -> None:
    """Two ranks, each resumed from an earlier step; one of the later attempts is dead."""
    alive = path.with_name("alive")
    for rank in (0, 1):
        with Run(alive, rank=rank, world_size=2, journal_bytes=1 << 18) as run:
            log(run, 1 + rank, range(400))
            run.flush()
            log(run, 1 + rank, range(400, 700))
    with Run(alive, rank=1, world_size=2, resume=599, journal_bytes=1 << 18) as run:
        log(run, 3, range(500), first_step=600)
    with Run(alive, rank=0, world_size=2, resume=599, journal_bytes=1 << 18) as run:
        log(run, 4, range(300), first_step=600)
        run.flush()
        log(run, 4, range(300, 2_000), first_step=600)
        shutil.copytree(alive, path)


def mended(path: Path) -> None:
    """As `dead`, but repaired since: two of the segments have several row groups."""
    dead(path)
    repair(path)


def of_another_boot(path: Path) -> None:
    """As `dead`, but the machine was restarted since."""
    dead(path, OTHER_BOOT)


def look(path: Path, *, same_boot: bool) -> Sound:
    """What is in a sound run; its values are those that were logged."""
    every, effective = plain(read(path).rows(attempts="all")), plain(read(path).rows())
    values = every.column("value").to_numpy().view(np.float64)
    assert np.array_equal(values % 1e6 // 1, every.column("seq").to_numpy())
    assert len(np.unique(values)) == len(values) > 3_000
    stretches = {}
    for check in verify(path):
        assert not check.faults
        for part in check.parts:
            name = part.path.name if part.path else f"journal-{part.first_seq:012d}.wal"
            stretches[(check.folder / name).relative_to(path)] = part.stretch
    unfinished = {log.state.writer for log in read(path).writers if not log.state.finished}
    return Sound(path, same_boot, every, effective, group(every), stretches, unfinished)


def writer_of(file: Path) -> WriterId:
    """Whose file it is; it is relative to the run."""
    rank, attempt = (int(part[1:]) for part in file.parts[1].split("-"))
    return WriterId(rank, attempt)


def plain(table: pa.Table) -> pa.Table:
    """Without dictionaries, and values as their bits, so that equal tables compare equal."""
    bits = pa.array(table.column("value").to_numpy().view(np.int64))
    names = table.column("metric").cast(pa.string())
    for name, column in (("metric", names), ("value", bits)):
        table = table.set_column(table.schema.get_field_index(name), name, column)
    return table.combine_chunks()


def group(table: pa.Table) -> Rows:
    """The values of each row, by rank, attempt and sequence number. No value is there twice."""
    rows: dict[Key, list[tuple[object, ...]]] = defaultdict(list)
    table = table.set_column(6, "time", table.column("time").cast(pa.int64()))
    for rank, attempt, metric, seq, *rest in zip(*table.to_pydict().values(), strict=True):
        rows[rank, attempt, seq].append((metric, *rest))
    grouped = {key: frozenset(values) for key, values in rows.items()}
    assert sum(map(len, grouped.values())) == table.num_rows
    return grouped


RUNS: tuple[Callable[[Path], None], ...] = (finished, dead, rewound, of_another_boot, mended)
