"""YAML files that tools write beside their logs, read by PyYAML, which makes no objects of them."""

import importlib
from pathlib import Path
from typing import Any

from logwriter.errors import EverystepError

_MOST = 100_000
"""A few lines of YAML that refer to each other can stand for billions of values."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The mapping in a file; empty where it holds nothing.

    Raises:
        EverystepError: PyYAML is missing, or the file holds no mapping.
        OSError: It cannot be read.
    """
    try:
        yaml = importlib.import_module("yaml")
    except ImportError as error:
        raise EverystepError(
            f"{path} is read by PyYAML, which is not installed: `pip install 'everystep[yaml]'`"
        ) from error
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8", errors="replace"))
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        why = " ".join(str(error).split())
        raise EverystepError(f"{path} is no YAML: {why}") from error
    if _spells_more_than(_MOST, found):
        raise EverystepError(
            f"{path} names more than {_MOST:,} values, or holds itself: no configuration does"
        )
    if not isinstance(found, dict | None):
        raise EverystepError(f"{path} holds no mapping of names to values")
    return found or {}


def _spells_more_than(most: int, found: Any) -> bool:
    """Whether there are more values, those that are referred to again and again each time."""
    waiting, count = [found], 0
    while waiting:
        value = waiting.pop()
        inner = value.values() if isinstance(value, dict) else value
        if not isinstance(value, dict | list | set | tuple):
            continue
        count += len(inner)
        if count > most:  # before memory is taken for them
            return True
        waiting += inner
    return False
