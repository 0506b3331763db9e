"""What the page says around its charts, as plain values for the template. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from compactor.record import Attempt, Best, Finding, Record, RunInfo
from reports.wording import ABSENT, clock, column, count, duration, listing, number, span, whole

ATTEMPT_COLUMNS = (
    "Rank",
    "Attempt",
    "Status",
    "Rows",
    "Hidden",
    "Dropped",
    "Resumed from",
    "Started",
    "Ended",
    "Error",
)

_TONES = {"completed": "good", "failed": "bad"}
_ENDED = {
    "completed": "Completed",
    "failed": "Failed",
    "exited": "Ended without saying so",
    "unfinished": "No end was recorded",
}
_SEVERITIES = {"critical": "bad", "warning": "open", "info": "info"}
_GRAVITY = {"critical": 0, "warning": 1}
_PER = {
    "epoch": "epoch",
    "epoch mean": "epoch mean",
    "epoch min": "epoch minimum",
    "epoch max": "epoch maximum",
    "epoch last": "last value",
    "step": "value",
}

_PHASES_NAMED = 8

LONG = 160
"""Characters from which on a cell of a table scrolls on its own."""

Pairs = list[tuple[str, str]]


@dataclass(frozen=True)
class Cell:
    """A number in a table: as it reads, and in full."""

    text: str
    exact: str | None


@dataclass(frozen=True)
class BestBlock:
    """The run's best point in words."""

    metric: str
    value: str
    exact: str
    where: str
    why: str
    row: list[tuple[str, Cell]]


@dataclass(frozen=True)
class EpochRow:
    """A row of the table of epochs."""

    epoch: str
    steps: str
    seconds: str
    cells: list[Cell]
    ended: bool
    best: bool


@dataclass(frozen=True)
class FindingBlock:
    """A finding in words; ``tone`` is the class that colours it."""

    rule: str
    severity: str
    tone: str
    metric: str
    where: str | None
    text: str
    advice: str


def title(run: RunInfo) -> str:
    """The name of a run, or its identity where it has none."""
    return run.name.strip() or run.id


def tone(status: str) -> str:
    """Which colour a status has: ``good``, ``bad`` or ``open``."""
    return _TONES.get(status, "open")


def facts(record: Record) -> Pairs:
    """The run in numbers."""
    run = record.run
    pairs = [
        ("Duration", duration(run.seconds)),
        ("Steps", f"{run.steps:,}"),
        ("Epochs", f"{len(record.epochs):,}" if record.epochs else ABSENT),
        ("Rows", f"{run.rows:,}"),
        ("Started", clock(run.started)),
        ("Ended", clock(run.ended)),
    ]
    if run.world_size > 1:
        pairs.append(("Ranks", f"{len(run.ranks):,} of {run.world_size:,}"))
    if len(run.attempts) > len(run.ranks):
        pairs.append(("Attempts", f"{len(run.attempts):,}"))
    if record.phases:
        first = record.phases[:_PHASES_NAMED]
        named = [f"{phase.name} from step {whole(phase.step)}" for phase in first]
        more = len(record.phases) - len(first)
        pairs.append(("Phases", listing([*named, f"{more:,} more"] if more else named)))
    return pairs


def best_block(best: Best) -> BestBlock:
    """The best point, how it was found, and what else was measured there."""
    where = f"step {whole(best.step)}"
    if best.epoch is not None:
        where = f"epoch {whole(best.epoch)} · {where}"
    extreme = {"min": "smallest", "max": "largest"}.get(best.mode, best.mode)
    compared = count(best.candidates, _PER.get(best.per, best.per))
    return BestBlock(
        metric=best.metric,
        value=number(best.value),
        exact=repr(best.value),
        where=where,
        why=(
            f"{_chosen(best, extreme, compared)}. "
            f"Metric: {best.metric_chosen_by}; direction: {best.mode_chosen_by}."
        ),
        row=[(name, cell(value)) for name, value in best.row.items()],
    )


def _chosen(best: Best, extreme: str, compared: str) -> str:
    """Which of the candidates it is, and whose they are, where that is not as usual."""
    if best.rank is None:
        whose = ", as the mean over the ranks"
    else:
        whose = f", of rank {best.rank}" if best.rank else ""
    if not best.min_delta:
        return f"The {extreme} of {compared}{whose}"
    better = f"better than the best before it by more than {number(best.min_delta)}"
    return f"The last of {compared}{whose} that was {better}"


def finding_blocks(record: Record) -> list[FindingBlock]:
    """What was found, the gravest first, else in the order of the record."""
    gravest = sorted(record.findings, key=lambda finding: _GRAVITY.get(finding.severity, 2))
    return [finding_block(finding) for finding in gravest]


def finding_block(finding: Finding) -> FindingBlock:
    """One finding: where it holds, what was seen, what to try."""
    where = None
    if finding.step is not None:
        last = finding.step if finding.last_step is None else finding.last_step
        where = f"step{'' if last == finding.step else 's'} {span(finding.step, last)}"
    return FindingBlock(
        rule=finding.rule.replace("_", " "),
        severity=finding.severity,
        tone=_SEVERITIES.get(finding.severity, "info"),
        metric=finding.metric,
        where=where,
        text=finding.text,
        advice=finding.advice,
    )


def verdict(record: Record) -> str:
    """How the run went, in a sentence."""
    run = record.run
    ended = _ENDED.get(run.status, run.status)
    took = f" after {duration(run.seconds)}" if run.seconds is not None else ""
    grave = [f for f in record.findings if f.severity in {"critical", "warning"}]
    found = f"{count(len(grave), 'thing')} to look at" if grave else "nothing stands out"
    return f"{ended}{took}, {count(run.steps, 'step')}; {found}."


def epoch_rows(record: Record) -> list[EpochRow]:
    """The epochs in order, each column with as many decimals throughout."""
    columns = [
        column([epoch.values.get(name) for epoch in record.epochs]) for name in record.epoch_columns
    ]
    winner = record.best.epoch if record.best else None
    return [
        EpochRow(
            epoch=whole(epoch.epoch),
            steps=span(epoch.first_step, epoch.last_step),
            seconds=duration(epoch.seconds),
            cells=[
                Cell(texts[place], _exact(epoch.values.get(name)))
                for name, texts in zip(record.epoch_columns, columns, strict=True)
            ],
            ended=epoch.ended,
            best=epoch.epoch == winner,
        )
        for place, epoch in enumerate(record.epochs)
    ]


def attempt_rows(run: RunInfo) -> list[list[str]]:
    """The attempts, where there is more to them than that there was one."""
    plain = len(run.attempts) <= 1 and not any(a.hidden_rows or a.dropped for a in run.attempts)
    return [] if plain else [_attempt(attempt) for attempt in run.attempts]


def flatten(tree: Mapping[str, Any]) -> Pairs:
    """Nested mappings as pairs of dotted key and value."""
    return list(_leaves("", tree))


def cell(value: float | None) -> Cell:
    """One number on its own."""
    return Cell(number(value), _exact(value))


def _leaves(prefix: str, tree: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key, value in tree.items():
        if isinstance(value, Mapping) and value:
            yield from _leaves(f"{prefix}{key}.", value)
        else:
            yield f"{prefix}{key}", _spell(value)


def _spell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)


def _exact(value: float | None) -> str | None:
    return None if value is None else repr(value)


def _attempt(attempt: Attempt) -> list[str]:
    resumed = ABSENT if attempt.resumed_from is None else f"step {whole(attempt.resumed_from)}"
    return [
        str(attempt.rank),
        str(attempt.attempt),
        attempt.status,
        f"{attempt.rows:,}",
        f"{attempt.hidden_rows:,}",
        f"{attempt.dropped:,}",
        resumed,
        clock(attempt.started),
        clock(attempt.ended),
        attempt.error or ABSENT,
    ]
