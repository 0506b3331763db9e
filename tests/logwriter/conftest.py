"""Runs to test with."""

import logging
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
