"""What a process and its descendants use, read from ``/proc``, and what machine this is."""

import datetime as dt
import os
import platform
import re
import resource
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")


def _stat(pid: int) -> list[str]:
    """The fields of ``/proc/PID/stat`` behind the name, the state first; none for a dead process."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def descendants() -> list[int]:
    """Children of this process that live or were not waited for, and theirs."""
    parents = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and (fields := _stat(int(entry.name))):
            parents[int(entry.name)] = int(fields[1])
    found, newest = set[int](), {os.getpid()}
    while newest:
        newest = {pid for pid, parent in parents.items() if parent in newest} - found
        found |= newest
    return sorted(found)


def cpu_seconds() -> float:
    """CPU time of all threads of this process and of all descendants, dead or alive."""
    own = sum(
        usage.ru_utime + usage.ru_stime
        for usage in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
    ticks = sum(int(tick) for pid in descendants() for tick in _stat(pid)[11:15])
    return own + ticks / _TICKS


def resident(pid: int | str = "self") -> float:
    """Resident memory in MB, mapped files included; 0 for a dead process."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text().split()[1]
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(pages) * _PAGE / 1e6


def peak(pid: int | str = "self") -> float:
    """The highest resident memory so far, in MB; 0 for a dead process."""
    try:
        found = re.search(r"VmHWM:\s+(\d+)", Path(f"/proc/{pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0.0
    return int(found[1]) * 1024 / 1e6 if found else 0.0


def forget_peak() -> None:
    """Let `peak` of this process begin again at what is resident now."""
    Path("/proc/self/clear_refs").write_text("5")


def size_of(folder: Path) -> int:
    """Bytes of all files below a folder, links not followed."""
    files = (file for file in folder.rglob("*") if file.is_file() and not file.is_symlink())
    return sum(file.stat().st_size for file in files)


def machine() -> str:
    """The machine, the interpreter and the date in a line."""
    found = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    model = found[1] if found else platform.machine()
    today = dt.datetime.now(dt.UTC).date()
    cores = len(os.sched_getaffinity(0))
    return f"{model}, {cores} cores, Python {platform.python_version()}, {today}"
