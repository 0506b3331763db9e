"""Where reports touch the disk: a record comes in, images and a page go out.

OUTPUT/index.html              the page
       dashboard.png           all charts on one sheet; also .svg and .pdf
       charts/01-loss.png      one file a chart, numbered as shown

Every file is whole or absent. No path is made from a name as it stands: only from its letters and
digits, behind a number. Drawing again replaces the files of the last time, and removes chart files
that are no longer wanted if they carry our mark.
"""

import os
import re
from collections import deque
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from matplotlib.figure import Figure

from compactor.record import RECORD_NAME, Record
from compactor.store import read_record
from logwriter.durable import replace_file
from reports import figures, fonts, typeset
from reports.figures import Steps
from reports.page import render_page
from reports.sizes import SIZES, Size, SizeName
from reports.theme import THEMES, Theme, ThemeName
from reports.view import chart_views
from reports.wording import listing, slug

Source: TypeAlias = str | os.PathLike[str] | Record
Format = Literal["html", "png", "svg", "pdf"]
STEPS: tuple[Steps, ...] = ("auto", "linear", "log")
FORMATS: tuple[Format, ...] = ("html", "png", "svg", "pdf")

REPORT_FOLDER = "report"
PAGE_NAME = "index.html"
DASHBOARD_NAME = "dashboard"
CHARTS_FOLDER = "charts"

_Finish = Callable[[], bytes]
"""The last part of drawing, which may be done in another thread."""


def _draw_svg(figure: Figure, theme: Theme) -> _Finish:
    return figures.svg_text(figure, theme).encode


def _draw_pdf(figure: Figure, theme: Theme) -> _Finish:
    drawn = figures.pdf_bytes(figure, theme)
    return lambda: drawn


_IMAGES: dict[str, Callable[[Figure, Theme], _Finish]] = {
    "png": figures.draw_png,
    "svg": _draw_svg,
    "pdf": _draw_pdf,
}
_MOST_UNFINISHED = 2
_CHART_FILE = re.compile(r"\d{2,}-[a-z0-9-]+\.(png|svg|pdf)")
_OUR_MARKS = {
    ".png": b"Software\x00" + figures.SOFTWARE.encode(),
    ".svg": b"<dc:title>" + figures.SOFTWARE.encode(),
    ".pdf": b"/Creator (" + figures.SOFTWARE.encode(),
}
_GLYPHS_NAMED = 10


@dataclass(frozen=True)
class Rendered:
    """What was written, in the order of writing; ``notes`` says what could not be drawn as asked."""

    files: tuple[Path, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class Look:
    """What to write, and how."""

    theme: Theme
    size: Size
    images: Sequence[str]
    html: bool
    steps: Steps


def render_all(
    runs: Source | Sequence[Source],
    output: str | os.PathLike[str] | None,
    *,
    formats: Collection[Format],
    theme: ThemeName,
    size: SizeName = "screen",
    steps: Steps = "auto",
) -> Rendered:
    """Draw one run or several. See `reports.render`."""
    look = look_of(formats, theme, size, steps)
    sources = [runs] if isinstance(runs, (str, os.PathLike, Record)) else list(runs)
    if not sources:
        raise ValueError("there is no run to draw: give at least one")
    given = [source if isinstance(source, Record) else Path(source) for source in sources]
    if output is None:
        folders = [_own_folder(source) for source in given]
    elif len(given) == 1:
        folders = [Path(output)]
    else:
        folders = [Path(output) / name for name in _folder_names(given)]
    done = [_render(*each, look) for each in zip(given, folders, strict=True)]
    return Rendered(
        files=tuple(path for rendered in done for path in rendered.files),
        notes=tuple(dict.fromkeys(note for rendered in done for note in rendered.notes)),
    )


def look_of(
    formats: Collection[Format], theme: ThemeName, size: SizeName, steps: Steps = "auto"
) -> Look:
    """What to write, and how, by its names.

    Raises:
        ValueError: One is unknown, or there is no format.
    """
    unknown = [name for name in formats if name not in FORMATS]
    if unknown or not formats:
        asked = repr(unknown[0]) if unknown else "no format"
        raise ValueError(f"formats: {asked} cannot be drawn; choose of {', '.join(FORMATS)}")
    if theme not in THEMES:
        raise ValueError(f"theme: {theme!r} is unknown; choose of {', '.join(THEMES)}")
    if size not in SIZES:
        raise ValueError(f"size: {size!r} is unknown; choose of {', '.join(SIZES)}")
    if steps not in STEPS:
        raise ValueError(f"steps: {steps!r} is unknown; choose of {', '.join(STEPS)}")
    images = [name for name in FORMATS if name in formats and name in _IMAGES]
    return Look(THEMES[theme], SIZES[size], images, html="html" in formats, steps=steps)


def _render(source: Path | Record, output: Path, look: Look) -> Rendered:
    record = source if isinstance(source, Record) else read_record(source)
    output.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    if look.html:
        files.append(write_file(output / PAGE_NAME, render_page(record).encode()))
    if not look.images:
        return Rendered(tuple(files))
    files += _draw(record, output, look)
    return Rendered(tuple(files), tuple(glyph_notes(record)))


def _own_folder(source: Path | Record) -> Path:
    if isinstance(source, Record):
        raise ValueError(  # noqa: TRY004 - the type is right; what lacks is a place
            "a Record has no folder of its own: say where to draw it, output=..."
        )
    return (source.parent if source.is_file() else source) / REPORT_FOLDER


def _folder_names(sources: Sequence[Path | Record]) -> list[str]:
    names = [
        source.run.name if isinstance(source, Record) else _run_name(source) for source in sources
    ]
    return [f"{place:02d}-{slug(name)}" for place, name in enumerate(names, start=1)]


def _run_name(path: Path) -> str:
    path = path.resolve()
    return path.parent.name if path.name == RECORD_NAME else path.name


def _draw(record: Record, output: Path, look: Look) -> Iterator[Path]:
    style = figures.style_of(record, look.theme, steps=look.steps)
    sheet = figures.dashboard_figure(record, style, look.size)
    charts = (
        (view.key, figures.chart_figure(view, style, look.size)) for view in chart_views(record)
    )
    return write_images(output, DASHBOARD_NAME, sheet, charts, look)


def write_images(
    output: Path, name: str, sheet: Figure, charts: Iterable[tuple[str, Figure]], look: Look
) -> Iterator[Path]:
    """Write the sheet of all charts and a file for each; remove those of the last time.

    Args:
        output: The folder, which is there.
        name: Of the sheet, without its suffix.
        sheet: All charts.
        charts: The charts by their keys, in order.
        look: In which formats.

    Yields:
        Each file, in order, once it is written: while one is compressed, the next is drawn.
    """
    folder = output / CHARTS_FOLDER
    folder.mkdir(exist_ok=True)
    written: set[Path] = set()
    with ThreadPoolExecutor(1) as pool:
        unfinished: deque[Future[Path]] = deque()
        for stem, figure in _placed(output / name, sheet, folder, charts):
            for form in look.images:
                finish = _IMAGES[form](figure, look.theme)
                path = stem.with_name(f"{stem.name}.{form}")
                unfinished.append(pool.submit(_write_finished, path, finish))
                written.add(path)
                while len(unfinished) > _MOST_UNFINISHED:
                    yield unfinished.popleft().result()
        for future in unfinished:
            yield future.result()
    for path in folder.iterdir():
        if path not in written and _is_ours(path):
            path.unlink()


def _placed(
    whole: Path, sheet: Figure, folder: Path, charts: Iterable[tuple[str, Figure]]
) -> Iterator[tuple[Path, Figure]]:
    """Each figure with the path it is written to, without its suffix."""
    yield whole, sheet
    for place, (key, figure) in enumerate(charts, start=1):
        yield folder / f"{place:02d}-{slug(key)}", figure


def _write_finished(path: Path, finish: _Finish) -> Path:
    return write_file(path, finish())


def _is_ours(path: Path) -> bool:
    if not _CHART_FILE.fullmatch(path.name) or not path.is_file():
        return False
    return _OUR_MARKS[path.suffix] in path.read_bytes()


def write_file(path: Path, data: bytes) -> Path:
    """Put ``data`` in a file, whole or not at all."""
    replace_file(path, data)
    return path


def glyph_notes(record: Record) -> Iterator[str]:
    """What no installed font can draw of the texts in a record's images, and the remedy."""
    missing = typeset.without_glyph(_drawn_texts(record))
    if missing:
        shown = " ".join(missing[:_GLYPHS_NAMED]) + (" …" if len(missing) > _GLYPHS_NAMED else "")
        wanted = listing(fonts.remedies(map(typeset.script_of, missing)))
        yield f"no installed font has {shown}, so the images name them; install {wanted}"


def _drawn_texts(record: Record) -> Iterator[str]:
    yield from (record.run.name, *record.notes, *(phase.name for phase in record.phases))
    for view in chart_views(record):
        yield from (view.title, view.x_label, view.y_label, *view.notes)
        yield from (line.name for line in view.lines)
