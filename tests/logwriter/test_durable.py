"""Files that are whole or absent."""

import os
import threading
from pathlib import Path

import pytest

from logwriter.durable import replace_file, replace_with


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """The old one is there until the new one is, and no temporary file stays."""
    path = tmp_path / "file"
    replace_file(path, b"one")
    replace_file(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(tmp_path.iterdir()) == [path]


def test_a_write_that_fails_leaves_what_was_there(tmp_path: Path) -> None:
    """Half a file never gets the name."""
    path = tmp_path / "file"
    replace_file(path, b"old")

    def fails(temporary: Path) -> None:
        temporary.write_bytes(b"ne")
        raise OSError("full")

    with pytest.raises(OSError, match="full"):
        replace_with(path, fails)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_a_symbolic_link_stays_one(tmp_path: Path) -> None:
    """The file it leads to is replaced."""
    (tmp_path / "real").write_bytes(b"old")
    (tmp_path / "link").symlink_to("real")
    replace_file(tmp_path / "link", b"new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "real").read_bytes() == b"new"


def test_a_pipe_is_written_to_and_a_folder_refused(tmp_path: Path) -> None:
    """Neither is replaced by a file: nobody loses a device."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    writer = threading.Thread(target=replace_file, args=(pipe, b"hello"))
    writer.start()
    assert pipe.read_bytes() == b"hello"
    writer.join()
    assert pipe.is_fifo()
    with pytest.raises(IsADirectoryError):
        replace_file(tmp_path, b"hello")
