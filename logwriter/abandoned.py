"""Runs that a drop-in opened and nobody can end any more, since what they were opened for is gone.

An open run lives, and holds its folder, until it is finished or the program ends. Whoever made a writer in
a function and never closed it, or begins a training again after an exception, needs the folder back.
"""

import gc
import weakref
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from logwriter.dropin import FrameworkRun

_owners: "weakref.WeakKeyDictionary[FrameworkRun, weakref.ref[object]]" = (
    weakref.WeakKeyDictionary()
)


def own(run: "FrameworkRun", owner: object) -> None:
    """The run is to be ended by this owner, or by nobody."""
    _owners[run] = weakref.ref(owner)


def end_abandoned(folder: Path) -> None:
    """End the runs there whose owners nobody holds any more: ``exited``."""
    here = [run for run in list(_owners) if run.path == folder and run.is_open]
    if here:
        gc.collect()  # an owner may be part of a cycle, as a callback and its Trainer are
    for run in here:
        if _owners[run]() is None:
            run.finish("exited")
