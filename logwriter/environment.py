"""What surrounds a run, gathered once at its start: program, machine, libraries, git, ranks.

Only looks at what is there: no library is imported for it, and no GPU is initialised. Secrets on
the command line and in the address of the repository are masked.
"""

import os
import platform
import re
import subprocess
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex

from logwriter.masking import mask_arguments, without_credentials

_LIBRARIES = (
    "accelerate",
    "datasets",
    "jax",
    "keras",
    "lightning",
    "numpy",
    "pandas",
    "sklearn",
    "tensorflow",
    "torch",
    "torchvision",
    "transformers",
)
_GIT_SECONDS = 2.0
_DRIVER = Path("/proc/driver/nvidia/version")
_NO_RUN_ID = "none"  # what torchrun says where it was not given one


@dataclass(frozen=True)
class Ranks:
    """This process among those that train together."""

    rank: int
    world_size: int
    launch_id: str | None


def find_ranks(
    environ: Mapping[str, str], rank: SupportsIndex | None, world_size: SupportsIndex | None
) -> Ranks:
    """Rank and world size as given, else as torchrun, SLURM or Open MPI tell them, else 0 of 1."""
    found = (0, 1)
    for rank_name, size_name in (
        ("RANK", "WORLD_SIZE"),
        ("SLURM_PROCID", "SLURM_NTASKS"),
        ("OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"),
    ):
        numbers = environ.get(rank_name, ""), environ.get(size_name, "")
        if all(number.isdecimal() for number in numbers):
            found = int(numbers[0]), int(numbers[1])
            break
    rank = found[0] if rank is None else index(rank)
    world_size = max(found[1], rank + 1) if world_size is None else index(world_size)
    return Ranks(rank, world_size, _launch_id(environ))


def describe_environment() -> dict[str, Any]:
    """Facts that help to repeat a run: they are data for people, nothing depends on them."""
    return {
        "argv": mask_arguments(sys.argv),
        "cwd": _working_directory(),
        "executable": sys.executable,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpus": len(os.sched_getaffinity(0)),
        "gpus": _describe_gpus(),
        "libraries": _loaded_libraries(),
        "git": _describe_git(),
    }


def _launch_id(environ: Mapping[str, str]) -> str | None:
    """What all ranks of one launch have in common, and no other launch, restarts included.

    torchrun without an id of its own says ``none``, at every launch: then SLURM's job serves.
    """
    restart = environ.get("TORCHELASTIC_RESTART_COUNT")
    run_id = environ.get("TORCHELASTIC_RUN_ID", _NO_RUN_ID)
    if run_id != _NO_RUN_ID:
        return f"{run_id}.{restart or 0}"
    job = environ.get("SLURM_JOB_ID")
    if job:
        parts = [job, environ.get("SLURM_RESTART_COUNT", "0"), *([restart] if restart else [])]
        return ".".join(parts)
    return environ.get("PMIX_NAMESPACE") or None  # Open MPI's name for one mpirun


def _working_directory() -> str | None:
    try:
        return str(Path.cwd())
    except FileNotFoundError:
        return None  # it was deleted under the program


def _describe_gpus() -> dict[str, Any] | None:
    """GPUs that torch uses, once it does; ``None`` before that.

    To ask torch earlier would initialise CUDA: half a second, memory on each GPU, and no fork after.
    """
    cuda = getattr(sys.modules.get("torch"), "cuda", None)
    if cuda is None or not cuda.is_initialized():
        return None
    try:
        names = [str(cuda.get_device_name(number)) for number in range(cuda.device_count())]
    except RuntimeError:  # what torch raises for a GPU in trouble: the training will meet it
        return None
    version = getattr(sys.modules["torch"], "version", None)
    return {"names": names, "cuda": getattr(version, "cuda", None), "driver": _driver_version()}


def _driver_version() -> str | None:
    try:
        found = re.search(r"\b\d+\.\d+(\.\d+)?\b", _DRIVER.read_text("ascii", "replace"))
    except OSError:
        return None
    return found[0] if found else None


def _loaded_libraries() -> dict[str, str]:
    """Versions of the well-known libraries that the program has imported so far."""
    loaded = ((name, sys.modules.get(name)) for name in _LIBRARIES)
    return {
        name: str(version)
        for name, module in loaded
        if (version := getattr(module, "__version__", None)) is not None
    }


def _describe_git() -> dict[str, Any] | None:
    """Commit, branch, origin, and whether files differ; ``None`` outside a checkout or without git.

    Looking for differences takes longer the more files there are: it has what is left of the time.
    """
    deadline = time.monotonic() + _GIT_SECONDS
    head = _git(deadline, "rev-parse", "HEAD", "--abbrev-ref", "HEAD")
    if head is None:
        return None
    commit, _, branch = head.partition("\n")
    remote = _git(deadline, "config", "--get", "remote.origin.url")
    status = _git(deadline, "status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": branch,
        "remote": remote and without_credentials(remote),
        "dirty": None if status is None else bool(status),
    }


def _git(deadline: float, *arguments: str) -> str | None:
    """What git answers; ``None`` if it cannot, or not by ``deadline``."""
    try:
        answer = subprocess.run(  # noqa: S603  fixed arguments
            ["git", *arguments],  # noqa: S607  whichever git the user has
            capture_output=True,
            text=True,
            errors="replace",
            timeout=max(0.0, deadline - time.monotonic()),
            check=False,
            stdin=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
