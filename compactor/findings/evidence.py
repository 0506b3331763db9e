"""What the rules look at, and the part that each metric plays in a run."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from compactor.names import Mode, chart_and_line, direction
from compactor.reading.lines import MEAN_RANK, Line

PATIENCE = 10
"""Values without improvement after which early stopping stops. Between the defaults in wide use (3 to
20)."""
_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])")
_TRAINING = frozenset({"train", "training"})
_HELD_OUT = frozenset("val valid validation dev eval evaluation test testing".split())
_LOSSES = frozenset({"loss", "losses", "nll", "ppl", "perplexity", "cost"})
_PLAIN = frozenset(
    "all avg average batch epoch iter lm mean overall running step sum total".split()
)
"""Words that leave a loss the loss of the whole model."""
_CONTESTED = frozenset(
    "d g disc discriminator gen generator adv adversarial policy value actor critic entropy q td "
    "kl kld commit commitment vq codebook aux auxiliary balance balancing z reg regularization "
    "regularisation penalty chosen rejected ent coef alpha temperature".split()
)
"""Losses against an opponent or a moving target, and terms that others outweigh: they need not fall,
so they are not judged."""
SETTINGS = frozenset(
    "coef coefficient count n num number scale size std stdev target usd var variance weight "
    "weights".split()
)
"""What ends in one of these is set, counted or a spread: a loss's scale may stay, or grow."""
COUNTS = frozenset({"count", "n", "num", "number"})
"""So is what begins with one of these."""
_RETURNS = frozenset({"return", "returns", "rew", "reward", "rewards", "winrate"})
_EPISODES = frozenset({"ep", "episode", "episodes", "episodic", "return", "returns", "rollout"})
"""A reward of one of these is that of an agent; other rewards are those of answers."""


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
        min_delta: By more than how much a value must be better for early stopping to go on.
        expected_ranks: The ranks that ought to have logged something; none, if it is not known or
            ``lines`` are not of all ranks.
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
    expected_ranks: Sequence[int] = ()

    @cached_property
    def leading(self) -> dict[str, Line]:
        """Of each metric, the line of the lowest rank that logged it; sorted by metric."""
        own = (line for line in self.lines if line.rank != MEAN_RANK)
        by_rank = sorted(own, key=lambda line: (line.metric, -line.rank))
        return {line.metric: line for line in by_rank}

    @cached_property
    def _of_several_ranks(self) -> bool:
        return len({line.rank for line in self.lines}.union(self.ended) - {MEAN_RANK}) > 1

    def name(self, line: Line) -> str:
        """What a text calls a line: its metric, and its rank where the run has several."""
        return f"{line.metric} of rank {line.rank}" if self._of_several_ranks else line.metric

    def leads(self, metric: str) -> bool:
        """Whether the whole training hangs on a metric: the monitor's chart, and plain losses."""
        chart = chart_and_line(metric)[0].lower()
        if self.monitor is not None and chart == chart_and_line(self.monitor)[0].lower():
            return True
        named = words(chart)
        return "cost" not in named and bool(named & _LOSSES) and named <= _LOSSES | _PLAIN

    def mode_of(self, metric: str) -> Mode | None:
        """Which values of a metric are good: by the monitor's mode, its goal, or its name."""
        if metric == self.monitor and self.mode is not None:
            return self.mode
        return self.goals.get(metric) or direction(metric)

    def judged(self) -> Iterator[tuple[Line, Mode]]:
        """The lines whose course tells how training went: leading ones with a known direction.

        The monitor, and what is named after a split; of the others, plain losses. Where the monitor
        is a return, as in reinforcement learning, a loss follows a target that moves, and only the
        monitor is judged; without a monitor, nothing is where an episode's return was logged.
        """
        chases = self._chases_returns()
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

    def _chases_returns(self) -> bool:
        if self.monitor is not None:
            return bool(words(self.monitor) & _RETURNS)
        return any(
            words(metric) & _RETURNS and words(metric) & _EPISODES for metric in self.leading
        )

    def _speaks(self, metric: str, mode: Mode) -> bool:
        if words(metric) & _CONTESTED or _is_setting(metric):
            return False
        return split(metric) is not None or (mode == "min" and _last_word(metric) in _LOSSES)


def split(metric: str) -> str | None:
    """``"train"`` or ``"val"``, where a metric's name speaks of one; test data are held out too."""
    line = chart_and_line(metric)[1].lower()
    if line in _TRAINING:
        return "train"
    return "val" if line in _HELD_OUT and line != metric.lower() else None


def words(metric: str) -> frozenset[str]:
    """The words of a metric's name, in lower case; of ``lossG``, ``loss`` and ``g`` as well."""
    return frozenset(_split(metric) + _split(_CAMEL.sub(" ", metric)))


def is_loss(metric: str) -> bool:
    """Whether a metric is a loss, of whatever."""
    return bool(words(metric) & _LOSSES) and not _is_setting(metric)


def _is_setting(metric: str) -> bool:
    named = _split(_CAMEL.sub(" ", chart_and_line(metric)[0]))
    return named[0] in COUNTS or named[-1] in SETTINGS


def _split(metric: str) -> list[str]:
    return re.split(r"[^a-z0-9]+", metric.lower())


def _last_word(metric: str) -> str:
    return _split(metric)[-1]
