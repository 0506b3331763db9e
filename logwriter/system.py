"""How busy the machine is: processor, memory, disk and NVIDIA GPUs, as metrics of a run.

A sample asks the kernel and the driver for numbers that they keep anyway, and waits for nothing:
rates are since the sample before. What cannot be read is absent from that sample, and named, with
the reason and how often, in `SystemMetrics.ignored`; only a GPU that was there at the start is
asked again. Machine-wide numbers are the same for all ranks on a machine.
"""

import logging
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

_MB, _GB = 1e6, 1e9
_TASKS = "/proc/{}/task"

_log = logging.getLogger("everystep")


class SystemMetrics:
    """What `sample` reads, prepared once, in the process that trains.

    ``ignored`` counts what could not be read: name of the value and reason, in words.
    """

    def __init__(self, folder: Path, environ: Mapping[str, str] = os.environ) -> None:
        """Find the GPUs and begin to measure.

        Args:
            folder: A folder on the file system whose free space is watched: the run's.
            environ: Where ``CUDA_VISIBLE_DEVICES`` is looked up.

        Raises:
            ImportError: psutil is not installed.
        """
        try:
            import psutil  # noqa: PLC0415  an extra, for those who want system metrics
        except ImportError as error:
            raise ImportError(
                "system metrics need psutil: `pip install everystep[system]`, or leave them off"
            ) from error
        self.ignored: Counter[str] = Counter()
        self._psutil = psutil
        self._folder = folder
        self._family = {os.getpid(): psutil.Process()}
        self._gpus: list[_Gpu] = []
        with self._reporting("GPU metrics", ImportError, OSError):
            self._gpus = find_gpus(environ)
        self._cpu = self._cpu_seconds()
        self.sample()  # rates need a first look to begin with

    def sample(self) -> dict[str, float]:
        """The numbers of this moment, by metric.

        ``system/cpu_percent`` and ``memory_percent`` are the machine's. ``process_cpu_percent``
        (100: one core) and ``process_memory_mb`` add up this process and those that it started,
        such as workers that load data; memory shared between them counts for each.
        ``disk_free_gb`` is the run's file system. Of GPU *n*, as nvidia-smi counts:
        ``gpu<n>/utilization_percent``, ``memory_mb``, ``temperature_c``, ``power_w``. Units are
        decimal: an MB is a million bytes.
        """
        found: dict[str, float] = {}
        faults = (self._psutil.Error, OSError)
        with self._reporting("system/cpu_percent", *faults):
            before, self._cpu = self._cpu, self._cpu_seconds()
            found["system/cpu_percent"] = _percent(before, self._cpu)
        with self._reporting("system/memory_percent", *faults):
            found["system/memory_percent"] = self._psutil.virtual_memory().percent
        with self._reporting("system/disk_free_gb", *faults):
            found["system/disk_free_gb"] = shutil.disk_usage(self._folder).free / _GB
        with self._reporting("system/process_*", *faults):
            found |= self._sample_family()
        for gpu in self._gpus:
            for name, ask in gpu.questions.items():
                with self._reporting(f"system/gpu{gpu.index}/{name}", gpu.fault):
                    found[f"system/gpu{gpu.index}/{name}"] = float(ask())
        return found

    def _cpu_seconds(self) -> tuple[float, float]:
        """How long the machine's processors have worked, and how long they were there.

        psutil's own percentage is since the last call of the same thread, whoever called.
        """
        times = self._psutil.cpu_times()
        total = sum(times) - times.guest - times.guest_nice  # these are in user and nice, too
        return total - times.idle - times.iowait, total

    def _sample_family(self) -> dict[str, float]:
        """Processor and memory of this process and all below it."""
        me = os.getpid()
        pids = {me, *self._descendants(me)}
        self._family = {pid: process for pid, process in self._family.items() if pid in pids}
        cpu = memory = 0.0
        for pid in pids:
            try:
                process = self._family.get(pid) or self._psutil.Process(pid)
                self._family[pid] = process
                memory += process.memory_info().rss
                cpu += max(0.0, process.cpu_percent(interval=None))  # the first answer is 0
            except self._psutil.NoSuchProcess:
                self._family.pop(pid, None)  # it ended meanwhile, as workers do
        return {"system/process_cpu_percent": cpu, "system/process_memory_mb": memory / _MB}

    def _descendants(self, pid: int) -> list[int]:
        """The processes below ``pid``; from the kernel's own lists, where it keeps them.

        psutil would look at every process of the machine to find them.
        """
        if not Path(f"{_TASKS.format(pid)}/{pid}/children").exists():
            return [child.pid for child in self._psutil.Process(pid).children(recursive=True)]
        found: list[int] = []
        open_ends = [pid]
        while open_ends:
            children = list(_children(open_ends.pop()))
            found += children
            open_ends += children
        return found

    @contextmanager
    def _reporting(self, what: str, *faults: type[Exception]) -> Iterator[None]:
        """Count a failure instead of raising it; said once in the log, for those who listen."""
        try:
            yield
        except faults as error:
            reason = f"{what}: {str(error) or type(error).__name__}"
            self.ignored[reason] += 1
            if self.ignored[reason] == 1:
                _log.info("everystep: %s; left out", reason)


@dataclass(frozen=True)
class _Gpu:
    """A GPU: its number, what to ask it, and what its driver raises when it cannot say."""

    index: int
    questions: dict[str, Callable[[], float]]
    fault: type[Exception]


def find_gpus(environ: Mapping[str, str]) -> list[_Gpu]:
    """The NVIDIA GPUs that this process may use, as far as the driver says; none without a driver.

    Raises:
        ImportError: nvidia-ml-py is not installed.
        OSError: There is no driver, or it does not answer.
    """
    import pynvml  # noqa: PLC0415  an extra, for those who have such a GPU

    try:
        pynvml.nvmlInit()
        handles = [pynvml.nvmlDeviceGetHandleByIndex(n) for n in range(pynvml.nvmlDeviceGetCount())]
        uuids = [pynvml.nvmlDeviceGetUUID(handle) for handle in handles]
        alike = len({pynvml.nvmlDeviceGetName(handle) for handle in handles}) <= 1
    except pynvml.NVMLError as error:
        raise OSError(f"the driver does not answer: {error}") from error
    chosen = choose_visible(uuids, environ, alike=alike)
    return [_Gpu(n, _questions(pynvml, handles[n]), pynvml.NVMLError) for n in chosen]


def choose_visible(uuids: list[str], environ: Mapping[str, str], *, alike: bool) -> list[int]:
    """Which of the driver's GPUs ``CUDA_VISIBLE_DEVICES`` leaves; all where that cannot be told.

    CUDA counts the fastest first and the driver by bus, unless ``CUDA_DEVICE_ORDER`` is
    ``PCI_BUS_ID``: so numbers mean the same to both only then, or where all GPUs are alike. Parts of
    a GPU (``MIG-...``) are not told apart.

    Args:
        uuids: Of all GPUs, in the driver's order.
        environ: Where the variables are looked up.
        alike: Whether all are of one model.
    """
    everything = list(range(len(uuids)))
    visible = environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return everything
    same_order = alike or environ.get("CUDA_DEVICE_ORDER") == "PCI_BUS_ID"
    chosen: list[int] = []
    for entry in (text.strip() for text in visible.split(",")):
        if entry.startswith("MIG-") or (entry.isdecimal() and not same_order):
            return everything
        if entry.isdecimal():
            matches = [n for n in everything if n == int(entry)]
        else:
            matches = [n for n in everything if entry and uuids[n].startswith(entry)]
        if len(matches) != 1:
            break  # CUDA, too, stops at the first entry that names no GPU
        chosen += matches
    return sorted(set(chosen))


def _percent(before: tuple[float, float], after: tuple[float, float]) -> float:
    """The busy share of the time between two looks; 0 where none went by."""
    busy, total = after[0] - before[0], after[1] - before[1]
    return min(100.0, max(0.0, 100 * busy / total)) if total > 0 else 0.0


def _questions(pynvml: Any, handle: Any) -> dict[str, Callable[[], float]]:
    sensor = pynvml.NVML_TEMPERATURE_GPU
    return {
        "utilization_percent": lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "memory_mb": lambda: pynvml.nvmlDeviceGetMemoryInfo(handle).used / _MB,
        "temperature_c": lambda: pynvml.nvmlDeviceGetTemperature(handle, sensor),
        "power_w": lambda: pynvml.nvmlDeviceGetPowerUsage(handle) / 1e3,
    }


def _children(pid: int) -> Iterator[int]:
    """What the threads of a process started, and what of it still lives."""
    try:
        for task in os.scandir(_TASKS.format(pid)):
            yield from map(int, (Path(task.path) / "children").read_text("ascii").split())
    except (FileNotFoundError, ProcessLookupError):
        return  # it ended meanwhile
