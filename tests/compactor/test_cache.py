"""The cache beside the record: reads less, changes nothing, and is never believed about other bytes."""

import logging
import os
from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
from damage import flip

from compactor import compact
from compactor.deciding.verdict import judge
from compactor.fold.parts import PartDigest, digest_parts
from compactor.reading import cache, cachefile, folding, scan
from compactor.reading.cache import CACHE_NAME
from compactor.reading.cachefile import read_file
from logwriter import Run
from logwriter.errors import DamagedError
from logwriter.part import Part

SMALL = 1 << 18


def train(path: Path, start: int, rows: int, *, resume: bool | int = False) -> None:
    """Some segments of two metrics, with a gap now and then."""
    rng = np.random.default_rng(start)
    with Run(path, journal_bytes=SMALL, resume=resume, monitor="loss", mode="min") as run:
        for epoch in run.epochs(range(start // 10_000, (start + rows) // 10_000)):
            for step in range(epoch * 10_000, epoch * 10_000 + 10_000):
                value = float("nan") if step % 997 < 2 else float(rng.standard_normal())
                run.log({"loss": value, "lr": 1.0 / (1 + step)}, step=step)


@pytest.fixture
def decoded(monkeypatch: pytest.MonkeyPatch) -> list[Part]:
    """Every run is long enough for a cache and for buckets; the parts that were decoded."""
    parts: list[Part] = []

    def counted(new: Iterable[Part], threads: int) -> Iterator[PartDigest]:
        new = list(new)
        parts.extend(new)
        return digest_parts(new, threads)

    monkeypatch.setattr(scan, "CACHED_VALUES", 0)
    monkeypatch.setattr(cache, "LARGEST_SHARE", 1000.0)
    monkeypatch.setattr(folding, "WHOLE_ROWS", 1000)
    monkeypatch.setattr(scan, "digest_parts", counted)
    return parts


def made(run_path: Path, **how: object) -> bytes:
    """The record, as bytes."""
    compact(run_path, **how)  # type: ignore[arg-type]
    return (run_path / "record.json").read_bytes()


def from_scratch(run_path: Path) -> bytes:
    """The record without a cache, in a single thread."""
    return made(run_path, cache=False, threads=1)


def segments(run_path: Path) -> list[Path]:
    """The run's segments."""
    return sorted(run_path.rglob("*.parquet"))


def test_only_new_segments_are_decoded_and_the_bytes_are_those_from_scratch(
    run_path: Path, decoded: list[Part]
) -> None:
    """Twice the same, then with more rows of a second attempt."""
    train(run_path, 0, 30_000)
    first = made(run_path)
    count = len(segments(run_path))
    assert len(decoded) == count > 2
    assert made(run_path) == first
    assert len(decoded) == count
    train(run_path, 30_000, 10_000, resume=True)
    grown = made(run_path)
    assert len(decoded) == len(segments(run_path)) > count
    assert grown == from_scratch(run_path)


def test_the_cache_grows_by_what_is_new_and_by_nothing_else(
    run_path: Path, decoded: list[Part]
) -> None:
    """What was there stays, in the same file; with nothing new it is not touched."""
    train(run_path, 0, 30_000)
    made(run_path)
    path = run_path / CACHE_NAME
    before, inode = path.read_bytes(), path.stat().st_ino
    train(run_path, 30_000, 10_000, resume=True)
    grown = made(run_path)
    assert path.read_bytes().startswith(before)
    assert (path.stat().st_ino, path.stat().st_size > len(before)) == (inode, True)
    changed = path.stat().st_ctime_ns
    decoded.clear()
    assert made(run_path) == grown
    assert (path.stat().st_ctime_ns, decoded) == (changed, [])
    assert from_scratch(run_path) == grown


def test_the_best_point_is_found_with_the_cache_which_stays_as_it_is(
    run_path: Path, decoded: list[Part]
) -> None:
    """Only what came after it is decoded; and without it, no file comes to be."""
    train(run_path, 0, 30_000)
    first = judge(run_path)
    assert not (run_path / CACHE_NAME).exists()
    made(run_path)
    before = (run_path / CACHE_NAME).read_bytes()
    decoded.clear()
    assert (judge(run_path), decoded) == (first, [])
    known = set(segments(run_path))
    train(run_path, 30_000, 10_000, resume=True)
    grown = judge(run_path)
    assert {part.path for part in decoded} == set(segments(run_path)) - known
    assert (run_path / CACHE_NAME).read_bytes() == before
    (run_path / CACHE_NAME).unlink()
    assert judge(run_path) == grown


@pytest.mark.parametrize("share", [0.2, 0.5, 0.99])
def test_a_half_appended_cache_is_of_use_and_written_anew(
    run_path: Path, decoded: list[Part], caplog: pytest.LogCaptureFixture, share: float
) -> None:
    """Only the segments of the cut block are decoded again; nothing is said."""
    train(run_path, 0, 20_000)
    made(run_path)
    path, count = run_path / CACHE_NAME, len(decoded)
    first = path.stat().st_size
    train(run_path, 20_000, 10_000, resume=True)
    grown = made(run_path)
    os.truncate(path, first + int(share * (path.stat().st_size - first)))
    decoded.clear()
    assert made(run_path) == grown
    assert len(decoded) == len(segments(run_path)) - count
    assert read_file(path).identity
    assert not caplog.records


@pytest.mark.parametrize("useless", [0.0, 1.0])
def test_a_rewind_reads_anew_what_it_cuts(
    run_path: Path, decoded: list[Part], monkeypatch: pytest.MonkeyPatch, useless: float
) -> None:
    """The cut segment is decoded again, without what is hidden; hidden ones may stay in the file."""
    monkeypatch.setattr(cache, "_USELESS_SHARE", useless)
    train(run_path, 0, 30_000)
    made(run_path)
    train(run_path, 10_000, 10_000, resume=9_999)
    decoded.clear()
    rewound = made(run_path)
    assert any(part.hidden_from is not None for part in decoded)
    assert rewound == from_scratch(run_path)
    keys = read_file(run_path / CACHE_NAME).digests
    assert all(key.hidden_from is None or key.hidden_from > key.first_seq for key in keys)
    hidden = [key for key in keys if key.attempt == 0 and key.first_seq >= 10_000]
    assert bool(hidden) == bool(useless)


@pytest.mark.parametrize("harm", ["cut", "empty", "text", "folder", "pipe", "loop", "version"])
def test_a_cache_that_is_not_whole_counts_as_absent(
    run_path: Path,
    decoded: list[Part],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    harm: str,
) -> None:
    """It is said, but for another version; the record is the same, and the cache is made anew."""
    train(run_path, 0, 20_000)
    expected = made(run_path)
    path = run_path / CACHE_NAME
    data = path.read_bytes()
    if harm == "cut":
        path.write_bytes(data[: len(data) // 3])
    elif harm == "empty":
        path.write_bytes(b"")
    elif harm == "text":
        path.write_bytes(b"what is this?" * 100)
    elif harm == "folder":
        path.unlink()
        path.mkdir()
    elif harm == "pipe":
        path.unlink()
        os.mkfifo(path)
    elif harm == "loop":
        path.unlink()
        path.symlink_to(path.name)
    else:
        monkeypatch.setattr(cachefile, "_VERSION", [0])
    decoded.clear()
    with caplog.at_level(logging.WARNING):
        assert made(run_path) == expected
    assert len(decoded) == len(segments(run_path))
    assert bool(caplog.records) == (harm != "version")
    if harm not in {"folder", "loop"}:
        decoded.clear()
        assert made(run_path) == expected
        assert not decoded


def test_no_flipped_bit_of_the_cache_reaches_the_record(
    run_path: Path, decoded: list[Part]
) -> None:
    """In its index, where names and keys are, as in its numbers."""
    train(run_path, 0, 10_000)
    expected = made(run_path)
    data = (run_path / CACHE_NAME).read_bytes()
    rng = np.random.default_rng(0)
    places = [*range(0, 600, 37), *rng.integers(0, len(data), 20).tolist(), len(data) - 1]
    for place in places:
        (run_path / CACHE_NAME).write_bytes(
            data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]
        )
        decoded.clear()
        assert made(run_path) == expected, place
        assert decoded, place


def test_the_cache_of_another_run_is_of_no_use(run_path: Path, decoded: list[Part]) -> None:
    """A digest belongs to the bytes that it was made from."""
    other = run_path.with_name("other")
    train(other, 0, 20_000)
    made(other)
    train(run_path, 10_000, 20_000)
    expected = from_scratch(run_path)
    (run_path / CACHE_NAME).write_bytes((other / CACHE_NAME).read_bytes())
    decoded.clear()
    assert made(run_path) == expected
    assert len(decoded) == len(segments(run_path))


def test_a_flipped_bit_is_reported_though_the_segment_is_cached(
    run_path: Path, decoded: list[Part]
) -> None:
    """Also where the file's time stays what it was."""
    train(run_path, 0, 20_000)
    before = made(run_path)
    assert decoded
    victim = segments(run_path)[1]
    times = victim.stat()
    flip(victim, 5_000)
    os.utime(victim, ns=(times.st_atime_ns, times.st_mtime_ns + 1))
    with pytest.raises(DamagedError, match=victim.name):
        compact(run_path)
    assert (run_path / "record.json").read_bytes() == before


def test_no_segment_with_a_flipped_bit_is_averaged_in(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whichever segment and whichever byte; the error names the file."""
    train(run_path, 0, 20_000)
    monkeypatch.setattr(folding, "WHOLE_ROWS", 1000)
    rng = np.random.default_rng(0)
    for victim in segments(run_path):
        good = victim.read_bytes()
        for place in rng.integers(0, len(good), 4).tolist():
            victim.write_bytes(good[:place] + bytes([good[place] ^ 1]) + good[place + 1 :])
            with pytest.raises(DamagedError, match=victim.name):
                compact(run_path)
            assert not (run_path / "record.json").exists()
        victim.write_bytes(good)
    compact(run_path)


def test_what_a_killed_compaction_left_is_cleared(run_path: Path, decoded: list[Part]) -> None:
    """Its half-written cache; another one at work is let be."""
    train(run_path, 0, 20_000)
    dead = run_path / f".{CACHE_NAME}.999999999.tmp"
    living = run_path / f".{CACHE_NAME}.{os.getppid()}.tmp"
    for left in (dead, living):
        left.write_bytes(b"half")
    made(run_path)
    assert decoded
    assert not dead.exists()
    assert living.exists()


def test_a_cache_that_would_be_larger_than_the_log_is_not_written(
    run_path: Path, decoded: list[Part], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would fill a disk."""
    monkeypatch.setattr(cache, "LARGEST_SHARE", 0.01)
    train(run_path, 0, 10_000)
    made(run_path)
    assert decoded
    assert not (run_path / CACHE_NAME).exists()


def test_a_short_run_leaves_no_cache(run_path: Path) -> None:
    """Reading it again takes no time."""
    with Run(run_path) as run:
        for step in range(1000):
            run.log({"loss": float(step)})
    made(run_path)
    assert not (run_path / CACHE_NAME).exists()


def test_without_a_cache_none_is_written(run_path: Path, decoded: list[Part]) -> None:
    """Neither in the run nor beside a record that goes elsewhere."""
    train(run_path, 0, 20_000)
    elsewhere = run_path.with_name("elsewhere")
    elsewhere.mkdir()
    compact(run_path, cache=False, output=elsewhere / "record.json")
    assert decoded
    compact(run_path, output=elsewhere / "other.json")
    assert sorted(path.name for path in elsewhere.iterdir()) == ["other.json", "record.json"]
    assert not (run_path / CACHE_NAME).exists()


def test_a_record_that_goes_elsewhere_is_made_with_the_cache_which_stays_as_it_is(
    run_path: Path, decoded: list[Part]
) -> None:
    """The same bytes; nothing in the run's folder changes."""
    train(run_path, 0, 20_000)
    made(run_path)
    kept = (run_path / CACHE_NAME).read_bytes()
    count = len(segments(run_path))
    train(run_path, 20_000, 10_000, resume=True)
    decoded.clear()
    compact(run_path, output=run_path.with_name("other.json"))
    assert len(decoded) == len(segments(run_path)) - count
    assert (run_path / CACHE_NAME).read_bytes() == kept
    assert run_path.with_name("other.json").read_bytes() == from_scratch(run_path)
