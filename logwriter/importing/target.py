"""One imported run: items in, a run's folder out.

The run lies under a hidden name beside its own until `Target.finish` puts it there, so a run that is
there is complete. What could not be read is counted, and the first of it is also told in the log.
"""

import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from logwriter import durable, rundir
from logwriter import events as ev
from logwriter.errors import NothingLoggedError, RunExistsError
from logwriter.importing.attempt import AttemptWriter
from logwriter.importing.items import (
    Ended,
    Facts,
    Ints,
    Item,
    Noted,
    Restart,
    Rows,
    Saved,
    Skipped,
    Told,
)
from logwriter.importing.restarts import Falls, refuse_disorder
from logwriter.importing.skips import Skips
from logwriter.rundir import WriterId

_HIDDEN = ".importing"


@dataclass(frozen=True)
class Imported:
    """What became of one run.

    ``skipped`` counts what could not be read, ``skipped_first`` names the first of it, with its line.
    ``notes`` say what was decided on the way.
    """

    path: Path
    source: str
    format: str
    rows: int
    values: int
    metrics: tuple[str, ...]
    attempts: int
    skipped: int
    skipped_first: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Where a run comes from. ``time``, in microseconds since 1970, is that of rows without one."""

    source: str
    format: str
    run_id: str
    name: str
    time: int


class Target:
    """Writes one run."""

    def __init__(self, path: Path, origin: Origin, *, keep_restarts: bool = False) -> None:
        """Begin under a hidden name.

        Args:
            path: The run's folder; it must not hold a run.
            origin: Where it comes from.
            keep_restarts: Whether steps that fall stay in one attempt, so that nothing is hidden.

        Raises:
            RunExistsError: It does.
            OSError: The disk refused, also later.
        """
        _refuse_taken(path)
        self._path, self._origin, self._keeps = path, origin, keep_restarts
        self._hidden = path.with_name(f".{path.name}.{os.getpid()}{_HIDDEN}")
        _clear_abandoned(path)
        self._facts = Facts()
        self._falls = Falls()
        self._attempt: AttemptWriter | None = None
        self._done: list[AttemptWriter] = []
        self._restarting = False
        self._ended = Ended("completed")
        self._metrics: dict[str, None] = {}
        self._skips = Skips()
        self._notes: dict[str, None] = {}

    def take(self, item: Item) -> None:
        """Write one item.

        Raises:
            EverystepError: Steps fall so often that these are no restarts.
        """
        match item:
            case Rows():
                self._take_rows(item)
            case Facts():
                self._take_facts(item)
            case Restart():
                self._falls.forget()
                self._restarting = self._attempt is not None and not self._keeps
            case Told():
                self._tell(ev.Message, item.time, text=item.text, level=item.level, step=item.step)
            case Saved():
                self._tell(
                    ev.CheckpointSaved,
                    item.time,
                    path=item.path,
                    step=item.step,
                    epoch=item.epoch,
                    facts=ev.plain(item.facts),
                )
            case Skipped():
                self._skips.add(item)
            case Noted():
                self._notes[ev.readable(item.text)] = None
            case Ended():
                self._ended = item

    def finish(self) -> Imported:
        """Seal, say how it ended, and put the run in its place.

        Raises:
            NothingLoggedError: There was no row in the source.
        """
        if self._attempt is None or not self._metrics:
            raise NothingLoggedError(f"{self._origin.source}: {self._why_nothing()}")
        self._say_what_was_skipped(self._attempt)
        ended = self._ended
        self._close(None if ended.status == "unfinished" else ended.status, ended.error)
        durable.sync_directory(self._hidden / rundir.WRITERS)
        _refuse_taken(self._path)  # by another import, meanwhile
        if self._path.is_dir():
            self._path.rmdir()  # it is empty
        durable.put_in_place(self._hidden, self._path)
        moved = sum(attempt.moved_times for attempt in self._done)
        if moved:
            self._notes[f"{moved:,} rows got the time of the row before: theirs stepped back"] = (
                None
            )
        return Imported(
            path=self._path,
            source=self._origin.source,
            format=self._origin.format,
            rows=sum(attempt.rows for attempt in self._done),
            values=sum(attempt.values for attempt in self._done),
            metrics=tuple(self._metrics),
            attempts=len(self._done),
            skipped=self._skips.count,
            skipped_first=tuple(self._skips.first),
            notes=tuple(self._notes),
        )

    def abandon(self) -> None:
        """Remove what was written so far."""
        shutil.rmtree(self._hidden, ignore_errors=True)

    def _take_rows(self, rows: Rows) -> None:
        rows = rows.with_values()
        if not len(rows):
            return
        cuts = [] if self._keeps else self._falls.cut(rows)
        for start, stop in zip([0, *cuts], [*cuts, len(rows)], strict=True):
            piece = rows.part(start, stop)
            if start or start in cuts:
                self._restarting = self._attempt is not None
                refuse_disorder(self._origin.source, self._attempts_so_far)
            if stop > start:
                self._writer(piece.time).add(piece)
        for metric in rows.values:
            if metric not in self._metrics and rows.where(metric).any():
                self._metrics[metric] = None

    @property
    def _attempts_so_far(self) -> list[int]:
        """The rows of each attempt."""
        open_one = [] if self._attempt is None else [self._attempt]
        return [each.rows for each in (*self._done, *open_one)]

    def _take_facts(self, facts: Facts) -> None:
        try:
            facts = replace(
                facts, config=ev.plain(facts.config), environment=ev.plain(facts.environment)
            )
        except RecursionError:
            self._skips.add(Skipped("configuration", "it is nested too deeply"))
            return
        if self._attempt is not None:
            if facts.config:
                self._tell(ev.ConfigUpdated, None, config=facts.config)
            return
        known = self._facts
        self._facts = Facts(
            config={**known.config, **facts.config},
            environment={**known.environment, **facts.environment},
            tags=(*known.tags, *facts.tags),
            monitor=facts.monitor or known.monitor,
            mode=facts.mode or known.mode,
        )

    def _tell(self, kind: type[Any], time: int | None, **fields: Any) -> None:
        attempt = self._writer(None if time is None else (time,))
        said = {
            name: ev.readable(value) if isinstance(value, str) else value
            for name, value in fields.items()
        }
        attempt.tell(kind(time=attempt.now if time is None else time, **said))

    def _writer(self, times: Sequence[int] | Ints | None) -> AttemptWriter:
        """The attempt that logs now; a new one where the last one is over."""
        if self._attempt is not None and not self._restarting:
            return self._attempt
        resumes = self._attempt is not None
        if resumes:
            self._close(None, None)
        begun = self._begin_time(times)
        writer = WriterId(0, len(self._done))
        folder = rundir.writer_path(self._hidden, writer)
        self._attempt = AttemptWriter(folder, writer, self._origin.run_id, begun=begun)
        self._restarting = False
        self._attempt.tell(self._started(writer, begun))
        if resumes:
            self._attempt.tell(ev.RunResumed(time=begun, step=None))
        return self._attempt

    def _begin_time(self, times: Sequence[int] | Ints | None) -> int:
        if times is not None and len(times):
            return int(times[0])
        return self._done[-1].now if self._done else self._origin.time

    def _started(self, writer: WriterId, time: int) -> ev.RunStarted:
        facts, origin = self._facts, self._origin
        imported = {
            "imported_from": origin.source,
            "import_format": origin.format,
        }
        return ev.RunStarted(
            time=time,
            run_id=origin.run_id,
            name=ev.readable(origin.name),
            config=dict(facts.config),
            tags=[ev.readable(tag) for tag in facts.tags],
            monitor=facts.monitor and ev.readable(facts.monitor),
            mode=facts.mode,
            rank=writer.rank,
            world_size=1,
            attempt=writer.attempt,
            host="",
            boot_id="",
            pid=0,
            environment={**facts.environment, **ev.plain(imported)},
        )

    def _close(self, status: str | None, error: str | None) -> None:
        if self._attempt is not None:
            self._attempt.close(status=status, error=error and ev.readable(error))
            self._done.append(self._attempt)
            self._attempt = None

    def _say_what_was_skipped(self, attempt: AttemptWriter) -> None:
        if self._skips.count:
            said = ev.Message(time=attempt.now, text=self._skips.told, level="warning", step=0)
            attempt.tell(said)

    def _why_nothing(self) -> str:
        if self._skips.count:
            return (
                f"no row could be read as {self._origin.format}; {self._skips.count:,} could not, "
                f"the first: {self._skips.first[0]}"
            )
        noted = f" ({'; '.join(self._notes)})" if self._notes else ""
        return f"it holds no row of numbers that can be read as {self._origin.format}{noted}"


def _refuse_taken(path: Path) -> None:
    if path.exists() and (not path.is_dir() or any(path.iterdir())):
        raise RunExistsError(
            f"{path} is there already, and nothing is ever overwritten: give another folder, as in "
            "`everystep import SOURCE RUN`"
        )


def _clear_abandoned(path: Path) -> None:
    """Remove what imports of the same run left that were killed."""
    for hidden in path.parent.glob(f".*{_HIDDEN}"):
        name, _, process = hidden.name.removesuffix(_HIDDEN).rpartition(".")
        if name == f".{path.name}" and process.isdecimal() and not _is_alive(int(process)):
            shutil.rmtree(hidden, ignore_errors=True)


def _is_alive(process: int) -> bool:
    if process == os.getpid():
        return False  # an earlier process of the same number
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
