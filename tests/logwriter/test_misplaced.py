"""Files under wrong names, or of others: found, put back, or set aside; a name alone is not believed."""

import shutil
from pathlib import Path

import pytest
from damage import die, faults, finish, mend

from logwriter import Run, read
from logwriter.errors import DamagedError


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
