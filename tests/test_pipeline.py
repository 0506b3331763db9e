"""The whole path, from rows to pictures: determinism, and bad input at every door."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner, Result

from compactor import compact
from compactor.reading import cache, folding, scan
from compactor.reading.cache import CACHE_NAME
from logwriter import Run
from logwriter.repair import repair
from reports.cli import main

DIES = """
import os, sys
from logwriter import Run
run = Run(sys.argv[1], journal_bytes=1 << 18, config={"lr": 0.1}, monitor="val/loss", mode="min")
for epoch in run.epochs(5):
    for number in range(4000):
        run.log({"train/loss": (1.0 + number % 7) / (1 + epoch), "noise": (number * 7919 % 1000) ** 0.5})
    run.log({"val/loss": abs(epoch - 2.5) + 0.1})
run.log({"train/loss": float("nan"), "noise": 1.0})
os._exit(1)
"""


def call(*arguments: object) -> Result:
    """Run the command line as a user would, exceptions and all."""
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


def snapshot(path: Path) -> dict[str, tuple[int, int]]:
    """Every file below, with its size and time of change."""
    return {
        str(file.relative_to(path)): (file.stat().st_size, file.stat().st_mtime_ns)
        for file in path.rglob("*")
        if file.is_file()
    }


@pytest.mark.parametrize("whole", [0, 65_536])
def test_the_record_is_the_same_byte_for_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: int
) -> None:
    """Again, with one thread, before and after sealing, with the cache and from scratch."""
    monkeypatch.setattr(folding, "WHOLE_ROWS", whole)
    monkeypatch.setattr(scan, "CACHED_VALUES", 0)
    monkeypatch.setattr(cache, "LARGEST_SHARE", 1000.0)
    path = tmp_path / "run"
    subprocess.run([sys.executable, "-c", DIES, str(path)], check=False)
    assert list(path.rglob("*.wal")), "some rows are not sealed"

    def made(**how: Any) -> bytes:
        (path / "record.json").unlink(missing_ok=True)
        compact(path, smooth="ema:0.9", max_points=64, **how)
        return (path / "record.json").read_bytes()

    first = made()
    assert b'"policy": "adaptive"' in first
    assert (path / CACHE_NAME).exists() == bool(list(path.rglob("*.parquet")))
    for how in ({}, {"threads": 1}, {"cache": False}, {"cache": False, "threads": 1}):
        assert made(**how) == first
    repair(path)
    assert not list(path.rglob("*.wal")), "all rows are sealed"
    for how in ({}, {"threads": 1}, {"cache": False}):
        assert made(**how) == first


def test_the_report_is_the_same_byte_for_byte(tmp_path: Path) -> None:
    """Pages and pictures, drawn twice from one record."""
    with Run(tmp_path / "run") as run:
        for number in range(3_000):
            run.log({"train/loss": 1 / (number + 1)})
    contents = []
    for _ in range(2):
        assert call("report", tmp_path / "run").exit_code == 0
        files = sorted((tmp_path / "run/report").rglob("*.*"))
        contents.append({file.name: file.read_bytes() for file in files})
    assert contents[0] == contents[1]
    assert len(contents[0]) == 3


def no_rows(path: Path) -> None:
    """A run that never logged."""
    with Run(path):
        pass


def only_events(path: Path) -> None:
    """A run that spoke, but never logged."""
    with Run(path, monitor="val/loss") as run:
        run.message("hello")
        run.phase("warm-up")
        run.define("val/loss", title="Loss")


def one_point(path: Path) -> None:
    """A single row."""
    with Run(path) as run:
        run.log({"val/loss": 0.5})


def all_nan(path: Path) -> None:
    """A monitor that was never a number."""
    with Run(path, monitor="val/loss", mode="min") as run:
        for epoch in run.epochs(3):
            run.log({"val/loss": np.nan, "lr": 0.1 * epoch})


def no_monitor(path: Path) -> None:
    """A declared monitor that was never logged."""
    with Run(path, monitor="val/los", mode="min") as run:
        run.log({"val/loss": 0.5})


@pytest.mark.parametrize("make", [no_rows, only_events, one_point, all_nan, no_monitor])
def test_a_poor_run_gets_a_report_that_says_so(
    tmp_path: Path, make: Callable[[Path], None]
) -> None:
    """Never a traceback; the log is not touched."""
    path = tmp_path / "run"
    make(path)
    before = snapshot(path / "writers")
    for command in ("show", "compact", "report", "tail", "verify"):
        result = call(command, path)
        assert result.exit_code == 0, (command, result.output, result.exception)
    assert snapshot(path / "writers") == before
    record = json.loads((path / "record.json").read_text())
    page = (path / "report/index.html").read_text()
    if make is one_point:
        assert record["best"]["value"] == 0.5
    else:
        assert record["best"] is None
        assert record["notes"]
        assert all(word in page for word in record["notes"][0].split()[:3])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (no_rows, "log"),
        (only_events, "log"),
        (all_nan, "finite"),
        (no_monitor, "val/loss"),
    ],
)
def test_the_best_of_a_poor_run_is_an_error_with_a_next_step(
    tmp_path: Path, make: Callable[[Path], None], says: str
) -> None:
    """``best`` has one job, and says why it cannot do it."""
    make(tmp_path / "run")
    result = call("best", tmp_path / "run")
    assert result.exit_code == 1
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert not (tmp_path / "run/record.json").exists()


def newer(path: Path) -> None:
    """A run that a newer everystep wrote."""
    one_point(path)
    events = path / "writers/r00000-a000/events.jsonl"
    import msgspec

    from logwriter.eventlog import read_events
    from logwriter.events import encode_line

    found, _ = read_events(events)
    events.write_bytes(
        b"".join(encode_line(msgspec.structs.replace(event, v=99)) for event in found)
    )


def no_run(path: Path) -> None:
    """A folder with something else in it."""
    path.mkdir()
    (path / "notes.txt").write_text("hello")


@pytest.mark.parametrize(
    ("make", "says"), [(newer, "Install a newer everystep"), (no_run, "is not a run")]
)
@pytest.mark.parametrize("command", ["show", "tail", "verify", "compact", "best", "report"])
def test_what_is_no_run_is_refused_and_left_alone(
    tmp_path: Path, command: str, make: Callable[[Path], None], says: str
) -> None:
    """By every command, with the next step, without a traceback, and nothing is changed."""
    path = tmp_path / "run"
    make(path)
    before = snapshot(path)
    result = call(command, path)
    assert result.exit_code == 1
    assert says in result.stderr
    assert "Traceback" not in result.output
    assert snapshot(path) == before


@pytest.mark.parametrize("command", ["compact", "best"])
def test_a_monitor_that_was_not_logged_is_named_with_what_was(tmp_path: Path, command: str) -> None:
    """Close matches come first."""
    one_point(tmp_path / "run")
    result = call(command, tmp_path / "run", "--monitor", "val/los")
    assert result.exit_code == 1
    assert "val/loss" in result.stderr


def test_a_report_says_when_the_log_has_gone_on(tmp_path: Path) -> None:
    """An old record is drawn as it is, and the way to a new one is named."""
    one_point(tmp_path / "run")
    assert "compacting it first" in call("report", tmp_path / "run").stderr
    assert call("report", tmp_path / "run").stderr == ""
    with Run(tmp_path / "run", resume=True) as run:
        run.log({"val/loss": 0.25})
    assert "has gone on since" in call("report", tmp_path / "run").stderr
    call("compact", tmp_path / "run")
    assert call("report", tmp_path / "run").stderr == ""


def test_a_closed_pipe_is_quiet(tmp_path: Path) -> None:
    """``everystep tail RUN | head -1`` ends without a complaint."""
    with Run(tmp_path / "run") as run:
        for number in range(50_000):
            run.log({"a": number})
    command = f"{sys.executable} -m reports.cli tail {tmp_path / 'run'} -n 50000 | head -1"
    result = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, env=os.environ, check=True
    )
    assert result.stdout == "step 0  a 0\n"
    assert result.stderr == ""
