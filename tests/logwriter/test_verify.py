"""Checking and repairing: every fault is named, and what can be saved is saved."""

import os
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from damage import die, faults, finish, flip, mend
from scanning import scan_parts

from compactor.reading.source import open_source
from logwriter import Run, durable, read
from logwriter import journal as jf
from logwriter.errors import DamagedError, EverystepError, NotARunError, WriterLockedError
from logwriter.repair import repair
from logwriter.rundir import SegmentFile
from logwriter.saving import read_whole_groups
from logwriter.verify import verify


def test_a_sound_run_is_good(run_path: Path) -> None:
    """Finished, alive, or dead without a word."""
    with Run(run_path) as run:
        run.log({"a": 1})
        (check,) = verify(run_path)
        assert (check.live, check.rows, check.faults) == (True, 1, [])
    (check,) = verify(run_path)
    assert (check.live, check.rows, check.faults) == (False, 1, [])
    die(run_path.with_name("dead"), 100)
    assert not faults(run_path.with_name("dead"))


def test_repair_seals_what_a_dead_process_left(run_path: Path) -> None:
    """The same rows, before and after; a second repair finds nothing to do."""
    folder = die(run_path, 10_000)
    before = read(run_path).rows()
    assert list(folder.glob("*.wal"))
    (report,) = repair(run_path)
    assert (report.rows, report.lost_rows, report.lost_values, report.moved) == (10_000, 0, 0, [])
    assert not list(folder.glob("*.wal")) + list(folder.glob("*.spare"))
    assert read(run_path).rows().equals(before)
    assert repair(run_path)[0].actions == []
    assert not faults(run_path)


def test_a_live_run_is_not_repaired(run_path: Path) -> None:
    """Its owner would not know."""
    with Run(run_path), pytest.raises(WriterLockedError, match="repair it when that has ended"):
        repair(run_path)


def test_what_another_machine_wrote_needs_force(run_path: Path) -> None:
    """Its lock says nothing here."""
    folder = die(run_path, 10)
    lock = folder / "lock"
    lock.write_text(lock.read_text().replace('"host":"', '"host":"elsewhere-'))
    with pytest.raises(WriterLockedError, match="give --force"):
        repair(run_path)
    assert repair(run_path, force=True)[0].rows == 10


def test_a_damaged_journal_keeps_the_rows_around_the_damage(run_path: Path) -> None:
    """Reading is an error; repair counts kept and lost rows to the last, and keeps the original."""
    folder = die(run_path, 5_000)
    journal = max(folder.glob("*.wal"))
    header = jf.decode_header(journal.read_bytes(), "x")
    assert header is not None
    flip(journal, header.rows_offset + jf.BLOCK_BYTES + 100)
    with pytest.raises(DamagedError, match="do not match their checksum"):
        read(run_path)
    assert any("do not match their checksum" in fault for fault in faults(run_path))
    (report,) = repair(run_path)
    assert [path.parent.name for path in report.moved] == ["damaged"]
    assert report.rows + report.lost_rows == 5_000
    assert not faults(run_path)
    table = read(run_path).rows(["a"])
    kept = table.column("seq").to_numpy()
    assert np.array_equal(table.column("value").to_numpy(), kept.astype(float))
    row = 8 * (jf.ROW_WORDS + 2)
    record = len(jf.encode_layout(("a", "b")))
    lost = np.setdiff1d(np.arange(5_000), kept)
    begin, end = jf.BLOCK_BYTES - record, 2 * jf.BLOCK_BYTES - record
    assert np.array_equal(lost, np.arange(begin // row, -(-end // row))), "what touches the block"


def test_rows_that_are_gone_are_announced_so_that_readers_go_on(run_path: Path) -> None:
    """A segment vanished from the middle: an error, then, after repair, a known loss."""
    with Run(run_path, journal_bytes=1 << 18) as run:
        for number in range(20_000):
            run.log({"a": number})
    segments = sorted(run_path.rglob("*.parquet"))
    assert len(segments) >= 3
    gone = segments[1]
    lost = pq.read_table(gone).num_rows
    gone.unlink()
    with pytest.raises(DamagedError, match=gone.name):
        read(run_path)
    assert any("gone" in fault for fault in faults(run_path))
    (report,) = repair(run_path)
    assert report.lost_rows == lost
    assert len(read(run_path).series("a")[1]) == 20_000 - lost
    assert not faults(run_path)


def test_a_damaged_segment_keeps_the_row_groups_whose_checksums_hold(run_path: Path) -> None:
    """Values of the damaged row group are counted as lost; the others are kept."""
    with Run(run_path) as run:
        for number in range(140_000):
            run.log({"a": number, "b": float(np.sin(number))})
    path = max(run_path.rglob("*.parquet"), key=lambda path: path.stat().st_size)
    whole = pq.read_metadata(path)
    assert whole.num_row_groups > 1
    flip(path, whole.row_group(0).column(5).data_page_offset + 200)
    (report,) = repair(run_path)
    assert report.lost_rows == 0
    assert report.lost_values == whole.row_group(0).num_rows
    assert read(run_path).rows().num_rows == 280_000 - report.lost_values
    assert not faults(run_path)


def test_a_damaged_event_is_named_by_its_line_and_left_out_by_repair(run_path: Path) -> None:
    """The rows do not depend on it."""
    with Run(run_path) as run:
        run.message("one")
        run.message("two")
        run.log({"a": 1})
    events = run_path / "writers/r00000-a000/events.jsonl"
    lines = events.read_bytes().split(b"\n")
    flip(events, len(lines[0]) + 1 + lines[1].index(b"one"))
    with pytest.raises(DamagedError, match=r"events\.jsonl, line 2"):
        read(run_path)
    repair(run_path)
    state = read(run_path).state
    assert [message.text for message in state.last.messages] == ["two"]
    assert read(run_path).series("a")[1].tolist() == [1.0]


def test_every_prefix_of_the_events_is_read_or_named(run_path: Path) -> None:
    """A torn last line is the end of the log of a killed process, not damage."""
    with Run(run_path) as run:
        run.message("one")
    events = run_path / "writers/r00000-a000/events.jsonl"
    data = events.read_bytes()
    whole = [k for k, byte in enumerate(data) if byte == ord("\n")]
    for length in range(whole[0] + 1, len(data)):
        events.write_bytes(data[:length])
        assert not faults(run_path), length
        assert len(read(run_path).events) == sum(end < length for end in whole)


def test_a_crash_between_sealing_and_announcing_keeps_the_rows_once(run_path: Path) -> None:
    """The journal still counts; the segment that nobody announced is noted, and sealed by repair."""
    folder = die(run_path, 100)
    (journal,) = folder.glob("*.wal")
    data = journal.read_bytes()
    events = (folder / "events.jsonl").read_bytes()
    repair(run_path)
    journal.write_bytes(data)
    assert read(run_path).series("a")[1].tolist() == list(range(100)), (
        "announced: the journal is stale"
    )
    assert any("already sealed" in note for note in verify(run_path)[0].notes)
    (folder / "events.jsonl").write_bytes(events)
    assert read(run_path).series("a")[1].tolist() == list(range(100)), "not announced: it counts"
    assert any("never announced" in note for note in verify(run_path)[0].notes)
    assert repair(run_path)[0].rows == 100
    assert read(run_path).series("a")[1].tolist() == list(range(100))


def test_a_folder_that_is_no_run_says_what_it_is(tmp_path: Path) -> None:
    """Missing, empty, a file, or the folder above."""
    with pytest.raises(NotARunError, match="there is no such folder"):
        read(tmp_path / "nothing")
    with pytest.raises(NotARunError, match="holds no writers/ folder"):
        read(tmp_path)
    (tmp_path / "file").write_text("x")
    with pytest.raises(NotARunError, match="is a file, not a run"):
        read(tmp_path / "file")
    with Run(tmp_path / "inside"):
        pass
    with pytest.raises(NotARunError, match="holds 1: give one of them"):
        read(tmp_path)


@pytest.mark.parametrize("name", ["~", "~/run", "file:run", "file:/run", "[ab]*?"])
def test_a_path_means_what_it_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Relative to the working directory, whatever Arrow and DuckDB would make of it."""
    monkeypatch.chdir(tmp_path)
    segments = rename_run(tmp_path, Path(name))
    assert [line.rows for line in scan_parts(read(name).parts())] == [20_000]
    flip(segments[1], 100)
    assert mend(Path(name)).rows > 10_000


def test_a_path_need_not_be_utf_8(tmp_path: Path) -> None:
    """Everything but DuckDB reads and repairs the run, and the scan says why it does not."""
    path = tmp_path / os.fsdecode(b"\xff")
    segments = rename_run(tmp_path, path)
    with (
        pytest.raises(EverystepError, match=r"udcff.*is not UTF-8.*rename or move the run"),
        open_source(read(path).parts()),
    ):
        pass
    flip(segments[1], 100)
    assert mend(path).rows > 10_000


def rename_run(folder: Path, path: Path) -> list[Path]:
    """Make a run and move it there; the same rows are in it. Returns its segments."""
    finish(folder / "plain")
    rows = read(folder / "plain").rows()
    path.parent.mkdir(exist_ok=True, parents=True)
    (folder / "plain").rename(path)
    assert not faults(path)
    assert read(path).rows().equals(rows)
    assert read(path).metrics == ["a"]
    return sorted(path.rglob("*.parquet"))


def test_what_is_left_out_of_the_events_is_kept(run_path: Path) -> None:
    """A last line without its end may be one that was torn, or whole ones that something damaged."""
    finish(run_path, 10)
    events = run_path / "writers/r00000-a000/events.jsonl"
    data = events.read_bytes()
    events.write_bytes(data[:-20])
    (kept,) = mend(run_path).moved
    assert kept.read_bytes() == data[:-20]


def test_the_lock_may_hold_anything(run_path: Path) -> None:
    """Bytes that are no text, too: it then says as little as one that is gone."""
    folder = die(run_path, 10)
    (folder / "lock").write_bytes(b'{"pid":1,"host":"\xff","boot_id":""}')
    assert mend(run_path).rows == 10


def test_no_byte_of_a_footer_stops_a_repair(tmp_path: Path) -> None:
    """Names that are no text, columns that are not there: whatever Parquet makes of it."""
    (whole,) = finish(tmp_path / "run", 10)
    for back in range(9, 1_500, 13):
        segment = tmp_path / whole.name
        shutil.copy(whole, segment)
        flip(segment, segment.stat().st_size - back)
        table, bad = read_whole_groups(SegmentFile(0, 9, segment))
        assert table.num_rows in {0, 10}
        assert not bad or not table.num_rows
        assert table.column("value").to_pylist() == list(range(table.num_rows))


@pytest.mark.parametrize("vanishes", [False, True])
def test_a_half_written_file_is_removed(
    run_path: Path, monkeypatch: pytest.MonkeyPatch, vanishes: bool
) -> None:
    """Also if the process that wrote it outlived its writer, and removes it at that moment."""
    half = die(run_path, 10) / ".steps-x.parquet.1.tmp"
    half.write_bytes(b"x")
    is_temporary = durable.is_temporary

    def look_and_lose(path: Path) -> bool:
        found = is_temporary(path)
        if vanishes:
            path.unlink(missing_ok=True)
        return found

    with monkeypatch.context() as patch:
        patch.setattr(durable, "is_temporary", look_and_lose)
        assert repair(run_path)[0].rows == 10
    assert not half.exists()
    assert not verify(run_path)[0].notes
