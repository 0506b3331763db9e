"""The run behind a `SummaryWriter`: messages at a step, and an attempt that begins where its steps do.

TensorBoard puts a value without a step at step 0. As the first row of an attempt that resumes, it
would hide all that earlier attempts logged. So such an attempt hides nothing until the first row that
was given a step comes, and then all that was logged from this step on.
"""

import logging
import os

from logwriter import events as ev
from logwriter.run import Run

_SMALLEST, _LARGEST = -(1 << 63), (1 << 63) - 1

_log = logging.getLogger("everystep")


class WriterRun(Run):
    """A run with what TensorBoard's calls need besides.

    Args:
        path: The run's folder.
        resume: As for `Run`; ``True``: go on before the first row that was given a step.
    """

    def __init__(self, path: str | os.PathLike[str], *, resume: bool | int) -> None:
        super().__init__(path, resume=resume)
        self.is_unplaced = self._may_rewind
        self._may_rewind = False
        if self.is_unplaced:
            self._tell(ev.RunResumed, step=self._step - 1)

    @property
    def reached(self) -> int:
        """A step that none of the run went past: going on after it hides nothing."""
        return min(self._step, _LARGEST - 1)

    def begin_at(self, step: int) -> None:
        """Before the first row that was given a step: hide what was logged from this step on."""
        with self._lock:
            if not self.is_unplaced or not _SMALLEST < step <= _LARGEST:
                return
            self.is_unplaced = False
            self._tell(ev.RunResumed, step=step - 1)
            reached = self._step - 1
        if step <= reached // 2:
            text = (
                "everystep: %s: written to again from step %d on, while the run had reached %d: what "
                "was logged from there on is hidden (not deleted). If that step counts something "
                "else, such as epochs, say purge_step=%d; for a run of its own, another log_dir"
            )
            _log.warning(text, self.path, step, reached, reached + 1)

    def note(self, text: str, step: int | None) -> None:
        """Record a message.

        Args:
            text: What it says.
            step: Where it belongs; without one, or with one beyond 64 bits, at the current step.
        """
        if step is None or not _SMALLEST <= step <= _LARGEST:
            self.message(text)
        else:
            self._tell(ev.Message, text=ev.readable(text), step=step)
