"""The reports of everystep: from one document, ``record.json``, to PNG files and an HTML page.

Importing this package is light; matplotlib is loaded when something is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from compactor.record import Record
    from reports.figures import Steps
    from reports.rendering import Format, Rendered
    from reports.sizes import SizeName
    from reports.theme import ThemeName

__all__ = ["render"]


def render(
    runs: str | os.PathLike[str] | Record | Sequence[str | os.PathLike[str] | Record],
    output: str | os.PathLike[str] | None = None,
    *,
    formats: Iterable[Format] = ("html", "png"),
    theme: ThemeName = "light",
    size: SizeName = "screen",
    steps: Steps = "auto",
) -> Rendered:
    """Draw runs from their records: one page, one sheet of all charts, one image a chart.

    Args:
        runs: A run's folder, its ``record.json``, or a `Record`; or a sequence of them, each of
            which is drawn into a folder of its own.
        output: The folder to write into, made if need be. For several runs it gets a numbered
            folder for each. By default a run is drawn into its own ``report/``.
        formats: ``"html"`` for ``index.html``; ``"png"``, ``"svg"`` or ``"pdf"`` for ``dashboard``
            and ``charts/`` in that format.
        theme: The colours of the images, ``"light"``, ``"dark"`` or ``"paper"``; the page has its own.
        size: Of the images: ``"screen"``, ``"slide"`` or ``"paper"``.
        steps: The axis of steps in the images: ``"linear"``, ``"log"``, or ``"auto"``, which stretches
            early steps of long runs that did most at their beginning.

    Returns:
        The files written, and notes on what could not be drawn as asked.

    Raises:
        EverystepError: A record is absent, damaged, or of a newer format. The message says so.
        ValueError: A format, theme, size or axis is unknown, there is no run to draw, or a `Record` is given
            without ``output``.
        OSError: The disk refused.
    """
    from reports import rendering  # noqa: PLC0415 - loads matplotlib, so only when asked to draw

    return rendering.render_all(
        runs, output, formats=tuple(formats), theme=theme, size=size, steps=steps
    )
