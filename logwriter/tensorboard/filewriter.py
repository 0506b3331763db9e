"""What callers reach for behind a `SummaryWriter`: its folder, and ready-made protocol buffers.

Lightning and Stable-Baselines3 hand over hyper-parameters that way. Scalars, text, histograms and
hyper-parameters are read; what else a summary holds is not kept, and that is said once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from logwriter.tensorboard.writer import SummaryWriter


class FileWriter:
    """The part of TensorBoard's ``FileWriter`` that others use, writing to the same run."""

    def __init__(self, writer: SummaryWriter) -> None:
        """Stand in front of ``writer``."""
        self._writer = writer

    def get_logdir(self) -> str:
        """The run's folder."""
        return str(self._writer.log_dir)

    def add_event(self, event: Any, step: Any = None, walltime: float | None = None) -> None:
        """Log what can be read of the summary in an ``Event``."""
        if event.HasField("summary"):
            self.add_summary(event.summary, step, walltime)
        else:
            self._cannot(event.WhichOneof("what"))

    def add_summary(
        self, summary: Any, global_step: Any = None, walltime: float | None = None
    ) -> None:
        """Log what can be read of a ``Summary``: scalars, text, histograms and hyper-parameters."""
        for value in summary.value:
            self._add_value(value, global_step, walltime)

    def add_graph(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._writer.add_graph()

    def add_onnx_graph(self, *_: Any, **__: Any) -> None:
        """Not kept."""
        self._writer.add_onnx_graph()

    def flush(self) -> None:
        """As `SummaryWriter.flush`."""
        self._writer.flush()

    def close(self) -> None:
        """As `SummaryWriter.close`."""
        self._writer.close()

    def reopen(self) -> None:
        """Go on after `close`, in a new attempt; does nothing before."""
        self._writer.reopen()

    def _add_value(self, value: Any, step: Any, walltime: float | None) -> None:
        writer, kind = self._writer, value.WhichOneof("value")
        plugin = value.metadata.plugin_data.plugin_name
        numbers = [*value.tensor.float_val, *value.tensor.double_val]
        if plugin == "hparams":
            if config := _read_hparams(value.metadata.plugin_data.content):
                writer.run.update_config(config)
        elif kind == "simple_value":
            writer.add_scalar(value.tag, value.simple_value, step, walltime)
        elif plugin == "scalars" and len(numbers) == 1:
            writer.add_scalar(value.tag, numbers[0], step, walltime)
        elif plugin == "text":
            text = b"\n".join(value.tensor.string_val).decode(errors="replace")
            writer.add_text(value.tag.removesuffix("/text_summary"), text, step, walltime)
        elif kind == "histo":
            h = value.histo
            raw = (h.min, h.max, h.num, h.sum, h.sum_squares, h.bucket_limit, h.bucket)
            writer.add_histogram_raw(value.tag, *raw, step, walltime)
        else:
            self._cannot(plugin or kind)

    def _cannot(self, kind: str | None) -> None:
        text = f"a summary or event that holds {kind or 'nothing known'} keeps nothing here"
        self._writer.say_once(f"summary {kind}", f"{text}; further ones are silent")


def _read_hparams(content: bytes) -> dict[str, Any]:
    """The hyper-parameters in the hparams plugin's data; only the start of a session has some."""
    from tensorboard.plugins.hparams.plugin_data_pb2 import (  # noqa: PLC0415  who made them has it
        HParamsPluginData,
    )

    found = HParamsPluginData.FromString(content).session_start_info.hparams
    return {
        name: getattr(value, kind)
        for name, value in sorted(found.items())
        if (kind := value.WhichOneof("kind")) is not None
    }
