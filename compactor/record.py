"""The compactor's document: what a chart, a report or a database column needs of a run.

`Record` is the versioned, strict-JSON summary of one run. It holds no NaN token (a value that is
not finite is ``null``, and the line's `LineInfo` says where), no clock of the machine that made it
and no path of it, so the same log gives the same bytes. Its JSON Schema is generated from the types
below by `json_schema`.
"""

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    import pandas as pd
    import polars as pl

    from compactor.frames import Table

RECORD_FORMAT = 1
RECORD_NAME = "record.json"


class _Part(msgspec.Struct, frozen=True):
    """A frozen part of the document."""


class Point(_Part, kw_only=True, frozen=True):
    """One logged value of a metric."""

    step: int
    value: float
    epoch: int | None = None


class NonFinite(_Part, kw_only=True, frozen=True):
    """Where and how often a metric was not a finite number.

    ``stretches`` are inclusive ``(first step, last step)`` pairs of consecutive rows without a
    finite value, the first hundred of them; ``stretch_count`` counts all.
    """

    nan: int = 0
    positive_infinity: int = 0
    negative_infinity: int = 0
    stretch_count: int = 0
    stretches: list[tuple[int, int]] = []

    @property
    def total(self) -> int:
        """Rows without a finite value."""
        return self.nan + self.positive_infinity + self.negative_infinity


class LineInfo(_Part, kw_only=True, frozen=True):
    """What a drawn line stands for.

    ``raw_points`` is the number of rows in the effective history of the metric; ``drawn_points``
    how many of them the line shows; ``policy`` is ``"all"`` when none was left out.
    ``repeated_steps`` counts rows not drawn because another row of the same step is; of a line of
    very many rows, which is first reduced to what matters in each bucket of steps, it counts those
    among the rows that were left.
    ``first`` and ``last`` are the first and last finite values, ``mean`` and ``std`` those of all
    finite values (of the population). No raw row is further than ``max_error`` from the drawn line,
    in the metric's own unit, straight up or down; 0 where every row is drawn, ``null`` where that is
    not known. ``smoothing`` names the filter of the chart's ``smoothed`` line. ``rank`` is ``null`` for
    the mean over the ranks.
    """

    metric: str
    rank: int | None
    raw_points: int
    drawn_points: int
    policy: str
    repeated_steps: int = 0
    first: Point | None = None
    last: Point | None = None
    minimum: Point | None = None
    maximum: Point | None = None
    mean: float | None = None
    std: float | None = None
    max_error: float | None = None
    smoothing: str | None = None
    non_finite: NonFinite = NonFinite()
    unit: str | None = None
    colour: str | None = None
    note: str | None = None
    goal: str | None = None


class Along(_Part, kw_only=True, frozen=True):
    """Other horizontal positions of a line's points, one for each of them.

    ``seconds`` counts from the start of the run; ``epoch`` is the epoch and the share of its steps
    that had passed, ``null`` outside epochs.
    """

    seconds: list[float]
    epoch: list[float | None]


class Chart(_Part, kw_only=True, frozen=True):
    """Lines that share a pair of axes.

    ``lines`` maps a line's name to its points, ``[step, value]`` with strictly increasing steps and
    ``null`` for a value that is not finite. ``best_point`` holds the best point of the monitor's
    line, if there is one, and of each other line whose direction (smaller or larger is better) is
    known, unless it has several values an epoch: there the extreme is a lucky batch, and stands in
    ``line_info``, which has one entry a line. Of rows that share a step one is drawn: where the
    best, the least and the greatest value lie at one step, the first of these; the others stand in
    ``line_info`` alone.

    Of a line that leaves rows out, ``bands`` holds ``[step, least, greatest]`` and ``means`` holds
    ``[step, mean]`` of all its finite rows from that step to the next entry's: its points are chosen
    for what they show, and their mean is another. ``smoothed`` holds ``[step, value]`` at the steps
    of the line's points, filtered over all rows. ``along`` has the other horizontal positions of the
    points.
    """

    title: str
    x_label: str
    y_label: str
    lines: dict[str, list[tuple[int, float | None]]]
    best_point: dict[str, Point]
    line_info: dict[str, LineInfo]
    bands: dict[str, list[tuple[int, float, float]]] = {}
    means: dict[str, list[tuple[int, float]]] = {}
    smoothed: dict[str, list[tuple[int, float | None]]] = {}
    along: dict[str, Along] = {}
    note: str | None = None


class Checkpoint(_Part, kw_only=True, frozen=True):
    """A checkpoint that the run saved."""

    path: str
    step: int
    epoch: int | None


class MetricBest(_Part, kw_only=True, frozen=True):
    """The best point of one metric, found as the run's is; ``min_delta`` holds for the monitor alone."""

    mode: str
    value: float
    step: int
    epoch: int | None
    per: str


class Best(_Part, kw_only=True, frozen=True):
    """The best point of the run, decided with the whole run in hand.

    ``step`` is the step of the winning row; for a monitor averaged over its epoch, that of the last
    row logged in the winning epoch. ``row`` holds, for each metric, the value logged at that point
    or nearest before it (``null`` if that was not finite). ``candidates`` counts the values
    compared: where the monitor has epochs, rows outside them are not. ``min_delta`` is by how much
    a value had to be better than the best before it. ``rank`` is whose values decided, ``null`` for
    the mean over the ranks. ``checkpoint`` is the last one that the attempt that logged the winner saved
    in the winning epoch (where a single row won by itself, at its step).
    """

    metric: str
    mode: str
    value: float
    step: int
    epoch: int | None
    per: str
    """``"epoch"`` (one value an epoch), ``"epoch mean"`` (averaged; or ``min``, ``max``, ``last``), or
    ``"step"`` (each row by itself)."""
    candidates: int
    min_delta: float = 0.0
    rank: int | None = 0
    checkpoint: Checkpoint | None = None
    metric_chosen_by: str
    mode_chosen_by: str
    row: dict[str, float | None]


class EpochMetric(_Part, kw_only=True, frozen=True):
    """One metric in one epoch.

    Mean, least and greatest of its finite values, and its last value; ``change`` is how the mean
    differs from that of the epoch before. ``null`` for what is not finite or not there.
    """

    rows: int
    mean: float | None
    min: float | None
    max: float | None
    last: float | None
    change: float | None


class Epoch(_Part, kw_only=True, frozen=True):
    """One epoch: a metric's value, or its mean where the metric was logged several times in it.

    Of an epoch that was repeated, the latest attempt that logged the metric in it counts. Each
    metric is that of the lowest rank that logged it.
    """

    epoch: int
    first_step: int
    last_step: int
    ended: bool
    seconds: float | None
    values: dict[str, float | None]
    metrics: dict[str, EpochMetric] = {}


class Finding(_Part, kw_only=True, frozen=True):
    """Something that the log shows and a person should know.

    ``rule`` is its kind, such as ``"overfitting"``; ``severity`` is ``"info"``, ``"warning"`` or
    ``"critical"``. It holds from ``step`` to ``last_step`` (``null``: to the end, or at no step in
    particular). ``text`` says what was seen, with figures; ``evidence`` has the figures by name;
    ``advice`` says what to try.
    """

    rule: str
    severity: str
    metric: str
    rank: int
    step: int | None
    last_step: int | None
    text: str
    evidence: dict[str, float | int | str | None]
    advice: str


class Attempt(_Part, kw_only=True, frozen=True):
    """One process that wrote to the run."""

    rank: int
    attempt: int
    status: str
    rows: int
    hidden_rows: int
    started: str
    ended: str | None
    resumed_from: int | None
    error: str | None = None
    dropped: int = 0


class Phase(_Part, kw_only=True, frozen=True):
    """A named stretch of training, from a step on."""

    name: str
    step: int


class Message(_Part, kw_only=True, frozen=True):
    """Something the run said."""

    time: str
    step: int
    level: str
    text: str


class RunInfo(_Part, kw_only=True, frozen=True):
    """The run as its events tell it. ``status`` is that of the last attempt.

    ``status``: ``"completed"``, ``"failed"``, ``"exited"`` (the interpreter ended without
    ``finish``) or ``"unfinished"`` (no end was recorded: it lives, or it was killed).
    """

    id: str
    name: str
    status: str
    error: str | None
    started: str
    ended: str | None
    seconds: float | None
    steps: int
    rows: int
    tags: list[str]
    config: dict[str, Any]
    environment: dict[str, Any]
    attempts: list[Attempt]
    ranks: list[int]
    world_size: int


class Record(_Part, kw_only=True, frozen=True):
    """The whole document. ``notes`` says in plain words what is missing, and why."""

    format: int = RECORD_FORMAT
    best_step: int | None
    charts: dict[str, Chart]
    best: Best | None
    best_by_metric: dict[str, MetricBest] = {}
    run: RunInfo
    findings: list[Finding] = []
    epochs: list[Epoch]
    epoch_columns: list[str]
    phases: list[Phase]
    messages: list[Message]
    not_drawn: list[str]
    notes: list[str]

    def __repr__(self) -> str:
        best = "no best step" if self.best_step is None else f"best step {self.best_step}"
        return f"<Record {self.run.name!r}: {self.run.status}, {best}>"

    def _repr_html_(self) -> str:
        """For notebooks: how the run went, its first charts, and its epochs."""
        from compactor.notebook import show_record  # noqa: PLC0415  where there is a notebook

        return show_record(self)

    def to_polars(self, table: "Table" = "epochs") -> "pl.DataFrame":
        """A table of the record as a Polars frame; see `to_pandas`.

        Raises:
            ValueError: There is no such table.
            ImportError: Polars is not installed.
        """
        from compactor.frames import record_table  # noqa: PLC0415  loads pyarrow
        from logwriter.frames import to_polars  # noqa: PLC0415  likewise

        return to_polars(record_table(self, table))

    def to_pandas(self, table: "Table" = "epochs") -> "pd.DataFrame":
        """A table of the record as a pandas frame. Null integers are ``<NA>``, null floats NaN.

        Args:
            table: ``"epochs"``: a row an epoch, with its steps, whether it ended, its seconds, and
                each metric's value or mean (one called ``epoch`` is ``epoch (metric)``; likewise
                the other columns). ``"points"``: a row a drawn point, with chart, line, metric,
                rank, step, epoch, seconds and value. ``"findings"``: a row a finding. ``"best"``: a
                row a metric whose direction is known.

        Raises:
            ValueError: There is no such table.
            ImportError: pandas is not installed.
        """
        from compactor.frames import NULLABLE, record_table  # noqa: PLC0415  loads pyarrow
        from logwriter.frames import to_pandas  # noqa: PLC0415  likewise

        return to_pandas(record_table(self, table), nullable=NULLABLE[table])


def encode(record: Record) -> bytes:
    """The document as UTF-8 JSON, indented by two spaces, with a final newline."""
    return msgspec.json.format(msgspec.json.encode(record), indent=2) + b"\n"


def json_schema() -> dict[str, Any]:
    """The JSON Schema (2020-12) of the document, generated from the types of this module.

    It describes what is written: every field is there, and no other. ``record.schema.json`` beside
    this module holds the same.
    """
    schema = msgspec.json.schema(Record)
    for part in schema["$defs"].values():
        part["required"] = list(part["properties"])
        part["additionalProperties"] = False
    schema["$defs"]["Record"]["properties"]["format"] = {"const": RECORD_FORMAT}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"everystep record, format {RECORD_FORMAT}",
        **schema,
    }
