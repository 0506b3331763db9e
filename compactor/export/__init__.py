"""A run for other programs: chart descriptions, plain lists and tables.

What is drawn comes from the record: `to_echarts`, `to_chartjs`, `to_vega_lite`, `to_series` and
`to_table` are pure functions of it. `read_history` streams every row of the log instead,
and `write_run` writes all of a run for TensorBoard or W&B.
`json_bytes`, `write_csv` and `write_parquet` turn either into bytes; the same values give the same
bytes.
"""

from compactor.export.chartjs import to_chartjs
from compactor.export.curves import Axis, ExportError
from compactor.export.echarts import to_echarts
from compactor.export.history import History, read_history
from compactor.export.selection import select
from compactor.export.series import to_series
from compactor.export.table import to_table
from compactor.export.trackers import write_run
from compactor.export.vegalite import to_vega_lite
from compactor.export.writing import json_bytes, write_csv, write_parquet

__all__ = [
    "Axis",
    "ExportError",
    "History",
    "json_bytes",
    "read_history",
    "select",
    "to_chartjs",
    "to_echarts",
    "to_series",
    "to_table",
    "to_vega_lite",
    "write_csv",
    "write_parquet",
    "write_run",
]
