"""The compactor's document: what a chart, a report or a database column needs of a run.

`Record` is the versioned, strict-JSON summary of one run. It holds no NaN token (a value that is
not finite is ``null``, and the line's `LineInfo` says where), no clock of the machine that made it
and no path of it, so the same log gives the same bytes. Its JSON Schema is generated from the types
below by `json_schema`.
"""

from typing import Any

import msgspec

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
    ``first`` and ``last`` are the first and last finite values.
    """

    metric: str
    rank: int
    raw_points: int
    drawn_points: int
    policy: str
    repeated_steps: int = 0
    first: Point | None = None
    last: Point | None = None
    minimum: Point | None = None
    maximum: Point | None = None
    non_finite: NonFinite = NonFinite()
    unit: str | None = None
    colour: str | None = None
    note: str | None = None
    goal: str | None = None


class Chart(_Part, kw_only=True, frozen=True):
    """Lines that share a pair of axes.

    ``lines`` maps a line's name to its points, ``[step, value]`` with strictly increasing steps and
    ``null`` for a value that is not finite. ``best_point`` holds the best point of the monitor's
    line, if there is one, and of each other line whose direction (smaller or larger is better) is
    known, unless it has several values an epoch: there the extreme is a lucky batch, and stands in
    ``line_info``, which has one entry a line. Of rows that share a step one is drawn: where the
    best, the least and the greatest value lie at one step, the first of these; the others stand in
    ``line_info`` alone.
    """

    title: str
    x_label: str
    y_label: str
    lines: dict[str, list[tuple[int, float | None]]]
    best_point: dict[str, Point]
    line_info: dict[str, LineInfo]
    note: str | None = None


class Best(_Part, kw_only=True, frozen=True):
    """The best point of the run, decided with the whole run in hand.

    ``step`` is the step of the winning row; for a monitor averaged over its epoch, that of the last
    row logged in the winning epoch. ``row`` holds, for each metric, the value logged at that point
    or nearest before it (``null`` if that was not finite). ``candidates`` counts the values
    compared: where the monitor has epochs, rows outside them are not.
    """

    metric: str
    mode: str
    value: float
    step: int
    epoch: int | None
    per: str
    """``"epoch"`` (one value an epoch), ``"epoch mean"`` (averaged) or ``"step"`` (no epochs)."""
    candidates: int
    metric_chosen_by: str
    mode_chosen_by: str
    row: dict[str, float | None]


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
    run: RunInfo
    epochs: list[Epoch]
    epoch_columns: list[str]
    phases: list[Phase]
    messages: list[Message]
    not_drawn: list[str]
    notes: list[str]


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
