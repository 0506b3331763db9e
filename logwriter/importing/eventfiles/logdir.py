"""The runs in a folder of TensorBoard, and the order of their event files.

Each folder with event files is a run, but for parts of one: where two or more of `PARTS` lie beside
each other, as Keras and TF Estimators leave them, or one lies beside event files, they belong to the
run of the folder they are in, and their metrics get the folder's name in front.
"""

import os
import re
from pathlib import Path

PARTS = frozenset(
    ("train", "training", "val", "valid", "validation", "eval", "evaluation", "test", "testing")
)
"""Names of folders that are parts of a run."""
MARK = "tfevents"
"""What names of event files hold; TensorBoard tells them by it, too."""
_STAMP = re.compile(MARK + r"\.(\d+)")


def has_events(folder: Path) -> bool:
    """Whether an event file lies anywhere below."""
    return any(_in(path, names) for path, _, names in os.walk(folder))


def runs_below(folder: Path) -> dict[Path, tuple[Path, ...]]:
    """The event files of each run, by its folder; both in a stable order. Links are not followed."""
    found = {Path(path): sorted(_in(path, names), key=_age) for path, _, names in os.walk(folder)}
    holders = [path for path in sorted(found) if found[path]]
    parts = {path for path in holders if path.name in PARTS}
    homes: dict[Path, list[Path]] = {}
    for path in holders:
        beside = [part for part in parts if part.parent == path.parent]
        is_part = path in parts and (len(beside) > 1 or path.parent in holders)
        homes.setdefault(path.parent if is_part else path, []).extend(found[path])
    return {home: tuple(homes[home]) for home in sorted(homes)}


def prefix_of(file: Path, home: Path) -> str:
    """What stands in front of the metrics of a file of the run of ``home``."""
    return "" if file.parent == home else f"{file.parent.name}/"


def _in(folder: str, names: list[str]) -> list[Path]:
    """The event files among what lies in a folder; links that lead nowhere and pipes are none."""
    marked = (Path(folder, name) for name in names if MARK in name)
    return [path for path in marked if path.is_file()]


def _age(file: Path) -> tuple[int, str]:
    """Event files have the second of their making in their names."""
    stamp = _STAMP.search(file.name)
    return int(stamp[1]) if stamp else 0, file.name
