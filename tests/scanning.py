"""Parts of a log as lines, without a run around them."""

from collections.abc import Sequence

from compactor.fold.parts import digest_parts
from compactor.reading.folding import fold_lines
from compactor.reading.lines import Line
from compactor.reading.source import open_source
from logwriter.part import Part


def scan_parts(parts: Sequence[Part], threads: int = 1, max_points: int = 2000) -> list[Line]:
    """All lines of some parts."""
    with open_source(parts, threads) as source:
        return fold_lines(parts, list(digest_parts(parts, threads)), source, max_points)
