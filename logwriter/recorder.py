"""What the training loop says of itself: rows, and what happens around them."""

import os
import sys
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from typing import Any, Literal, TypeVar

from logwriter import events as ev
from logwriter import journal as jf
from logwriter.appender import Appender
from logwriter.arguments import check_definition, check_epoch
from logwriter.eventlog import EventLog

_Item = TypeVar("_Item")


class Recorder(Appender):
    """An appender that also takes epochs, phases, messages, checkpoints and definitions, as events."""

    _events: EventLog

    def __init__(self, *, on_error: str) -> None:
        """Prepare for rows and events. The owner sets ``_events``, and the appender's ``_source``."""
        super().__init__(on_error=on_error)
        self._broken_off: ev.EpochEnded | None = None
        self._clock_origin = time.time_ns() - time.monotonic_ns()

    def define(
        self,
        metric: str,
        *,
        chart: str | None = None,
        line: str | None = None,
        title: str | None = None,
        x_label: str | None = None,
        y_label: str | None = None,
        unit: str | None = None,
        colour: str | None = None,
        note: str | None = None,
        goal: Literal["min", "max"] | None = None,
    ) -> None:
        """Say how a metric is drawn and judged, where the defaults do not fit.

        Args:
            metric: The metric's name, as it is logged.
            chart: The chart that draws it; metrics of one chart share its axes.
            line: Its name in the chart's legend.
            title: The chart's title.
            x_label: What the steps are.
            y_label: What the values are.
            unit: The unit of the values.
            colour: A colour that matplotlib and CSS know, such as ``#0072b2``.
            note: A sentence for the reader of the chart.
            goal: ``"min"`` or ``"max"``: which values are good.

        Raises:
            TypeError: A text is not a string.
            ValueError: The name is empty, or the goal is neither.
        """
        texts = {
            "chart": chart,
            "line": line,
            "title": title,
            "x_label": x_label,
            "y_label": y_label,
            "unit": unit,
            "colour": colour,
            "note": note,
        }
        check_definition(metric, goal, texts)
        plain = {key: text and ev.readable(text) for key, text in texts.items()}
        self._tell(ev.MetricDefined, metric=ev.readable(metric), goal=goal, **plain)

    def update_config(self, config: Mapping[str, Any]) -> None:
        """Set or replace keys of the configuration."""
        self._tell(ev.ConfigUpdated, config=ev.plain(config))

    def message(self, text: str, level: str = "info") -> None:
        """Record something worth reading, at the current step."""
        self._tell(
            ev.Message, text=ev.readable(str(text)), level=ev.readable(str(level)), step=self._step
        )

    def phase(self, name: str) -> None:
        """Begin a named stretch of training, such as warm-up, at the current step."""
        self._tell(ev.PhaseStarted, phase=ev.readable(str(name)), step=self._step)

    def checkpoint(self, path: str | os.PathLike[str], **facts: Any) -> None:
        """Record that a checkpoint was saved at ``path``, at the current step and epoch."""
        epoch = None if self._epoch == jf.NO_EPOCH else self._epoch
        text = ev.readable(os.fspath(path))
        self._tell(
            ev.CheckpointSaved, path=text, step=self._step, epoch=epoch, facts=ev.plain(facts)
        )

    def epochs(self, epochs: int | Iterable[int]) -> Generator[int, None, None]:
        """Count epochs: rows logged inside one belong to it, and its time is recorded.

        Args:
            epochs: How many, counted from 0, or their numbers, such as ``range(3, 10)``.

        Yields:
            The number of the epoch. Leaving the loop by ``break`` ends the epoch, unless the run
            then fails.
        """
        numbers = range(epochs) if isinstance(epochs, int) else epochs
        for item in _progress(numbers, "epochs"):
            number = check_epoch(item)
            self._settle_broken_off()
            outer, self._epoch = self._epoch, number
            self._tell(ev.EpochStarted, epoch=number, step=self._step)
            began = time.monotonic()
            try:
                yield number
            except GeneratorExit:
                self._broken_off = self._epoch_ended(number, began)
                raise
            finally:
                if self._epoch == number:  # else another loop over epochs has taken over
                    self._epoch = outer
            self._write(self._epoch_ended(number, began))

    def steps(self, iterable: Iterable[_Item]) -> Iterator[_Item]:
        """The items of ``iterable``, with a progress bar where the terminal can show one."""
        label = "steps" if self._epoch == jf.NO_EPOCH else f"epoch {self._epoch}"
        return iter(_progress(iterable, label))

    def _tell(self, kind: Callable[..., ev.Event], **fields: Any) -> None:
        """Append an event, where rows may be appended too."""
        self._write(kind(time=self._now(), **fields))

    def _write(self, event: ev.Event) -> None:
        if self._may_log():
            self._events.append(event)

    def _now(self) -> int:
        """Microseconds since 1970, by a clock that never steps back."""
        return (self._clock_origin + time.monotonic_ns()) // 1000

    def _settle_broken_off(self) -> None:
        """An epoch left by ``break`` has ended, since the run went on."""
        if self._broken_off is not None:
            self._write(self._broken_off)
            self._broken_off = None

    def _epoch_ended(self, number: int, began: float) -> ev.EpochEnded:
        seconds = time.monotonic() - began
        return ev.EpochEnded(time=self._now(), epoch=number, step=self._step, seconds=seconds)


def _progress(items: Iterable[_Item], label: str) -> Iterable[_Item]:
    """The items, with a bar on standard error if that is a terminal."""
    if not sys.stderr.isatty():
        return items
    from tqdm import tqdm  # noqa: PLC0415  only where there is something to see

    return tqdm(items, desc=label, leave=False)
