"""The run behind a `SummaryWriter`: messages at a step, and an attempt that begins where its steps do.

TensorBoard puts a value without a step at step 0. As the first row of an attempt that resumes, it
would hide all that earlier attempts logged. So such an attempt hides nothing until the first row that
was given a step comes, and then all that was logged from this step on.
"""

import os

from logwriter import events as ev
from logwriter.dropin import LARGEST, FrameworkRun

_SMALLEST = -LARGEST - 1


class WriterRun(FrameworkRun):
    """A run with what TensorBoard's calls need besides.

    Args:
        path: The run's folder.
        resume: As for `Run`; ``True``: go on before the first row that was given a step.
    """

    _how_to_go_on = "say purge_step={}; for a run of its own, another log_dir"

    def __init__(self, path: str | os.PathLike[str], *, resume: bool | int) -> None:
        super().__init__(path, resume=resume)
        self._is_unplaced, self._may_rewind = self._may_rewind, False
        if self._is_unplaced:
            self._tell(ev.RunResumed, step=self._step - 1)

    @property
    def is_unplaced(self) -> bool:
        """Whether the first row that is given a step is still to come."""
        return self._is_unplaced

    def begin_at(self, step: int) -> None:
        """Before the first row that was given a step: hide what was logged from this step on."""
        with self._lock:
            if self._is_unplaced and _SMALLEST < step <= LARGEST:
                super().begin_at(step)
                self._is_unplaced = False

    def note(self, text: str, step: int | None) -> None:
        """Record a message.

        Args:
            text: What it says.
            step: Where it belongs; without one, or with one beyond 64 bits, at the current step.
        """
        if step is None or not _SMALLEST <= step <= LARGEST:
            self.message(text)
        else:
            self._tell(ev.Message, text=ev.readable(text), step=step)
