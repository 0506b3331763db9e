"""What ``everystep show`` says in words. Pure: facts in, lines out, nothing steers the terminal."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any

from logwriter.cli.text import ago, printable
from logwriter.summary import AttemptSummary, RunSummary

_MOST = 5


def describe_head(head: RunSummary, now: dt.datetime) -> list[str]:
    """Name, status, place, size, and how long ago the last row came."""
    steps = f"{head.steps:,} steps" if head.steps is not None else "no steps"
    lines = [
        f"{printable(head.name)}  ({printable(head.status)})",
        f"  {printable(head.path)}, id {head.id or 'unknown'}, started {head.started or 'unknown'}",
        f"  {head.rows:,} rows, {steps}, {_count(head.metrics, 'metric')}"
        + (f", {_count(head.attempts, 'attempt')}" if head.attempts > 1 else "")
        + (f", {head.ranks} of {head.world_size} ranks" if head.world_size > 1 else ""),
    ]
    if head.last_row:
        lines.append(f"  last row {head.last_row}, {ago(head.last_row, now)}")
    if head.monitor:
        mode = f", {head.mode}" if head.mode else ""
        lines.append(f"  monitors {printable(head.monitor)}{mode}")
    if head.tags:
        lines.append("  tags: " + ", ".join(map(printable, head.tags)))
    return lines


def describe_damage(faults: Mapping[str, Sequence[str]], path: str) -> list[str]:
    """Each fault, and what to do; nothing where all is whole."""
    if not faults:
        return []
    lines = [f"  {writer}: {printable(fault)}" for writer, all_ in faults.items() for fault in all_]
    return [
        *lines,
        "  What follows is what can be read of it without its journals;",
        f"  `everystep verify --repair {printable(path)}` saves what can be saved.",
    ]


def describe_attempts(
    attempts: Sequence[AttemptSummary], lost: Sequence[Mapping[str, Any]]
) -> list[str]:
    """What the table of attempts cannot say: rewinds, errors, and what is missing."""
    lines = []
    for a in attempts:
        who = f"attempt {a.attempt}" + (f" of rank {a.rank}" if _ranks(attempts) > 1 else "")
        lines += [f"  {who} {fact}" for fact in [*_rewind(a), *_end(a)]]
        lines += [
            f"  {who} lost rows {gap['first_seq']:,}-{gap['last_seq']:,}: {printable(gap['reason'])}"
            for gap in lost
            if (gap["rank"], gap["attempt"]) == (a.rank, a.attempt)
        ]
    return lines


def describe_phases(phases: Sequence[Mapping[str, Any]]) -> list[str]:
    """Each phase with the step it began at."""
    return _latest([f"step {p['step']:,}  {printable(p['phase'])}" for p in phases], "phases")


def describe_messages(messages: Sequence[Mapping[str, Any]]) -> list[str]:
    """The last messages, in the order they came."""
    return _latest(
        [f"step {m['step']:,}  {printable(m['level'])}  {printable(m['text'])}" for m in messages],
        "messages",
    )


def describe_checkpoints(checkpoints: Sequence[Mapping[str, Any]]) -> list[str]:
    """The last checkpoints, with what was said of them."""
    return _latest(
        [
            f"step {c['step']:,}"
            + ("" if c["epoch"] is None else f"  epoch {c['epoch']}")
            + f"  {printable(c['path'])}"
            + "".join(f"  {printable(f'{key}={value}')}" for key, value in c["facts"].items())
            for c in checkpoints
        ],
        "checkpoints",
    )


def _rewind(a: AttemptSummary) -> list[str]:
    if a.resumed_from is None:
        if a.hides:
            return [f"hides all {a.hides:,} earlier rows: it begins with the smallest step of all"]
        return ["has not logged a row: it hides nothing"] if a.resumed_by_first_row else []
    hides = f"hides {a.hides:,} of {a.hides_of:,} earlier rows" if a.hides else "hides nothing"
    why = " (its first row is one step later)" if a.resumed_by_first_row and a.hides else ""
    return [f"resumed after step {a.resumed_from:,} and {hides}{why}"]


def _end(a: AttemptSummary) -> list[str]:
    facts = []
    if a.error:
        facts.append(f"ended with {printable(a.error)}")
    if a.dropped:
        facts.append(
            f"dropped {_count(a.dropped, 'row')}: the disk refused them, or they came late"
        )
    for name, count in a.not_numbers.items():
        facts.append(f"left out {_count(count, 'value')} of {printable(name)}: not numbers")
    if a.stalls:
        facts.append(f"waited {_count(a.stalls, 'time')} for a journal")
    for trouble, count in a.troubles.items():
        facts.append(f"met trouble, {_count(count, 'time')}: {printable(trouble)}")
    if a.unverified:
        facts.append(
            f"has {_count(a.unverified, 'unverified row')}: the machine was restarted before they "
            "were synced"
        )
    return facts


def _latest(lines: list[str], what: str) -> list[str]:
    """The last few lines, and how many there are."""
    note = [f"  the last {_MOST} of {len(lines):,} {what}:"] if len(lines) > _MOST else []
    return [*note, *(f"  {line}" for line in lines[-_MOST:])]


def _count(number: int, what: str) -> str:
    return f"{number:,} {what}" + ("" if number == 1 else "s")


def _ranks(attempts: Sequence[AttemptSummary]) -> int:
    return len({a.rank for a in attempts})
