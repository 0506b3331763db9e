"""What a run shows of itself in a notebook: a few facts, small curves, and a table of metrics.

The HTML is a fragment without script, style sheet, identity or address: nothing of it reaches the
rest of the page, and the page's own colours, light or dark, hold in it. Every name goes through
`markup.text`. It is bounded: no run makes more than 40 kB of it, and of a very long run only the
newest rows are read, which is said. A display never raises: what cannot be shown is named.

This loads NumPy and pyarrow: whoever shows something imports it when it is shown.
"""

from collections.abc import Callable
from pathlib import Path

from logwriter.notebook import markup
from logwriter.notebook.runview import log_html
from logwriter.partial import PartialRunLog
from logwriter.runlog import RunLog


def show_log(log: RunLog) -> str:
    """The run as it was when it was read, as HTML."""
    return or_fault(lambda: log_html(log), f"run {log.path}")


def show_run(path: Path | None) -> str:
    """The run in a folder as it is now, as HTML; without a folder, that nothing is logged."""
    if path is None:
        return markup.fragment(markup.heading("run", "disabled: nothing is logged"))
    return or_fault(lambda: log_html(PartialRunLog(path)), f"run {path}")


def or_fault(draw: Callable[[], str], what: str) -> str:
    """What ``draw`` returns, or the error in words."""
    try:
        return draw()
    except Exception as error:  # noqa: BLE001  a display must not break the cell that it ends
        return markup.fault(what, error)
