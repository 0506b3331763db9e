"""Runs to test with."""

import logging
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture
def run_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A place for a run, outside any launcher's environment."""
    for name in (
        "RANK",
        "WORLD_SIZE",
        "SLURM_PROCID",
        "SLURM_NTASKS",
        "EVERYSTEP_MODE",
        "EVERYSTEP_DIR",
    ):
        monkeypatch.delenv(name, raising=False)
    return tmp_path / "run"


@pytest.fixture(autouse=True)
def _show_warnings(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """What everystep warns about is part of a test's evidence."""
    with caplog.at_level(logging.WARNING, "everystep"):
        yield


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 5 MiB, really full when it is full."""
    mount = tmp_path / "small"
    mount.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=5m", "tmpfs", str(mount)],
        check=False,
        capture_output=True,
    )
    if done.returncode:
        pytest.skip("mounting a small file system needs root")
    try:
        yield mount
    finally:
        subprocess.run(["umount", "-l", str(mount)], check=True)
