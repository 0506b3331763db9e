"""Harm of any kind to any file of a run is harmless or named, and repair keeps what is whole.

Each trial copies one of five runs, does one or two random things to its files, and holds what
`verify`, `read` and `repair` then say against the rows as they were. `unvouched` states what no
reader can see, `Trial.claimed` where nobody can tell how many rows are lost; FORMAT.md names both.

``EVERYSTEP_FUZZ=FIRST:COUNT`` runs other trials, or more of them: each has the number of its seed.
"""

import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from harm import Harm, harm
from sound import RUNS, Key, Rows, Sound, group, look, of_another_boot, plain, writer_of

from logwriter import journal as jf
from logwriter import journalfile, parts, read, segments
from logwriter.errors import DamagedError, EverystepError, WriterLockedError
from logwriter.repair import repair
from logwriter.rundir import WriterId
from logwriter.saving import RepairReport
from logwriter.verify import WriterCheck, verify
from reports.cli import main

FIRST, COUNT = map(int, os.environ.get("EVERYSTEP_FUZZ", "0:120").split(":"))


class Trial:
    """One run after harm was done to it, and the laws that hold nevertheless."""

    def __init__(self, path: Path, sound: Sound, harms: list[Harm]) -> None:
        self.path, self.sound = path, sound
        self.touched = {file for each in harms for file in each.touched}
        self.unvouched = unvouched(path, sound, self.touched)
        self.claimed = {
            writer_of(file)
            for file in self.touched
            if file.suffix == ".parquet"
            and (
                file.with_name("events.jsonl") in self.touched
                or (file not in sound.stretches and writer_of(file) in sound.dead)
            )
        }

    def check_reading(self) -> None:
        """Rows are as they were, or a fault names what was touched; every way of asking agrees."""
        checks = verify(self.path)
        faults = [fault for check in checks for fault in check.faults]
        shown = CliRunner().invoke(main, ["verify", str(self.path)])
        assert shown.exit_code == bool(faults)
        assert isinstance(shown.exception, SystemExit | None)
        try:
            run = read(self.path)
            every, effective = plain(run.rows(attempts="all")), plain(run.rows())
        except EverystepError:
            assert faults
        else:
            assert not faults
            self.check_rows(every, effective, checks)
        assert not faults or any(map(self.names_what_was_touched, faults)), faults

    def check_rows(self, every: pa.Table, effective: pa.Table, checks: list[WriterCheck]) -> None:
        """Rows that no fault speaks of are as they were, but for those that nothing vouches for."""
        if every.equals(self.sound.all):
            assert effective.equals(self.sound.effective)
            return
        found = group(every)
        unverified = {check.writer for check in checks if check.unverified}
        for key in found.keys() | self.sound.rows.keys():
            if found.get(key) != self.sound.rows.get(key):
                writer = WriterId(*key[:2])
                assert self.is_unvouched(key), key
                assert self.sound.same_boot or writer in unverified or key not in found

    def is_unvouched(self, key: Key) -> bool:
        """Whether nothing on the disk tells what this row was."""
        rank, attempt, seq = key
        return seq >= self.unvouched.get(WriterId(rank, attempt), seq + 1)

    def names_what_was_touched(self, fault: str) -> bool:
        """By its name; or, where a file or an announcement is gone, by the rows that it held."""
        names = {file.name for file in self.touched}
        gone = "events.jsonl" in names or any(map(self.is_gone, self.touched))
        return any(name in fault for name in names) or (
            gone and ("are missing" in fault or "never announced" in fault)
        )

    def is_gone(self, file: Path) -> bool:
        """Whether it is not there, or as if it had never been begun."""
        path = self.path / file
        return not path.exists() or (path.is_file() and not any(path.read_bytes()))

    def check_repair(self) -> None:
        """Nothing is wrong afterwards; what is kept is true; what is not was counted."""
        faults = [fault for check in verify(self.path) for fault in check.faults]
        blamed = " ".join(fault for fault in faults if "are there twice" not in fault)
        harmed = {
            f: snapshot(self.path / f) for f in self.touched if os.path.lexists(self.path / f)
        }
        reports = self.repair()
        assert not [fault for check in verify(self.path) for fault in check.faults]
        run = read(self.path)
        every, effective = plain(run.rows(attempts="all")), plain(run.rows())
        keys = [(name, "ascending") for name in ("rank", "attempt", "metric", "seq")]
        assert every.sort_by(keys).equals(every)
        found = group(every)
        self.check_kept(found, reports)
        lost = self.sound.rows.keys() - found.keys()
        if not (lost or any(file.name == "events.jsonl" for file in self.touched)):
            assert group(effective).keys() == group(self.sound.effective).keys()
        for report in repair(self.path):
            assert (report.actions, report.moved, report.lost_rows) == ([], [], 0)
        assert plain(read(self.path).rows(attempts="all")).equals(every)
        for file, original in harmed.items():
            self.check_original(file, original, blamed)

    def repair(self) -> list[RepairReport]:
        """Repair; with force where the lock no longer says that it is of this machine."""
        try:
            return repair(self.path)
        except WriterLockedError:
            assert any(file.name == "lock" for file in self.touched)
            return repair(self.path, force=True)

    def check_kept(self, found: Rows, reports: list[RepairReport]) -> None:
        """Each row is a true one, untouched files keep all of theirs, and the sums are right."""
        for report in reports:
            writer = report.writer
            anew = any("header made anew" in action for action in report.actions)
            kept = [key for key in found if WriterId(*key[:2]) == writer]
            true = [key for key in self.sound.rows if WriterId(*key[:2]) == writer]
            for key in kept:
                assert self.is_unvouched(key) or self.is_true(found[key], key, anew=anew), key
            assert report.rows >= len(kept), "no value may be left of some"
            if writer in self.claimed:
                continue
            lost = self.given_up(writer)
            if writer in self.unvouched:
                told = [key for key in true if not self.is_unvouched(key) and key not in found]
                assert len([key for key in told if key[2] not in lost]) <= report.lost_values
            else:
                left = {key: len(self.sound.rows[key]) for key in true if key[2] not in lost}
                assert (report.lost_rows, report.rows) == (len(lost), len(left)), report
                gone = sum(left.values()) - sum(len(found[key]) for key in kept)
                assert report.lost_values == gone, report
        for file, (start, end) in self.sound.stretches.items():
            if file not in self.touched:
                writer = writer_of(file)
                for seq in range(start, end):
                    key = (writer.rank, writer.attempt, seq)
                    assert found[key] == self.sound.rows[key]

    def given_up(self, writer: WriterId) -> set[int]:
        """The rows that the events of a writer call lost."""
        (state,) = (log.state for log in read(self.path).writers if log.state.writer == writer)
        return {seq for lost in state.lost for seq in range(lost.first_seq, lost.last_seq + 1)}

    def is_true(self, values: frozenset[tuple[object, ...]], key: Key, *, anew: bool) -> bool:
        """Whether the values are those of the row, or some of them; with a new header, but for times."""
        truth = self.sound.rows.get(key, frozenset())
        if anew:
            timeless = [{value[:3] + value[4:] for value in each} for each in (values, truth)]
            return timeless[0] <= timeless[1]
        return values <= truth

    def check_original(self, file: Path, original: object, blamed: str) -> None:
        """It lies where it was or in ``damaged/``, unless it was sound and its rows are sealed."""
        if file.name == "lock" or (file.suffix in {".wal", ".spare"} and file.name not in blamed):
            return
        everything = self.path.rglob("*")
        found = [snapshot(path) for path in everything]
        if file.name == "events.jsonl" and isinstance(original, bytes):
            found = [each[: len(original)] for each in found if isinstance(each, bytes)]
        assert original in found, file


def snapshot(path: Path) -> object:
    """What would be lost if it were deleted."""
    if path.is_symlink():
        return path.readlink()
    return path.read_bytes() if path.is_file() else ("no file", path.is_dir())


def unvouched(path: Path, sound: Sound, touched: set[Path]) -> dict[WriterId, int]:
    """From which row on a harm cannot be seen, by writer.

    Of a journal that was touched: the rows behind its newest sync point that is whole (of another
    boot: that holds); all of them if it is gone, or looks like one that was never begun.
    """
    found: dict[WriterId, int] = {}
    for file, (first, _) in sound.stretches.items():
        if file in touched and file.suffix == ".wal":
            writer, original = writer_of(file), (sound.path / file).read_bytes()
            copies = [
                data
                for other in (path / file.parent).glob("journal-*")
                if other.is_file()
                and has_header(data := other.read_bytes(), original, named=other == path / file)
            ]
            counts = (count_vouched(data, original, same_boot=sound.same_boot) for data in copies)
            limit = first + min(counts, default=0)
            found[writer] = min(found.get(writer, limit), limit)
    return found


def has_header(data: bytes, original: bytes, *, named: bool) -> bool:
    """Whether the header is that of the journal, or none at all in a file that is named like it."""
    try:
        header = jf.decode_header(data, "")
    except DamagedError:
        header = None
    return named if header is None else header == jf.decode_header(original, "")


def count_vouched(data: bytes, original: bytes, *, same_boot: bool) -> int:
    """How many rows the newest sync point speaks of."""
    _, rows_offset, _ = jf.geometry(len(original))
    sectors = (data[at : at + jf.SYNC_BYTES] for at in jf.SYNC_OFFSETS)
    syncs = [sync for sector in sectors if (sync := jf.decode_sync(sector))]
    for sync in sorted(syncs, key=lambda sync: -sync.counter):
        slots = data[jf.SLOTS_OFFSET :][: 2 * sync.slots]
        rows = data[rows_offset:][: sync.row_bytes]
        if same_boot or jf.block_crcs(slots, rows) == sync.crcs:
            used = np.frombuffer(original, "<u2", sync.slots, jf.SLOTS_OFFSET)
            return int(np.count_nonzero(used != jf.LAYOUT_SLOT))
    return 0


@pytest.fixture(scope="module")
def sound_runs(tmp_path_factory: pytest.TempPathFactory) -> list[Sound]:
    """One of each kind."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(segments, "ROW_GROUP_VALUES", 256)
        for make in RUNS:
            path = tmp_path_factory.mktemp(make.__name__) / "run"
            make(path)
            found.append(look(path, same_boot=make is not of_another_boot))
    return found


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder for one trial. Nothing writes meanwhile, so no look needs to wait for the next."""
    monkeypatch.setattr(journalfile, "_SETTLE_SECONDS", 0)
    monkeypatch.setattr(parts, "_PAUSE_SECONDS", 0)
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)


@pytest.mark.parametrize("seed", range(FIRST, FIRST + COUNT))
def test_harm_is_harmless_or_named_and_repair_keeps_the_rest(
    sound_runs: list[Sound], place: Path, seed: int
) -> None:
    """See the laws in `Trial`."""
    random = Random(seed)
    sound = sound_runs[seed % len(sound_runs)]
    path = place / "run"
    shutil.copytree(sound.path, path)
    harms = [harm(path, random) for _ in range(random.choice([1, 1, 2]))]
    print(sound.path.parent.name, *(each.kind for each in harms), sep="\n  ")
    trial = Trial(path, sound, harms)
    trial.check_reading()
    trial.check_repair()
