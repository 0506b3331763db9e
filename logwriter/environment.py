"""What surrounds a run, gathered once at its start: program, machine, libraries, git, ranks."""

import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from operator import index
from pathlib import Path
from typing import Any, SupportsIndex

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
        "argv": sys.argv,
        "cwd": str(Path.cwd()),
        "python": platform.python_version(),
        "platform": platform.platform(),
        "libraries": _loaded_libraries(),
        "git": _describe_git(),
    }


def _launch_id(environ: Mapping[str, str]) -> str | None:
    for job, restart in (
        ("TORCHELASTIC_RUN_ID", "TORCHELASTIC_RESTART_COUNT"),
        ("SLURM_JOB_ID", "SLURM_RESTART_COUNT"),
    ):
        if environ.get(job):
            return f"{environ[job]}.{environ.get(restart, '0')}"
    return None


def _loaded_libraries() -> dict[str, str]:
    """Versions of the well-known libraries that the program has imported so far."""
    loaded = ((name, sys.modules.get(name)) for name in _LIBRARIES)
    return {
        name: str(version)
        for name, module in loaded
        if (version := getattr(module, "__version__", None)) is not None
    }


def _describe_git() -> dict[str, Any] | None:
    """Commit, branch and whether files differ from it; ``None`` outside a checkout or without git."""
    commit = _git("rev-parse", "HEAD")
    if commit is None:
        return None
    status = _git("status", "--porcelain", "--untracked-files=no")
    return {
        "commit": commit,
        "branch": _git("rev-parse", "--abbrev-ref", "HEAD"),
        "dirty": None if status is None else bool(status),
    }


def _git(*arguments: str) -> str | None:
    try:
        answer = subprocess.run(  # noqa: S603  fixed arguments
            ["git", *arguments],  # noqa: S607  whichever git the user has
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_GIT_SECONDS,
            check=False,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
