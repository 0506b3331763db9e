"""`SummaryWriter`: TensorBoard's calls, turned into rows and events of a run.

A tag is bound the first time that it is seen, so that a call costs one look-up more than a bound
log. While the writer is closed nothing is bound, and the first tag to come opens a new attempt.
"""

import os
from collections.abc import Callable, Mapping
from typing import Any

from logwriter.tensorboard.filewriter import FileWriter
from logwriter.tensorboard.reopening import Reopening
from logwriter.tensorboard.unsupported import Unsupported

MOST_TAGS = 1 << 14  # of each kind that are remembered; more are forgotten, and found anew


class SummaryWriter(Reopening, Unsupported):
    """A drop-in for ``torch.utils.tensorboard.SummaryWriter``; the package says what differs.

    Args:
        log_dir: The run's folder. Without one, a fresh folder with a dated, readable name under
            ``EVERYSTEP_DIR`` (default ``runs``).
        comment: Ends the name of that fresh folder; not used with ``log_dir``.
        purge_step: Hide what earlier attempts logged from this step on.
        max_queue: Not used: no row waits.
        flush_secs: Not used.
        filename_suffix: Not used.

    Raises:
        WriterLockedError: Another writer, of this process or another, has the folder.
        TypeError: ``purge_step`` is not a whole number.
        OSError: The folder or its first files cannot be made.
    """

    def __init__(  # noqa: PLR0917  the arguments are TensorBoard's
        self,
        log_dir: str | os.PathLike[str] | None = None,
        comment: str = "",
        purge_step: Any = None,
        max_queue: int = 10,
        flush_secs: float = 120,
        filename_suffix: str = "",
    ) -> None:
        self._bound: dict[Any, Callable[..., None]] = {}
        self._drawn: set[str] = set()
        self._stepless: set[Any] = set()
        self.max_queue, self.flush_secs, self.filename_suffix = (
            max_queue,
            flush_secs,
            filename_suffix,
        )
        super().__init__(log_dir, comment, purge_step)

    @property
    def file_writer(self) -> FileWriter | None:
        """Takes ready-made summaries; ``None`` when closed."""
        return None if self._run is None else FileWriter(self)

    @property
    def all_writers(self) -> dict[str, FileWriter] | None:
        """The one writer by its folder; ``None`` when closed."""
        return None if self._run is None else {str(self.log_dir): FileWriter(self)}

    def add_scalar(  # noqa: PLR0917  as TensorBoard's
        self,
        tag: str,
        scalar_value: Any,
        global_step: Any = None,
        walltime: float | None = None,
        new_style: bool = False,  # noqa: ARG002  as TensorBoard's
        double_precision: bool = False,  # noqa: ARG002
    ) -> None:
        """Log one value, whatever `Run.log` takes, as float64.

        Args:
            tag: The metric's name.
            scalar_value: A number of Python or NumPy, or a tensor of one element.
            global_step: The step, cut to a whole number; 0 without one.
            walltime: Not used.
            new_style: Not used.
            double_precision: Not used.
        """
        step = global_step
        if step.__class__ is not int or walltime is not None:
            step = self._place(tag, step, walltime)
        try:
            log = self._bound[tag]
        except KeyError:
            log = self._bind(tag, global_step)
        log(step, scalar_value)

    def add_scalars(
        self,
        main_tag: str,
        tag_scalar_dict: Mapping[str, Any],
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """Log one row, its metrics named ``main_tag/tag``."""
        step = self._place(main_tag, global_step, walltime)
        self.run.log({f"{main_tag}/{tag}": value for tag, value in tag_scalar_dict.items()}, step)

    def add_histogram(  # noqa: PLR0917  as TensorBoard's
        self,
        tag: str,
        values: Any,
        global_step: Any = None,
        bins: Any = "tensorflow",  # noqa: ARG002
        walltime: float | None = None,
        max_bins: int | None = None,  # noqa: ARG002
    ) -> None:
        """Log what the values are like, as one row, and draw it in one chart.

        ``tag/mean``, ``tag/std`` (of the population), ``tag/min``, ``tag/p05``, ``tag/p25``, ``tag/p50``,
        ``tag/p75``, ``tag/p95`` and ``tag/max`` are those of the finite values; ``tag/non_finite`` counts
        the others, where there are some. Values on a device are fetched, which waits for it, as
        TensorBoard does.

        Args:
            tag: What the names of the metrics begin with.
            values: Real numbers, of any shape: a tensor, an array, or a sequence.
            global_step: The step, cut to a whole number; 0 without one.
            bins: Not used.
            walltime: Not used.
            max_bins: Not used.
        """
        from logwriter.tensorboard.distribution import describe, to_array  # noqa: PLC0415  NumPy

        step = self._place(tag, global_step, walltime)
        try:
            array = to_array(values)
        except Exception:  # noqa: BLE001  whatever they are: the run names, counts and tells it
            self.run.log({tag: values}, step)
        else:
            self._log_distribution(tag, describe(array), step)

    def add_histogram_raw(  # noqa: PLR0917  as TensorBoard's
        self,
        tag: str,
        min: Any,  # noqa: A002  TensorBoard's names
        max: Any,  # noqa: A002
        num: Any,
        sum: Any,  # noqa: A002
        sum_squares: Any,
        bucket_limits: Any,
        bucket_counts: Any,
        global_step: Any = None,
        walltime: float | None = None,
    ) -> None:
        """As `add_histogram`, from a ready-made histogram: quantiles are as fine as its buckets.

        Raises:
            ValueError: There are not as many limits as counts.
        """
        from logwriter.tensorboard.distribution import describe_buckets  # noqa: PLC0415  NumPy

        if len(bucket_limits) != len(bucket_counts):
            raise ValueError(
                f"{tag}: {len(bucket_limits)} bucket_limits for {len(bucket_counts)} bucket_counts: "
                "give each bucket its upper limit"
            )
        moments = (num, sum, sum_squares)
        found = describe_buckets((min, max), moments, bucket_limits, bucket_counts)
        self._log_distribution(tag, found, self._place(tag, global_step, walltime))

    def add_text(
        self, tag: str, text_string: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Record a message, ``tag: text``; without a step, at the current one."""
        self._heed(walltime)
        step = None if global_step is None else _whole(global_step)
        self.run.note(f"{tag}: {text_string}", step if isinstance(step, int) else None)

    def add_hparams(
        self,
        hparam_dict: Mapping[str, Any],
        metric_dict: Mapping[str, Any],
        hparam_domain_discrete: Mapping[str, Any] | None = None,  # noqa: ARG002
        run_name: str | None = None,  # noqa: ARG002
        global_step: Any = None,
    ) -> None:
        """Set keys of the run's configuration, and log the metrics as one row.

        Without a step the row belongs to the current step.

        Raises:
            TypeError: One of them is not a dictionary.
        """
        if not isinstance(hparam_dict, dict) or not isinstance(metric_dict, dict):
            raise TypeError("add_hparams needs two dictionaries: hyper-parameters and metrics")
        run = self.run
        run.update_config(hparam_dict)
        if global_step is not None:
            run.log(metric_dict, self._place("", global_step, None))
        else:
            run.log(metric_dict, 0 if run.is_unplaced else None)

    def _get_file_writer(self) -> FileWriter:
        """Open, as after `reopen`; other loggers call this."""
        self.reopen()
        return FileWriter(self)

    def _forget(self) -> None:
        self._bound.clear()
        self._drawn.clear()

    def _bind(self, tag: Any, given: Any) -> Callable[..., None]:
        """A log for the tag; to be found again once it is known where the attempt begins."""
        with self._lock:
            run = self.run
            if given.__class__ is int:
                run.begin_at(given)
            log = run.bind(str(tag))
            if not run.is_unplaced:
                if len(self._bound) >= MOST_TAGS:
                    self._bound.clear()
                self._bound[tag] = log
        return log

    def _place(self, tag: Any, given: Any, walltime: float | None) -> Any:
        """The step of a row: the one given, as an integer, or TensorBoard's 0.

        What is no number stays what it is: `Run.log` names, counts and tells it.
        """
        self._heed(walltime)
        if given is None:
            self._heed_stepless(tag)
            return 0
        step = _whole(given)
        if isinstance(step, int):
            self.run.begin_at(step)
        return step

    def _heed(self, walltime: float | None) -> None:
        if walltime is not None:
            text = "walltime is not used: rows have the times of the run's own clock"
            self.say_once("walltime", text)

    def _heed_stepless(self, tag: Any) -> None:
        if tag in self._stepless:
            text = (
                f"{tag!r} came again without a global_step: all such values lie at step 0, as with "
                "TensorBoard, and draw one point; give each its global_step"
            )
            self.say_once("global_step", text)
        elif len(self._stepless) < MOST_TAGS:
            self._stepless.add(tag)

    def _log_distribution(self, tag: str, found: Mapping[str, float], step: Any) -> None:
        from logwriter.tensorboard.distribution import IN_UNITS_OF_THE_VALUES  # noqa: PLC0415  NumPy

        if not found:
            return  # there were no values
        if tag not in self._drawn and len(self._drawn) < MOST_TAGS:
            self._drawn.add(tag)
            for name in IN_UNITS_OF_THE_VALUES:
                self.run.define(f"{tag}/{name}", chart=tag, title=tag, line=name)
        self.run.log({f"{tag}/{name}": number for name, number in found.items()}, step)


def _whole(step: Any) -> Any:
    """The step cut to a whole number, as TensorBoard does it; what is no number stays what it is."""
    try:
        return int(step)
    except Exception:  # noqa: BLE001  whatever a step does when asked
        return step
