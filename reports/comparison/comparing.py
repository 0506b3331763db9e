"""From runs to a `Comparison`: labelled, judged, timed, grouped and put in order."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from compactor.names import listed
from compactor.record import Record
from logwriter.cli.text import shortened
from logwriter.errors import EverystepError
from reports.comparison.averaging import mean_and_deviation
from reports.comparison.judging import Judge, best_of, choose_judge
from reports.comparison.labels import LONGEST, labels_of, numbered
from reports.comparison.reaching import reached
from reports.comparison.result import ComparedRun, Comparison, Failure, Group, Reached, RunBest
from reports.comparison.settings import Settings, differing, flat, is_seed, repetitions
from reports.comparison.sources import Entry
from reports.wording import count, one_line

_GRAVE = "critical"
_MOST_IN_LABEL = 3


@dataclass(frozen=True)
class Compared:
    """A comparison, and what drawing it takes: records and folders of its runs, in its order."""

    comparison: Comparison
    records: list[Record]
    folders: list[Path | None]


@dataclass(frozen=True)
class _Row:
    """A run on its way into a comparison."""

    entry: Entry
    label: str
    best: RunBest | None
    config: Settings

    @property
    def record(self) -> Record:
        """The run's record."""
        return self.entry.record

    @property
    def value(self) -> float | None:
        """By what it is ranked."""
        return self.best.value if self.best else None


def compare_entries(
    entries: Sequence[Entry],
    failed: Sequence[Failure],
    *,
    metric: str | None = None,
    mode: str | None = None,
    to: float | None = None,
    seeds: Collection[str] = (),
) -> Compared:
    """Compare runs.

    Args:
        entries: The runs, two at least.
        failed: Those that could not be read.
        metric: As of `choose_judge`, like ``mode``.
        mode: Which values are good.
        to: The value whose first moment is sought.
        seeds: Keys of the configuration that are seeds, besides those of `settings.SEEDS`.

    Raises:
        EverystepError: As of `choose_judge`, or a seed named is in no configuration.
        ValueError: ``to`` is no finite number, or ``mode`` unknown.
    """
    if to is not None and not math.isfinite(to):
        raise ValueError(f"to is {to}; give a finite number")
    judge = choose_judge([entry.record for entry in entries], metric, mode)
    rows = _ranked(entries, judge)
    configs = [row.config for row in rows]
    _check_seeds(configs, seeds)
    keys = differing(configs)
    target, chosen_by = (to, "the argument") if to is not None else _target(rows, judge)
    groups = _groups(rows, seeds)
    of_run = {label: group.label for group in groups for label in group.runs}
    moments = [_reached(row, judge, target) for row in rows]
    comparison = Comparison(
        metric=judge.metric,
        mode=judge.mode,
        metric_chosen_by=judge.chosen_by,
        target=target,
        target_chosen_by=chosen_by,
        runs=[
            _run(row, moment, keys, of_run.get(row.label))
            for row, (moment, _) in zip(rows, moments, strict=True)
        ],
        groups=sorted(groups, key=lambda group: judge.key(group.mean)),
        settings=keys,
        settings_alike=len({key for config in configs for key in config}) - len(keys),
        failed=list(failed),
        notes=[*judge.notes, *(trouble for _, trouble in moments if trouble)],
    )
    return Compared(comparison, [row.record for row in rows], [row.entry.folder for row in rows])


def _ranked(entries: Sequence[Entry], judge: Judge) -> list[_Row]:
    """The runs with what they are called and came to, the best first."""
    rows = [
        _Row(entry, label, best_of(entry.record, judge), flat(entry.record))
        for entry, label in zip(entries, labels_of(entries), strict=True)
    ]
    return sorted(rows, key=lambda row: judge.key(row.value))


def _reached(row: _Row, judge: Judge, target: float | None) -> tuple[Reached | None, str | None]:
    """When a run reached the target, and what stood in the way of knowing it."""
    if row.best is None:
        return None, f"{row.label}: no value of {judge.metric} to judge it by."
    if target is None:
        return None, None
    try:
        return reached(row.record, row.entry.folder, row.best, judge, target), None
    except (EverystepError, OSError) as error:
        note = f"{row.label}: its log cannot be read, so that its record tells alone: {error}"
        return reached(row.record, None, row.best, judge, target), note


def _run(row: _Row, moment: Reached | None, keys: Sequence[str], group: str | None) -> ComparedRun:
    run, path = row.record.run, row.entry.path
    return ComparedRun(
        label=row.label,
        id=run.id,
        name=run.name,
        path=None if path is None else str(path),
        status=run.status,
        best=row.best,
        reached=moment,
        seconds=run.seconds,
        steps=run.steps,
        settings={key: row.config.get(key) for key in keys},
        config=run.config,
        findings=row.record.findings,
        group=group,
    )


def _target(rows: Sequence[_Row], judge: Judge) -> tuple[float | None, str]:
    """The worst of the bests: each of these runs reached it."""
    known = [row for row in rows if row.value is not None]
    sound = [row for row in known if all(f.severity != _GRAVE for f in row.record.findings)]
    chosen = sound or known
    if not chosen:
        return None, "no run has a best value"
    worst = max(chosen, key=lambda row: judge.key(row.value))
    said = "the worst of the runs' bests"
    if len(chosen) < len(known):
        said += ", without those of runs with a critical finding"
    return worst.value, said


def _check_seeds(configs: Sequence[Settings], seeds: Collection[str]) -> None:
    keys = {key for config in configs for key in config}
    for seed in seeds:
        if not any(seed in {key, key.rpartition(".")[2]} for key in keys):
            known = listed(sorted(keys)) or "none"
            raise EverystepError(f"no configuration has the seed {seed!r}; keys are: {known}")


def _groups(rows: Sequence[_Row], seeds: Collection[str]) -> list[Group]:
    members = [[rows[at] for at in own] for own in repetitions([r.config for r in rows], seeds)]
    told = differing([own[0].config for own in members])
    keys = [key for key in told if not is_seed(key, seeds)]
    names = numbered([_group_label(own, keys) for own in members], [row.label for row in rows])
    return [_group(name, own) for name, own in zip(names, members, strict=True)]


def _group_label(members: Sequence[_Row], keys: Sequence[str]) -> str:
    """What sets a group apart from the others; of a single one, whose it is."""
    if not keys:
        return f"{members[0].label} and {count(len(members) - 1, 'other')}"
    config = members[0].config
    said = [f"{key.rpartition('.')[2]}={config.get(key, 'none')}" for key in keys[:_MOST_IN_LABEL]]
    return shortened(one_line(", ".join(said)), LONGEST)


def _group(label: str, members: Sequence[_Row]) -> Group:
    values = [row.value for row in members if row.value is not None]
    mean, deviation = mean_and_deviation(np.array(values), 1) if values else (None, None)
    return Group(
        label=label,
        runs=[row.label for row in members],
        judged=len(values),
        mean=mean,
        std=deviation,
        least=min(values, default=None),
        greatest=max(values, default=None),
    )
