"""The file of the cache grows by what is new, and whatever happens to it, no wrong digest is read."""

import os
import shutil
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from damage import fill_disk, flip
from hypothesis import given, settings
from hypothesis import strategies as st
from killed import die, is_killed_in

from compactor.fold.cells import NO_EPOCH
from compactor.fold.digest import digest
from compactor.fold.parts import PartDigest
from compactor.fold.rows import Rows
from compactor.reading import cache, cachefile
from compactor.reading.cache import CACHE_NAME, is_current, load_digests, save_digests
from compactor.reading.cacheblocks import Key, room_of
from compactor.reading.cachefile import Stored, read_file

Content = dict[Key, tuple[object, ...]]


def digested(number: int, rows: int = 12) -> PartDigest:
    """The digest of a segment of two metrics, each with a stretch without values."""
    values = np.random.default_rng(number).standard_normal(2 * rows)
    values[3:5] = values[-2] = np.nan
    step = np.tile(np.arange(rows) + number * rows, 2)
    whole = np.full(2 * rows, NO_EPOCH)
    line = np.repeat(np.arange(2), rows)
    return PartDigest(("loss", "lr"), digest(Rows(line, step, step, whole, step * 1000, values)))


DIGESTS = {Key(0, 0, 12 * n, 1 << 20, n, None): digested(n) for n in range(12)}
KEYS = list(DIGESTS)


def some(*numbers: int) -> dict[Key, PartDigest]:
    """The digests of some segments."""
    return {KEYS[number]: DIGESTS[KEYS[number]] for number in numbers}


def content(digests: dict[Key, PartDigest]) -> Content:
    """Digests in a form that can be compared, to the byte."""
    return {
        key: (
            each.metrics,
            *(getattr(each.digest, name).columns.tobytes() for name in ("cells", "terms", "edges")),
        )
        for key, each in digests.items()
    }


def keep(path: Path, digests: dict[Key, PartDigest]) -> Stored:
    """What a compaction does with digests; returns what is in the file then."""
    stored = load_digests(path)
    if not is_current(digests, stored):
        save_digests(path, digests, stored)
    return read_file(path)


def grown(path: Path) -> bytes:
    """A file of three segments and two blocks; returns the first of them."""
    keep(path, some(0, 1))
    first = path.read_bytes()
    assert read_file(path).blocks == 1
    assert keep(path, some(0, 1, 2)).blocks == 2
    return first


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the file goes."""
    return tmp_path / CACHE_NAME


def test_what_is_new_is_appended(path: Path) -> None:
    """The bytes before stay, in the same file; it holds what one written at once holds."""
    keep(path, some(0, 1))
    before, inode = path.read_bytes(), path.stat().st_ino
    stored = keep(path, some(0, 1, 2, 3))
    assert path.read_bytes().startswith(before)
    assert path.stat().st_ino == inode
    at_once = keep(path.with_name("whole"), some(0, 1, 2, 3))
    assert (stored.blocks, at_once.blocks) == (2, 1)
    assert content(stored.digests) == content(at_once.digests) == content(some(0, 1, 2, 3))
    assert stored.room == at_once.room == room_of(some(0, 1, 2, 3))


def test_where_nothing_is_new_nothing_is_written(path: Path) -> None:
    """Also where a digest is not needed any more."""
    grown(path)
    before = path.stat()
    for held in (some(0, 1, 2), some(0, 1)):
        keep(path, held)
        assert path.stat().st_ctime_ns == before.st_ctime_ns


def test_arrays_lie_at_multiples_of_eight_bytes(path: Path) -> None:
    """However long the names of metrics are."""
    for length in range(1, 10):
        held = PartDigest(("x" * length,), DIGESTS[KEYS[0]].digest)
        key = Key(0, 0, length, 1 << 20, 10**length, None)
        keep(path, {**read_file(path).digests, key: held} if length > 1 else {key: held})
    stored = read_file(path)
    assert stored.blocks == 9
    assert all(each.digest.cells["mean"].flags.aligned for each in stored.digests.values())


def test_an_append_that_was_cut_off_is_forgotten(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """At whichever byte; nothing is said, and the next time the file is written anew."""
    first = grown(path)
    whole = path.read_bytes()
    places = range(len(first) + 1, len(whole))
    for end in [*places[:60], *places[60:-60:7], *places[-60:]]:
        path.write_bytes(whole[:end])
        stored = load_digests(path)
        assert stored.identity is None
        assert content(stored.digests) == content(some(0, 1)), end
    assert not caplog.records
    stored = keep(path, some(0, 1, 2))
    assert (stored.blocks, content(stored.digests)) == (1, content(some(0, 1, 2)))


def test_a_file_whose_first_block_is_cut_off_is_damaged(
    path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It was put in place whole: somebody else did that."""
    first = grown(path)
    path.write_bytes(first[:-1])
    assert load_digests(path).digests == {}
    assert "cut off" in caplog.text
    assert content(keep(path, some(0, 1)).digests) == content(some(0, 1))


def test_no_flipped_bit_is_believed(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Wherever it is: blocks before it are used, it is said, and the file is written anew."""
    first, expected = grown(path), content(some(0, 1, 2))
    whole = path.read_bytes()
    starts = (len(cachefile._header()), len(first))
    places = [start + byte for start in starts for byte in range(50)]
    for place in [*places, *range(starts[0], len(whole), 151), len(first) - 1, len(whole) - 1]:
        caplog.clear()
        flipped = whole[:place] + bytes([whole[place] ^ 1 << place % 8]) + whole[place + 1 :]
        path.write_bytes(flipped)
        stored = load_digests(path)
        before = some() if place < len(first) else some(0, 1)
        assert content(stored.digests) == content(before), place
        assert "checksum" in caplog.text
        save_digests(path, some(0, 1, 2), stored)
        assert content(read_file(path).digests) == expected
        assert read_file(path).identity


def test_a_file_of_another_version_is_written_anew_without_a_word(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Also one whose version begins like this one's; nothing is appended to it."""
    with monkeypatch.context() as patched:
        patched.setattr(cachefile, "_VERSION", [*cachefile._VERSION, 0])
        grown(path)
    assert load_digests(path).digests == {}
    stored = keep(path, some(0, 1, 2))
    assert (stored.blocks, content(stored.digests)) == (1, content(some(0, 1, 2)))
    assert not caplog.records


def test_a_later_block_is_not_used_behind_a_damaged_one(path: Path) -> None:
    """Nobody can tell where it begins."""
    first = grown(path)
    keep(path, some(0, 1, 2, 3))
    data = bytearray(path.read_bytes())
    data[len(first) + 100] ^= 1
    path.write_bytes(data)
    assert load_digests(path).digests.keys() == some(0, 1).keys()


def test_few_digests_that_are_not_needed_stay_and_many_are_dropped(path: Path) -> None:
    """A rewind hides segments, or cuts one off elsewhere."""
    keep(path, some(*range(9)))
    assert keep(path, some(*range(6), 9)).digests.keys() == some(*range(10)).keys()
    inode = path.stat().st_ino
    stored = keep(path, some(*range(6)))
    assert stored.digests.keys() == some(*range(6)).keys()
    assert path.stat().st_ino != inode


def test_many_appends_come_to_few_blocks(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is written anew once in a while, and is then of one block."""
    monkeypatch.setattr(cache, "_MOST_BLOCKS", 4)
    blocks = [keep(path, some(*range(count))).blocks for count in range(1, 12)]
    assert blocks == [1, 2, 3, 4, 1, 2, 3, 4, 1, 2, 3]
    assert content(read_file(path).digests) == content(some(*range(11)))


def test_what_is_not_needed_counts_for_the_largest_share(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file never takes more room than the segments may."""
    keep(path, some(*range(6)))
    held = some(*range(1, 7))
    most = room_of(held) / (len(held) << 20)
    monkeypatch.setattr(cache, "LARGEST_SHARE", most)
    assert keep(path, held).digests.keys() == held.keys()
    monkeypatch.setattr(cache, "LARGEST_SHARE", most / 2)
    save_digests(path, some(7), load_digests(path))
    assert read_file(path).digests.keys() == held.keys()


def test_two_compactions_one_after_the_other_lose_nothing(path: Path) -> None:
    """The second read the file before the first appended to it."""
    keep(path, some(0, 1))
    early = load_digests(path)
    keep(path, some(0, 1, 2))
    save_digests(path, some(0, 1, 2, 3), early)
    stored = read_file(path)
    assert stored.identity
    assert content(stored.digests) == content(some(0, 1, 2, 3))


def test_two_that_append_at_the_same_moment_leave_a_file_that_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Both had looked before either wrote; what is there twice is dropped when it is much."""
    keep(path, some(0))
    early = load_digests(path)
    append = cachefile._append

    def after_another(descriptor: int, data: bytes, size: int) -> None:
        with path.open("ab") as other:
            append(other.fileno(), data, size)
        append(descriptor, data, size)

    monkeypatch.setattr(cachefile, "_append", after_another)
    save_digests(path, some(0, 1, 2), early)
    monkeypatch.undo()
    stored = read_file(path)
    assert (stored.blocks, stored.room) == (3, room_of(some(0, 1, 2)) + room_of(some(1, 2)))
    assert content(stored.digests) == content(some(0, 1, 2))
    stored = keep(path, some(0, 1, 2))
    assert (stored.blocks, stored.room) == (1, room_of(some(0, 1, 2)))


def copied(path: Path, other: Path) -> None:
    """Another file, of the same size."""
    shutil.copy2(other, path.with_name("copy"))
    path.with_name("copy").replace(path)


def deleted(path: Path, _: Path) -> None:
    """None any more."""
    path.unlink()


def piped(path: Path, _: Path) -> None:
    """Something that nobody reads."""
    path.unlink()
    os.mkfifo(path)


def linked(path: Path, other: Path) -> None:
    """A link to another file."""
    path.unlink()
    path.symlink_to(other)


def named_twice(path: Path, _: Path) -> None:
    """The same file, which has another name now."""
    path.with_name("second").hardlink_to(path)


@pytest.mark.parametrize("change", [copied, deleted, piped, linked, named_twice])
@pytest.mark.parametrize("is_late", [True, False])
def test_nothing_is_appended_to_any_other_file(
    path: Path,
    caplog: pytest.LogCaptureFixture,
    change: Callable[[Path, Path], None],
    is_late: bool,
) -> None:
    """What took the place of the one that was read is replaced; what has another name stays as it was."""
    keep(path, some(0, 1))
    other = path.with_name("other")
    shutil.copy2(path, other)
    before = other.read_bytes()
    stored = load_digests(path)
    change(path, other)
    if not is_late and change is not piped:
        stored = load_digests(path)
    save_digests(path, some(0, 1, 2), stored)
    for left in set(path.parent.iterdir()) - {path}:
        assert left.read_bytes() == before
    assert content(read_file(path).digests) == content(some(0, 1, 2))
    assert not path.is_symlink()
    assert not caplog.records


def test_nothing_is_appended_to_a_file_that_was_changed_where_it_lies(path: Path) -> None:
    """Name, inode and size are those of the file that was read; the time is not."""
    keep(path, some(0, 1))
    stored = load_digests(path)
    time.sleep(0.05)  # the clock of a file system may be that coarse
    flip(path, path.stat().st_size // 2)
    save_digests(path, some(0, 1, 2), stored)
    assert content(read_file(path).digests) == content(some(0, 1, 2))


def test_a_disk_that_is_full_gets_back_what_it_gave(
    small_disk: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """It is said, the file stays whole, and is appended to when there is room."""
    path, ballast = small_disk / CACHE_NAME, small_disk / "ballast"
    key = Key(0, 0, 0, 1 << 40, 0, None)
    large = {key: digested(0, 60_000)}
    keep(path, some(0, 1))
    before = path.read_bytes()
    fill_disk(ballast, 1 << 16)
    assert room_of(large) > 1 << 17
    keep(path, {**some(0, 1), **large})
    assert "cannot be written" in caplog.text
    assert path.read_bytes() == before
    assert sorted(small_disk.iterdir()) == [ballast, path]
    ballast.unlink()
    stored = keep(path, {**some(0, 1), **large})
    assert (stored.blocks, content(stored.digests)) == (2, content({**some(0, 1), **large}))


def test_a_block_that_is_written_piece_by_piece_is_whole(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system may take less than it is given."""
    keep(path, some(0, 1))
    write = os.write
    monkeypatch.setattr(os, "write", lambda descriptor, data: write(descriptor, data[:1000]))
    stored = keep(path, some(0, 1, 2))
    assert (stored.blocks, content(stored.digests)) == (2, content(some(0, 1, 2)))


def test_a_process_that_is_killed_in_an_append_leaves_what_was_there(
    path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The half of a block is found by its length, and the next one writes all anew."""
    keep(path, some(0, 1))
    before, write = path.read_bytes(), os.write

    def half(descriptor: int, data: memoryview) -> int:
        write(descriptor, data[: len(data) // 2])
        die()
        return 0

    with monkeypatch.context() as patched:
        patched.setattr(os, "write", half)
        assert is_killed_in(lambda: keep(path, some(0, 1, 2)))
    assert path.read_bytes().startswith(before)
    assert path.stat().st_size > len(before)
    stored = load_digests(path)
    assert content(stored.digests) == content(some(0, 1))
    assert keep(path, some(0, 1, 2, 3)).blocks == 1
    assert content(read_file(path).digests) == content(some(0, 1, 2, 3))
    assert not caplog.records


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder for all examples."""
    return tmp_path_factory.mktemp("cachefile")


CHOSEN = st.lists(st.integers(0, len(KEYS) - 1), min_size=1, unique=True)
HARMS = st.tuples(st.sampled_from(["none", "cut", "flip", "more"]), st.floats(0, 0.999))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(CHOSEN, HARMS), min_size=1, max_size=8))
def test_whatever_happens_the_file_holds_what_was_asked_for_and_nothing_wrong(
    place: Path, days: list[tuple[list[int], tuple[str, float]]]
) -> None:
    """Segments come and go, and the file is harmed in between; its room stays bounded."""
    path = place / CACHE_NAME
    path.unlink(missing_ok=True)
    truth = content(DIGESTS)
    for numbers, (harm, where) in days:
        held = some(*numbers)
        stored = keep(path, held)
        found = content(stored.digests)
        assert found.keys() >= held.keys()
        assert all(truth[key] == each for key, each in found.items())
        assert stored.identity
        assert stored.room <= 1.5 * room_of(held)
        data = bytearray(path.read_bytes())
        at = int(where * len(data))
        if harm == "cut":
            del data[at:]
        elif harm == "flip":
            data[at] ^= 1
        elif harm == "more":
            data += data[at:]
        path.write_bytes(data)
        assert all(truth[key] == each for key, each in content(load_digests(path).digests).items())
