"""A run, read and scanned once: what every decision is made from."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from compactor.epochs import Epochs, find_epochs
from compactor.history import Reach, Writer, open_ended, reaches
from compactor.lines import Line
from compactor.source import Source, open_source
from logwriter.parts import Part
from logwriter.runlog import RunLog, read

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Scan:
    """A run, its lines, and how far each attempt reaches."""

    log: RunLog
    source: Source
    lines: list[Line]
    reach: dict[Writer, Reach]

    @property
    def metrics(self) -> list[str]:
        """The names of all metrics with rows in the effective history, sorted."""
        return sorted({line.metric for line in self.lines})

    @property
    def leading(self) -> list[Line]:
        """Of each metric, the line of the lowest rank that logged it."""
        first = {line.metric: line for line in reversed(self.lines)}
        return [line for line in self.lines if first[line.metric] is line]

    def epochs_of(self, rank: int) -> Epochs:
        """The epochs of one rank."""
        return find_epochs(self.log.state, self.reach, self.of_rank(rank), rank)

    def of_rank(self, rank: int) -> list[Line]:
        """The lines of one rank."""
        return [line for line in self.lines if line.rank == rank]


@contextmanager
def scan_run(
    path: str | PathLike[str], max_points: int, say: Progress, threads: int | None = None
) -> Iterator[Scan]:
    """Read a run and scan its values.

    Args:
        path: The run's folder.
        max_points: How many points a line will be drawn with.
        say: Told what is being done.
        threads: How many threads DuckDB may use.

    Raises:
        NotARunError: There is no run at ``path``.
        DamagedError: The log's bytes do not match their checksums.
        NewerFormatError: A newer everystep wrote the run.
    """
    say("reading the log")
    log = read(Path(path))
    parts = _marked(log)
    with open_source(parts, threads) as source:
        say(f"scanning {sum(part.rows for part in parts):,} rows")
        reach = reaches(parts, source.attempts(open_ended(log.state)))
        yield Scan(log, source, source.lines(max_points), reach)


def _marked(log: RunLog) -> list[Part]:
    """All parts, with what later attempts hide; a part hidden as a whole is hidden from its start."""
    visible = {_identity(part): part for part in log.parts("effective")}
    return [
        visible.get(_identity(part), replace(part, hidden_from=part.first_seq))
        for part in log.parts("all")
    ]


def _identity(part: Part) -> tuple[int, int, int]:
    return part.rank, part.attempt, part.first_seq
