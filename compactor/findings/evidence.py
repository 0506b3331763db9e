"""What the rules look at, and the part that each metric plays in a run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from compactor.lines import MEAN_RANK, Line
from compactor.names import Mode, chart_and_line, direction

PATIENCE = 10
"""Values without improvement after which early stopping stops. Between the defaults in wide use (3 to
20)."""
_TRAINING = frozenset({"train", "training"})
_HELD_OUT = frozenset("val valid validation dev eval evaluation test testing".split())
_LOSSES = frozenset({"loss", "losses", "nll", "ppl", "perplexity", "cost"})
_CONTESTED = frozenset(
    "d g disc discriminator gen generator adv adversarial policy value actor critic entropy q td".split()
)
"""Losses against an opponent or a moving target: they need not fall, so they are not judged."""
_RETURNS = frozenset({"return", "returns", "reward", "rewards", "winrate"})


@dataclass(frozen=True)
class Evidence:
    """All that the rules know of a run.

    Attributes:
        lines: Every metric of every rank.
        monitor: The metric that decides, if one does.
        mode: Which of its values are good.
        ended: The numbers of the epochs that ended, by rank.
        best_epoch: The best epoch of the run, if there is one; it stands beside what early stopping
            would have kept.
        best_step: The best step; likewise.
        goals: Which values the run defined to be good, by metric.
        status: How the run ended, as in `compactor.record.RunInfo`.
        seconds_per_step: How long a step took, if that is known.
        patience: After how many values without improvement early stopping would stop.
        min_delta: By how much a value must be better for early stopping to go on.
    """

    lines: Sequence[Line]
    monitor: str | None = None
    mode: Mode | None = None
    ended: Mapping[int, frozenset[int]] = field(default_factory=dict)
    best_epoch: int | None = None
    best_step: int | None = None
    goals: Mapping[str, Mode | None] = field(default_factory=dict)
    status: str = "completed"
    seconds_per_step: float | None = None
    patience: int = PATIENCE
    min_delta: float = 0.0

    @cached_property
    def leading(self) -> dict[str, Line]:
        """Of each metric, the line of the lowest rank that logged it; sorted by metric."""
        own = (line for line in self.lines if line.rank != MEAN_RANK)
        by_rank = sorted(own, key=lambda line: (line.metric, -line.rank))
        return {line.metric: line for line in by_rank}

    def mode_of(self, metric: str) -> Mode | None:
        """Which values of a metric are good: by the monitor's mode, its goal, or its name."""
        if metric == self.monitor and self.mode is not None:
            return self.mode
        return self.goals.get(metric) or direction(metric)

    def judged(self) -> Iterator[tuple[Line, Mode]]:
        """The lines whose course tells how training went: leading ones with a known direction.

        The monitor, and what is named after a split; of the others, plain losses. Where the monitor
        is a return, as in reinforcement learning, a loss follows a target that moves, and only the
        monitor is judged.
        """
        chases = self.monitor is not None and bool(words(self.monitor) & _RETURNS)
        for metric, line in self.leading.items():
            mode = self.mode_of(metric)
            if mode is None:
                continue
            if metric == self.monitor or (not chases and self._speaks(metric, mode)):
                yield line, mode

    def training(self) -> Iterator[tuple[Line, Mode]]:
        """The judged losses of training, not of held-out data; a plain loss is one.

        One that was logged in less than half of the steps tells little of the run.
        """
        found = [
            (line, mode)
            for line, mode in self.judged()
            if mode == "min" and split(line.metric) != "val" and line.rows
        ]
        furthest = max((int(line.points.step[-1]) for line, _ in self.judged()), default=0)
        return ((line, mode) for line, mode in found if 2 * int(line.points.step[-1]) >= furthest)

    def partner(self, metric: str) -> Line | None:
        """The training line of the chart of a held-out metric; ``loss`` for ``eval/loss``."""
        chart, _ = chart_and_line(metric)
        partners = [
            line
            for name, line in self.leading.items()
            if chart_and_line(name)[0] == chart and split(name) in {"train", None}
        ]
        return min(
            partners, key=lambda line: (split(line.metric) is None, line.metric), default=None
        )

    def _speaks(self, metric: str, mode: Mode) -> bool:
        if words(metric) & _CONTESTED:
            return False
        return split(metric) is not None or (mode == "min" and _last_word(metric) in _LOSSES)


def split(metric: str) -> str | None:
    """``"train"`` or ``"val"``, where a metric's name speaks of one; test data are held out too."""
    line = chart_and_line(metric)[1].lower()
    if line in _TRAINING:
        return "train"
    return "val" if line in _HELD_OUT and line != metric.lower() else None


def words(metric: str) -> frozenset[str]:
    """The words of a metric's name, in lower case."""
    return frozenset(re.split(r"[^a-z0-9]+", metric.lower()))


def _last_word(metric: str) -> str:
    return re.split(r"[^a-z0-9]+", metric.lower())[-1]
