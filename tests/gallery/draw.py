"""Draw the gallery: ``python tests/gallery/draw.py [DIR]``.

Every kind of run, drawn for a screen; two of them for paper and for slides, and in the dark. Where
``EVERYSTEP_REAL_LOGS`` names a folder of real training logs, some of its tables are drawn as well.
"""

import csv
import math
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from gallery_runs import GENERATED

from compactor import compact
from logwriter import Run
from reports import figures
from reports.sizes import SIZES, SizeName
from reports.theme import THEMES, ThemeName
from reports.view import chart_views

LOOKS: dict[str, tuple[tuple[ThemeName, SizeName], ...]] = {
    "overfit": (("light", "screen"), ("paper", "paper"), ("dark", "slide")),
    "resumed-twice": (("light", "screen"), ("dark", "screen")),
    "eight-ranks": (("light", "screen"), ("paper", "paper")),
}
REAL_LOGS = {
    "algoperf_blowup_vit.measurements.csv": "global_step",
    "algoperf_diverge_nan28.measurements.csv": "global_step",
    "algoperf_overfit_ogbg.measurements.csv": "global_step",
    "diffusion_lr1e-7.progress.csv": "step",
    "torchbeast_douzero.logs.csv": "frames",
}
_MOST_METRICS = 8


def main(folder: Path) -> None:
    """Draw everything into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory() as scratch:
        for name, make in GENERATED.items():
            make(Path(scratch) / name)
            draw(Path(scratch) / name, folder, name)
        real = os.environ.get("EVERYSTEP_REAL_LOGS")
        for name, column in REAL_LOGS.items() if real else ():
            path = Path(scratch) / name.partition(".")[0]
            log_table(Path(str(real)) / name, column, path)
            draw(path, folder, path.name)


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


def log_table(table: Path, step_column: str, path: Path) -> None:
    """Log the numbers of a CSV file, a row a step."""
    with Run(path) as run:
        for place, (step, row) in enumerate(_rows(table, step_column)):
            run.log(row, step=place if step is None else step)


def _rows(table: Path, step_column: str) -> Iterator[tuple[int | None, dict[str, float]]]:
    with table.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            numbers = {key: _number(text) for key, text in row.items() if key and text}
            found = {key: value for key, value in numbers.items() if value is not None}
            step = found.pop(step_column, None)
            kept = dict(list(found.items())[:_MOST_METRICS])
            yield None if step is None or not math.isfinite(step) else int(step), kept


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "gallery"))
