"""MLflow's folders: ``mlruns/<experiment>/<run>/``, with ``meta.yaml``, ``metrics/``, ``params/`` and ``tags/``.

A metric is a file of lines ``time value step``; a ``/`` in its name makes folders. Older lines have no step,
which MLflow takes for 0.
"""

from collections.abc import Iterator
from pathlib import Path

from logwriter.errors import EverystepError
from logwriter.importing.interleaving import Point, interleave
from logwriter.importing.items import Item, Noted, Skipped
from logwriter.importing.mlflowstore.run import NAME_TAG, end_of, facts_of
from logwriter.importing.moments import Clock
from logwriter.importing.records import Row, gather, number_in, whole
from logwriter.importing.sayings import Sayings
from logwriter.importing.separatelines import lines_of, name_of
from logwriter.importing.source import Options, Source
from logwriter.importing.yamlfile import read_yaml

META = "meta.yaml"


def holds_runs(path: Path) -> bool:
    """Whether a folder is a run, or holds some, at most two levels down."""
    return next(_runs(path), None) is not None


def runs_in(path: Path, options: Options) -> list[Source]:
    """The runs, sorted by experiment, then by folder."""
    return [
        Source(run, _text(run / "tags" / NAME_TAG) or run.name, _files(run), options, part=run.name)
        for run in _runs(path)
    ]


def items_of(source: Source) -> Iterator[Item]:
    """What one run logged.

    Raises:
        EverystepError: Its ``meta.yaml`` is unreadable.
    """
    meta = read_yaml(source.path / META)
    experiment = _experiment(source.path)
    if isinstance(experiment, Skipped):
        yield experiment
    yield facts_of(
        run_id=source.path.name,
        experiment=experiment if isinstance(experiment, str) else None,
        params=_texts(source.path / "params"),
        tags=_texts(source.path / "tags"),
    )
    if meta.get("lifecycle_stage") == "deleted":
        yield Noted("MLflow counts this run as deleted")
    yield from gather(_rows(source))
    yield end_of(meta.get("status"))


def _runs(path: Path) -> Iterator[Path]:
    """Runs in a folder; those that MLflow put into its hidden trash are left there."""
    if _is_run(path):
        yield path
        return
    for experiment in (path, *_folders(path)):
        yield from (run for run in _folders(experiment) if _is_run(run))


def _is_run(path: Path) -> bool:
    return (path / META).is_file() and (path / "metrics").is_dir() and (path / "tags").is_dir()


def _folders(path: Path) -> list[Path]:
    return sorted(each for each in path.iterdir() if each.is_dir() and each.name[:1] != ".")


def _files(run: Path) -> tuple[Path, ...]:
    metrics = (path for path in (run / "metrics").rglob("*") if path.is_file())
    return (run / META, *sorted(metrics))


def _rows(source: Source) -> Iterator[Row | Item]:
    folder, sayings = source.path / "metrics", Sayings()
    clock = Clock("MLflow's", sayings)
    metrics = {
        name_of(path.relative_to(folder)): _points(path, folder, source, clock, sayings)
        for path in source.files
        if path.name != META or path.parent != source.path
    }
    for each in interleave(metrics):
        yield from sayings.notes()
        yield each


def _points(
    path: Path, folder: Path, source: Source, clock: Clock, sayings: Sayings
) -> Iterator[Point | Skipped]:
    name, columns = name_of(path.relative_to(folder)), 2
    for number, line in enumerate(lines_of(path, source), start=1):
        cells = line.split()
        if not cells:
            continue
        columns = max(columns, len(cells))
        value = number_in(cells[1]) if len(cells) == columns else None
        step = whole(cells[2]) if columns == 3 and value is not None else 0
        if value is None or step is None or columns > 3 or line[-1] != "\n":
            why = f"{line.strip()[:40]!r} is not a time, a value and a step"
            yield Skipped(f"{name}, line {number}", why if line[-1] == "\n" else "it was cut")
            continue
        if columns == 2:
            sayings.say("steps: 0 where a line has none, as MLflow reads it")
        yield Point(step, value, clock.read(cells[0]))


def _texts(folder: Path) -> dict[str, str]:
    """Each file in a folder as a name and a text."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {name_of(path.relative_to(folder)): _text(path) for path in files}


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace") if path.is_file() else ""


def _experiment(run: Path) -> str | Skipped | None:
    """The name of a run's experiment; a run can be read without it."""
    meta = run.parent / META
    if not meta.is_file():
        return None
    try:
        return str(read_yaml(meta).get("name"))
    except EverystepError as error:
        return Skipped(f"{META} of the experiment", str(error))
