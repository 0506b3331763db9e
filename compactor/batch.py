"""Many runs: each is compacted in a process, and one that fails does not stop the others.

What a run's record is does not depend on the others, nor on how many are compacted at a time.
"""

import glob
import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from compactor.record import Best, Finding, Record
from compactor.store import record_path
from compactor.workers import Died, call_all
from logwriter.errors import EverystepError
from logwriter.rundir import is_run

PROCESS_BYTES = 256 << 20
"""What a process takes besides DuckDB's buffers: 150 MB of libraries, the rest for arrays."""
LEAST_SCAN_BYTES = 64 << 20
"""With less, DuckDB gives up on short logs, too."""
_SHARE_OF_MACHINE = 0.8  # DuckDB's own default, which would count once for each process
_UNITS = {"": 1, "k": 10**3, "m": 10**6, "g": 10**9, "t": 10**12}
_BINARY_UNITS = {"ki": 1 << 10, "mi": 1 << 20, "gi": 1 << 30, "ti": 1 << 40}
_LARGEST_SIZE = 1 << 50
_SIZE = re.compile(r"(\d+(?:\.\d+)?) ?([kmgt]i?)?b?", re.ASCII | re.IGNORECASE)


class Compacted(msgspec.Struct, frozen=True, kw_only=True):
    """What is worth knowing of a record without reading it; ``record`` is where it lies."""

    record: str
    run: str
    status: str
    rows: int
    best: Best | None
    findings: list[Finding]
    charts: list[str]
    not_drawn: list[str]
    notes: list[str]


class Outcome(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What became of one run: its record, or why there is none.

    With both, the record was written, but not stored in the database.
    """

    path: str
    error: str | None = None
    compacted: Compacted | None = None


@dataclass(frozen=True)
class Shares:
    """How many processes there are, and what each may use; ``memory`` in bytes for its scan."""

    jobs: int
    memory: int | None
    threads: int | None


@dataclass(frozen=True)
class _Task:
    """One run to compact, with the keywords of `compactor.compact`, and where to store it."""

    path: Path
    database: str | None
    keywords: Mapping[str, Any] = field(default_factory=dict)


def expand(patterns: Sequence[str]) -> list[Path]:
    """The paths that patterns mean, as a shell would expand them; each of them once.

    A path that exists is meant as it is, whatever characters it has; so is a pattern that matches
    nothing. What a pattern matches beside runs, such as notes, is passed over.
    """
    found: dict[str, Path] = {}
    for pattern in patterns:
        matches = [] if os.path.lexists(pattern) else sorted(glob.glob(pattern))  # noqa: PTH207  a shell's rules
        runs = [each for each in matches if _may_be_run(Path(each))]
        for each in map(Path, runs or matches or [pattern]):
            found.setdefault(os.path.realpath(each), each)
    return list(found.values())


def _may_be_run(path: Path) -> bool:
    """Whether it is a run, or cannot be looked at: then it is worth an error."""
    try:
        return is_run(path)
    except OSError:
        return True


def is_batch(patterns: Sequence[str]) -> bool:
    """Whether they may mean several runs: there are several, or one that is no path by itself."""
    return len(patterns) > 1 or (glob.has_magic(patterns[0]) and not os.path.lexists(patterns[0]))


def parse_size(text: str) -> int:
    """Bytes from a text such as ``2GB``, ``512 MiB`` or ``1.5g``.

    Raises:
        ValueError: It is no such text.
    """
    match = _SIZE.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"{text!r} is no size; give one such as 2GB or 512MiB")
    number, unit = match.groups()
    size = int(float(number) * (_UNITS | _BINARY_UNITS)[(unit or "").lower()])
    if size > _LARGEST_SIZE:
        raise ValueError(f"{text!r} is more than any machine has; give a size such as 2GB")
    return size


def shares(runs: int, jobs: int | None, memory: int | None, threads: int | None) -> Shares:
    """Divide the machine among processes.

    Args:
        runs: How many runs there are.
        jobs: The most processes; as many as there are processors without it.
        memory: Bytes that all processes together may use; 80 % of the machine's without it. So few
            processes are started that each gets enough for a scan.
        threads: Threads of each process's scan; without it, the processors are divided.

    Raises:
        EverystepError: The memory does not suffice for one process.
    """
    processors = len(os.sched_getaffinity(0))
    total = _machine_bytes() if memory is None else memory
    count = max(1, min(jobs or processors, runs, total // (PROCESS_BYTES + LEAST_SCAN_BYTES)))
    if threads is None and count > 1:
        threads = max(1, processors // count)
    share = None if memory is None and count == 1 else total // count
    return Shares(count, scan_bytes(share), threads)


def scan_bytes(memory: int | None) -> int | None:
    """What is left for the scan of the memory that a process may use, in bytes.

    Raises:
        EverystepError: Nothing to speak of.
    """
    if memory is None:
        return None
    if memory < PROCESS_BYTES + LEAST_SCAN_BYTES:
        raise EverystepError(
            f"{memory:,} bytes of memory are too few to compact a run; "
            f"give at least {PROCESS_BYTES + LEAST_SCAN_BYTES:,}"
        )
    return memory - PROCESS_BYTES


def compact_runs(
    paths: Sequence[Path],
    *,
    jobs: int | None = None,
    memory: int | None = None,
    threads: int | None = None,
    database: str | None = None,
    done: Callable[[Outcome], None] = lambda _: None,
    **keywords: Any,
) -> list[Outcome]:
    """Compact runs, several at a time, each into the ``record.json`` of its folder.

    Args:
        paths: The runs' folders.
        jobs: As of `shares`.
        memory: As of `shares`.
        threads: As of `shares`.
        database: Where to store the records as well, as `compactor.database.store` takes it.
        done: Told what became of each run, as soon as it is known.
        keywords: Of `compactor.compact`, for each run.

    Returns:
        What became of each run, in the order of ``paths``.

    Raises:
        EverystepError: As of `shares`.
        KeyboardInterrupt: The user does not want to wait. Records already written stay.
    """
    parts = shares(len(paths), jobs, memory, threads)
    keywords |= {"memory": parts.memory, "threads": parts.threads}
    tasks = [_Task(path, database, keywords) for path in paths]
    outcomes: dict[int, Outcome] = {}

    def tell(number: int, answer: Outcome | Died) -> None:
        if isinstance(answer, Died):
            hint = "if memory ran out, give less --memory or fewer --jobs"
            answer = Outcome(path=str(paths[number]), error=f"{answer}; {hint}")
        outcomes[number] = answer
        done(answer)

    call_all(_compact_one, tasks, parts.jobs, tell)
    return [outcomes[number] for number in range(len(paths))]


def summarize(record: Record, path: Path) -> Compacted:
    """What is worth knowing of a record written to ``path``."""
    return Compacted(
        record=str(path),
        run=record.run.name,
        status=record.run.status,
        rows=record.run.rows,
        best=record.best,
        findings=record.findings,
        charts=list(record.charts),
        not_drawn=record.not_drawn,
        notes=record.notes,
    )


def _compact_one(task: _Task) -> Outcome:
    """Compact one run; whatever goes wrong is this run's error."""
    compacted = None
    try:
        from compactor.compaction import compact  # noqa: PLC0415  loads DuckDB, in the child alone

        record = compact(task.path, **task.keywords)
        compacted = summarize(record, record_path(task.path))
        if task.database is not None:
            from compactor.database import store  # noqa: PLC0415  an extra

            store(record, task.database)
    except EverystepError as error:
        return Outcome(path=str(task.path), error=str(error), compacted=compacted)
    except Exception as error:  # noqa: BLE001  reported with the run, whatever it is
        said = f"{type(error).__name__}: {error}"
        return Outcome(path=str(task.path), error=said, compacted=compacted)
    return Outcome(path=str(task.path), compacted=compacted)


def _machine_bytes() -> int:
    """What may be used of this machine's memory."""
    machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(machine * _SHARE_OF_MACHINE)
