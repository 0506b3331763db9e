"""What can still be read of a damaged run, with its faults: for people who look at it.

Numbers that are computed from a run must come from `logwriter.read`, which refuses damage.
"""

from pathlib import Path

from logwriter import rundir
from logwriter.errors import DamagedError, EverystepError
from logwriter.part import WriterLog
from logwriter.parts import read_writer
from logwriter.rewind import hide_rewound
from logwriter.rundir import WriterId
from logwriter.runlog import RunLog
from logwriter.state import RunState
from logwriter.verify import check_writer


class PartialRunLog(RunLog):
    """A run at one moment, as far as it is whole.

    ``faults`` says what is wrong with each writer, by its folder's name. Of such a writer, the
    events and sealed segments that are good are there, and no journal.
    """

    def __init__(self, path: Path) -> None:
        """Read what can be read.

        Raises:
            NotARunError: There is no run at ``path``.
            EverystepError: Nothing of it can be read.
        """
        self.faults: dict[str, list[str]] = {}
        try:
            super().__init__(path)
        except DamagedError:
            self.path = path
            self._read_what_is_whole()

    def _read_what_is_whole(self) -> None:
        logs = []
        errors = []
        for writer in rundir.list_writers(self.path):
            try:
                logs.append(self._read_writer(writer))
            except EverystepError as error:
                self.faults[str(writer)] = [str(error)]
                errors.append(error)
        found = [log for log in logs if log is not None]
        if not found:
            raise errors[0]
        self.writers = hide_rewound(found)
        self.state = RunState(tuple(log.state for log in self.writers))

    def _read_writer(self, writer: WriterId) -> WriterLog | None:
        try:
            return read_writer(rundir.writer_path(self.path, writer), writer)
        except DamagedError as damage:
            check = check_writer(self.path, writer)
            self.faults[str(writer)] = check.faults or [str(damage)]
            sealed = tuple(part for part in check.parts if part.path is not None)
            return WriterLog(check.state, sealed, None)
