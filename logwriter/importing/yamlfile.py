"""YAML files that tools write beside their logs, read by PyYAML, which makes no objects of them."""

import importlib
from pathlib import Path
from typing import Any

from logwriter.errors import EverystepError


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
    if not isinstance(found, dict | None):
        raise EverystepError(f"{path} holds no mapping of names to values")
    return found or {}
