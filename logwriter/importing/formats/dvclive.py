"""DVCLive's folder: a file of tab-separated values a metric, and ``params.yaml``.

The files lie in ``plots/metrics/``; in older folders in ``scalars/``, or in the folder itself. Their columns are
``step``, the metric's last name, and perhaps ``timestamp``. Metrics are interleaved by time, then step.
"""

from collections.abc import Iterator
from pathlib import Path, PurePath

from logwriter.errors import EverystepError
from logwriter.importing.formats import Format
from logwriter.importing.interleaving import Point, interleave
from logwriter.importing.items import Facts, Item, Noted, Skipped
from logwriter.importing.moments import Clock
from logwriter.importing.records import Row, gather, number_in, whole
from logwriter.importing.sayings import Sayings
from logwriter.importing.separatelines import lines_of, name_of
from logwriter.importing.source import Look, Options, Source
from logwriter.importing.yamlfile import read_yaml

_PLACES = ("plots/metrics", "scalars", "")
_PARAMS = "params.yaml"
_LONGEST_HEADER = 4096


def detects(looked: Look) -> bool:
    """A folder with such files, and all of them are such."""
    return looked.is_folder and bool(_files(looked.path)[1])


def finds(looked: Look, options: Options) -> list[Source]:
    """The one run in a folder.

    Raises:
        EverystepError: It is none of DVCLive's.
    """
    _, files = _files(looked.path) if looked.is_folder else (Path(), [])
    if not files:
        raise EverystepError(
            f"{looked.path} is no folder of DVCLive: there is no plots/metrics in it with files of the "
            "columns step and the metric's name"
        )
    params = looked.path / _PARAMS
    known = (*files, *([params] if params.is_file() else []))
    return [Source(looked.path, looked.path.absolute().name, known, options)]


def reads(source: Source) -> Iterator[Item]:
    """The parameters, if they can be read, and the rows."""
    params = source.path / _PARAMS
    if params in source.files:
        try:
            yield Facts(config=read_yaml(params))
        except EverystepError as error:
            yield Noted(f"its parameters are left out: {error}")
    yield from gather(_rows(source))


def _rows(source: Source) -> Iterator[Row | Item]:
    folder, files = _files(source.path)
    sayings = Sayings()
    clock = Clock("'timestamp'", sayings)
    metrics = {
        name_of(path.relative_to(folder).with_suffix("")): _points(path, folder, source, clock)
        for path in files
    }
    for each in interleave(metrics):
        yield from sayings.notes()
        yield each


def _points(path: Path, folder: Path, source: Source, clock: Clock) -> Iterator[Point | Skipped]:
    name, metric = name_of(path.relative_to(folder)), name_of(PurePath(path.stem))
    header: list[str] = []
    for number, line in enumerate(lines_of(path, source), start=1):
        where = f"{name}, line {number}"
        cells = line.rstrip("\n").split("\t")
        if not header or cells == header:  # a resumed program may write it again
            header = cells
        elif line[-1] != "\n":
            yield Skipped(where, "it was cut")
        elif len(cells) != len(header):
            yield Skipped(where, f"{len(cells)} columns, not {len(header)}")
        else:
            named = dict(zip(header, cells, strict=True))
            step, value = whole(named["step"]), number_in(named[metric])
            if step is None or value is None:
                yield Skipped(where, f"{line.strip()[:40]!r} is not a step and a number")
            else:
                yield Point(step, value, clock.read(named.get("timestamp")))


def _files(path: Path) -> tuple[Path, list[Path]]:
    """The folder of the metrics, and their files; none, where one of them is of something else."""
    for place in _PLACES:
        folder = path / place
        inside = folder.rglob("*.tsv") if place else folder.glob("*.tsv")
        there = (each for each in inside if each.is_file() and each.stat().st_size)
        files = sorted(there) if folder.is_dir() else []
        if files:
            return folder, files if all(map(_is_metric, files)) else []
    return path, []


def _is_metric(path: Path) -> bool:
    with path.open("rb") as file:
        header = file.readline(_LONGEST_HEADER).decode("utf-8-sig", "backslashreplace")
    names = header.rstrip("\r\n").split("\t")
    return sorted({*names} - {"timestamp"}) == sorted(("step", name_of(PurePath(path.stem))))


FORMAT = Format("dvclive", "DVCLive's folder of plots/metrics/*.tsv", detects, finds, reads)
