"""Who reads a run may have its segments checked later: but before any of their rows are read."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from damage import flip

from logwriter import Run, read
from logwriter.errors import DamagedError
from logwriter.part import Wait
from logwriter.parts import check_part
from logwriter.runlog import RunLog, chunks, load_part
from logwriter.state import AttemptState


@pytest.fixture
def run_path(run_path: Path) -> Path:
    """A run of several segments."""
    with Run(run_path, journal_bytes=1 << 18) as run:
        for number in range(20_000):
            run.log({"a": number, "b": -number})
    return run_path


class Later:
    """Makes each check when it is asked for; ``made`` are the names of the segments."""

    def __init__(self) -> None:
        self.made: list[str] = []

    def __call__(self, paths: Sequence[Path], state: AttemptState) -> list[Wait]:
        """See `logwriter.parts.Check`."""
        return [lambda path=path: self._check(path, state) for path in paths]  # type: ignore[misc]

    def _check(self, path: Path, state: AttemptState) -> None:
        check_part(path, state)
        self.made.append(path.name)


def test_a_segment_is_checked_when_its_rows_are_read(run_path: Path) -> None:
    """And not before; the rows are those of a run that was checked at once."""
    later = Later()
    log = RunLog(run_path, later)
    assert len(log.parts()) > 2
    assert not later.made
    first = log.parts()[0]
    assert len(load_part(first, None)) == 2 * first.rows
    assert later.made == [first.source]
    assert sum(map(len, chunks(log.parts()[1], ["value"]))) == 2 * log.parts()[1].rows
    assert later.made[1:] == [log.parts()[1].source]
    assert log.rows().equals(read(run_path).rows())
    assert set(later.made) == {part.source for part in log.parts()}


def test_damage_is_told_when_rows_are_read(run_path: Path) -> None:
    """`read` tells of it at once."""
    victim = sorted(run_path.rglob("*.parquet"))[1]
    flip(victim, 1_000)
    with pytest.raises(DamagedError, match=victim.name):
        read(run_path)
    log = RunLog(run_path, Later())
    for read_rows in (log.rows, lambda: log.metrics):
        with pytest.raises(DamagedError, match=victim.name):
            read_rows()
