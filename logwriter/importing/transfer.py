"""From a source to runs: look, tell the format, read, write."""

import os
import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from logwriter import rundir
from logwriter.errors import EverystepError, NotARunError
from logwriter.importing.formats import Format, detect, find_format, refuse_options
from logwriter.importing.source import Options, Source, look
from logwriter.importing.target import Imported, Origin, Target

Progress = Callable[[int, int], None]
"""Told how many bytes more were read, and of how many in all."""
_UNSAFE = re.compile(r"[^\w.+=-]+")
_LONGEST = 100


def import_log(
    source: str | os.PathLike[str],
    run: str | os.PathLike[str] | None = None,
    *,
    format: str | None = None,  # noqa: A002  the word of the command line
    name: str | None = None,
    step: str | None = None,
    epoch: str | None = None,
    time: str | None = None,
    pattern: str | None = None,
    split: str | None = None,
    keep_restarts: bool = False,
    progress: Progress | None = None,
    failed: Callable[[str, EverystepError], None] | None = None,
) -> list[Imported]:
    """Make runs of what another tool logged.

    Values keep every bit. Steps that fall begin a new attempt, which hides what it repeats, as a
    resumed run does. Rows without a time get that of the file.

    Args:
        source: A file or folder.
        run: The folder of the new run; of several runs, the folder to put them into. By default
            they go into ``EVERYSTEP_DIR``, by their names.
        format: One of `logwriter.importing.formats.NAMES`; told from the source without it.
        name: What to call the run.
        step: The column that counts steps.
        epoch: The column that counts epochs.
        time: The column that holds the time.
        pattern: A regular expression with named groups, for text.
        split: The column whose values tell runs apart that share a file.
        keep_restarts: Whether steps that fall stay in one attempt, so that nothing is hidden.
        progress: Told how far it is.
        failed: Of several runs, told of each that cannot be imported; without it, the first of them
            ends the import.

    Returns:
        What became of each run.

    Raises:
        NotARunError: There is nothing at ``source``.
        NothingLoggedError: There is no row in it.
        RunExistsError: There is something at ``run`` already.
        EverystepError: It cannot be read; the message says why.
        OSError: The disk refused.
    """
    path = Path(source)
    if not path.exists():
        raise NotARunError(f"{path}: there is no such file or folder to import")
    looked = look(path)
    options = Options(step=step, epoch=epoch, time=time, pattern=pattern, split=split)
    chosen = find_format(format) if format else find_format("text") if pattern else detect(looked)
    refuse_options(chosen, options)
    sources = chosen.finds(looked, options)
    if name is not None and len(sources) == 1:
        sources = [replace(sources[0], name=name)]
    total = sum(each.size for each in sources)
    say = progress or _say_nothing
    done = []
    for each, place in zip(sources, _places(sources, run), strict=True):
        counted = replace(each, advance=lambda count: say(count, total))
        try:
            done.append(_import_one(counted, place, chosen, keep_restarts=keep_restarts))
        except EverystepError as error:
            if failed is None or len(sources) == 1:
                raise
            failed(each.name, error)
    return done


def _import_one(source: Source, place: Path, chosen: Format, *, keep_restarts: bool) -> Imported:
    place.parent.mkdir(parents=True, exist_ok=True)
    origin = Origin(
        source=source.path.name,
        format=chosen.name,
        run_id=source.identity(),
        name=source.name,
        time=source.last_change,
    )
    target = Target(place, origin, keep_restarts=keep_restarts)
    try:
        for item in chosen.reads(source):
            target.take(item)
        return target.finish()
    except BaseException:
        target.abandon()
        raise


def _say_nothing(_: int, __: int) -> None:
    """Progress for those who do not ask."""


def _places(sources: Sequence[Source], run: str | os.PathLike[str] | None) -> list[Path]:
    """Where each run goes. No path is made from a name as it stands."""
    if run is not None and len(sources) == 1:
        return [Path(run)]
    folder = rundir.runs_directory() if run is None else Path(run)
    places: list[Path] = []
    for source in sources:
        stem = _UNSAFE.sub("-", source.name).strip("-.")[:_LONGEST] or "run"
        taken = (
            folder / (stem if count == 1 else f"{stem}-{count}") for count in range(1, 1 << 30)
        )
        places.append(next(place for place in taken if place not in places))
    return places
