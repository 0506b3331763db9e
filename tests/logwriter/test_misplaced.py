"""Files under wrong names, or of others: found, put back, or set aside; a name alone is not believed."""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from damage import die, faults, finish, mend, write

from logwriter import Run, read
from logwriter import journal as jf
from logwriter.errors import DamagedError
from logwriter.repair import repair


def test_swapped_segments_are_put_back(run_path: Path) -> None:
    """Each has the checksum that was announced for the other: no row is lost, or moved."""
    first, second, *_ = finish(run_path)
    before = read(run_path).rows()
    first.rename(run_path / "x")
    second.rename(first)
    (run_path / "x").rename(second)
    assert len(faults(run_path)) == 3
    report = mend(run_path)
    assert (report.lost_rows, report.moved) == (0, [])
    assert read(run_path).rows().equals(before)


def test_a_renamed_segment_is_found_by_its_checksum(run_path: Path) -> None:
    """In its folder under any name, or in ``damaged/``, where a killed repair had put it."""
    first, second, third, *_ = finish(run_path)
    before = read(run_path).rows()
    first.rename(first.with_name("steps-000000900000-000000900001.parquet"))
    (second.parent / "damaged").mkdir()
    second.rename(second.parent / "damaged" / f"{second.name}.0")
    third.rename(third.with_name("backup.parquet"))
    assert mend(run_path).lost_rows == 0
    assert read(run_path).rows().equals(before)


def test_a_segment_of_another_run_is_set_aside_and_its_rows_are_lost(
    run_path: Path, tmp_path: Path
) -> None:
    """The file says where it belongs; its name is not believed."""
    segments = finish(run_path)
    others = finish(tmp_path / "other", name="z")
    shutil.copy(others[1], segments[1])
    report = mend(run_path)
    assert report.lost_rows == 20_000 - read(run_path).rows().num_rows > 5_000
    assert [path.name for path in report.moved] == [f"{segments[1].name}.0"]
    assert read(run_path).metrics == ["a"]


def test_a_foreign_segment_beside_the_others_takes_no_row_away(
    run_path: Path, tmp_path: Path
) -> None:
    """Never announced, of another run: set aside, and nothing is given up for its name."""
    segments = finish(run_path)
    foreign = segments[0].with_name("steps-000000900000-000000900000.parquet")
    with Run(tmp_path / "other") as run:
        run.log({"z": 1})
    shutil.copy(next((tmp_path / "other").rglob("*.parquet")), foreign)
    assert faults(run_path)
    report = mend(run_path)
    assert (report.rows, report.lost_rows) == (20_000, 0)


def test_a_copy_of_a_journal_under_another_name_is_set_aside(run_path: Path) -> None:
    """Its header says which rows it holds. Nothing is counted twice, or given up."""
    folder = die(run_path, 3_000)
    (journal,) = folder.glob("*.wal")
    shutil.copy(journal, folder / "journal-000000900000.wal")
    with pytest.raises(DamagedError, match="its header says that its first row is 0"):
        read(run_path)
    report = mend(run_path)
    assert (report.rows, report.lost_rows) == (3_000, 0)
    assert [path.name for path in report.moved] == ["journal-000000900000.wal.0"]


def test_a_journal_of_another_writer_is_set_aside(run_path: Path, tmp_path: Path) -> None:
    """None of its rows gets in."""
    folder = die(run_path, 10)
    (journal,) = folder.glob("*.wal")
    with Run(tmp_path / "other", rank=3, world_size=4) as run:
        run.log({"foreign": 1})
        (foreign,) = (tmp_path / "other").rglob("*.wal")
        shutil.copy(foreign, folder / "journal-000000000010.wal")
    with pytest.raises(DamagedError, match="it was written by r00003-a000"):
        read(run_path)
    assert [path.name for path in mend(run_path).moved] == ["journal-000000000010.wal.0"]
    assert read(run_path).metrics == ["a", "b"]
    assert not journal.exists()


@pytest.mark.parametrize("name", ["journal-000000900000.wal", "journal-next-9.spare"])
def test_a_folder_named_like_a_journal_is_named(run_path: Path, name: str) -> None:
    """By every command, and set aside by repair."""
    (segment, *_) = finish(run_path, 10)
    (segment.parent / name).mkdir()
    with pytest.raises(DamagedError, match=f"{name}: not a file"):
        read(run_path)
    assert any(f"{name}: not a file" in fault for fault in faults(run_path))
    assert [path.name for path in mend(run_path).moved] == [f"{name}.0"]
    assert read(run_path).rows().num_rows == 10


def test_a_folder_named_like_a_segment_is_named(run_path: Path) -> None:
    """In place of an announced one: its rows are lost."""
    segment = finish(run_path)[1]
    segment.unlink()
    segment.mkdir()
    with pytest.raises(DamagedError, match=f"{segment.name}: not a file"):
        read(run_path)
    assert mend(run_path).lost_rows == 20_000 - read(run_path).rows().num_rows


def put_folder(path: Path) -> None:
    """A folder of this name."""
    path.mkdir()


def put_circle(path: Path) -> None:
    """A link that leads to itself."""
    path.symlink_to(path.name)


NO_FILES: list[Callable[[Path], None]] = [put_folder, os.mkfifo, put_circle]


@pytest.mark.parametrize("put", NO_FILES)
@pytest.mark.parametrize("name", ["events.jsonl", "lock", "journal-000000000010.wal"])
def test_what_is_no_file_is_named_and_makes_way(
    run_path: Path, name: str, put: Callable[[Path], None]
) -> None:
    """A folder, a pipe that nobody writes to, links in a circle: nothing waits, no row is lost."""
    (segment, *_) = finish(run_path, 10)
    place = segment.with_name(name)
    place.unlink(missing_ok=True)
    put(place)
    with pytest.raises(DamagedError, match=f"{name}: not a file"):
        read(run_path)
    assert any(f"{name}: not a file" in fault for fault in faults(run_path))
    report = mend(run_path)
    assert (report.rows, report.lost_rows) == (10, 0)
    assert [path.name for path in report.moved] == [f"{name}.0"]


def test_a_file_named_damaged_is_kept_in_the_folder_of_that_name(run_path: Path) -> None:
    """Repair needs the name."""
    segment = finish(run_path)[1]
    segment.write_bytes(b"x")
    segment.with_name("damaged").write_text("precious")
    mend(run_path)
    assert (segment.parent / "damaged/damaged.0").read_text() == "precious"


def test_a_journal_under_the_name_of_a_sealed_one_is_named(run_path: Path) -> None:
    """Its name says that it is over, its header that it is not: it would be passed over in silence."""
    folder = die(run_path, 10_000)
    mend(run_path)
    (journal,) = die(run_path.with_name("other"), 10).glob("*.wal")
    last = folder / "journal-000000010000.wal"
    shutil.copy(journal, last)
    data = last.read_bytes()
    header = jf.decode_header(data, last.name)
    assert header is not None
    write(last, 0, jf.encode_header(replace(header, first_seq=10_000)))
    assert read(run_path).rows(["a"]).num_rows == 10_010
    last.rename(folder / "journal-000000000000.wal")
    with pytest.raises(DamagedError, match="its header says that its first row is 10000"):
        read(run_path)
    assert mend(run_path).rows == 10_010


def test_the_events_of_another_writer_do_not_count(run_path: Path) -> None:
    """Two files were swapped: each is named, all rows are found by the segments themselves."""
    for rank in (0, 1):
        with Run(run_path, rank=rank, world_size=2) as run:
            for number in range(10 + rank):
                run.log({"a": number})
    before = read(run_path).rows()
    one, two = sorted(run_path.rglob("events.jsonl"))
    one.rename(run_path / "x")
    two.rename(one)
    (run_path / "x").rename(two)
    with pytest.raises(DamagedError, match="the events of r00001-a000, not of r00000-a000"):
        read(run_path)
    assert len([fault for fault in faults(run_path) if "the events of" in fault]) == 2
    assert [(report.rows, report.lost_rows) for report in repair(run_path)] == [(10, 0), (11, 0)]
    assert not faults(run_path)
    assert read(run_path).rows().equals(before)


def test_a_resume_that_nothing_tells_of_is_named(run_path: Path) -> None:
    """Without it rows would come back that it hides; repair takes it to go on at its first row."""
    for resume in (False, 4):
        with Run(run_path, resume=resume) as run:
            for _ in range(10):
                run.log({"a": 1.0})
    before = read(run_path).rows()
    events = run_path / "writers/r00000-a001/events.jsonl"
    lines = events.read_bytes().splitlines(keepends=True)
    events.write_bytes(b"".join(line for line in lines if b'"run.resumed"' not in line))
    with pytest.raises(DamagedError, match=r"run\.resumed is gone"):
        read(run_path)
    assert any("run.resumed is gone" in fault for fault in faults(run_path))
    repair(run_path)
    assert not faults(run_path)
    assert read(run_path).rows().equals(before)
    assert len(before) == 15


def test_a_finished_run_gives_up_no_more_rows_than_it_had(run_path: Path) -> None:
    """Whatever rows the name of a file speaks of that is no segment."""
    segment = finish(run_path, 10)[0]
    segment.with_name("steps-000000000010-000000900000.parquet").write_bytes(b"x")
    assert faults(run_path)
    assert mend(run_path).lost_rows == 0
