"""What the background thread logs beside the loop, and what it says when an attempt resumes oddly."""

import sys
import time
from pathlib import Path

import pytest

from logwriter import Run, read
from logwriter.system import SystemMetrics


def wait_for_samples(path: Path, count: int) -> None:
    """Until so many were logged."""
    deadline = time.monotonic() + 20
    while True:
        log = read(path)
        name = "system/memory_percent"
        if name in log.metrics and len(log.series(name)[1]) >= count:
            return
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_system_metrics_are_logged_beside_the_loop(run_path: Path) -> None:
    """At the current step and epoch; they neither count steps nor come before the first row."""
    run = Run(run_path, sync_every=0.01, system_every=0.02)
    time.sleep(0.2)
    assert read(run_path).metrics == []
    for _ in run.epochs(1):
        for number in range(3):
            run.log({"loss": 1.0 / (1 + number)})
        wait_for_samples(run_path, 3)
        run.log({"loss": 0.1})
    assert run.finish().rows > 6
    log = read(run_path)
    assert log.series("loss")[0].tolist() == [0, 1, 2, 3]
    steps, percents = log.series("system/memory_percent")
    assert set(steps.tolist()) <= {0, 1, 2, 3}
    assert ((percents > 0) & (percents <= 100)).all()
    table = log.rows(["system/memory_percent"])
    assert 0 in table.column("epoch").to_pylist()


def test_one_rank_of_each_machine_samples(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The numbers are the machine's."""
    monkeypatch.setenv("LOCAL_RANK", "1")
    with Run(run_path, rank=1, world_size=2, sync_every=0.01, system_every=0.02) as run:
        run.log({"loss": 1.0})
        time.sleep(0.2)
    assert read(run_path).metrics == ["loss"]


def test_a_sample_that_fails_ends_nothing(run_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is counted, and rows are synced and sealed as ever."""

    class Broken(SystemMetrics):
        def sample(self) -> dict[str, float]:
            if self.__dict__.setdefault("began", False):
                raise RuntimeError("no such sensor")
            self.began = True
            return {}

    monkeypatch.setattr("logwriter.system.SystemMetrics", Broken)
    run = Run(run_path, sync_every=0.01, system_every=0.02)
    run.log({"loss": 1.0})
    time.sleep(0.2)
    summary = run.finish()
    assert summary.rows == 1
    assert any("sampled" in trouble for trouble in summary.troubles)


def test_without_psutil_the_start_says_what_to_install(
    run_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And leaves nothing behind."""
    monkeypatch.setitem(sys.modules, "psutil", None)
    with pytest.raises(ImportError, match=r"pip install everystep\[system\]"):
        Run(run_path, system_every=1.0)
    assert not run_path.exists()


@pytest.mark.parametrize("wrong", [0, -1.0, "often"])
def test_a_period_that_means_nothing_is_refused(run_path: Path, wrong: float) -> None:
    """At the start, by its name."""
    with pytest.raises(ValueError, match="system_every must be a positive number"):
        Run(run_path, system_every=wrong)


def test_a_resume_that_hides_nearly_all_is_warned_about(
    run_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """Its first row counts epochs, say, where the run counted batches."""
    with Run(run_path) as run:
        for number in range(1_000):
            run.log({"loss": number}, step=number)
    with Run(run_path, resume=True) as run:
        run.log({"val": 0.5}, step=3)
        run.log({"val": 0.5}, step=4)
    (said,) = [record.getMessage() for record in caplog.records if "hidden" in record.getMessage()]
    assert "the first row has step 3 while the run had reached 999" in said
    assert "use resume=999" in said
    caplog.clear()
    with Run(run_path, resume=True) as run:
        run.log({"loss": 0.5})
    assert not caplog.records
