"""The comparison as a whole: gather, compare, draw where that is asked for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from reports.comparison.comparing import compare_entries
from reports.comparison.sources import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable
    from pathlib import Path

    from compactor.record import Record
    from reports.comparison.comparing import Compared
    from reports.comparison.result import Comparison
    from reports.rendering import Format
    from reports.sizes import SizeName
    from reports.theme import ThemeName


def run_comparison(
    runs: Iterable[Path | Record],
    output: Path | None,
    *,
    metric: str | None,
    mode: str | None,
    to: float | None,
    seeds: Collection[str],
    formats: Collection[Format],
    theme: ThemeName,
    size: SizeName,
    say: Callable[[str], None],
) -> Comparison:
    """Compare runs. See `reports.compare`; ``say`` is told what is done besides."""
    if output is None:
        return _compare(runs, say, metric=metric, mode=mode, to=to, seeds=seeds).comparison
    from reports import rendering  # noqa: PLC0415 - loads matplotlib, so only when asked to draw
    from reports.comparison.drawing import draw  # noqa: PLC0415 - likewise

    look = rendering.look_of(formats, theme, size)
    compared = _compare(runs, say, metric=metric, mode=mode, to=to, seeds=seeds)
    drawn = draw(compared, output, look)
    return msgspec.structs.replace(
        compared.comparison,
        files=[str(path) for path in drawn.files],
        notes=[*compared.comparison.notes, *drawn.notes],
    )


def _compare(runs: Iterable[Path | Record], say: Callable[[str], None], **how: Any) -> Compared:
    entries, failed = gather(runs, say)
    return compare_entries(entries, failed, **how)
