"""Checksums are compared beside the fold: before any segment is read, and before anything leaves."""

import shutil
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from compactor import compact
from compactor.fold import parts as fold
from compactor.reading import cache, checks, folding, scan, source
from compactor.reading.cache import CACHE_NAME
from compactor.reading.checks import Checks
from logwriter import Run, parts
from logwriter.errors import DamagedError, UnknownMetricError
from logwriter.part import Part
from logwriter.part import checked as checked_already
from logwriter.rundir import list_writers, writer_path
from logwriter.runlog import load_part
from logwriter.state import AttemptState

Spoil = Callable[[bytes], bytes]


@pytest.fixture(scope="module")
def logged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of several segments."""
    path = tmp_path_factory.mktemp("checks") / "run"
    values = np.random.default_rng(0).standard_normal(20_000).tolist()
    how: dict[str, Any] = {"journal_bytes": 1 << 18, "monitor": "loss", "mode": "min"}
    with Run(path, rank=0, world_size=1, **how) as run:
        for value in values:
            run.log({"loss": value, "lr": 0.1})
    assert len(segments(path)) > 2
    return path


@pytest.fixture
def run_path(logged: Path, run_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of it, which counts as long."""
    monkeypatch.setattr(scan, "CACHED_VALUES", 0)
    monkeypatch.setattr(cache, "LARGEST_SHARE", 1000.0)
    monkeypatch.setattr(folding, "WHOLE_ROWS", 1000)
    shutil.copytree(logged, run_path)
    return run_path


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    assert set(threading.enumerate()) <= before


def segments(run_path: Path) -> list[Path]:
    """The run's segments."""
    return sorted(run_path.rglob("*.parquet"))


def written(run_path: Path) -> dict[str, bytes]:
    """What a compaction wrote."""
    found = (run_path / name for name in ("record.json", CACHE_NAME))
    return {path.name: path.read_bytes() for path in found if path.exists()}


def state_of(run_path: Path) -> AttemptState:
    """What the events say, without a look at the segments."""
    (writer,) = list_writers(run_path)
    log = parts.read_writer(
        writer_path(run_path, writer), writer, lambda p, _: [checked_already] * len(p)
    )
    assert log is not None
    return log.state


def flipped(data: bytes, place: int) -> bytes:
    """The bytes, one bit of them turned."""
    return data[:place] + bytes([data[place] ^ 1 << place % 8]) + data[place + 1 :]


@pytest.mark.parametrize("threads", [None, 1])
@pytest.mark.parametrize("is_cached", [True, False])
def test_a_flipped_bit_of_any_segment_is_told_and_nothing_is_written(
    run_path: Path, threads: int | None, is_cached: bool
) -> None:
    """Though lines are made of what the cache holds before the checksums were compared."""
    if is_cached:
        compact(run_path)
    before = written(run_path)
    rng = np.random.default_rng(1)
    for victim in segments(run_path):
        good = victim.read_bytes()
        for place in (3, *rng.integers(4, len(good), 2).tolist(), len(good) - 6):
            victim.write_bytes(flipped(good, place))
            with pytest.raises(DamagedError, match=f"{victim.name}: .* CRC-32"):
                compact(run_path, threads=threads)
            assert written(run_path) == before
        victim.write_bytes(good)
    compact(run_path, threads=threads)
    assert written(run_path).keys() == {"record.json", CACHE_NAME}


SPOILED: dict[str, Spoil] = {
    "zeros": lambda data: data[:4] + bytes(len(data) - 8) + data[-4:],
    "long footer": lambda data: data[:-8] + b"\xff\xff\xff\x7f" + data[-4:],
    "half": lambda data: data[: len(data) // 2],
    "empty": lambda _: b"",
}


@pytest.mark.parametrize("how", SPOILED)
@pytest.mark.parametrize("is_cached", [True, False])
@pytest.mark.parametrize("is_resumed", [True, False])
def test_what_arrow_would_choke_on_is_told_as_a_wrong_checksum(
    run_path: Path, how: str, is_cached: bool, is_resumed: bool
) -> None:
    """Also where a rewind was looked up in it."""
    if is_cached:
        compact(run_path)
    victim = segments(run_path)[-1]
    if is_resumed:
        with Run(run_path, rank=0, world_size=1, resume=19_000) as run:
            run.log({"loss": 0.0}, step=19_001)
    victim.write_bytes(SPOILED[how](victim.read_bytes()))
    with pytest.raises(DamagedError, match=f"{victim.name}: .* CRC-32"):
        compact(run_path)


@pytest.mark.parametrize("threads", [None, 1])
@pytest.mark.parametrize("is_cached", [True, False])
def test_no_segment_is_read_before_it_was_checked(
    run_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int | None, is_cached: bool
) -> None:
    """By Arrow or DuckDB, however slow the checks are."""
    if is_cached:
        compact(run_path)
    checked, opened = set[Path](), set[Path]()
    check_part, show = parts.check_part, source.Source._show

    def check_slowly(path: Path, state: AttemptState) -> None:
        time.sleep(0.1)
        check_part(path, state)
        checked.add(path)

    def load_checked(part: Part, wanted: None) -> Any:
        table = load_part(part, wanted)
        assert part.path in checked
        opened.add(part.path)
        return table

    def show_checked(self: source.Source, some: list[Part]) -> None:
        assert {part.path for part in some} <= checked
        opened.update(part.path for part in some if part.path)
        show(self, some)

    monkeypatch.setattr(checks, "check_part", check_slowly)
    monkeypatch.setattr(fold, "load_part", load_checked)
    monkeypatch.setattr(source.Source, "_show", show_checked)
    compact(run_path, threads=threads)
    assert checked == set(segments(run_path))
    assert len(opened) == (1 if is_cached else len(checked))  # the row at the best step


def test_damage_is_told_before_any_other_error(run_path: Path) -> None:
    """Which may well come of it."""
    with pytest.raises(UnknownMetricError):
        compact(run_path, monitor="lost", mode="min")
    victim = segments(run_path)[1]
    victim.write_bytes(flipped(victim.read_bytes(), 5000))
    with pytest.raises(DamagedError, match=victim.name):
        compact(run_path, monitor="lost", mode="min")


def test_what_was_read_is_kept_though_another_error_ends_it(run_path: Path) -> None:
    """Whoever asks for a metric that is not there asks again, soon."""
    with pytest.raises(UnknownMetricError):
        compact(run_path, monitor="lost", mode="min")
    assert written(run_path).keys() == {CACHE_NAME}


def test_an_interrupt_waits_for_no_check(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the one that is being made; nothing is written."""
    made = []

    def check_slowly(path: Path, _: AttemptState) -> None:
        made.append(path)
        time.sleep(0.05)

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(checks, "check_part", check_slowly)
    monkeypatch.setattr(scan, "keys_of", interrupted)
    with pytest.raises(KeyboardInterrupt):
        compact(run_path)
    assert len(made) < len(segments(run_path))
    assert not written(run_path)


def test_a_segment_that_goes_away_before_its_check_is_told(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was there when the run was opened; the cache would have done without it."""
    compact(run_path)
    before = written(run_path)
    victim = segments(run_path)[1]
    check_part = parts.check_part

    def late(path: Path, state: AttemptState) -> None:
        victim.unlink(missing_ok=True)
        check_part(path, state)

    monkeypatch.setattr(checks, "check_part", late)
    with pytest.raises(DamagedError, match=f"{victim.name} went away .*everystep verify RUN"):
        compact(run_path)
    assert written(run_path) == before


class Idle(Executor):
    """A pool that never comes to anything."""

    def submit(self, *_: Any, **__: Any) -> Future[Any]:
        """Forget it."""
        return Future()


def test_who_waits_makes_the_check_that_has_not_begun(run_path: Path) -> None:
    """And makes it once."""
    damaged, *whole = segments(run_path)
    damaged.write_bytes(flipped(damaged.read_bytes(), 5000))
    state = state_of(run_path)
    held = Checks(Idle())
    waits = held([damaged, *whole], state)
    for wait in waits[1:]:
        wait()
    for wait in (waits[0], waits[0], held.wait):
        with pytest.raises(DamagedError, match=damaged.name):
            wait()


def test_only_the_last_look_at_a_writer_counts(run_path: Path) -> None:
    """What an earlier one saw may have been repaired since."""
    damaged, *whole = segments(run_path)
    damaged.write_bytes(flipped(damaged.read_bytes(), 5000))
    state = state_of(run_path)
    held = Checks(Idle())
    held([damaged, *whole], state)
    held(whole, state)
    held.wait()
    damaged.unlink()
    with pytest.raises(FileNotFoundError):
        held([damaged, *whole], state)


@pytest.mark.parametrize("fails", [False, True])
def test_the_process_has_its_own_allocator_again_afterwards(run_path: Path, fails: bool) -> None:
    """Meanwhile it is the system's; whether the compaction succeeds or not."""
    before, seen = pa.default_memory_pool().backend_name, []

    def look(_: str) -> None:
        seen.append(pa.default_memory_pool().backend_name)
        if fails and len(seen) > 1:
            raise OSError("no more")

    with pytest.raises(OSError, match="no more") if fails else nullcontext():
        compact(run_path, progress=look)
    assert "system" in seen
    assert pa.default_memory_pool().backend_name == before
