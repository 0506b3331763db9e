"""Draw the gallery: ``python tests/gallery/draw.py [DIR]``.

Every kind of run, drawn for a screen; two of them for paper and for slides, and in the dark. Where
``EVERYSTEP_REAL_LOGS`` names a folder of real training logs, they are imported and drawn as well.
"""

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from gallery_runs import GENERATED

from compactor import compact
from logwriter.importing import import_log
from reports import figures
from reports.sizes import SIZES, SizeName
from reports.theme import THEMES, ThemeName
from reports.view import chart_views

LOOKS: dict[str, tuple[tuple[ThemeName, SizeName], ...]] = {
    "overfit": (("light", "screen"), ("paper", "paper"), ("dark", "slide")),
    "resumed-twice": (("light", "screen"), ("dark", "screen")),
    "eight-ranks": (("light", "screen"), ("paper", "paper")),
}
NOT_LOGS = {"SOURCES.md", "truth.json"}


def main(folder: Path) -> None:
    """Draw everything into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        for name, make in GENERATED.items():
            make(Path(scratch) / name)
            draw(Path(scratch) / name, folder, name)
        for log in real_logs():
            path = Path(scratch) / log.name
            import_log(log, path)
            draw(path, folder, log.name)


def real_logs() -> list[Path]:
    """The logs that are to be drawn besides."""
    folder = os.environ.get("EVERYSTEP_REAL_LOGS")
    return (
        []
        if folder is None
        else sorted(path for path in Path(folder).iterdir() if path.name not in NOT_LOGS)
    )


def draw(run: Path, folder: Path, name: str) -> None:
    """The sheet of a run, and its first chart, in each of its looks."""
    smooth = "ema:0.98" if name == "healthy" else None
    record = compact(run, smooth=smooth)
    for theme_name, size_name in LOOKS.get(name, (("light", "screen"),)):
        theme, size = THEMES[theme_name], SIZES[size_name]
        style = figures.style_of(record, theme)
        stem = f"{name}-{theme_name}-{size_name}"
        sheet = figures.dashboard_figure(record, style, size)
        (folder / f"{stem}.png").write_bytes(figures.png_bytes(sheet, theme))
        for view in chart_views(record)[:1]:
            chart = figures.chart_figure(view, style, size)
            (folder / f"{stem}-chart.png").write_bytes(figures.png_bytes(chart, theme))
    print(name, flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery"))
