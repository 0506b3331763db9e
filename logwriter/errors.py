"""What can go wrong, as types. Every message says what is wrong, where, and what to do next."""


class EverystepError(Exception):
    """The base of every error that everystep raises on purpose."""


class NotARunError(EverystepError):
    """Raised when a folder is read as a run but holds no writer's folder."""


class RunExistsError(EverystepError):
    """Raised when a new run would start in a folder that already holds one for this rank."""


class WriterLockedError(EverystepError):
    """Raised when another living process writes, or holds, the same writer's folder."""


class NewerFormatError(EverystepError):
    """Raised when a file was written by a newer everystep, in a format this one cannot read."""


class DamagedError(EverystepError):
    """Raised when bytes on disk do not match their checksum or their format."""


class UnknownMetricError(EverystepError):
    """Raised when a metric is asked for that the run did not log."""


class NoMonitorError(EverystepError):
    """Raised when the best epoch is asked for and nothing says by which metric or direction."""


class NothingLoggedError(EverystepError):
    """Raised when a command needs rows and the run has none."""


class BadValueError(EverystepError, TypeError):
    """Raised by ``log`` with ``on_error="raise"`` for a value that is not a number."""


class ForkedError(EverystepError):
    """Raised in a forked child that logs to its parent's run."""
