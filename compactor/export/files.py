"""What a format writes, and under which names.

A file's name is made of the format, and that of a chart's file of a number and of the letters and
digits of the chart's key: no name of a run leads anywhere else.
"""

import re
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import Any, BinaryIO, Literal

import pyarrow as pa

from compactor.export.chartjs import to_chartjs
from compactor.export.curves import Axis
from compactor.export.echarts import to_echarts
from compactor.export.history import HISTORY_SCHEMA, History
from compactor.export.series import to_series
from compactor.export.table import TABLE_SCHEMA, to_table
from compactor.export.vegalite import to_vega_lite
from compactor.export.writing import Write, json_bytes, write_csv, write_file, write_parquet
from compactor.record import Record

Format = Literal["echarts", "chartjs", "vega-lite", "series", "csv", "parquet"]

_DESCRIBE: dict[str, Callable[..., dict[str, Any]]] = {
    "echarts": to_echarts,
    "chartjs": to_chartjs,
    "vega-lite": to_vega_lite,
}
_TABLES: dict[str, Callable[[Iterable[pa.Table], pa.Schema, BinaryIO], None]] = {
    "csv": write_csv,
    "parquet": write_parquet,
}
_SLUG_LENGTH = 60


def record_file(record: Record, form: Format, x: Axis = "step") -> tuple[str, Write]:
    """The usual name of the one file that holds a record in a format, and what writes it.

    Raises:
        ExportError: The record does not say at which epoch or second its points lie.
    """
    if form in _TABLES:
        return f"points.{form}", partial(_TABLES[form], [to_table(record)], TABLE_SCHEMA)
    content = to_series(record, x=x) if form == "series" else _DESCRIBE[form](record, x=x)
    return f"{form}.json", partial(_write_bytes, json_bytes(content))


def history_file(
    history: History, form: Format, tell: Callable[[int], object]
) -> tuple[str, Write]:
    """The usual name of the file that holds a history, and what writes it.

    Args:
        history: The rows.
        form: ``"csv"`` or ``"parquet"``.
        tell: Told of each number of rows that went out.
    """

    def told_blocks() -> Iterator[pa.Table]:
        for block in history.blocks():
            yield block
            tell(block.num_rows)

    def write(sink: BinaryIO) -> None:
        _TABLES[form](told_blocks(), HISTORY_SCHEMA, sink)

    return f"rows.{form}", write


def write_charts(record: Record, form: Format, folder: Path, x: Axis = "step") -> list[Path]:
    """Write a file for each chart, numbered in the record's order; what has such a name is replaced.

    Args:
        record: The record.
        form: ``"echarts"``, ``"chartjs"`` or ``"vega-lite"``.
        folder: Where to; made if need be.
        x: What the horizontal axis counts.

    Raises:
        ExportError: The record does not say at which epoch or second its points lie.
        OSError: The disk refused.
    """
    described = _DESCRIBE[form](record, x=x)
    paths = []
    for place, (key, chart) in enumerate(described.items(), start=1):
        path = folder / f"{place:02d}-{slug(key)}.json"
        write_file(path, partial(_write_bytes, json_bytes(chart)))
        paths.append(path)
    return paths


def slug(text: str) -> str:
    """A name for a file, made of ``a-z``, ``0-9`` and single hyphens only; never empty."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().lower()
    hyphened = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return hyphened[:_SLUG_LENGTH].strip("-") or "chart"


def _write_bytes(data: bytes, sink: BinaryIO) -> None:
    sink.write(data)
