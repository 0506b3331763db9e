"""The images and the page of a comparison, written where they are wanted.

OUTPUT/index.html              the page
       comparison.png          all charts on one sheet; also .svg and .pdf
       charts/01-val-loss.png  one file a chart, numbered as shown
"""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from msgspec import structs

from reports import figures
from reports.comparison.averaging import Average
from reports.comparison.comparing import Compared
from reports.comparison.overlays import Overlay, overlay
from reports.comparison.page import render_comparison
from reports.comparison.tracks import full_tracks
from reports.courses import courses_of
from reports.gaps import NON_FINITE_LABEL
from reports.marks import BAND_LABEL, STRONG_LABEL, Style
from reports.rendering import PAGE_NAME, Look, Rendered, glyph_notes, write_file, write_images
from reports.steps import asks_for_stretching
from reports.view import ChartView, chart_views

SHEET_NAME = "comparison"
_THIN, _BEHIND = 0.8, 2.0


def draw(compared: Compared, output: Path, look: Look) -> Rendered:
    """Write the page and the images of a comparison into a folder, made if need be.

    Raises:
        OSError: The disk refused.
    """
    output.mkdir(parents=True, exist_ok=True)
    files: list[Path] = []
    tracks, troubles = full_tracks(compared)
    if troubles:
        noted = [*compared.comparison.notes, *troubles]
        compared = replace(compared, comparison=structs.replace(compared.comparison, notes=noted))
    if look.html:
        page = render_comparison(compared, tracks)
        files.append(write_file(output / PAGE_NAME, page.encode()))
    if not look.images:
        return Rendered(tuple(files), tuple(troubles))
    drawn = overlay(compared.comparison, compared.records, tracks, told=True)
    files += _write_images(drawn, output, look)
    return Rendered(tuple(files), (*troubles, *glyph_notes(drawn.record)))


def _write_images(drawn: Overlay, output: Path, look: Look) -> Iterator[Path]:
    views = chart_views(drawn.record)
    style = _style(drawn, views, look)
    sheet = figures.dashboard_figure(drawn.record, style, look.size)
    _finish(sheet, views, drawn, style)
    return write_images(output, SHEET_NAME, sheet, _charts(drawn, views, style, look), look)


def _charts(
    drawn: Overlay, views: Sequence[ChartView], style: Style, look: Look
) -> Iterator[tuple[str, Figure]]:
    for view in views:
        figure = figures.chart_figure(view, style, look.size)
        _finish(figure, [view], drawn, style)
        yield view.key, figure


def _style(drawn: Overlay, views: Sequence[ChartView], look: Look) -> Style:
    stretched = look.steps == "log"
    for view in views[:1] if look.steps == "auto" else ():
        stretched = asks_for_stretching(courses_of(view), logarithmic=view.scale.kind == "log")
    monitor = drawn.record.best.metric if drawn.record.best else None
    strokes = {line: part.stroke for line, part in drawn.parts.items()}
    return Style(look.theme, strokes, (), monitor, stretched=stretched)


def _finish(figure: Figure, views: Sequence[ChartView], drawn: Overlay, style: Style) -> None:
    """Let thin lines step back, mark whose values end and where, and shade what means stand for."""
    for axes, view in zip(figure.axes, views, strict=False):
        for shade in list(axes.patches):
            shade.remove()  # a stretch without numbers: that of one run would cover all
        for line in view.lines:
            colour = style.colour(view, line)
            if drawn.parts[view.key, line.name].thin:
                _recede(axes, line.name)
            for artist in axes.lines:
                if artist.get_label() == f"{NON_FINITE_LABEL}: {line.name}":
                    artist.set_color(colour)
                    artist.set_xdata([first for first, _ in line.info.non_finite.stretches])
            mean = drawn.means.get((view.key, line.name))
            if mean is not None:
                _shade(axes, mean, line.name, colour, view.scale.unit)


def _recede(axes: Axes, name: str) -> None:
    """Of a thin line only what the eye follows is left, behind all others and without dots."""
    strong = f"{STRONG_LABEL}: {name}"
    smoothed = any(line.get_label() == strong for line in axes.lines)
    for line in axes.lines:
        if line.get_label() in {name, strong}:
            line.set(linewidth=_THIN, zorder=_BEHIND, marker="", path_effects=[])
            line.set_visible(line.get_label() == strong or not smoothed)


def _shade(axes: Axes, mean: Average, name: str, colour: str, unit: float) -> None:
    axes.fill_between(
        mean.track.steps,
        mean.least / unit,
        mean.greatest / unit,
        where=np.isfinite(mean.track.values).tolist(),
        label=f"{BAND_LABEL}: {name}",
        facecolor=colour,
        edgecolor="none",
        linewidth=0,
        alpha=0.16,
        zorder=1.0,
    )
