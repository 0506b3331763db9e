"""System metrics: what is read, what it means, and that nothing missing is an error."""

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

from logwriter.system import SystemMetrics, choose_visible

MACHINE = {
    "system/cpu_percent",
    "system/memory_percent",
    "system/disk_free_gb",
    "system/process_cpu_percent",
    "system/process_memory_mb",
}
UUIDS = ["GPU-aa11", "GPU-ab22", "GPU-cc33"]
_CHILD = """
import select, subprocess, sys
held = bytearray(b"x" * 200_000_000)
below = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
print("ready", flush=True)
while not select.select([sys.stdin], [], [], 0)[0]:
    pass
below.communicate(b"\\n")
"""


class NVMLError(Exception):
    """As pynvml's: what the driver answers when it cannot say."""


class StandInNvml(ModuleType):
    """A pynvml with some GPUs. ``broken`` are names of functions that fail."""

    NVMLError = NVMLError
    NVML_TEMPERATURE_GPU = 0

    def __init__(self, gpus: int, broken: set[str]) -> None:
        super().__init__("pynvml")
        self.gpus, self.broken = gpus, broken

    def __getattr__(self, name: str) -> Any:
        answers: dict[str, Any] = {
            "nvmlInit": lambda: None,
            "nvmlDeviceGetCount": lambda: self.gpus,
            "nvmlDeviceGetHandleByIndex": lambda n: n,
            "nvmlDeviceGetUUID": lambda n: UUIDS[n],
            "nvmlDeviceGetName": lambda n: "H200",  # noqa: ARG005  pynvml's signature
            "nvmlDeviceGetUtilizationRates": lambda n: SimpleNamespace(gpu=10 * n),
            "nvmlDeviceGetMemoryInfo": lambda n: SimpleNamespace(used=2_000_000 * (n + 1)),
            "nvmlDeviceGetTemperature": lambda n, sensor: 40 + n + sensor,
            "nvmlDeviceGetPowerUsage": lambda n: 1000 * n + 500,
        }
        if name not in answers:
            raise AttributeError(name)
        if name in self.broken:
            return self._fail
        return answers[name]

    @staticmethod
    def _fail(*_: object) -> None:
        raise NVMLError("Not Supported")


def put_nvml(monkeypatch: pytest.MonkeyPatch, *broken: str, gpus: int = 2) -> StandInNvml:
    """Let ``import pynvml`` find the stand-in."""
    nvml = StandInNvml(gpus, set(broken))
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    return nvml


def without(monkeypatch: pytest.MonkeyPatch, package: str) -> None:
    """Let the import of a package fail."""
    monkeypatch.setitem(sys.modules, package, None)


@pytest.fixture
def no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without nvidia-ml-py."""
    without(monkeypatch, "pynvml")


@contextmanager
def busy_child() -> Iterator[None]:
    """A child that holds 200 MB and keeps one core busy, with a child of its own."""
    with subprocess.Popen(
        [sys.executable, "-c", _CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        child.stdout.readline()
        yield
        child.communicate(b"\n")


@pytest.mark.usefixtures("no_gpu")
def test_a_machine_without_a_gpu_gives_its_own_numbers(tmp_path: Path) -> None:
    """All finite and in range from the first sample on; the missing package is named, once."""
    metrics = SystemMetrics(tmp_path)
    found = metrics.sample()
    assert set(found) == MACHINE
    assert 0 <= found["system/cpu_percent"] <= 100
    assert 0 < found["system/memory_percent"] <= 100
    assert found["system/disk_free_gb"] > 0
    assert found["system/process_memory_mb"] > 10
    (reason,) = metrics.ignored
    assert "GPU metrics" in reason
    assert "pynvml" in reason


def test_without_psutil_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the start, where somebody reads it."""
    without(monkeypatch, "psutil")
    with pytest.raises(ImportError, match=r"pip install everystep\[system\]"):
        SystemMetrics(tmp_path)


@pytest.mark.usefixtures("no_gpu")
def test_children_count_while_they_live(tmp_path: Path) -> None:
    """Memory and work of workers and of what they started; gone when they are."""
    metrics = SystemMetrics(tmp_path)
    alone = metrics.sample()["system/process_memory_mb"]
    before = set(metrics._family)  # other tests may have left a process behind
    with busy_child():
        metrics.sample()
        assert len(metrics._family.keys() - before) == 2
        time.sleep(0.5)
        found = metrics.sample()
        assert found["system/process_memory_mb"] > alone + 200
        assert found["system/process_cpu_percent"] > 20
        assert found["system/cpu_percent"] > 0
    after = metrics.sample()
    assert after["system/process_memory_mb"] < alone + 100
    assert set(metrics._family) == before


@pytest.mark.usefixtures("no_gpu")
def test_children_are_found_where_the_kernel_keeps_no_lists(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Then psutil looks at all processes."""
    metrics = SystemMetrics(tmp_path)
    before = metrics._descendants(os.getpid())
    with busy_child():
        lists = metrics._descendants(os.getpid())
        monkeypatch.setattr("logwriter.system._TASKS", str(tmp_path / "none/{}"))
        assert sorted(metrics._descendants(os.getpid())) == sorted(lists)
        assert len(set(lists) - set(before)) == 2


def test_a_sample_is_cheap(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It runs beside a training: a few milliseconds at most, and it never sleeps."""
    put_nvml(monkeypatch)
    metrics = SystemMetrics(tmp_path)
    begun = time.perf_counter()
    for _ in range(20):
        metrics.sample()
    assert (time.perf_counter() - begun) / 20 < 0.05


def test_each_gpu_gives_four_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In the units of their names, under the driver's number."""
    put_nvml(monkeypatch)
    found = SystemMetrics(tmp_path, {}).sample()
    assert set(found) - MACHINE == {
        f"system/gpu{n}/{name}"
        for n in (0, 1)
        for name in ("utilization_percent", "memory_mb", "temperature_c", "power_w")
    }
    assert found["system/gpu1/utilization_percent"] == 10.0
    assert found["system/gpu1/memory_mb"] == 4.0
    assert found["system/gpu1/temperature_c"] == 41.0
    assert found["system/gpu1/power_w"] == 1.5
    assert all(isinstance(value, float) for value in found.values())


def test_only_visible_gpus_are_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A rank sees its own GPU, under the number that nvidia-smi gives it."""
    put_nvml(monkeypatch)
    found = SystemMetrics(tmp_path, {"CUDA_VISIBLE_DEVICES": "1"}).sample()
    assert {name.split("/")[1] for name in set(found) - MACHINE} == {"gpu1"}


def test_a_driver_that_does_not_start_means_no_gpu_metrics(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The package may be installed on machines without a GPU."""
    put_nvml(monkeypatch, "nvmlInit")
    metrics = SystemMetrics(tmp_path)
    assert set(metrics.sample()) == MACHINE
    assert list(metrics.ignored) == ["GPU metrics: the driver does not answer: Not Supported"]


def test_what_a_gpu_cannot_say_is_absent_that_time_and_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Other numbers come through, and the value is back when the driver answers again."""
    nvml = put_nvml(monkeypatch, "nvmlDeviceGetPowerUsage", gpus=1)
    metrics = SystemMetrics(tmp_path, {})
    found = metrics.sample()
    assert "system/gpu0/power_w" not in found
    assert "system/gpu0/temperature_c" in found
    assert metrics.ignored == {"system/gpu0/power_w: Not Supported": 2}
    nvml.broken.clear()
    assert metrics.sample()["system/gpu0/power_w"] == 0.5


@pytest.mark.usefixtures("no_gpu")
def test_what_the_system_refuses_is_absent_and_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run's folder that is gone for a moment, a process table that cannot be read."""
    folder = tmp_path / "run"
    folder.mkdir()
    metrics = SystemMetrics(folder)
    folder.rmdir()

    def refuse(*_: object) -> list[int]:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(metrics, "_descendants", refuse)
    assert set(metrics.sample()) == {"system/cpu_percent", "system/memory_percent"}
    assert sum(metrics.ignored.values()) == 3
    assert any(reason.startswith("system/process_*") for reason in metrics.ignored)


@pytest.mark.parametrize(
    ("environ", "alike", "chosen"),
    [
        ({}, False, [0, 1, 2]),
        ({"CUDA_VISIBLE_DEVICES": ""}, True, []),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, True, []),
        ({"CUDA_VISIBLE_DEVICES": "2,0"}, True, [0, 2]),
        ({"CUDA_VISIBLE_DEVICES": "2,7,0"}, True, [2]),
        ({"CUDA_VISIBLE_DEVICES": "2"}, False, [0, 1, 2]),
        ({"CUDA_VISIBLE_DEVICES": "2", "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}, False, [2]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-cc33, GPU-aa"}, False, [0, 2]),
        ({"CUDA_VISIBLE_DEVICES": "GPU-a"}, False, []),
        ({"CUDA_VISIBLE_DEVICES": "MIG-GPU-aa11/1/0"}, True, [0, 1, 2]),
    ],
)
def test_visible_gpus_are_those_that_cuda_would_show(
    environ: dict[str, str], alike: bool, chosen: list[int]
) -> None:
    """As far as the driver's numbers mean the same as CUDA's; else all."""
    assert choose_visible(UUIDS, environ, alike=alike) == chosen


def test_importing_the_module_loads_neither_psutil_nor_the_driver() -> None:
    """Only those who want system metrics pay for them."""
    code = "import sys, logwriter.system; print('psutil' in sys.modules, 'pynvml' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout == "False False\n"
