"""A run, read and scanned once: what every decision is made from."""

import os
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path

from compactor.epochs import Epochs, find_epochs
from compactor.fold.parts import PartDigest, digest_parts
from compactor.history import Ends, Reach, Writer, open_ended, reaches
from compactor.reading.allocation import returned_when_freed
from compactor.reading.background import background
from compactor.reading.cache import CACHED_VALUES, is_current, keys_of, load_digests, save_digests
from compactor.reading.cacheblocks import Digests, Key
from compactor.reading.cachefile import Stored
from compactor.reading.checks import Checks, checking
from compactor.reading.ends import attempt_ends
from compactor.reading.folding import fold_lines
from compactor.reading.lines import Line, Points
from compactor.reading.source import Source, open_source
from logwriter.errors import EverystepError
from logwriter.part import Part
from logwriter.runlog import RunLog

Progress = Callable[[str], None]
_SECONDS_BETWEEN_WORDS = 3.0


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
    def ranks(self) -> list[int]:
        """The ranks that have rows in the effective history, sorted."""
        return sorted({line.rank for line in self.lines})

    @property
    def leading(self) -> list[Line]:
        """Of each metric, the line of the lowest rank that logged it."""
        first = {line.metric: line for line in reversed(self.lines)}
        return [line for line in self.lines if first[line.metric] is line]

    def epochs_of(self, rank: int) -> Epochs:
        """The epochs of one rank."""
        return find_epochs(self.log.state, self.reach, self.of_rank(rank), rank)

    def rows(self, line: Line) -> Points:
        """All rows of a line, by step, then position."""
        return line.points if line.whole else self.source.points([(line.rank, line.metric)])[0]

    def of_rank(self, rank: int) -> list[Line]:
        """The lines of one rank."""
        return [line for line in self.lines if line.rank == rank]


@contextmanager
def scan_run(
    path: str | PathLike[str],
    max_points: int,
    say: Progress,
    *,
    threads: int | None = None,
    memory: int | None = None,
    cache: Path | None = None,
    keep: bool = True,
) -> Iterator[Scan]:
    """Read a run and scan its values.

    Args:
        path: The run's folder.
        max_points: How many points a line will be drawn with.
        say: Told what is being done.
        threads: How many threads may work; as many as there are processors without it.
        memory: How many bytes DuckDB may use.
        cache: Where the digests of sealed segments are kept, if anywhere.
        keep: Whether new ones are kept there, too; else nothing is written.

    Raises:
        NotARunError: There is no run at ``path``.
        DamagedError: The log's bytes do not match their checksums.
        NewerFormatError: A newer everystep wrote the run.
    """
    say("reading the log")
    with returned_when_freed(), background(threads) as pool, checking(pool) as checks:
        loading = pool.submit(load_digests, cache) if cache else None
        log = RunLog(Path(path), checks)
        parts = _marked(log)
        visible = [
            part for part in parts if part.hidden_from is None or part.hidden_from > part.first_seq
        ]
        keys = keys_of(log, visible)
        with open_source(parts, threads, memory) as source:
            with _enough_memory():
                stored = loading.result() if loading else Stored()
                workers = threads or os.cpu_count() or 1
                digests = _digests(visible, keys, stored.digests, say, workers)
                lines = fold_lines(visible, digests, source, max_points)
            held = {key: each for key, each in zip(keys, digests, strict=True) if key is not None}
            keeping = pool.submit(_keep, cache, held, stored, checks) if cache and keep else None
            reach = reaches(parts, _ends(log, parts, visible, digests))
            yield Scan(log, source, lines, reach)
            if keeping:
                keeping.result()


@contextmanager
def _enough_memory() -> Iterator[None]:
    """Say what to do where there is not."""
    try:
        yield
    except MemoryError as error:
        raise EverystepError(
            f"there is not enough memory to scan the rows ({error}); free some, or read the run "
            "on a machine with more"
        ) from error


def _digests(
    parts: list[Part], keys: list[Key | None], known: Digests, say: Progress, threads: int
) -> list[PartDigest]:
    """The digest of each part, from the cache where it has them."""
    new = [part for part, key in zip(parts, keys, strict=True) if key not in known]
    made = _telling(digest_parts(new, threads), new, say)
    return [next(made) if key is None or key not in known else known[key] for key in keys]


def _ends(
    log: RunLog, parts: list[Part], visible: list[Part], digests: list[PartDigest]
) -> dict[Writer, Ends]:
    """The ends of the attempts of which events do not tell them."""
    whole = {
        part.place: held
        for part, held in zip(visible, digests, strict=True)
        if part.hidden_from is None
    }
    return attempt_ends(parts, whole, open_ended(log.state))


def _keep(cache: Path, held: Digests, stored: Stored, checks: Checks) -> None:
    """Keep the digests of a long run, if the cache does not have them all."""
    if not held or is_current(held, stored):
        return
    if sum(int(each.digest.cells["rows"].sum()) for each in held.values()) >= CACHED_VALUES:
        checks.wait()
        save_digests(cache, held, stored)


def _telling(made: Iterator[PartDigest], parts: list[Part], say: Progress) -> Iterator[PartDigest]:
    """Say how far the scan is, now and then."""
    total, done, said = sum(part.rows for part in parts), 0, time.monotonic()
    say(f"scanning {total:,} rows")
    for part, digested in zip(parts, made, strict=True):
        yield digested
        done += part.rows
        if time.monotonic() > said + _SECONDS_BETWEEN_WORDS:
            said = time.monotonic()
            say(f"scanned {done:,} of {total:,} rows")


def _marked(log: RunLog) -> list[Part]:
    """All parts, with what later attempts hide; a part hidden as a whole is hidden from its start."""
    visible = {part.place: part for part in log.parts("effective")}
    return [
        visible.get(part.place, replace(part, hidden_from=part.first_seq))
        for part in log.parts("all")
    ]
