"""How a writer keeps its log."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Options:
    """How often the background thread acts, and what the clock's zero is.

    ``sync_every``, ``roll_every`` and ``system_every`` are seconds, ``journal_bytes`` the size of a
    grown journal, ``clock_origin`` the nanoseconds from 1970 to the zero of the monotonic clock.
    """

    sync_every: float
    roll_every: float
    system_every: float
    journal_bytes: int
    clock_origin: int
