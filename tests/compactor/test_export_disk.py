"""A disk that refuses: the error names the file, and what was there before is still there."""

import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from compactor.export.trackers import write_run
from compactor.export.writing import write_file
from logwriter import Run, read

ROOM = 4096


@contextmanager
def little_room() -> Iterator[None]:
    """No file of this process grows beyond a page."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (ROOM, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_that_does_not_fit_is_named_and_the_old_one_stays(tmp_path: Path) -> None:
    """The disk's own error knows no name."""
    path = tmp_path / "rows.csv"
    path.write_text("old")
    with little_room(), pytest.raises(OSError, match="File too large") as caught:
        write_file(path, lambda sink: sink.write(b"x" * 2 * ROOM))
    assert caught.value.filename == str(path)
    assert [each.read_text() for each in tmp_path.iterdir()] == ["old"]


def test_an_event_file_that_does_not_fit_is_named_and_leaves_nothing(
    run_path: Path, tmp_path: Path
) -> None:
    """Not even a part of it, that TensorBoard would draw."""
    pytest.importorskip("tensorboard")
    with Run(run_path) as run:
        for step in range(500):
            run.log({"a": step}, step)
    log = read(run_path)
    with little_room(), pytest.raises(OSError, match="File too large") as caught:
        write_run("tensorboard", log, tmp_path / "out")
    assert Path(str(caught.value.filename)).parent == tmp_path / "out"
    assert not list((tmp_path / "out").iterdir())
