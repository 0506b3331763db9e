"""What could not be read: all of it is counted, the first of it is named."""

from logwriter.events import readable
from logwriter.importing.items import Skipped

SKIPPED_NAMED = 20
"""So many of the things that could not be read are named."""


class Skips:
    """Counts what could not be read of one run."""

    def __init__(self) -> None:
        self.count = 0
        self.first: list[str] = []

    def add(self, skipped: Skipped) -> None:
        """Count one thing."""
        self.count += 1
        if len(self.first) < SKIPPED_NAMED:
            self.first.append(readable(f"{skipped.where}: {skipped.why}"))

    @property
    def told(self) -> str:
        """How many there are, and the first of them, for the log."""
        return f"import: {self.count:,} not read: {'; '.join(self.first)}"
