"""Log every training step at a cost that the loop cannot notice, and read the log back.

    from logwriter import Run, read

    with Run("runs/digits", config={"lr": 1e-3}, monitor="val/loss", mode="min") as run:
        for epoch in run.epochs(10):
            for batch in loader:
                run.log({"train/loss": train(batch)})
            run.log({"val/loss": validate()})

    steps, losses = read("runs/digits").series("train/loss")

Laws, each proved by tests: what ``log`` acknowledged survives the process; training never waits for
a disk; sealing changes nothing that a reader sees; only the log is true; history is never
rewritten. `FORMAT.md` describes the files.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logwriter.ending import Summary
    from logwriter.run import Run
    from logwriter.runlog import RunLog, read

__all__ = ["Run", "RunLog", "Summary", "read"]


_HOMES = {"Run": "run", "Summary": "ending", "RunLog": "runlog", "read": "runlog"}


def __getattr__(name: str) -> Any:
    """Load `Run` and `read` when they are first asked for: reading needs pyarrow."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
