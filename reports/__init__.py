"""The reports of everystep: from one document, ``record.json``, to PNG files and an HTML page.

Importing this package is light; matplotlib is loaded when something is drawn.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Sequence

    from compactor.names import Mode
    from compactor.record import Record
    from reports.comparison.result import Comparison
    from reports.figures import Steps
    from reports.rendering import Format, Rendered
    from reports.sizes import SizeName
    from reports.theme import ThemeName

__all__ = ["compare", "render"]


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


def compare(
    runs: Sequence[str | os.PathLike[str] | Record],
    output: str | os.PathLike[str] | None = None,
    *,
    metric: str | None = None,
    mode: Mode | None = None,
    to: float | None = None,
    seeds: Sequence[str] = (),
    formats: Iterable[Format] = ("html", "png"),
    theme: ThemeName = "light",
    size: SizeName = "screen",
) -> Comparison:
    """Compare runs: what each came to by one metric, what they differ in, and how long they took.

    Args:
        runs: Folders, ``record.json`` files or records, of two runs at least. A run that was not
            compacted yet is compacted first.
        output: The folder to draw into: a page, a sheet of all charts and one image a chart, each
            with a line for each run. Nothing is drawn without it.
        metric: By what they are compared; without it, the metric that decided most runs' best.
        mode: ``"min"`` or ``"max"``; without it, as the runs have it, else by the metric's name.
        to: The value whose first moment is sought; without it, the worst of the runs' bests.
        seeds: Keys of the configuration that are seeds, besides ``seed`` and ``random_seed``. Runs
            that differ in seeds alone are averaged.
        formats: As of `render`, like ``theme`` and ``size``.
        theme: The colours of the images.
        size: Of the images.

    Returns:
        The comparison, the best run first; ``rows()`` is what a data frame takes. Runs that could
        not be read are in ``failed``.

    Raises:
        EverystepError: Fewer than two runs can be read, or nothing says by what to compare them.
        ValueError: An argument has a value that means nothing.
        OSError: The disk refused.
    """
    if isinstance(runs, str):
        raise TypeError(f"runs is the one path {runs!r}; give a list of two or more")
    from pathlib import Path  # noqa: PLC0415 - so that importing the package is light

    from compactor.record import Record  # noqa: PLC0415 - likewise
    from reports.comparison.run import run_comparison  # noqa: PLC0415 - loads NumPy

    return run_comparison(
        [run if isinstance(run, Record) else Path(run) for run in runs],
        None if output is None else Path(output),
        metric=metric,
        mode=mode,
        to=to,
        seeds=tuple(seeds),
        formats=tuple(formats),
        theme=theme,
        size=size,
        say=lambda _: None,
    )
