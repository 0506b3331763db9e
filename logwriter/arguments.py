"""Checks of what the user gives to `Run` and `define`: wrong arguments raise at once."""

from collections.abc import Mapping, Sequence
from numbers import Real
from operator import index
from typing import Any

from logwriter.journal import LARGEST_JOURNAL, NO_EPOCH, SMALLEST_JOURNAL

GOALS = ("min", "max")


def check_description(*, name: Any, config: Any, tags: Any, monitor: Any, mode: Any) -> None:
    """Check what describes a run.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: The mode is neither ``min`` nor ``max``.
    """
    if name is not None and not isinstance(name, str):
        raise TypeError(f"name must be a string, not {type(name).__name__}")
    if config is not None and not isinstance(config, Mapping):
        raise TypeError(f"config must be a mapping, not {type(config).__name__}")
    if isinstance(tags, str) or not isinstance(tags, Sequence):
        raise TypeError(f"tags must be a sequence of strings, not {type(tags).__name__}")
    if monitor is not None and not isinstance(monitor, str):
        raise TypeError(f"monitor must be the name of a metric, not {type(monitor).__name__}")
    if mode is not None and mode not in GOALS:
        raise ValueError(f"mode must be 'min' or 'max', not {mode!r}")


def check_behaviour(
    *, resume: Any, on_error: Any, journal_bytes: Any, periods: Mapping[str, Any]
) -> None:
    """Check how a run is to be written.

    Raises:
        TypeError: An argument has the wrong type.
        ValueError: An argument has a value that means nothing.
    """
    if not hasattr(resume, "__index__"):
        raise TypeError(f"resume must be True, False or a step, not {type(resume).__name__}")
    if not -(1 << 63) <= index(resume) < (1 << 63) - 1:
        raise ValueError(f"resume must be a step of 64 bits, not {resume}")
    if on_error not in {"warn", "raise"}:
        raise ValueError(f"on_error must be 'warn' or 'raise', not {on_error!r}")
    if not hasattr(journal_bytes, "__index__"):
        raise TypeError(f"journal_bytes must be an integer, not {type(journal_bytes).__name__}")
    if not SMALLEST_JOURNAL <= journal_bytes <= LARGEST_JOURNAL:
        raise ValueError(
            f"journal_bytes must lie between {SMALLEST_JOURNAL} and {LARGEST_JOURNAL}, not {journal_bytes}"
        )
    for period, seconds in periods.items():
        if not _is_period(seconds):
            raise ValueError(f"{period} must be a positive number of seconds, not {seconds!r}")


def _is_period(seconds: Any) -> bool:
    try:
        return isinstance(seconds, Real) and float(seconds) > 0
    except OverflowError:
        return False


def check_ranks(rank: int, world_size: int, *, has_path: bool) -> None:
    """Check that the ranks make sense together.

    Raises:
        ValueError: They do not.
    """
    if not 0 <= rank < world_size:
        raise ValueError(f"rank {rank} must be at least 0 and below world_size {world_size}")
    if world_size > 1 and not has_path:
        raise ValueError(
            f"this is rank {rank} of {world_size}: give Run a path, the same for all ranks, so that "
            "they write to one run; or, if only this rank logs, rank=0, world_size=1"
        )


def check_epoch(epoch: Any) -> int:
    """The number of an epoch, as an integer.

    Raises:
        TypeError: It is not a whole number.
        ValueError: It does not fit into 64 bits.
    """
    try:
        number = index(epoch)
    except TypeError as error:
        raise TypeError(f"epochs are counted in whole numbers, not {epoch!r}") from error
    if not NO_EPOCH < number < 1 << 63:
        raise ValueError(f"epoch {number} does not fit into 64 bits")
    return number


def check_definition(metric: Any, goal: Any, texts: Mapping[str, Any]) -> None:
    """Check the arguments of `Run.define`.

    Raises:
        TypeError: A text is not a string.
        ValueError: The metric's name is empty, or the goal is neither ``min`` nor ``max``.
    """
    if not isinstance(metric, str) or not metric:
        raise ValueError(f"define needs the name of a metric, not {metric!r}")
    if goal is not None and goal not in GOALS:
        raise ValueError(f"goal must be 'min' or 'max', not {goal!r}")
    for name, text in texts.items():
        if text is not None and not isinstance(text, str):
            raise TypeError(f"{name} must be a string, not {type(text).__name__}")
