"""What a comparison comes to: frozen values that programs read, and that the text and the page show."""

from collections.abc import Iterator
from typing import Any

import msgspec

from compactor.names import Mode
from compactor.record import Finding


class RunBest(msgspec.Struct, frozen=True, kw_only=True):
    """The best value of one run by the metric of the comparison; ``per`` as in `compactor.record.Best`."""

    value: float
    step: int
    epoch: int | None
    per: str


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """When a run was first as good as the target; ``seconds`` counts from its start.

    Without ``exact`` the moment is that of a drawn point: rows that the record leaves out may have
    been as good a little earlier, or it was the record's best point alone that told.
    """

    step: int
    epoch: int | None
    seconds: float | None
    exact: bool


class ComparedRun(msgspec.Struct, frozen=True, kw_only=True):
    """One run of a comparison.

    ``settings`` has the configuration's keys that differ between the runs, as text, ``None`` where
    the run lacks one; ``config`` is all of it. ``group`` is the label of the runs that it is a
    repetition of, with other seeds.
    """

    label: str
    id: str
    name: str
    path: str | None
    status: str
    best: RunBest | None
    reached: Reached | None
    seconds: float | None
    steps: int
    settings: dict[str, str | None]
    config: dict[str, Any]
    findings: list[Finding]
    group: str | None = None


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """Runs whose configuration differs in seeds alone.

    ``mean`` and ``std`` (of the sample, with n - 1) are those of the best values of the ``judged``
    runs that have one.
    """

    label: str
    runs: list[str]
    judged: int
    mean: float | None
    std: float | None
    least: float | None
    greatest: float | None


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A run that could not be compared, and why."""

    path: str
    error: str


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """Several runs, the best first; what has no best value comes last.

    ``target`` is what ``reached`` is about, ``target_chosen_by`` says whence it comes. ``settings``
    names the keys of the configuration that differ; ``settings_alike`` counts the others.
    """

    metric: str
    mode: Mode
    metric_chosen_by: str
    target: float | None
    target_chosen_by: str
    runs: list[ComparedRun]
    groups: list[Group]
    settings: list[str]
    settings_alike: int
    failed: list[Failure]
    notes: list[str]
    files: list[str] = []

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[ComparedRun]:
        return iter(self.runs)

    def rows(self) -> list[dict[str, Any]]:
        """A flat mapping for each run, all with the same keys, as a data frame takes them."""
        return [self._row(run) for run in self.runs]

    def _row(self, run: ComparedRun) -> dict[str, Any]:
        best, reached = run.best, run.reached
        return {
            "run": run.label,
            "status": run.status,
            "best": best.value if best else None,
            "best_epoch": best.epoch if best else None,
            "best_step": best.step if best else None,
            "seconds": run.seconds,
            "steps": run.steps,
            "reached_step": reached.step if reached else None,
            "reached_epoch": reached.epoch if reached else None,
            "reached_seconds": reached.seconds if reached else None,
            "group": run.group,
            **{f"config.{key}": run.settings[key] for key in self.settings},
        }
